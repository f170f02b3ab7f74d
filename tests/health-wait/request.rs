//! What is sent: as curl would send it, with what was asked for.

use std::sync::mpsc::{Receiver, channel};

use super::{
    health_wait,
    server::{Server, answer},
};

/// Serves and keeps the heads of the requests.
fn listening(reply: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (Server, Receiver<String>) {
    let (sender, heads) = channel();
    let sender = std::sync::Mutex::new(sender);
    let server = Server::replying("127.0.0.1:0", move |head| {
        let _ = sender.lock().expect("no server panics").send(head.to_owned());
        reply(head)
    });
    (server, heads)
}

#[test]
fn a_request_is_a_get_that_accepts_anything_and_no_compression() {
    let (server, heads) = listening(|_| answer("200 OK", ""));
    health_wait().arg(format!("http://localhost:{}/health?a=b c#part", server.port())).run();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "GET /health?a=b%20c HTTP/1.1\r\nhost: localhost:{}\r\nuser-agent: health-wait/{version}\r\naccept: */*\r\n\r\n",
        server.port()
    );
    assert_eq!(heads.recv().expect("a request"), expected);
}

#[test]
fn brackets_of_a_path_and_a_query_are_sent_as_they_were_written() {
    let (server, heads) = listening(|_| answer("200 OK", ""));
    for path in ["/x?ids=[1%2C2]", "/x?tags=[%22db%22]", "/[a%20b]"] {
        health_wait().args(["--once", &server.url(path)]).run();
        let head = heads.recv().expect("a request");
        assert!(head.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{head}");
    }
}

#[test]
fn method_and_headers_are_what_was_asked_for() {
    let (server, heads) = listening(|_| answer("200 OK", ""));
    health_wait()
        .args(["--method", "HEAD", "-H", "Accept: text/plain", "--header", "X-Key: a: b", "-H", "Host: app.test"])
        .arg(server.url("/"))
        .run();
    let head = heads.recv().expect("a request");
    assert!(head.starts_with("HEAD / HTTP/1.1\r\n"), "{head}");
    for line in ["accept: text/plain\r\n", "x-key: a: b\r\n", "host: app.test\r\n"] {
        assert_eq!(head.matches(line).count(), 1, "{line} in {head}");
    }
    assert!(!head.contains("*/*") && !head.contains("localhost"), "{head}");
}

#[test]
fn credentials_of_the_url_are_sent_and_never_shown() {
    let (server, heads) = listening(|_| answer("401 Unauthorized", ""));
    let url = format!("http://user:p%40ss@localhost:{}/", server.port());
    let shown = format!("http://user:***@localhost:{}/", server.port());
    let said = format!("health-wait: {shown} is not healthy: 401 Unauthorized\n");
    health_wait().args(["--once", &url]).status(1).stderr(said).run();
    assert!(heads.recv().expect("a request").contains("authorization: Basic dXNlcjpwQHNz\r\n"));
}

#[test]
fn redirects_are_followed_only_when_asked_to() {
    let (server, heads) = listening(|head| {
        if head.starts_with("GET /ready ") {
            return answer("503 Service Unavailable", "");
        }
        b"HTTP/1.1 302 Found\r\nLocation: /ready\r\nContent-Length: 0\r\n\r\n".to_vec()
    });
    health_wait().arg(server.url("/")).run();
    assert!(heads.recv().expect("a request").starts_with("GET / "));
    let said = format!("health-wait: {} is not healthy: 503 Service Unavailable\n", server.url("/"));
    health_wait().args(["--once", "--follow", &server.url("/")]).status(1).stderr(said).run();
    assert_eq!(heads.try_iter().map(|head| head.lines().next().map(str::to_owned)).collect::<Vec<_>>().len(), 2);
}

#[test]
fn a_redirect_to_another_server_takes_no_secrets_along() {
    let (other, heads) = listening(|_| answer("200 OK", ""));
    let location = format!("http://127.0.0.1:{}/there", other.port());
    let (server, _kept) = listening(move |_| {
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    });
    health_wait().args(["--follow", "-H", "Authorization: Bearer secret", "-H", "X-Key: kept", &server.url("/")]).run();
    let head = heads.recv().expect("a request");
    assert!(head.starts_with("GET /there HTTP/1.1\r\n") && head.contains("x-key: kept"), "{head}");
    assert!(!head.contains("secret"), "{head}");
}

#[test]
fn a_proxy_of_the_environment_is_used_but_not_for_this_machine() {
    let (proxy, heads) = listening(|_| answer("200 OK", "by proxy"));
    let through = format!("http://user:pass@127.0.0.1:{}", proxy.port());
    let server = Server::answering("200 OK", "direct");
    for near in ["localhost", "127.0.0.1"] {
        let url = format!("http://{near}:{}/", server.port());
        health_wait().env("http_proxy", &through).args(["--expect-body=direct", &url]).run();
    }
    let far = "http://far.invalid:8080/health";
    health_wait().env("http_proxy", &through).args(["--once", "--expect-body=by proxy", far]).run();
    let head = heads.recv().expect("a request");
    assert!(head.starts_with("GET http://far.invalid:8080/health HTTP/1.1\r\nhost: far.invalid:8080\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: Basic dXNlcjpwYXNz\r\n"), "{head}");
    // who asks the server is for the server alone, and a proxy's log has the first line
    let named = far.replace("http://", "http://me:secret@");
    health_wait().env("http_proxy", &through).args(["--once", &named]).run();
    let head = heads.recv().expect("a request");
    assert!(head.starts_with("GET http://far.invalid:8080/health HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nauthorization: Basic bWU6c2VjcmV0\r\n") && !head.contains("me:secret"), "{head}");
    health_wait()
        .env("http_proxy", &through)
        .env("no_proxy", "far.invalid")
        .args(["-q", "--once", far])
        .status(1)
        .run();
    assert!(heads.try_recv().is_err());
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named_and_says_nothing_of_the_server() {
    let port = crate::support::free_port();
    for url in ["http://far.invalid:8080/", "https://far.invalid:8443/"] {
        for goal in [&["--once"][..], &["--once", "--down"]] {
            let run = health_wait().env("all_proxy", format!("http://user:secret@127.0.0.1:{port}"));
            let output = run.args(goal).arg(url).status(1).any_stderr().run();
            let said = format!("the proxy 127.0.0.1:{port}: connection refused\n");
            assert!(output.stderr.ends_with(&said) && !output.stderr.contains("secret"), "{}", output.stderr);
        }
    }
}

#[test]
fn a_body_is_sent_as_curl_sends_it() {
    let (server, heads) = listening(|_| answer("200 OK", ""));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("question");
    std::fs::write(&file, "{\"a\":1}").expect("a file");
    let from_file = format!("--data=@{}", file.display());
    for (arguments, line, said) in [
        (&["--data=a=1&b=2"][..], "POST / HTTP/1.1\r\n", "content-length: 7\r\n"),
        (&["--data=a", "--method=PUT"], "PUT / HTTP/1.1\r\n", "content-type: application/x-www-form-urlencoded\r\n"),
        (&[&from_file, "-HContent-Type: application/json"], "POST / ", "content-type: application/json\r\n"),
        (&[&from_file], "POST / ", "content-length: 7\r\n"),
    ] {
        health_wait().args(["--once", &server.url("/")]).args(arguments).run();
        let head = heads.recv().expect("a request");
        assert!(head.starts_with(line) && head.contains(said), "{arguments:?}: {head}");
    }
    let said = "health-wait: cannot send \"/no/such/file\": no such file or directory\n";
    health_wait().args(["--data=@/no/such/file", &server.url("/")]).status(2).stderr(said).run();
    let said = "health-wait: cannot send \"/dev/zero\": it is not a regular file\n";
    health_wait().args(["--data=@/dev/zero", &server.url("/")]).status(2).stderr(said).run();
}
