//! The gRPC health check, against an independent implementation of it.

use std::{net::SocketAddr, sync::mpsc, thread};

use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, sync::oneshot};
use tokio_rustls::TlsAcceptor;
use tonic_health::ServingStatus;
use tower_service::Service;

use super::{certificates, health_wait, http2, record, server::Server};
use crate::support::free_port;

/// A gRPC server; it ends when it is dropped.
struct Grpc {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Grpc {
    /// Serves `grpc.health.v1.Health` with a service in each state.
    fn start(tls: Option<TlsAcceptor>) -> Self {
        Self::start_at("127.0.0.1:0", tls)
    }

    fn start_at(address: &'static str, tls: Option<TlsAcceptor>) -> Self {
        let (sender, started) = mpsc::channel();
        let (stop, mut stopped) = oneshot::channel::<()>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let (reporter, health) = tonic_health::server::health_reporter();
                for (name, status) in [
                    ("up.Service", ServingStatus::Serving),
                    ("down.Service", ServingStatus::NotServing),
                    ("odd.Service", ServingStatus::Unknown),
                ] {
                    reporter.set_service_status(name, status).await;
                }
                let listener = TcpListener::bind(address).await.expect("a port");
                sender.send(listener.local_addr().expect("it is bound")).expect("the test waits");
                loop {
                    let stream = tokio::select! {
                        accepted = listener.accept() => accepted.expect("a connection").0,
                        _ = &mut stopped => return,
                    };
                    let (health, tls) = (health.clone(), tls.clone());
                    tokio::spawn(async move {
                        let service = service_fn(move |request: Request<Incoming>| health.clone().call(request));
                        let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                        match tls {
                            None => drop(http.serve_connection(TokioIo::new(stream), service).await),
                            Some(tls) => {
                                let Ok(stream) = tls.accept(stream).await else { return };
                                drop(http.serve_connection(TokioIo::new(stream), service).await);
                            }
                        }
                    });
                }
            });
        });
        Self { address: started.recv().expect("the server starts"), _stop: stop }
    }

    fn target(&self, service: &str) -> String {
        format!("grpc://localhost:{}{service}", self.address.port())
    }
}

fn refused(target: &str, reason: &str) {
    health_wait()
        .args(["--once", target])
        .status(1)
        .stderr(format!("health-wait: {target} is not healthy: {reason}\n"))
        .run();
}

#[test]
fn each_state_of_a_service_has_its_own_reason() {
    let server = Grpc::start(None);
    let output = health_wait().args(["--json", &server.target("")]).any_stdout().run();
    let record = record(&output);
    assert_eq!((record.healthy, record.address.as_deref(), record.status), (true, Some("127.0.0.1"), None));
    health_wait().arg(server.target("/up.Service")).run();
    refused(&server.target("/down.Service"), "NOT_SERVING");
    refused(&server.target("/odd.Service"), "UNKNOWN: the server does not say whether it serves");
    refused(&server.target("/no.Service"), "unknown service \"no.Service\"");
}

#[test]
fn a_server_without_the_health_service_says_that_it_is_unimplemented() {
    for (status, message, reason) in [
        ("12", "", "the server has no health service (UNIMPLEMENTED)"),
        ("14", "loading", "UNAVAILABLE: \"loading\""),
        ("99", "", "gRPC status \"99\""),
    ] {
        let answer = move || {
            let answer = Response::builder().header("content-type", "application/grpc").header("grpc-status", status);
            answer.header("grpc-message", message)
        };
        let server = http2_server(answer);
        refused(&format!("grpc://127.0.0.1:{}", server.port()), reason.trim_end_matches(": \"\""));
    }
    let server = http2_server(|| Response::builder().status(503));
    refused(&format!("grpc://127.0.0.1:{}", server.port()), "503 Service Unavailable");
    let server = http2_server(|| Response::builder().header("content-type", "text/html"));
    refused(&format!("grpc://127.0.0.1:{}", server.port()), "the answer is not gRPC");
}

#[test]
fn headers_are_sent_along() {
    let server = http2::server(None, |asked| {
        let status = if asked.starts_with("Bearer let-me-in POST ") { "0" } else { "16" };
        // a frame with the message that says SERVING
        let message: &[u8] = &[0, 0, 0, 0, 2, 8, 1];
        let head = Response::builder().header("content-type", "application/grpc").header("grpc-status", status);
        head.body(Full::new(message.into())).expect("an answer")
    });
    let target = format!("grpc://127.0.0.1:{}", server.port());
    health_wait().args(["--once", "-H", "Authorization: Bearer let-me-in", &target]).run();
    refused(&target, "UNAUTHENTICATED");
}

/// Answers every request over HTTP/2 with this head and nothing else.
fn http2_server(answer: impl Fn() -> hyper::http::response::Builder + Send + Sync + Clone + 'static) -> Server {
    http2::server(None, move |_| answer().body(Full::default()).expect("a head"))
}

#[test]
fn grpc_over_tls_checks_the_certificate() {
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    params.distinguished_name.push(rcgen::DnType::CommonName, "test server");
    let config = certificates::config(certificates::self_signed(&params), b"h2");
    let server = Grpc::start(Some(TlsAcceptor::from(config)));
    let target = server.target("/up.Service").replace("grpc:", "grpcs:");
    refused(&target, "certificate is self-signed");
    health_wait().args(["--insecure", &target]).run();
}

#[test]
fn the_zone_of_an_address_is_no_part_of_what_a_certificate_is_for() {
    let mut params = rcgen::CertificateParams::new(vec!["::1".to_owned()]).expect("names");
    params.distinguished_name.push(rcgen::DnType::CommonName, "test server");
    let config = certificates::config(certificates::self_signed(&params), b"h2");
    let server = Grpc::start_at("[::1]:0", Some(TlsAcceptor::from(config)));
    // the loopback is the first interface everywhere
    let target = format!("grpcs://[::1%1]:{}/up.Service", server.address.port());
    refused(&target, "certificate is self-signed");
    health_wait().args(["--insecure", &target]).run();
}

#[test]
fn a_server_that_does_not_serve_is_not_down_whatever_is_expected_of_others() {
    let (server, url) = (Grpc::start(None), format!("http://localhost:{}/", free_port()));
    for (service, reason) in [("/down.Service", "NOT_SERVING"), ("/no.Service", "unknown service \"no.Service\"")] {
        let target = server.target(service);
        let run = health_wait().args(["--down", "--once", "--expect-json=$.s=ok", &target, &url]);
        run.status(1).stderr(format!("health-wait: {target} is not down: {reason}\n")).run();
    }
}

#[test]
fn what_is_not_grpc_ends_in_time() {
    let silent = Server::start("127.0.0.1:0", |mut stream| super::server::until_closed(&mut stream));
    let target = format!("grpc://127.0.0.1:{}", silent.port());
    health_wait()
        .args(["--once", "--attempt-timeout=300ms", &target])
        .status(1)
        .stderr(format!("health-wait: {target} is not healthy: no answer within 300 ms\n"))
        .run();
    let http = Server::start("127.0.0.1:0", |mut stream| {
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        super::server::until_closed(&mut stream);
    });
    let target = format!("grpc://127.0.0.1:{}", http.port());
    let output = health_wait().args(["--once", &target]).status(1).any_stderr().run();
    assert!(output.stderr.contains("the server does not speak HTTP/2: "), "{}", output.stderr);
}
