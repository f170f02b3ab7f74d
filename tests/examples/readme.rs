//! README.md of the project: each of its console blocks is played on a stage of its own, where stand-ins have the names, folders
//! and parents of the programs that it shows. Where it shows nothing, what comes is not compared, but the status is.

use std::{fs, ops::Range};

use crate::{
    SetUp,
    support::{Terminal, eventually, fixture_path, free_ports, project, shell::binaries, tells_of_a_wait},
    transcript::{mask, steps_of},
};

/// A server for all that the README calls by name; `serve.py … PORT`, or `LISTEN=ADDRESS:PORT serve.py`.
const SERVER: &str = r#"
import os, signal, socket, socketserver, sys, threading

class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        if not self.rfile.readline():
            return
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"service": "shop"}')
        if "ONCE" in os.environ:
            threading.Timer(0.5, os._exit, [0]).start()

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

signal.alarm(100)
host, _, port = os.environ.get("LISTEN", "127.0.0.1:" + sys.argv[-1]).rpartition(":")
Server.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
server = Server((host.strip("[]"), int(port)), Answer, bind_and_activate=False)
server.server_bind()
for worker in range(int(os.environ.get("WORKERS", "0"))):
    told, tell = os.pipe()
    if not os.fork():
        signal.alarm(100)
        if worker:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(tell, b".")
        signal.pause()
    os.read(told, 1)
# whoever finds it listening finds its workers, too
server.server_activate()
server.serve_forever()
"#;

/// What every stage has: interpreters by other names, which run the scripts that are called `start` or `test`.
const PROGRAMS: &str = r#"
mkdir bin
python=$(python3 -c 'import sys; print(sys.executable)')
ln -s "$python" bin/node
for name in tmux zsh just npm; do ln -s /bin/sh bin/$name; done
"#;

/// Returns what stands under a heading.
fn section(heading: &str) -> String {
    let readme = fs::read_to_string(project().join("README.md")).expect("the README is there");
    let (_, rest) = readme.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    rest.split("\n## ").next().unwrap_or_default().to_owned()
}

/// Plays so many of a section's blocks, with these texts in the places of those that it shows; a block that is TOML is a file.
/// The stage's script is written with what is shown, too, and says in `places` which PID stands where.
fn plays(heading: &str, blocks: Range<usize>, places: &[(&str, String)], stage: &str) {
    let Some(set_up) = SetUp::empty(&["python3"]) else { return };
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{}:{path}", set_up.path("bin").display(), binaries().display());
    let set_up = set_up.with("PATH", &path).with("FIXTURE", &fixture_path().display()).with("API_TOKEN", "secret");
    let write = |name: &str, text: &str| fs::write(set_up.path(name), text).expect("the folder is ours");
    write("serve.py", SERVER);
    write("places", "");
    let mut places: Vec<_> = places.iter().map(|(shown, place)| ((*shown).to_owned(), place.clone())).collect();
    let text = section(heading);
    let blocks = || text.split("```").skip(1).step_by(2).skip(blocks.start).take(blocks.len());
    for file in blocks().filter_map(|block| block.strip_prefix("toml\n")) {
        write("ensure-up.toml", &placed(file, &places));
    }
    // what runs in the background would keep a pipe open
    let made = set_up.run(&format!("exec >stage 2>&1 </dev/null\n{PROGRAMS}{}", placed(stage, &places)));
    assert!(made.status.success(), "the stage of {heading}: {}", set_up.read("stage"));
    let pids = set_up.read("places");
    places.extend(pids.lines().filter_map(|line| line.split_once('=')).map(|(shown, pid)| (shown.into(), pid.into())));
    for (command, expected) in blocks().filter_map(|block| block.strip_prefix("console\n")).flat_map(steps_of) {
        step(&set_up, &placed(&command, &places), &expected);
    }
}

fn placed(text: &str, places: &[(String, String)]) -> String {
    places.iter().fold(text.to_owned(), |text, (shown, place)| text.replace(shown, place))
}

/// Plays one command on a terminal, where it is interrupted once it has said what is shown before `^C`. Those that run side by side
/// say so in any order.
fn step(set_up: &SetUp, command: &str, expected: &[&str]) {
    let mut terminal = Terminal::start(&mut set_up.shell(&format!("export TERM=dumb NO_COLOR=1\n{command}")), 160, 60);
    let interrupted = expected.iter().position(|line| *line == "^C");
    if let Some(before) = interrupted {
        eventually(command, || terminal.screen().lines().filter(|line| !tells_of_a_wait(line)).count() >= before);
        terminal.types("\u{3}");
    }
    let (status, said) = terminal.end();
    // a shell that was interrupted ends so, too
    let as_told =
        if interrupted.is_some() { status.code().is_none() } else { matches!(status.code(), Some(0 | 1 | 4)) };
    assert!(as_told, "$ {command}\n{status}, {said}");
    let folder = set_up.site.folder();
    let said = said.replace(folder.to_str().expect("its name is ASCII"), "~");
    let mut said: Vec<&str> = said.lines().collect();
    let mut expected = expected.to_vec();
    if !expected.is_empty() {
        said.sort_by_key(|line| mask(line));
        expected.sort_by_key(|line| mask(line));
        set_up.is_as_shown(command, &said.join("\n"), &expected);
    }
}

/// Ports in a row, in the places of these.
fn ports<'s>(shown: &[&'s str]) -> Vec<(&'s str, String)> {
    let first = free_ports(u16::try_from(shown.len()).expect("a few"));
    shown.iter().copied().zip((first..).map(|port| port.to_string())).collect()
}

#[test]
fn port_who() {
    let mut places = ports(&["8000", "8001", "8002", "21076", "3000"]);
    places.insert(0, ("8000-8099", format!("{}-{}", places[0].1, places[2].1)));
    let stage = r#"
mkdir -p models/backend shop
cp serve.py models/backend/server.py
cp serve.py shop/server.js
ln -s "$FIXTURE" bin/curl
cd models; setsid sh -c 'python3 backend/server.py --port 8000 & :'; cd ..
cd shop
echo 'node server.js; :' >start; echo 'npm start; :' >dev; echo 'just dev; :' >.zshrc; echo 'zsh .zshrc; :' >attach
LISTEN=[::1]:8001 setsid tmux attach &
LISTEN=[::]:3000 setsid npm start &
cd ..
echo "5119=$!" >places
health-wait --quiet :8000 :8001 :3000
curl hold connected 127.0.0.1:21076 127.0.0.1:8000 &
while ! port-who 21076 2>&1 | grep -q connection; do :; done
printf '#!/bin/sh\n[ "$PORT" -gt 1023 ]\n' >run-tests
chmod +x run-tests
"#;
    plays("port-who", 0..1, &places, stage);
}

#[test]
fn try_it() {
    let mut places = ports(&["8000"]);
    places.push(("cargo run --release -p ensure-up --", "ensure-up".to_owned()));
    // it is what runs this
    places.push(("cargo test --workspace", "true".to_owned()));
    plays("Try it", 0..2, &places, "");
}

#[test]
fn port_kill() {
    let stage = r"
WORKERS=2 python3 serve.py 5001 &
health-wait --quiet :5001
";
    plays("port-kill", 0..1, &ports(&["5001", "8000"]), stage);
}

#[test]
fn proc_tree() {
    let stage = r#"
mkdir punie
cat >punie/__main__.py <<END
import os, signal, subprocess
signal.alarm(100)
for worker in range(2):
    if not os.fork():
        signal.alarm(100)
        if not worker:
            subprocess.Popen(["node", "render.js"])
        signal.pause()
exec(open("serve.py").read())
END
printf 'import signal\nsignal.alarm(100)\nopen("renders", "w")\nsignal.pause()\n' >render.js
LISTEN=127.0.0.1:8000 python3 -m punie serve &
echo "4711=$!" >places
printf '#!/bin/sh\nsleep 0.5\n' >bin/cargo
chmod +x bin/cargo
health-wait --quiet :8000 file:renders
"#;
    plays("proc-tree", 0..1, &ports(&["8000"]), stage);
}

#[test]
fn health_wait() {
    let mut places = ports(&["5432", "8000"]);
    places.push(("/run/app.sock", "app.sock".to_owned()));
    let stage = r#"
"$FIXTURE" unix app.sock 127.0.0.1:5432 &
ONCE=yes python3 serve.py 8000 &
echo "\$!=$!" >places
printf '#!/bin/sh\n:\n' >start-tests
chmod +x start-tests
"#;
    plays("health-wait", 0..1, &places, stage);
}

#[test]
fn ensure_up() {
    let mut places = ports(&["8000", "8001", "8002", "3000"]);
    places.insert(0, ("8000-8099", format!("{}-{}", places[0].1, places[2].1)));
    let stage = r"
mkdir shop
cp serve.py shop/server.js
cd shop
LISTEN=127.0.0.1:8000 node server.js &
cd ..
echo 'exec node serve.py 3000' >start
echo 'exec health-wait --timeout 0 :3000' >test
health-wait --quiet :8000
";
    plays("ensure-up", 0..1, &places, stage);
}

#[test]
fn ensure_up_with_a_file() {
    let mut places = ports(&["5432", "3001"]);
    places.push(("-3099", String::new()));
    let stage = r#"
program() { cat >"bin/$1"; chmod +x "bin/$1"; }
program postgres <<END
#!/bin/sh
echo 'LOG:  database system is ready to accept connections'
exec python3 serve.py 5432
END
program alembic <<END
#!/bin/sh
echo 'INFO  [alembic] Running upgrade -> 1975ea83b712'
END
program celery <<END
#!/bin/sh
exec sleep 100
END
program uv <<END
#!/bin/sh
echo 'INFO:     Uvicorn running on http://127.0.0.1:3001'
exec python3 serve.py 3001
END
program psql <<END
#!/bin/sh
health-wait --timeout 0 :\$2
END
echo 'exec health-wait --timeout 0 :3001' >test
ensure-up --quiet db
"#;
    plays("ensure-up", 1..4, &places, stage);
}
