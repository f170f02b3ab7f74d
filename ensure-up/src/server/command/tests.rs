//! What real programs look like (Debian 12), and what they are taken for. Root asks, in /site.

use std::{ffi::OsString, path::Path, time::SystemTime};

use proc_tree::Facts;

use super::*;

pub(super) fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

const PYTHON: &str = "/usr/bin/python3.11";
const NODE: &str = "/usr/bin/node";
const RUBY: &str = "/usr/bin/ruby3.1";
/// What a process inherits from root's shell in /site.
const SHELL: &[&str] = &["HOME=/root", "PWD=/site", "PATH=/usr/local/bin:/usr/bin:/bin", "SET=1"];
/// The environment lies under the title.
const WIPED: &[&str] = &[];
const NPM_START: &[&str] = &[
    "HOME=/root",
    "PWD=/site",
    "INIT_CWD=/site",
    "npm_command=start",
    "npm_lifecycle_event=start",
    "npm_lifecycle_script=node server.js 7006",
    "npm_package_json=/site/package.json",
    "npm_package_name=site",
];
const NPM_DEV: &[&str] = &[
    "HOME=/root",
    "PWD=/site",
    "INIT_CWD=/site",
    "npm_command=run",
    "npm_lifecycle_event=dev",
    "npm_lifecycle_script=vite --port 7007",
    "npm_package_json=/site/package.json",
    "npm_package_name=site",
];
const NPM_WORKSPACE: &[&str] = &[
    "HOME=/root",
    "PWD=/site/packages/api",
    "INIT_CWD=/site",
    "npm_command=start",
    "npm_lifecycle_event=start",
    "npm_lifecycle_script=node ../../server.js 7031",
    "npm_package_json=/site/packages/api/package.json",
    "npm_package_name=api",
];
const SUDO: &[&str] = &["HOME=/var/www", "LOGNAME=www-data", "USER=www-data", "SUDO_USER=root", "SUDO_UID=0"];

/// A process: its command line as /proc has it, `|` for NUL, executable, folder, user, environment.
struct Seen(&'static str, &'static str, &'static str, u32, &'static [&'static str]);

impl Seen {
    fn facts(&self) -> Facts {
        Facts {
            pid: 100,
            start_id: 1000,
            ppid: 1,
            session: 100,
            name: "server".into(),
            command: Some(self.0.split('|').map(str::to_owned).collect()),
            executable: Some(self.1.into()),
            cwd: Some(self.2.into()),
            uid: Some(self.3),
            started_at: SystemTime::UNIX_EPOCH,
        }
    }
}

/// The programs as they are found in `PATH`.
const PROGRAMS: [(&str, &str); 18] = [
    ("/usr/bin/python3", PYTHON),
    ("/usr/sbin/sshd", "/usr/sbin/sshd"),
    ("./serve", "/site/serve"),
    ("current/serve", "/site/releases/7/serve"),
    ("apache2", "/usr/sbin/apache2"),
    ("busybox", "/usr/bin/busybox"),
    ("dnsmasq", "/usr/sbin/dnsmasq"),
    ("java", "/usr/lib/jvm/java-17/bin/java"),
    ("mariadbd", "/usr/sbin/mariadbd"),
    ("memcached", "/usr/bin/memcached"),
    ("nginx", "/usr/sbin/nginx"),
    ("npm", "/usr/lib/node_modules/npm/bin/npm-cli.js"),
    ("php", "/usr/bin/php8.2"),
    ("php-fpm8.2", "/usr/sbin/php-fpm8.2"),
    ("postgres", "/usr/lib/postgresql/15/bin/postgres"),
    ("puma", "/usr/bin/puma"),
    ("python3", PYTHON),
    ("redis-server", "/usr/bin/redis-check-rdb"),
];

fn named(user: u32) -> Option<String> {
    let users = [(0, "root"), (33, "www-data"), (1000, "ann")];
    users.iter().find(|(uid, _)| *uid == user).map(|(_, name)| (*name).into())
}

fn variables(words: &[&str]) -> Vec<(OsString, OsString)> {
    words.iter().filter_map(|word| word.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

fn compare(seen: &Seen, words: &[&str], set: &[&str], user: u32) -> Vec<Part> {
    let (facts, environment, set) = (seen.facts(), variables(seen.4), variables(set));
    let program = PROGRAMS.iter().find(|(name, _)| *name == words[0]).map(|(_, path)| Path::new(*path));
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let asked = Asked {
        words: &words,
        cwd: Path::new("/site"),
        program,
        port: Some(7000),
        user,
        user_name: Some(if user == 0 { "root" } else { "ann" }),
        home: Some(Path::new(if user == 0 { "/root" } else { "/home/ann" })),
        environment: &set,
    };
    let mut running = Running::new(&facts, Some(&environment));
    running.named = named;
    differences(&running, &asked)
}

fn check(rows: &[(Seen, &[&str], &[Part])]) {
    for (seen, words, expected) in rows {
        assert_eq!(compare(seen, words, &[], 0), *expected, "{:?} {:?} for {words:?}", seen.0, seen.2);
    }
}

const SAME: &[Part] = &[];
const COMMAND: &[Part] = &[Part::Command];
const FOLDER: &[Part] = &[Part::Folder];
const USER: &[Part] = &[Part::User];

#[test]
fn a_program_is_known_by_its_command_line_and_a_script_behind_its_interpreter() {
    let serve = |words| Seen(words, "/site/serve", "/site", 0, SHELL);
    let python = |words| Seen(words, PYTHON, "/site", 0, SHELL);
    let php = || Seen("php|-S|127.0.0.1:7013", "/usr/bin/php8.2", "/site", 0, SHELL);
    let gunicorn = || python("/venv/bin/python3|/venv/bin/gunicorn|-b|127.0.0.1:7018|app:app");
    let flask = || python("/venv/bin/python3|/venv/bin/flask|--app|fl|run|-p|7020");
    check(&[
        (serve("serve|8000"), &["serve", "8000"], SAME),
        (serve("/usr/local/bin/serve|8000"), &["serve", "8000"], SAME),
        (serve("/site/serve|8000"), &["./serve", "8000"], SAME),
        (serve("serve|8000"), &["./serve", "8000"], SAME),
        (Seen("/opt/serve|8000", "/opt/serve", "/site", 0, SHELL), &["./serve", "8000"], COMMAND),
        (serve("serve|8001"), &["serve", "8000"], COMMAND),
        (serve("serve|8000|--test"), &["serve", "8000"], COMMAND),
        (serve("serve"), &["serve", "8000"], COMMAND),
        (serve("serve||"), &["serve"], COMMAND),
        (serve("strace|serve|8000"), &["serve", "8000"], COMMAND),
        (Seen("serve|8000", "/site/serve", "/elsewhere", 0, SHELL), &["serve", "8000"], FOLDER),
        (python("/usr/bin/python3|./serve|8000"), &["./serve", "8000"], SAME),
        (python("/usr/bin/python3|-u|/site/serve|8000"), &["./serve", "8000"], SAME),
        (python("/usr/bin/python3.11|./serve|8000"), &["./serve", "8000"], SAME),
        (python("python3|/site/run|8000"), &["./run", "8000"], SAME),
        (python("python3|/elsewhere/run|8000"), &["./run", "8000"], COMMAND),
        // behind a link
        (python("python3|/site/releases/7/serve|8000"), &["current/serve", "8000"], SAME),
        (Seen("serve|8000", "/site/releases/7/serve", "/site", 0, SHELL), &["current/serve", "8000"], SAME),
        (Seen("serve|8000", "/site/releases/6/serve", "/site", 0, SHELL), &["current/serve", "8000"], COMMAND),
        (python("/usr/bin/python3|manage.py|serve|8000"), &["serve", "8000"], COMMAND),
        (python("python3|-m|uvicorn|app:app"), &["uvicorn", "app:app"], SAME),
        (python("sh|-c|serve|8000"), &["serve", "8000"], COMMAND),
        (python("python3|other.py"), &["python3", "app.py"], COMMAND),
        (python("/venv/bin/python|fl.py"), &["python", "fl.py"], SAME),
        (python("/venv/bin/python|fl.py"), &["/other/bin/python", "fl.py"], COMMAND),
        // the same file, and other packages
        (python("/venv/bin/python3|fl.py"), &["/usr/bin/python3", "fl.py"], COMMAND),
        (python("python3|-m|http.server|8000"), &["python3", "-m", "http.server", "8001"], COMMAND),
        (gunicorn(), &["gunicorn", "-b", "127.0.0.1:7018", "app:app"], SAME),
        (gunicorn(), &["gunicorn", "-b", "127.0.0.1:7018", "other:app"], COMMAND),
        (flask(), &["flask", "--app", "fl", "run", "-p", "7020"], SAME),
        (flask(), &["flask", "--app", "fl2", "run", "-p", "7020"], COMMAND),
        (php(), &["php", "-S", "127.0.0.1:7013"], SAME),
        (php(), &["php", "-S", "127.0.0.1:7014"], COMMAND),
        (php(), &["php", "-S", "127.0.0.1:7013", "router.php"], COMMAND),
        // what multiprocessing starts tells nothing
        (
            python("/venv/bin/python3|-B|-c|from multiprocessing.spawn import spawn_main|--multiprocessing-fork"),
            &["uvicorn", "--workers", "2", "app:asgi"],
            COMMAND,
        ),
    ]);
    let java = || Seen("java|-cp|.|Srv|7024", "/usr/lib/jvm/java-17/bin/java", "/site", 0, SHELL);
    check(&[
        (java(), &["java", "-cp", ".", "Srv", "7024"], SAME),
        (java(), &["java", "-cp", ".", "Other", "7024"], COMMAND),
    ]);
}

#[test]
fn a_title_that_holds_the_command_or_what_matters_of_it_is_the_command() {
    let nginx = |title| Seen(title, "/usr/sbin/nginx", "/site", 0, WIPED);
    let master = || nginx("nginx: master process nginx -p . -c nginx.conf");
    let foreground = || nginx("nginx: master process nginx -p . -c nginx.conf -g daemon off;");
    check(&[
        (master(), &["nginx", "-p", ".", "-c", "nginx.conf"], SAME),
        (master(), &["/usr/sbin/nginx", "-p", ".", "-c", "nginx.conf"], SAME),
        (master(), &["nginx", "-p", ".", "-c", "other.conf"], COMMAND),
        (master(), &["nginx", "-p", "."], COMMAND),
        (master(), &["nginx"], COMMAND),
        (master(), &["apache2"], COMMAND),
        (foreground(), &["nginx", "-p", ".", "-c", "nginx.conf", "-g", "daemon off;"], SAME),
        (foreground(), &["nginx", "-p", ".", "-c", "nginx.conf"], COMMAND),
        // its master was killed: nothing tells whose it was
        (
            Seen("nginx: worker process||||", "/usr/sbin/nginx", "/site", 65_534, WIPED),
            &["nginx", "-p", ".", "-c", "nginx.conf"],
            &[Part::User, Part::Command],
        ),
    ]);
    let redis = || Seen("redis-server 127.0.0.1:7012|||", "/usr/bin/redis-check-rdb", "/site", 0, WIPED);
    let redis_at_7000 = || Seen("redis-server *:7000|||", "/usr/bin/redis-check-rdb", "/site", 0, WIPED);
    check(&[
        (redis(), &["redis-server", "--port", "7012", "--bind", "127.0.0.1", "--save", ""], SAME),
        (redis(), &["redis-server", "--port", "7012", "--daemonize", "yes", "--bind", "127.0.0.1"], SAME),
        (redis(), &["redis-server", "--port", "7013", "--bind", "127.0.0.1"], COMMAND),
        (redis(), &["redis-server", "--port", "701", "--bind", "127.0.0.1"], COMMAND),
        (redis(), &["redis-server", "--port", "7012", "--dbfilename", "test.rdb"], COMMAND),
        (redis(), &["redis-server", "redis.conf"], COMMAND),
        (redis(), &["redis-server"], COMMAND),
        (redis_at_7000(), &["redis-server"], SAME),
    ]);
    let fpm = || Seen("php-fpm: master process (fpm.conf)", "/usr/sbin/php-fpm8.2", "/site", 0, WIPED);
    check(&[
        (fpm(), &["php-fpm8.2", "-F", "-y", "fpm.conf"], SAME),
        (fpm(), &["php-fpm8.2", "-D", "-y", "fpm.conf"], SAME),
        (fpm(), &["php-fpm8.2", "-F", "-y", "other.conf"], COMMAND),
        (fpm(), &["php-fpm8.2", "-F"], COMMAND),
        (
            Seen("php-fpm: master process (/site/test/fpm.conf)", "/usr/sbin/php-fpm8.2", "/site", 0, WIPED),
            &["php-fpm8.2", "-F", "-y", "fpm.conf"],
            COMMAND,
        ),
        (
            Seen("php-fpm: pool www|||", "/usr/sbin/php-fpm8.2", "/site", 33, WIPED),
            &["php-fpm8.2", "-F", "-y", "fpm.conf"],
            &[Part::User, Part::Command],
        ),
    ]);
    let puma = || Seen("puma 5.6.5 (tcp://127.0.0.1:7014) [site]|||", RUBY, "/site", 0, SHELL);
    check(&[
        (puma(), &["puma", "-b", "tcp://127.0.0.1:7014"], SAME),
        (puma(), &["puma", "-p", "7014"], SAME),
        (puma(), &["puma", "-p", "7015"], COMMAND),
        (puma(), &["puma"], COMMAND),
        (puma(), &["puma", "-p", "7014", "-e", "test"], COMMAND),
        (puma(), &["pumas", "-p", "7014"], COMMAND),
        (Seen("puma 5.6.5 (tcp://0.0.0.0:7000) [site]||", RUBY, "/site", 0, SHELL), &["puma"], SAME),
    ]);
}

#[test]
fn a_server_that_went_elsewhere_was_started_here() {
    let postgres = |words, cwd| Seen(words, "/usr/lib/postgresql/15/bin/postgres", cwd, 101, SHELL);
    let wanted: &[&str] = &["postgres", "-D", "pg", "-p", "7030"];
    let pg_ctl: &[&str] = &["pg_ctl", "-D", "pg", "-o", "-p 7030 -k /tmp", "-l", "log", "-w", "start"];
    let started = || postgres("/usr/lib/postgresql/15/bin/postgres|-D|pg|-p|7030|-k|/tmp", "/site/pg");
    check(&[
        (postgres("postgres|-D|pg|-p|7030", "/site/pg"), wanted, SAME),
        (postgres("postgres|-D|pg2|-p|7030", "/site/pg2"), wanted, COMMAND),
        (postgres("postgres|-D|pg|-p|7030", "/elsewhere/pg"), wanted, FOLDER),
        (postgres("postgres: checkpointer |||", "/site/pg"), wanted, &[Part::Command, Part::Folder]),
        (started(), pg_ctl, SAME),
        (started(), &["pg_ctl", "-D", "pg", "-o", "-p 7031 -k /tmp", "-l", "log", "-w", "start"], COMMAND),
        (started(), &["pg_ctl", "-D", "pg", "-o", "-p 7030 -k /tmp", "stop"], COMMAND),
    ]);
    let by_variable = |environment| {
        let postgres = "/usr/lib/postgresql/15/bin/postgres";
        Seen("postgres|-p|7030", postgres, "/site/pg", 101, environment)
    };
    let wanted: &[&str] = &["postgres", "-p", "7030"];
    check(&[
        (by_variable(&["HOME=/root", "PWD=/site", "PGDATA=pg"]), wanted, SAME),
        (by_variable(&["HOME=/root", "PWD=/site", "PGDATA=pg2"]), wanted, FOLDER),
        (by_variable(SHELL), wanted, FOLDER),
    ]);
    let busybox = |words, cwd| Seen(words, "/usr/bin/busybox", cwd, 0, SHELL);
    let httpd: &[&str] = &["busybox", "httpd", "-p", "127.0.0.1:7017", "-h", "logs"];
    check(&[
        (busybox("busybox|httpd|-p|127.0.0.1:7017|-h|logs", "/site/logs"), httpd, SAME),
        (busybox("busybox|httpd|-p|127.0.0.1:7017|-h|logs", "/site/other"), httpd, FOLDER),
        (busybox("busybox|telnetd|-p|127.0.0.1:7017|-h|logs", "/site/logs"), httpd, COMMAND),
    ]);
    let mariadbd = || Seen("mariadbd|--datadir=/site/my|--port=7027", "/usr/sbin/mariadbd", "/site/my", 0, SHELL);
    let lighttpd = || Seen("lighttpd|-f|lighttpd.conf", "/usr/sbin/lighttpd", "/", 0, SHELL);
    let from_elsewhere = || Seen("lighttpd|-f|lighttpd.conf", "/usr/sbin/lighttpd", "/", 0, &["PWD=/elsewhere"]);
    check(&[
        (mariadbd(), &["mariadbd", "--datadir=/site/my", "--port=7027"], SAME),
        (mariadbd(), &["mariadbd", "--datadir=/site/my2", "--port=7027"], COMMAND),
        (lighttpd(), &["lighttpd", "-f", "lighttpd.conf"], SAME),
        (lighttpd(), &["lighttpd", "-f", "other.conf"], COMMAND),
        (from_elsewhere(), &["lighttpd", "-f", "lighttpd.conf"], FOLDER),
    ]);
    // its environment is gone too: only what means the same everywhere can be known
    let sshd = |title| Seen(title, "/usr/sbin/sshd", "/", 0, WIPED);
    let absolute: &[&str] = &["/usr/sbin/sshd", "-D", "-f", "/site/sshd.conf", "-o", "Port=7002"];
    let title = "sshd: /usr/sbin/sshd -D -f /site/sshd.conf -o Port=7002 [listener] 0 of 10-100 startups";
    check(&[
        (sshd(title), absolute, SAME),
        (sshd(title), &["/usr/sbin/sshd", "-D", "-f", "/site/sshd.conf"], COMMAND),
        (
            sshd("sshd: /usr/sbin/sshd --quiet -f /site/sshd.conf [listener] 0 of 10-100 startups"),
            &["/usr/sbin/sshd", "--quiet", "-f", "/site/sshd.conf"],
            SAME,
        ),
        (
            sshd("sshd: /usr/sbin/sshd -f sshd.conf [listener] 0 of 10-100 startups"),
            &["/usr/sbin/sshd", "-f", "sshd.conf"],
            FOLDER,
        ),
        (Seen(title, "/usr/sbin/sshd", "/", 0, &["HOME=/root"]), absolute, FOLDER),
    ]);
}

#[test]
fn the_accounts_of_servers_are_below_those_of_people_and_nobodys() {
    let all = [0, 99, 499, 1000, 65_533, 65_534, 65_535, u32::MAX - 2, u32::MAX - 1, u32::MAX];
    let servers: Vec<u32> = all.into_iter().filter(|&account| user::is_servers(account)).collect();
    assert_eq!(servers, [0, 99, 499, 65_534, u32::MAX - 1]);
}

#[test]
fn a_server_that_changed_its_user_is_roots_where_nobody_else_can_log_in_as_it() {
    let memcached =
        |user, environment| Seen("memcached|-u|memcache|-p|7015", "/usr/bin/memcached", "/site", user, environment);
    let daemon = || Seen("memcached|-d|-p|7015", "/usr/bin/memcached", "/", 102, SHELL);
    let wanted: &[&str] = &["memcached", "-u", "memcache", "-p", "7015"];
    check(&[
        (memcached(102, SHELL), wanted, SAME),
        (memcached(65_534, SHELL), wanted, SAME),
        (memcached(102, &["HOME=/root", "USER=root", "LOGNAME=root"]), wanted, SAME),
        (daemon(), &["memcached", "-d", "-p", "7015"], SAME),
        (memcached(1000, SHELL), wanted, USER),
        (memcached(102, &["HOME=/var/lib/memcached", "PWD=/site"]), wanted, USER),
        (memcached(102, &["HOME=/root", "USER=memcache"]), wanted, USER),
        (memcached(102, WIPED), wanted, USER),
        (memcached(102, SHELL), &["memcached", "-u", "memcache", "-p", "7016"], COMMAND),
    ]);
    let apache = || Seen("apache2|-f|/site/apache.conf", "/usr/sbin/apache2", "/", 33, SHELL);
    let dnsmasq = || Seen("dnsmasq|-k|-p|7016|-C|/dev/null", "/usr/sbin/dnsmasq", "/", 65_534, SHELL);
    let under_sudo = |user, environment| Seen("python3|-m|http.server|7026", PYTHON, "/site", user, environment);
    let sudo: &[&str] = &["sudo", "-u", "www-data", "python3", "-m", "http.server", "7026"];
    check(&[
        (apache(), &["apache2", "-f", "/site/apache.conf"], SAME),
        (apache(), &["apache2", "-f", "/site/other.conf"], COMMAND),
        (dnsmasq(), &["dnsmasq", "-k", "-p", "7016", "-C", "/dev/null"], SAME),
        (under_sudo(33, SUDO), sudo, SAME),
        (under_sudo(1000, SUDO), sudo, USER),
        (under_sudo(33, SUDO), &sudo[3..], USER),
    ]);
    // one who is not root has nobody to change to
    assert_eq!(compare(&memcached(102, SHELL), wanted, &[], 1000), USER);
    assert_eq!(compare(&memcached(0, SHELL), wanted, &[], 1000), USER);
    assert_eq!(compare(&memcached(1000, SHELL), wanted, &[], 1000), SAME);
}

#[test]
fn what_only_starts_a_command_is_taken_off() {
    let python = || Seen("python3|-m|http.server|7026", PYTHON, "/site", 0, SHELL);
    let rest = ["python3", "-m", "http.server", "7026"];
    let wrappers: [&[&str]; 17] = [
        &["nohup"],
        &["nice", "-n", "5"],
        &["nice", "-n5"],
        &["nice", "-5"],
        &["timeout", "5"],
        &["timeout", "-s", "KILL", "--kill-after=3", "5"],
        &["/usr/bin/timeout", "5"],
        &["setsid", "-f"],
        &["stdbuf", "-oL"],
        &["env"],
        &["env", "SET=1"],
        &["env", "-u", "OTHER", "SET=1"],
        &["uv", "run", "--no-project"],
        &["poetry", "run"],
        &["npx", "--"],
        &["nohup", "nice", "timeout", "5", "env", "SET=1"],
        &["setpriv", "--reuid=101", "--clear-groups"],
    ];
    for wrapper in wrappers {
        let words: Vec<&str> = wrapper.iter().chain(&rest).copied().collect();
        assert_eq!(compare(&python(), &words, &[], 0), SAME, "{words:?}");
        let other: Vec<&str> = wrapper.iter().chain(&["python3", "-m", "http.server", "7027"]).copied().collect();
        assert_eq!(compare(&python(), &other, &[], 0), COMMAND, "{other:?}");
    }
    let environment = &[Part::Environment(vec!["SET".into()])];
    let shells: [(&str, &[Part]); 12] = [
        ("python3 -m http.server 7026", SAME),
        ("exec python3 -m http.server 7026", SAME),
        ("SET=1 python3 -m 'http.server' \"7026\"", SAME),
        ("nohup python3 -m http.server 7026", SAME),
        ("SET=2 python3 -m http.server 7026", environment),
        ("python3 -m http.server 7027", COMMAND),
        ("cd sub && python3 -m http.server 7026", COMMAND),
        ("python3 -m http.server 7026 > log", COMMAND),
        ("python3 -m http.server $PORT", COMMAND),
        ("python3 -m http.server $(echo 7026)", COMMAND),
        ("python3 -m http.server 702?", COMMAND),
        ("python3 -m http.server '7026", COMMAND),
    ];
    for (text, expected) in shells {
        assert_eq!(compare(&python(), &["sh", "-c", text], &[], 0), *expected, "{text}");
    }
    assert_eq!(compare(&python(), &["sh", "-c", "python3 -m http.server ${AT}"], &["AT=7026"], 0).len(), 1);
    let at = Seen("python3|-m|http.server|7000", PYTHON, "/site", 0, SHELL);
    check(&[
        (at, &["bash", "-lc", "python3 -m http.server $PORT"], SAME),
        (python(), &["timeout", "--unknown", "5", "python3", "-m", "http.server", "7026"], COMMAND),
        (python(), &["env", "-C", "sub", "python3", "-m", "http.server", "7026"], COMMAND),
        (Seen("sh|-c|python3 -m http.server 7026", "/usr/bin/dash", "/site", 0, SHELL), &rest, SAME),
        (Seen("sh|-c|python3 -m http.server 7027", "/usr/bin/dash", "/site", 0, SHELL), &rest, COMMAND),
        (Seen("sh|-c|cd x; python3 -m http.server 7026", "/usr/bin/dash", "/site", 0, SHELL), &rest, COMMAND),
    ]);
}

#[test]
fn npm_is_known_by_its_title_and_its_scripts_by_what_it_tells_them() {
    let npm = |title| Seen(title, NODE, "/site", 0, SHELL);
    // `node|/usr/bin/npm|start|` is 24 bytes long, and so is what was written over it
    let start = || npm("npm start||||||||||||||");
    let with_options = || npm("npm start|||||||||||||||||||||");
    let dev = || npm("npm run dev --host 127.0.0.1|||||||||||||||||");
    let npx = || npm("npm exec vite --port 7022|||||||||");
    check(&[
        (start(), &["npm", "start"], SAME),
        (start(), &["npm", "run", "start"], COMMAND),
        (with_options(), &["npm", "start"], COMMAND),
        (with_options(), &["npm", "start", "-w", "api"], COMMAND),
        (dev(), &["npm", "run", "dev", "--", "--host", "127.0.0.1"], SAME),
        (dev(), &["npm", "run", "dev"], COMMAND),
        (npx(), &["npx", "vite", "--port", "7022"], SAME),
        (npx(), &["npx", "vite", "--port", "7023"], COMMAND),
        (npm("node|/usr/bin/npm|start"), &["npm", "start"], SAME),
        (start(), &["/usr/bin/npm", "start"], SAME),
        (start(), &["/usr/local/bin/npm", "start"], COMMAND),
        // `node|/bin/npm|start|`
        (npm("npm start||||||||||"), &["npm", "start"], SAME),
        // what npm's options mean is not known from a title
        (start(), &["npm", "--unknown", "start"], COMMAND),
    ]);
    let node = |words, cwd, environment| Seen(words, NODE, cwd, 0, environment);
    let shell = |words, environment| Seen(words, "/usr/bin/dash", "/site", 0, environment);
    let server = || node("node|server.js|7006", "/site", NPM_START);
    let vite = || node("node|/site/node_modules/.bin/vite|--port|7007|--host|127.0.0.1", "/site", NPM_DEV);
    let with_host: &[&str] = &["npm", "run", "dev", "--", "--host", "127.0.0.1"];
    check(&[
        (server(), &["npm", "start"], SAME),
        (server(), &["npm", "--silent", "run", "start"], SAME),
        (server(), &["pnpm", "start"], SAME),
        (server(), &["sh", "-c", "npm start"], SAME),
        (server(), &["npm", "run", "other"], COMMAND),
        (server(), &["npm", "start", "--", "--test"], COMMAND),
        (server(), &["npm", "--unknown", "start"], COMMAND),
        (node("node|api.js|4000", "/site", NPM_START), &["npm", "start"], COMMAND),
        (node("node|server.js|7006", "/site", SHELL), &["npm", "start"], COMMAND),
        (shell("sh|-c|node server.js 7006", NPM_START), &["npm", "start"], SAME),
        (vite(), with_host, SAME),
        (vite(), &["pnpm", "dev", "--host", "127.0.0.1"], SAME),
        (vite(), &["npm", "run", "dev"], COMMAND),
        (vite(), &["npm", "run", "dev", "--", "--mode", "test"], COMMAND),
        (shell("sh|-c|vite --port 7007 --host 127.0.0.1", NPM_DEV), with_host, SAME),
        (shell("sh|-c|vite --port 7007 --host 127.0.0.1", NPM_DEV), &["npm", "run", "dev"], COMMAND),
    ]);
    let api = || node("node|../../server.js|7031", "/site/packages/api", NPM_WORKSPACE);
    check(&[
        (api(), &["npm", "start", "-w", "api"], SAME),
        (api(), &["npm", "start", "--workspace=packages/api"], SAME),
        (api(), &["npm", "start", "--prefix", "packages/api"], SAME),
        (api(), &["npm", "start", "-w", "web"], &[Part::Command, Part::Folder]),
        (api(), &["npm", "start"], &[Part::Command, Part::Folder]),
    ]);
    let start: &[&str] = &["npm", "start"];
    let of_npx = || node("node|/site/node_modules/.bin/vite|--port|7022", "/site", SHELL);
    // http-server gives itself a title without arguments: the shell that npx left beside it tells them
    let titled = || node("http-server||||", "/site", SHELL);
    check(&[
        (of_npx(), &["npx", "vite", "--port", "7022"], SAME),
        (of_npx(), &["npx", "-y", "vite@8", "--port", "7022"], SAME),
        (of_npx(), &["npm", "exec", "--", "vite", "--port", "7022"], SAME),
        (of_npx(), &["npx", "vite", "--port", "7023"], COMMAND),
        (of_npx(), &["npx", "other", "--port", "7022"], COMMAND),
        (shell("sh|-c|'http-server' -p 7022", SHELL), &["npx", "-y", "http-server", "-p", "7022"], SAME),
        (titled(), &["npx", "-y", "http-server", "-p", "7022"], COMMAND),
        // npm's own path is no name of the shell that npm starts
        (node("/usr/lib/node_modules/npm/bin/npm-cli.js -c node server.js 7006||", "/site", NPM_START), start, COMMAND),
        (node("/usr/bin/node|server.js|7023", "/site", SHELL), &["nodemon", "-w", "src", "server.js", "7023"], SAME),
        (node("/usr/bin/node|server.js|7023", "/site", SHELL), &["node", "--watch", "server.js", "7023"], SAME),
        (node("/usr/bin/node|other.js|7023", "/site", SHELL), &["nodemon", "server.js", "7023"], COMMAND),
    ]);
}

#[test]
fn every_variable_that_was_set_is_there_with_its_value() {
    let serve = |environment| Seen("serve|8000", "/site/serve", "/site", 0, environment);
    let differs = |names: &[&str]| vec![Part::Environment(names.iter().map(|&name| name.to_owned()).collect())];
    let words: &[&str] = &["serve", "8000"];
    assert_eq!(compare(&serve(SHELL), words, &["SET=1"], 0), SAME);
    assert_eq!(compare(&serve(SHELL), words, &["SET=2"], 0), differs(&["SET"]));
    assert_eq!(compare(&serve(SHELL), words, &["SET=1", "Z=1", "A=1"], 0), differs(&["A", "Z"]));
    assert_eq!(compare(&serve(WIPED), words, &["SET=1"], 0), differs(&["SET"]));
    assert_eq!(compare(&serve(SHELL), &["env", "A=1", "serve", "8000"], &["SET=1"], 0), differs(&["A"]));
    assert_eq!(compare(&serve(SHELL), &["serve", "1"], &["SET=2"], 0), [COMMAND, &differs(&["SET"])].concat());
}

#[test]
fn a_process_of_which_nothing_can_be_seen_differs_in_all() {
    let facts =
        Facts { command: None, executable: None, cwd: None, uid: None, ..Seen("x", "/x", "/site", 0, SHELL).facts() };
    let words = [OsString::from("x")];
    let cwd = Path::new("/site");
    let asked =
        Asked { words: &words, cwd, program: None, port: None, user: 0, user_name: None, home: None, environment: &[] };
    assert_eq!(differences(&Running::new(&facts, None), &asked), [Part::User, Part::Command, Part::Folder]);
}

/// Ends what it holds.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_process_is_known_behind_its_wrappers_and_by_the_environment_that_it_has() {
    let folder = std::env::temp_dir().canonicalize().expect("there is one");
    let words: Vec<OsString> = ["nohup", "nice", "-n", "5", "env", "SET=1", "sleep", "61"].map(OsString::from).into();
    let mut command = std::process::Command::new(&words[0]);
    command.args(&words[1..]).current_dir(&folder).stdin(std::process::Stdio::null());
    let child = Child(command.spawn().expect("nohup is there"));
    // a program that was only just begun has no command line yet
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let (facts, environment) = loop {
        let facts = Facts::of(child.0.id()).expect("it can be seen").expect("it runs");
        let environment = proc_tree::process::environment(facts.pid).expect("it is ours").expect("it runs");
        if facts.command_line() == "sleep 61" && !environment.is_empty() {
            break (facts, environment);
        }
        assert!(std::time::Instant::now() < deadline, "it is still {}", facts.command_line());
        std::thread::yield_now();
    };
    let compare = |words: &[OsString], cwd: &Path, set: &[(OsString, OsString)]| {
        let user = facts.uid.expect("it is ours");
        let asked =
            Asked { words, cwd, program: None, port: None, user, user_name: None, home: None, environment: set };
        differences(&Running::new(&facts, Some(&environment)), &asked)
    };
    assert_eq!(compare(&words, &folder, &[]), SAME);
    assert_eq!(compare(&words[6..], &folder, &variables(&["SET=1"])), SAME);
    assert_eq!(compare(&words[6..], &folder, &variables(&["SET=2"])), [Part::Environment(vec!["SET".into()])]);
    assert_eq!(compare(&words, Path::new("/nowhere"), &[]), FOLDER);
    assert_eq!(compare(&[OsString::from("sleep"), OsString::from("62")], &folder, &[]), COMMAND);
}
