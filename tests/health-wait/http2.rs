//! Servers that speak HTTP/2 alone.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use super::{certificates, health_wait, record, server::Server};
use crate::support::free_port;

/// Answers every request over HTTP/2, and over TLS where that is given.
pub(crate) fn server(
    tls: Option<Arc<ServerConfig>>,
    answer: impl Fn(String) -> Response<Full<Bytes>> + Send + Sync + Clone + 'static,
) -> Server {
    server_at("127.0.0.1:0", tls, answer)
}

fn server_at(
    address: &str,
    tls: Option<Arc<ServerConfig>>,
    answer: impl Fn(String) -> Response<Full<Bytes>> + Send + Sync + Clone + 'static,
) -> Server {
    Server::start(address, move |stream| {
        let (answer, tls) = (answer.clone(), tls.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            stream.set_nonblocking(true).expect("a connection can be made nonblocking");
            let stream = tokio::net::TcpStream::from_std(stream).expect("a connection");
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer.clone();
                async move {
                    let token = request.headers().get("authorization").and_then(|token| token.to_str().ok());
                    let token = token.map(|token| format!("{token} ")).unwrap_or_default();
                    let asked = format!("{token}{} {}", request.method(), request.uri());
                    let body = request.into_body().collect().await?.to_bytes();
                    Ok::<_, hyper::Error>(answer(format!("{asked} {}", String::from_utf8_lossy(&body))))
                }
            });
            let http = http2::Builder::new(TokioExecutor::new());
            match tls {
                None => drop(http.serve_connection(TokioIo::new(stream), service).await),
                Some(tls) => {
                    let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
                    drop(http.serve_connection(TokioIo::new(stream), service).await);
                }
            }
        });
    })
}

/// Says what was asked.
fn echo(tls: Option<Arc<ServerConfig>>) -> Server {
    server(tls, |asked| Response::new(asked.into()))
}

#[test]
fn a_server_that_speaks_http2_alone_is_asked_in_that() {
    let server = echo(None);
    let port = server.port();
    let expected = format!("^GET http://127.0.0.1:{port}/up\\?a=b $");
    let target = format!("http://127.0.0.1:{port}/up?a=b");
    let options = ["--json", "--consecutive", "3", "--expect-body", &expected, &target];
    let output = health_wait().args(options).any_stdout().any_stderr().run();
    assert_eq!((record(&output).status, record(&output).attempts), (Some(200), 3));
    // it is known from then on
    assert_eq!(server.accepted(), 4);
    let expected = "--expect-body=^PUT http://a.test/up\\?a=b text$";
    let options = ["--once", "--method", "PUT", "--data", "text", "-H", "Host: a.test", "-H", "Connection: close"];
    health_wait().args(options).args([expected, target.as_str()]).run();
    let failing = self::server(None, |_| Response::builder().status(503).body(Full::default()).expect("a head"));
    let target = format!("http://127.0.0.1:{}/", failing.port());
    health_wait().args(["--once", "--fail-status", "503", &target]).status(4).any_stderr().run();
}

#[test]
fn a_server_that_speaks_http2_alone_over_tls_is_asked_in_that() {
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    let server = echo(Some(certificates::config(certificates::self_signed(&params), b"h2")));
    let target = format!("https://localhost:{}/up", server.port());
    let expected = format!("^GET {target} $");
    health_wait().args(["--once", "--insecure", "--expect-body", &expected, &target]).run();
    assert_eq!(server.accepted(), 1);
}

#[test]
fn what_is_neither_is_asked_once() {
    for said in [&b"\0\0\0\x07\0\0\0\0\0"[..], b"\0\0\0\x04\0\0\0\0\x01", b"-ERR unknown command\r\n"] {
        let server = Server::replying("127.0.0.1:0", move |_| said.to_vec());
        let target = format!("http://127.0.0.1:{}/", server.port());
        health_wait().args(["--once", &target]).status(1).any_stderr().run();
        assert_eq!(server.accepted(), 1, "{said:?}");
    }
}

#[test]
fn a_server_of_http1_that_comes_in_the_place_of_one_of_http2_is_asked_in_that() {
    // one of the kernel's choice may be somebody's before the second server has it
    let address = format!("127.0.0.1:{}", free_port());
    let first = server_at(&address, None, |asked| Response::new(asked.into()));
    let target = format!("http://{address}/");
    let wait = health_wait().args(["--consecutive", "2", "--interval", "300ms", "--timeout", "15s", &target]);
    let mut wait = wait.any_stderr().spawn();
    crate::support::eventually("the first answer", || first.accepted() >= 2);
    drop(first);
    let _second = Server::replying(&address, |_| super::server::answer("200 OK", "ok"));
    assert!(wait.wait().expect("a wait").success());
}
