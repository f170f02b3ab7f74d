//! Servers as people run them, where they are installed.

use std::process::{Command, Stdio};

use super::{Said, is_free, port_kill};
use crate::support::{Fixture, eventually, free_port, installed, runs};

const MULTIPROCESSING: &str = "
import multiprocessing, socket, sys, time

def work(listener):
    while True:
        time.sleep(60)

if __name__ == '__main__':
    listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
    workers = [multiprocessing.get_context('fork').Process(target=work, args=(listener,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    pids = ' '.join(f'pid={worker.pid}' for worker in workers)
    print(f'ready 127.0.0.1:{listener.getsockname()[1]} {pids}', flush=True)
    for worker in workers:
        worker.join()
";

#[test]
fn a_python_multiprocessing_server_ends_with_all_its_workers() {
    let Some(python) = installed("python3") else { return };
    let mut command = Command::new(python);
    command.args(["-c", MULTIPROCESSING, &free_port().to_string()]);
    let server = Fixture::spawn(command);
    let said = Said::by(&port_kill().args(["--json", &server.port().to_string()]).any_stdout().run());
    assert_eq!(said.pids(), server.pids());
    assert!(said.all_are_free() && server.pids().into_iter().all(|pid| !runs(pid)));
}

#[test]
fn nginx_ends_with_its_workers() {
    let Some(nginx) = installed("nginx").or_else(|| installed("/usr/sbin/nginx")) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let port = free_port();
    let path = folder.path().display();
    let configuration = format!(
        "daemon off; pid {path}/pid; error_log {path}/error.log; worker_processes 3;
         events {{}}
         http {{ access_log off; client_body_temp_path {path}/a; proxy_temp_path {path}/b; fastcgi_temp_path {path}/c;
                 uwsgi_temp_path {path}/d; scgi_temp_path {path}/e; server {{ listen 127.0.0.1:{port}; }} }}"
    );
    std::fs::write(folder.path().join("nginx.conf"), configuration).expect("the folder is ours");
    let mut master = Command::new(nginx)
        .args(["-p", &path.to_string(), "-c", "nginx.conf", "-e", "error.log"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx runs");
    let holders =
        || port_who::look(&port_who::Query::holders_of(vec![port_who::PortSpec::port(port)])).expect("a table").pids();
    eventually("nginx with its workers", || {
        holders().len() == 4 || master.try_wait().is_ok_and(|ended| ended.is_some())
    });
    let pids = holders();
    assert_eq!(pids.len(), 4, "nginx runs");
    let said = Said::by(&port_kill().args(["--json", &port.to_string()]).any_stdout().run());
    assert_eq!(said.processes[0].pid, Some(master.id()), "the master goes first");
    assert!(said.all_are_free() && is_free(port));
    assert!(pids.into_iter().all(|pid| !runs(pid)));
    master.wait().expect("a child can be waited for");
}
