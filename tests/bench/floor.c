/* The least that must be done for an answer, for tests/bench/compare: no options, no words, no checks that an answer rests on.
 *
 *   floor free PORT          does anybody listen there? two questions to the kernel
 *   floor ports FIRST LAST   who does? each process's descriptors, once
 *   floor tree PID           CPU over 1 ms, memory and threads of a process and its descendants
 *   floor tcp PORT           does it take a connection?
 *   floor http PORT          and answer a request?
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LISTENING = 1 << 10, MOST = 100000 };
static unsigned long inodes[MOST];
static int sockets;

static int by_number(const void *one, const void *other) {
  unsigned long a = *(const unsigned long *)one, b = *(const unsigned long *)other;
  return (a > b) - (a < b);
}

/* sock_diag(7): those that listen, from one port to another, filtered in the kernel */
static void listeners(int family, unsigned first, unsigned last) {
  struct {
    struct nlmsghdr head;
    struct inet_diag_req_v2 ask;
    struct nlattr filter;
    struct inet_diag_bc_op code[4];
  } question = {
    .head = {.nlmsg_len = sizeof question, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
    .ask = {.sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = LISTENING},
    .filter = {.nla_len = sizeof question.filter + sizeof question.code, .nla_type = INET_DIAG_REQ_BYTECODE},
    /* each comparison is followed by its number; where it does not hold, behind the end */
    .code = {{INET_DIAG_BC_S_GE, 8, 20}, {0, 0, first}, {INET_DIAG_BC_S_LE, 8, 12}, {0, 0, last}},
  };
  if (first == last) {
    question.ask.id.idiag_sport = htons(first);
    question.head.nlmsg_len = NLMSG_LENGTH(sizeof question.ask);
  }
  int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  char answer[32768] __attribute__((aligned(8)));
  if (send(diag, &question, question.head.nlmsg_len, 0) < 0) exit(125);
  for (;;) {
    int length = recv(diag, answer, sizeof answer, 0);
    for (struct nlmsghdr *head = (void *)answer; NLMSG_OK(head, length); head = NLMSG_NEXT(head, length)) {
      if (head->nlmsg_type == NLMSG_ERROR) exit(125);
      if (head->nlmsg_type == NLMSG_DONE) {
        close(diag);
        return;
      }
      struct inet_diag_msg *found = NLMSG_DATA(head);
      if (sockets < MOST) inodes[sockets++] = found->idiag_inode;
    }
  }
}

struct entry {
  unsigned long inode;
  long next;
  unsigned short length;
  unsigned char type;
  char name[];
};

/* getdents64(2): calls `each` for the numbers among the names */
static void numbers(int folder, void (*each)(int, const char *)) {
  char room[32768] __attribute__((aligned(8)));
  long length;
  while ((length = syscall(SYS_getdents64, folder, room, sizeof room)) > 0)
    for (long at = 0; at < length; at += ((struct entry *)(room + at))->length) {
      const char *name = ((struct entry *)(room + at))->name;
      if (*name >= '0' && *name <= '9') each(folder, name);
    }
}

static int is_holder;

static void descriptor(int folder, const char *name) {
  char link[64];
  if (is_holder) return;
  long length = readlinkat(folder, name, link, sizeof link - 1);
  if (length < 9 || memcmp(link, "socket:[", 8)) return;
  link[length] = 0;
  unsigned long inode = strtoul(link + 8, 0, 10);
  is_holder = bsearch(&inode, inodes, sockets, sizeof *inodes, by_number) != 0;
}

static void process(int proc, const char *name) {
  char path[32];
  snprintf(path, sizeof path, "%s/fd", name);
  int folder = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  is_holder = 0;
  numbers(folder, descriptor);
  close(folder);
  if (is_holder) puts(name);
}

static int members[MOST], count;

static void content(int folder, const char *path, char *text, long room) {
  int file = openat(folder, path, O_RDONLY | O_CLOEXEC);
  long length = file < 0 ? 0 : read(file, text, room - 1);
  if (file >= 0) close(file);
  text[length > 0 ? length : 0] = 0;
}

static void thread(int tasks, const char *name) {
  char path[32], text[32768], *end;
  snprintf(path, sizeof path, "%s/children", name);
  content(tasks, path, text, sizeof text);
  for (char *at = text; count < MOST; at = end) {
    int child = strtol(at, &end, 10);
    if (end == at) return;
    members[count++] = child;
  }
}

/* clock_getcpuclockid(3), without a call to see whether the process is there */
static long long cpu(int pid) {
  struct timespec spent = {0};
  clock_gettime((~(clockid_t)pid << 3) | 2, &spent);
  return spent.tv_sec * 1000000000LL + spent.tv_nsec;
}

static void tree(int root) {
  static long long before[MOST];
  char path[32], text[4096];
  int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  members[count++] = root;
  for (int at = 0; at < count; at++) {
    snprintf(path, sizeof path, "%d/task", members[at]);
    int tasks = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tasks < 0) continue;
    numbers(tasks, thread);
    close(tasks);
  }
  for (int at = 0; at < count; at++) before[at] = cpu(members[at]);
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, 0);
  long long spent = 0, memory = 0, threads = 0;
  for (int at = 0; at < count; at++) {
    spent += cpu(members[at]) - before[at];
    snprintf(path, sizeof path, "%d/smaps_rollup", members[at]);
    content(proc, path, text, sizeof text);
    char *share = strstr(text, "\nPss:");
    memory += share ? atoll(share + 5) : 0;
    snprintf(path, sizeof path, "%d/stat", members[at]);
    content(proc, path, text, sizeof text);
    char *field = strrchr(text, ')');
    for (int space = 0; field && space < 18; space++) field = strchr(field + 1, ' ');
    threads += field ? atoll(field) : 0;
  }
  printf("%d processes, %lld threads, %lld ns, %lld KiB\n", count, threads, spent, memory);
}

static int answers(int port, int is_http) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  char answer[4096];
  int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(server, (void *)&at, sizeof at)) return 1;
  if (!is_http) return 0;
  if (send(server, request, sizeof request - 1, 0) < 0) return 1;
  return recv(server, answer, sizeof answer, 0) < 12 || memcmp(answer + 9, "200", 3);
}

int main(int words, char **word) {
  const char *what = words > 2 ? word[1] : "";
  int first = words > 2 ? atoi(word[2]) : 0, last = words > 3 ? atoi(word[3]) : first;
  if (!strcmp(what, "tree")) return tree(first), 0;
  if (!strcmp(what, "tcp") || !strcmp(what, "http")) return answers(first, *what == 'h');
  if (strcmp(what, "free") && strcmp(what, "ports")) return 2;
  listeners(AF_INET, first, last);
  listeners(AF_INET6, first, last);
  if (!sockets || *what == 'f') return !sockets;
  qsort(inodes, sockets, sizeof *inodes, by_number);
  numbers(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), process);
  return 0;
}
