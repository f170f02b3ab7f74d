//! Servers that do everything wrong: each ends within the attempt's time, one connection at a time, and costs no memory.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::{
    health_wait,
    server::{Server, answer, read_head, until_closed},
};

/// How long one attempt may take in these tests.
const ATTEMPT: &str = "--attempt-timeout=300ms";

/// For what ends by itself, however busy the machine is.
const PATIENT: &str = "--attempt-timeout=60s";

/// Asks a server once and returns the reason why it is not healthy.
fn reason(server: &Server, flags: &[&str]) -> String {
    let started = Instant::now();
    let attempt = Some(ATTEMPT).filter(|_| !flags.contains(&PATIENT));
    let output =
        health_wait().arg("--once").args(attempt).args(flags).arg(server.url("/")).status(1).any_stderr().run();
    assert!(started.elapsed() < Duration::from_secs(50), "it took {:?}", started.elapsed());
    let prefix = format!("health-wait: {} is not healthy: ", server.url("/"));
    output.stderr.strip_prefix(&prefix).unwrap_or_else(|| panic!("{}", output.stderr)).trim_end().to_owned()
}

/// Serves each connection after its request was read.
fn serving(serve: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Server {
    Server::start("127.0.0.1:0", move |mut stream| {
        if !read_head(&mut stream).is_empty() {
            let _ = serve(&mut stream);
        }
    })
}

fn drip(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    for byte in text.bytes().cycle() {
        stream.write_all(&[byte])?;
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[test]
fn accepting_and_never_answering_is_no_answer() {
    let server = Server::start("127.0.0.1:0", |mut stream| until_closed(&mut stream));
    assert_eq!(reason(&server, &[]), "no answer within 300 ms");
}

#[test]
fn a_byte_now_and_then_is_no_answer_either() {
    let server = serving(|stream| drip(stream, "HTTP/1.1 200 OK\r\nX: y"));
    assert_eq!(reason(&server, &[]), "no answer within 300 ms");
    let server = serving(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
        drip(stream, "x")
    });
    assert_eq!(reason(&server, &["--expect-body=y"]), "no end of the answer within 300 ms");
}

#[test]
fn endless_headers_are_too_long() {
    let server = serving(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            stream.write_all(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")?;
        }
    });
    assert_eq!(reason(&server, &[PATIENT]), "the head of the answer is too long");
    let server = serving(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
        loop {
            stream.write_all(&[b'y'; 1024])?;
        }
    });
    assert_eq!(reason(&server, &[]), "the head of the answer is too long");
}

#[test]
fn a_flood_that_is_no_answer_yet_is_too_long() {
    let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(512);
    let server = serving(move |stream| {
        loop {
            stream.write_all(flood.as_bytes())?;
        }
    });
    assert_eq!(reason(&server, &[PATIENT]), "the answer is too long");
}

#[test]
fn a_body_that_comes_byte_by_byte_is_not_looked_at_at_each() {
    let server = serving(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        stream.write_all("1\r\nx\r\n".repeat(60_000).as_bytes())?;
        stream.write_all(b"0\r\n\r\n")
    });
    let said = reason(&server, &["--expect-body=y", PATIENT]);
    assert!(said.starts_with("body did not match \"y\": \"xxx"), "{said}");
}

#[test]
fn an_endless_body_is_judged_by_its_first_megabyte() {
    for head in ["Content-Type: x", "Transfer-Encoding: chunked"] {
        let server = serving(move |stream| {
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes())?;
            let chunk =
                if head.contains("chunked") { format!("400\r\n{}\r\n", "x".repeat(1024)) } else { "x".repeat(1024) };
            loop {
                stream.write_all(chunk.as_bytes())?;
            }
        });
        health_wait().args(["--once", PATIENT, &server.url("/")]).run();
        let said = reason(&server, &["--expect-body=y", PATIENT]);
        assert!(said.starts_with("body did not match \"y\" in its first MiB: \"xxx"), "{said}");
    }
}

#[test]
fn a_stream_is_healthy_by_its_head_and_by_what_it_has_said_so_far() {
    let server = serving(|stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: endpoint\ndata: /messages")?;
        until_closed(stream);
        Ok(())
    });
    health_wait().args(["--once", &server.url("/")]).run();
    health_wait().args(["--once", "--expect-body=data: /mess", &server.url("/")]).run();
    health_wait().args(["--once", "--expect-body=(?m)endpoint$", &server.url("/")]).run();
    // whether it ends there is not known
    assert_eq!(reason(&server, &["--expect-body=messages$"]), "no end of the answer within 300 ms");
    let server = serving(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{\"ok\": true}\n\r\n")?;
        until_closed(stream);
        Ok(())
    });
    health_wait().args(["--once", "--expect-json=$.ok=true", &server.url("/")]).run();
    assert_eq!(reason(&server, &["--expect-json=$.ok=false"]), "no end of the answer within 300 ms");
}

#[test]
fn a_body_that_a_query_would_take_for_ever_is_not_asked() {
    // as deep as JSON may be, and each value is found by as many ways as lead there
    let body = format!("{}{}0{}", "[".repeat(120), "0,".repeat(250_000), "]".repeat(120));
    let server = serving(move |stream| {
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    });
    let said = reason(&server, &["--expect-json=$..*..*..*=1", PATIENT]);
    assert_eq!(said, "$..*..*..* may take more than 4000000 steps in a body like this");
    assert_eq!(reason(&server, &["--expect-json=$[0].a=1", PATIENT]), "$[0].a is missing, expected 1");
}

#[test]
fn what_is_not_http_is_called_so() {
    for garbage in
        ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "\0\x01\x02\x03\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 2OO OK\r\n\r\n"]
    {
        let server = serving(move |stream| stream.write_all(garbage.as_bytes()));
        assert_eq!(reason(&server, &[]), "the answer is not HTTP", "{garbage:?}");
    }
    let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n";
    let server = serving(move |stream| stream.write_all(chunks));
    assert_eq!(reason(&server, &["--expect-body=x"]), "the body of the answer is broken");
}

#[test]
fn a_head_that_curl_takes_is_an_answer() {
    let many = "X: y\r\n".repeat(200);
    for head in [many.as_str(), "X: y\r\n z\r\n", "X : y\r\n", "X: \u{e9}\r\n"] {
        let head = head.to_owned();
        let server = serving(move |stream| {
            // early hints come first, and a reason may be in Latin-1
            stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 D\xe9j\xe0\r\n")?;
            stream.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes())
        });
        health_wait().args(["--once", PATIENT, &server.url("/")]).run();
    }
}

#[test]
fn a_server_is_not_left_in_the_middle_of_a_short_answer() {
    for (answer, status, flag) in [("200 OK", 0, "-q"), ("503 Busy", 1, "-q"), ("404 Gone", 4, "--fail-status=404")] {
        let (sender, seen) = mpsc::channel();
        let server = serving(move |stream| {
            stream.write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 3000\r\n\r\n").as_bytes())?;
            thread::sleep(Duration::from_millis(5));
            let written = stream.write_all(&[b'x'; 3000]);
            let end = written.and_then(|()| stream.read(&mut [0]));
            sender.send(end.map_err(|error| error.kind())).expect("the test waits");
            Ok(())
        });
        health_wait().args(["--once", PATIENT, flag, &server.url("/")]).status(status).any_stderr().run();
        // the end of a connection, and no reset
        assert_eq!(seen.recv().expect("the server saw the end"), Ok(0), "{answer}");
    }
}

#[test]
fn a_redirect_loop_ends() {
    let server = serving(|stream| stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!(reason(&server, &["--follow", PATIENT]), "more than 10 redirects");
    assert_eq!(server.accepted(), 11);
}

#[test]
fn breaking_off_is_not_healthy() {
    let server = Server::start("127.0.0.1:0", drop);
    let said = reason(&server, &[]);
    assert!(["connection closed before an answer", "connection reset by peer"].contains(&said.as_str()), "{said}");
    let server = serving(|stream| stream.write_all(b"HTTP/1.1 200"));
    assert_eq!(reason(&server, &[]), "connection closed before an answer");
    for head in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let server =
            serving(move |stream| stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nhal").as_bytes()));
        let said = reason(&server, &["--expect-body=whole"]);
        assert_eq!(said, "connection closed in the middle of the answer", "{head}");
    }
}

#[test]
fn a_wrong_content_length_ends() {
    let server = serving(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")?;
        until_closed(stream);
        Ok(())
    });
    assert_eq!(reason(&server, &["--expect-body=^short$"]), "no end of the answer within 300 ms");
    let server =
        serving(|stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx"));
    assert_eq!(reason(&server, &[]), "the head of the answer is broken: invalid content-length");
    let server = serving(|stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and much more"));
    health_wait().args(["--expect-body=^ok$", &server.url("/")]).run();
}

#[test]
fn a_compressed_body_is_taken_as_it_is() {
    // a gzip header that announces what nobody unpacks
    let server = serving(|stream| {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03",
        )
    });
    health_wait().args(["--expect-body", r"(?-u)^\x1f\x8b", &server.url("/")]).run();
}

#[test]
fn one_connection_at_a_time_and_flat_memory_whatever_the_server_does() {
    let flood = serving(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            stream.write_all(&[b'x'; 8192])?;
        }
    });
    let silent = Server::start("127.0.0.1:0", |mut stream| until_closed(&mut stream));
    let refusing = Server::replying("127.0.0.1:0", |_| answer("503 Service Unavailable", ""));
    let mut run = health_wait()
        .args(["-q", "--timeout=1500ms", "--attempt-timeout=200ms", "--interval=1ms", "--expect-body=never"])
        .args([flood.url("/"), silent.url("/"), refusing.url("/")]);
    let mut child = run.spawn();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_memory(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(124));
    if cfg!(target_os = "linux") {
        assert!((1..40 << 10).contains(&peak), "{peak} KiB");
    }
    // a connection that was closed is counted until its server sees it
    for (server, most) in [(&flood, 3), (&silent, 2), (&refusing, 2)] {
        assert!(server.accepted() > 3, "{}", server.accepted());
        assert!(server.most_open() <= most, "{} at once of {}", server.most_open(), server.accepted());
    }
}

/// Reads the peak of a process's resident memory in KiB (proc_pid_status(5)).
fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}
