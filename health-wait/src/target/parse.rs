//! The texts that name a target.

use std::path::PathBuf;

use url::Url;

use super::{
    host::{self, Host},
    kind::{Kind, Place},
};

const EXPECTED: &str = "expected a URL such as http://localhost:8000/health, host:port, :port, tcp://host:port, \
                        unix:/path, http+unix:/path:/health, grpc://host:port, file:/path, exec:COMMAND, pid:N or \
                        port-free:PORT";

/// Reads a text, or says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Kind, String> {
    // a command may hold anything
    if let Some(command) = text.strip_prefix("exec:") {
        return exec(command);
    }
    if let Some(meant) = respelled(text) {
        return Err(format!("here that is {meant}"));
    }
    if let Some(meant) = as_command(text) {
        return Err(format!("a line for the shell is {meant}"));
    }
    if text.starts_with('/') {
        return Err(format!("a file is file:{text}, and an HTTP path follows its host: http://localhost:8000{text}"));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => return http(text),
            "tcp" => return host::parse(rest).map(connect),
            "grpc" => return grpc(rest, false),
            "grpcs" => return grpc(rest, true),
            // unix:///run/app.sock: an empty authority before the path
            "unix" | "file" | "http+unix" => {}
            _ if !scheme.is_empty()
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte)) =>
            {
                return Err(format!("{scheme:?} is no scheme that can be waited for; {EXPECTED}"));
            }
            _ => return Err(EXPECTED.into()),
        }
    }
    match text.split_once(':') {
        Some(("unix", path)) => file_path(path).map(|path| Kind::Connect(Place::Socket(path))),
        Some(("file", path)) => file_path(path).map(Kind::File),
        Some(("http+unix", rest)) => http_over_unix(rest),
        Some(("pid", pid)) => proc_tree::selection::parse_pid(pid)
            .map(Kind::Process)
            .map_err(|_| "expected pid:N with a number from 1 to 2147483647".to_owned()),
        Some(("port-free", ports)) => {
            ports.parse().map(Kind::PortFree).map_err(|error: port_who::InvalidPort| error.to_string())
        }
        Some(("http" | "https" | "tcp" | "grpc" | "grpcs", rest)) if rest.starts_with('/') => {
            Err("two slashes follow the scheme".into())
        }
        Some(("tcp", address)) if address.contains(':') => host::parse(address).map(connect),
        Some(("tcp", port)) => host::parse(&format!(":{port}")).map(connect),
        Some((_, rest)) if rest.contains('/') && !text.starts_with('[') => {
            Err(format!("an address has no path; for an HTTP request write http://{text}"))
        }
        Some(_) => host::parse(text).map(connect),
        None if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            host::parse(&format!(":{text}")).map(connect)
        }
        None => Err(EXPECTED.into()),
    }
}

/// Words a target as wait-on has it in the way of this tool: there the method is part of the scheme, a socket has a scheme of
/// its own, and what has none is a file.
pub(super) fn respelled(text: &str) -> Option<String> {
    if ["./", "../"].iter().any(|beginning| text.starts_with(beginning)) {
        return Some(format!("file:{text}"));
    }
    let (scheme, rest) = text.split_once(':')?;
    let meant = scheme.strip_suffix("-get").unwrap_or(scheme);
    let has_slashes = rest.starts_with("//");
    match (scheme, rest.trim_start_matches('/').strip_prefix("unix:")) {
        ("http-get" | "http", Some(socket)) => Some(format!("http+unix:{}", without_host(socket))),
        ("http-get" | "https-get", None) => Some(format!("{meant}://{}", rest.trim_start_matches('/'))),
        ("http" | "https", None) if !has_slashes && rest.starts_with(|first: char| first.is_ascii_alphanumeric()) => {
            Some(format!("{scheme}://{rest}"))
        }
        ("socket", None) => Some(format!("unix:{rest}")),
        ("command", None) => Some(format!("exec:{rest}")),
        _ => None,
    }
}

/// Words a line for the shell as a target: what has several words or parts, and begins with none that could be a target or a
/// path.
pub(super) fn as_command(text: &str) -> Option<String> {
    let is_apart = |one: char| one.is_whitespace() || "|&;<>".contains(one);
    let (program, rest) = text.trim().split_once(is_apart)?;
    let is_program = !program.is_empty() && !program.contains([':', '[']) && !program.starts_with('/');
    (is_program && !rest.is_empty()).then(|| format!("exec:{}", text.trim()))
}

/// `SOCKET:http://server/path` is `SOCKET:/path`.
fn without_host(rest: &str) -> String {
    let Some((socket, url)) = rest.split_once(":http://") else { return rest.to_owned() };
    format!("{socket}:/{}", url.split_once('/').map_or("", |(_, path)| path))
}

fn exec(command: &str) -> Result<Kind, String> {
    match command {
        _ if command.trim().is_empty() => Err("a command is missing".into()),
        _ if command.contains('\0') => Err("a command has no NUL".into()),
        _ => Ok(Kind::Exec { command: command.into(), folder: None }),
    }
}

fn connect(host: Host) -> Kind {
    Kind::Connect(Place::Host(host))
}

fn http(text: &str) -> Result<Kind, String> {
    let at = host::authority(text).unwrap_or_default();
    let (authority, zone) = host::take_zone(&text[at.clone()])?;
    let without_zone = format!("{}{authority}{}", &text[..at.start], &text[at.end..]);
    let url = Url::parse(&without_zone).map_err(|error| error.to_string())?;
    let host = Host::of_url(&url, zone)?;
    Ok(Kind::Http { url, place: Place::Host(host) })
}

fn http_over_unix(rest: &str) -> Result<Kind, String> {
    let (socket, path) = match rest.find(":/") {
        Some(colon) => (&rest[..colon], &rest[colon + 1..]),
        None => (rest.strip_suffix(':').unwrap_or(rest), "/"),
    };
    // the name in the Host header, as curl --unix-socket is mostly used
    let url = Url::parse(&format!("http://localhost{path}")).map_err(|error| error.to_string())?;
    Ok(Kind::Http { url, place: Place::Socket(file_path(socket)?) })
}

fn grpc(rest: &str, tls: bool) -> Result<Kind, String> {
    let (address, service) = rest.split_once('/').unwrap_or((rest, ""));
    if !service.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') {
        return Err(format!("{service:?} is no name of a gRPC service"));
    }
    Ok(Kind::Grpc { host: host::parse(address)?, tls, service: service.to_owned() })
}

fn file_path(path: &str) -> Result<PathBuf, String> {
    let path = path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path);
    if path.is_empty() {
        return Err("a path is missing".into());
    }
    if path.contains('\0') {
        return Err("a path has no NUL".into());
    }
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_form_is_understood() {
        let host = |name: &str, port| Host { name: name.into(), port, at: None };
        for (text, expected) in [
            ("tcp://db:5432", connect(host("db", 5432))),
            ("db:5432", connect(host("db", 5432))),
            (":5432", connect(host("localhost", 5432))),
            ("tcp://:5432", connect(host("localhost", 5432))),
            ("[::1]:80", connect(host("::1", 80))),
            ("tcp://[0:0::1]:80", connect(host("::1", 80))),
            ("[::ffff:127.0.0.1]:80", connect(host("::ffff:127.0.0.1", 80))),
            ("[fe80::1%eth0]:80", connect(host("fe80::1%eth0", 80))),
            ("unix:/run/app.sock", Kind::Connect(Place::Socket("/run/app.sock".into()))),
            ("unix:///run/app.sock", Kind::Connect(Place::Socket("/run/app.sock".into()))),
            ("unix:app.sock", Kind::Connect(Place::Socket("app.sock".into()))),
            ("grpc://h:1", Kind::Grpc { host: host("h", 1), tls: false, service: String::new() }),
            ("grpcs://h:1/a.B", Kind::Grpc { host: host("h", 1), tls: true, service: "a.B".into() }),
            ("file:/tmp/ready now", Kind::File("/tmp/ready now".into())),
            ("file:///tmp/x", Kind::File("/tmp/x".into())),
            ("5432", connect(host("localhost", 5432))),
            ("tcp:5432", connect(host("localhost", 5432))),
            ("tcp:db:5432", connect(host("db", 5432))),
            ("tcp:[::1]:80", connect(host("::1", 80))),
            ("exec:curl http://x | grep y", Kind::Exec { command: "curl http://x | grep y".into(), folder: None }),
            ("pid:4711", Kind::Process(4711)),
            ("port-free:8000-8099/tcp", Kind::PortFree("8000-8099/tcp".parse().expect("ports"))),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn urls_know_their_host_and_port_in_every_form() {
        for (text, name, port) in [
            ("http://localhost:8000/health?x=1", "localhost", 8000),
            ("HTTP://Example.com", "example.com", 80),
            ("https://[::1]/", "::1", 443),
            ("http://[fe80::1%25lo]:81/", "fe80::1%lo", 81),
            ("http://[fe80::1%lo]:81/", "fe80::1%lo", 81),
            ("http://user:pa%20ss@h:1/", "h", 1),
            ("http://[a%20b@[fe80::1%lo]:81/", "fe80::1%lo", 81),
        ] {
            let Kind::Http { place: Place::Host(host), .. } = kind(text) else { panic!("{text} is a URL") };
            assert_eq!((host.name.as_str(), host.port), (name, port), "{text}");
        }
    }

    #[test]
    fn brackets_behind_the_host_are_no_address() {
        for text in ["http://h/x?ids=[1%2C2]", "http://[::1]:1/x?tags=[%22db%22]", "http://h/[a%20b]", "http://h?[%5B]"]
        {
            let Kind::Http { url, .. } = kind(text) else { panic!("{text} is a URL") };
            assert_eq!(Ok(url), Url::parse(text));
        }
    }

    #[test]
    fn a_request_over_a_unix_socket_has_a_path_of_its_own() {
        for (text, socket, path) in [
            ("http+unix:/run/a.sock:/health?x=:/y", "/run/a.sock", "/health?x=:/y"),
            ("http+unix:///run/a.sock:/health", "/run/a.sock", "/health"),
            ("http+unix:/run/a.sock", "/run/a.sock", "/"),
        ] {
            let Kind::Http { url, place: Place::Socket(found) } = kind(text) else { panic!("{text} is a request") };
            assert_eq!((found.to_str(), &url[url::Position::BeforePath..]), (Some(socket), path), "{text}");
        }
    }

    #[test]
    fn a_line_for_the_shell_is_told_from_what_only_looks_like_one() {
        for line in
            ["pg_isready -q", "a|b", "curl -sf http://localhost:1/ | grep ok", "curl -f localhost:1 && true", "x;y"]
        {
            assert_eq!(as_command(line), Some(format!("exec:{line}")));
            assert_eq!(parse(line), Err(format!("a line for the shell is exec:{line}")));
        }
        for text in
            ["", "redis", "file:/tmp/ready now", "http://h:1/a b", "localhost:80|x", "/a b", "/a|b", "[::1]:1 x", "a|"]
        {
            assert_eq!(as_command(text), None, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_and_says_what_was_expected() {
        for (text, hint) in [
            ("", "expected a URL"),
            ("80000", "port"),
            ("tcp:x", "port"),
            ("exec: ", "command is missing"),
            ("http-get://localhost:3000/x", "that is http://localhost:3000/x"),
            ("https-get:localhost", "that is https://localhost"),
            ("http://unix:/run/a.sock:/x", "that is http+unix:/run/a.sock:/x"),
            ("socket:/run/a.sock", "that is unix:/run/a.sock"),
            ("http://unix:/run/a.sock:http://server/x", "that is http+unix:/run/a.sock:/x"),
            ("http-get://unix:/run/a.sock:http://server", "that is http+unix:/run/a.sock:/"),
            ("command:./check.sh -q", "that is exec:./check.sh -q"),
            ("./ready", "that is file:./ready"),
            ("/ready", "a file is file:/ready, and an HTTP path follows its host: http://localhost:8000/ready"),
            ("http:localhost:3000/x", "that is http://localhost:3000/x"),
            ("localhost", "expected a URL"),
            ("localhost:8000/health", "write http://localhost:8000/health"),
            ("ftp://x/", "\"ftp\" is no scheme"),
            ("http:/x", "two slashes"),
            ("http://", "empty host"),
            ("http://x:0/", "port"),
            ("http://x:65536/", "port"),
            (":0", "port"),
            (":65536", "port"),
            (":80x", "port"),
            ("tcp://db", "port"),
            ("::1:80", "brackets"),
            ("[::1]", "port"),
            ("[::x]:80", "address"),
            ("a b:80", "exec:a b:80"),
            ("grpc://h:1/a/b", "service"),
            ("pid:0", "pid:N"),
            ("pid:x", "pid:N"),
            ("port-free:0", "invalid port \"0\""),
            ("port-free:", "invalid port \"\""),
            ("unix:", "path is missing"),
            ("http+unix::/x", "path is missing"),
        ] {
            let said = parse(text).expect_err(text);
            assert!(said.contains(hint), "{said}");
        }
    }
}
