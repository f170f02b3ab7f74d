//! Real servers, where they are installed.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use super::{health_wait, record};
use crate::support::{free_port, installed};

/// A server that is ended with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let members = proc_tree::tree::members(self.0.id()).unwrap_or_default();
        let _ = self.0.kill();
        for member in members.iter().skip(1) {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(member.pid).unwrap_or(i32::MAX));
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Running {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Running(silent.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

#[test]
fn redis_is_found_as_soon_as_it_listens() {
    let Some(redis) = installed("redis-server") else { return };
    let port = free_port();
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("redis.sock");
    let mut command = Command::new(redis);
    command.args(["--save", "", "--dir"]).arg(folder.path()).args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    let server = start(command.arg("--unixsocket").arg(&socket));
    let pid = server.0.id().to_string();
    health_wait()
        .args(["-q", "--pid", &pid, &format!("localhost:{port}"), &format!("unix:{}", socket.display())])
        .run();
    drop(server);
    health_wait()
        .args(["-q", "--down", &format!("localhost:{port}"), &format!("port-free:{port}")])
        .any_stderr()
        .status(124)
        .args(["--timeout=200ms"])
        .run();
}

#[test]
fn nginx_answers_over_tcp_and_over_a_unix_socket() {
    let Some(nginx) = installed("nginx") else { return };
    let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
    let at = folder.path().display();
    let config = format!(
        "daemon off; worker_processes 2; pid {at}/pid; error_log {at}/error.log;
         events {{}}
         http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f;
           uwsgi_temp_path {at}/u; scgi_temp_path {at}/s; gzip on; gzip_types *; gzip_min_length 1;
           server {{ listen 127.0.0.1:{port}; listen unix:{at}/nginx.sock;
             location /health {{ default_type application/json; return 200 '{{\"service\":\"shop\"}}'; }}
             location /old {{ return 301 /health; }}
             location / {{ return 503; }} }} }}"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, config).expect("a file");
    let _server = start(Command::new(nginx).arg("-c").arg(&file).arg("-p").arg(folder.path()));
    let url = |path: &str| format!("http://localhost:{port}{path}");
    let output =
        health_wait().args(["--json", "-q", "--expect-json=$.service=shop", &url("/health")]).any_stdout().run();
    assert_eq!(record(&output).status, Some(200));
    health_wait().args(["--follow", "--expect-json=$.service=shop", &url("/old")]).run();
    health_wait().args(["--expect-body=shop", &format!("http+unix:{at}/nginx.sock:/health")]).run();
    health_wait().args(["-q", "--once", &url("/")]).status(1).run();
    let said = format!("health-wait: grpc://localhost:{port} is not healthy: ");
    let output = health_wait().args(["--once", &format!("grpc://localhost:{port}")]).status(1).any_stderr().run();
    assert!(output.stderr.starts_with(&said), "{}", output.stderr);
}
