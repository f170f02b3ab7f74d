//! How others spell a port: as a URL, behind `localhost`, behind its protocol.

use crate::port::PortSpec;

/// Returns how a port is spelled here that somebody wrote for another program: `http://localhost:8000/x`, `localhost:8000`,
/// `tcp:8000`, `TCP:8000` as for lsof(8). `None` for what is no such spelling, and for other machines' ports.
pub fn respelled(text: &str) -> Option<String> {
    if text.parse::<PortSpec>().is_ok() {
        return None;
    }
    let text = text.to_ascii_lowercase();
    if is_protocol(&text) {
        return Some(format!("--{text}"));
    }
    let by_protocol = || text.split_once(':').filter(|(protocol, _)| is_protocol(protocol));
    let (scheme, rest) = text.split_once("://").or_else(by_protocol).unwrap_or(("", &text));
    let place = rest.split(['/', '?']).next()?;
    let (host, port) = match place.rsplit_once(':') {
        Some(parts) => parts,
        None if is_protocol(scheme) => ("", place),
        None => (place, ""),
    };
    let port = match scheme {
        "http" | "ws" if port.is_empty() => "80",
        "https" | "wss" if port.is_empty() => "443",
        _ => port,
    };
    let is_here = matches!(host, "" | "localhost" | "*" | "0.0.0.0" | "127.0.0.1" | "[::]" | "[::1]");
    let protocol = if is_protocol(scheme) { format!("/{scheme}") } else { String::new() };
    (is_here && is_number(port)).then(|| format!("{port}{protocol}"))
}

fn is_protocol(text: &str) -> bool {
    matches!(text, "tcp" | "udp")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_this_machine_is_found_in_how_others_spell_it() {
        for (text, expected) in [
            ("http://localhost:8000/health", Some("8000")),
            ("http://localhost", Some("80")),
            ("https://127.0.0.1?x", Some("443")),
            ("localhost:8000", Some("8000")),
            ("*:8000", Some("8000")),
            ("tcp:8000", Some("8000/tcp")),
            ("UDP:53", Some("53/udp")),
            ("tcp://localhost:8000", Some("8000/tcp")),
            ("TCP", Some("--tcp")),
            ("http://example.com:8000", None),
            ("example.com:8000", None),
            ("node", None),
            ("8000/tcp", None),
            ("8000/sctp", None),
            ("500ms", None),
            ("", None),
        ] {
            assert_eq!(respelled(text).as_deref(), expected, "{text}");
        }
    }
}
