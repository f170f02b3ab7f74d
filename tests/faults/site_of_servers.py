"""A place where servers are started and killed: a folder, a state folder, a port, and all that runs there.

Everything of it runs in its folder, in a PID namespace that ends with the run: nothing else can be met or left.
"""
import fcntl, json, os, pathlib, random, shutil, signal, socket, subprocess, sys, threading, time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIMIT = 40.0  # seconds; a call that takes longer hangs
TAKEN, TAKING = [random.randrange(2_700)], threading.Lock()  # the ports that were given out, less 30,000
CALLS, BEGINNING = set(), threading.Lock()  # the calls that were begun: how they end is for subprocess to learn


def free_ports(count=1):
    """The first of so many ports in a row that nobody has: above those of the test suite, below those that the kernel gives to clients."""
    while True:
        with TAKING:
            first = 30_000 + TAKEN[-1] % (2_700 - count)
            TAKEN.append(TAKEN[-1] + count)
        if all(map(is_free, range(first, first + count))):
            return first


def is_free(port):
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def inside():
    """Starts this program again in a PID namespace of its own, unless it is there."""
    if "FAULTS_INSIDE" not in os.environ:
        if os.geteuid() != 0:
            raise SystemExit("skipped: needs root")
        if subprocess.run(["unshare", "-pf", "--mount-proc", "true"], stderr=subprocess.DEVNULL).returncode != 0:
            raise SystemExit("skipped: PID namespaces are not allowed here")
        os.execvpe("unshare", ["unshare", "-pf", "--mount-proc", sys.executable, *sys.argv], {**os.environ, "FAULTS_INSIDE": "1"})
    # what nohup(1) or a shell starts in the background ignores these, and so would all that is started here
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def identity(pid):
    """Which process it is; None for one that has ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (pid, int(fields[19]))


def words(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def read(path):
    """The text of a file; none where it cannot be read."""
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def of(user):
    """What this user runs, but for what has ended."""
    found = set()
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == user and identity(int(name)):
                found.add(int(name))
        except OSError:
            pass
    return found


def end(user):
    """Kills all that this user runs, in a namespace of which this process is the first, and waits until it is gone: one that
    is about to end is nobody's by /proc, and has its sockets still."""
    met, until = set(), time.monotonic() + 5
    while time.monotonic() < until:
        left = of(user)
        met |= {found for pid in left if (found := identity(pid))}
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        reap_all()
        if not left and not any(identity(pid) == (pid, start) for pid, start in met):
            return
        time.sleep(0.002)


def reap_all():
    """Waits for every child that has ended, orphans too, where no call is under way."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def listens(port):
    """Whether anybody listens on this port of IPv4."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in lines)


class Site:
    def __init__(self, folder, port, binaries):
        self.folder, self.port = pathlib.Path(folder), port
        self.folder.mkdir(parents=True)
        self.tool, self.fixture = str(binaries / "ensure-up"), str(binaries / "examples" / "fixture")
        self.environment = {**os.environ, "ENSURE_UP_DIR": str(self.folder / "state")}
        self.environment.pop("FAULTS_INSIDE", None)

    def start(self, *options, delay=20):
        """The words of a call that wants the server up."""
        server = [self.fixture, "serve", "--count", str(self.folder / "count"), "--delay", str(delay), "127.0.0.1:{port}"]
        return [self.tool, "--json", "--port", str(self.port), *options, "--", *server]

    def begin(self, call, **more):
        with BEGINNING:
            process = subprocess.Popen(call, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **more)
            CALLS.add(process.pid)
        return process

    def finish(self, process):
        """Waits for a call: its status, its records, what it said."""
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            # what it has started may have its streams
            self.clear()
            process.communicate()
            return "hangs", [], ""
        return process.returncode, [json.loads(line) for line in out.splitlines() if line.startswith("{")], err.strip()

    def run(self, call):
        return self.finish(self.begin(call))

    def processes(self):
        """Everything that runs here, by what it is: servers, supervisors, and whatever else."""
        servers, supervisors, others = set(), set(), set()
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            try:
                here = pathlib.Path(os.readlink(f"/proc/{name}/cwd")) == self.folder
            except OSError:
                continue
            found = here and identity(int(name))
            if found:
                line = words(int(name))
                kind = servers if "serve" in line[1:2] else supervisors if "--supervise" in line[1:2] else others
                kind.add(found)
        return servers, supervisors, others

    def settled(self, wanted, patience=3.0):
        """Waits until what runs is as wanted; returns what runs."""
        until = time.monotonic() + patience
        while True:
            found = self.processes()
            if wanted(*found) or time.monotonic() > until:
                return found
            time.sleep(0.002)

    def locked(self):
        """Which locks somebody holds. Those of supervisors are held for life."""
        held = []
        for path in (self.folder / "state").glob("*.lock"):
            with open(path) as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    held.append(path.name)
        return held

    def records(self):
        found = []
        for path in (self.folder / "state").glob("*.json"):
            try:
                found.append(json.loads(path.read_text()))
            except (OSError, ValueError):
                found.append({"unreadable": path.name})
        return found

    def unrecorded(self, found):
        """Who of what runs is named by no record, in words."""
        identities = [one for record in self.records() for one in [record, record.get("supervisor") or {}, *record.get("holders", [])]]
        named = {one.get("pid") for one in identities}
        return [f"{pid} is in no record: {words(pid)}" for pid, _ in set.union(*found) if pid not in named]

    def halted(self):
        """Who was sent SIGSTOP, and nothing after it."""
        return [pid for pid, _ in set.union(*self.processes()) if ") T " in read(f"/proc/{pid}/stat")]

    def clear(self):
        while any(found := self.processes()):
            for pid, _ in set.union(*found):
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            reap()
            time.sleep(0.001)
        shutil.rmtree(self.folder / "state", ignore_errors=True)


def reap():
    """Waits for orphans, which are this process's own where it is the first of its namespace; others' children stay."""
    if os.getpid() != 1:
        return
    with BEGINNING:
        reap_orphans()


def reap_orphans():
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in CALLS:
            try:
                fields = pathlib.Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()
                if fields[0] == "Z" and fields[1] == "1":
                    os.waitpid(int(name), os.WNOHANG)
            except (OSError, ChildProcessError):
                pass
