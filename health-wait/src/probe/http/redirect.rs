//! Where a redirect leads (RFC 9110, section 15.4).

use hyper::{HeaderMap, Method, StatusCode, header::LOCATION};
use url::Url;

use crate::reason::{Reason, quote};

/// Returns the next URL; `None` when the answer is no redirect.
pub(super) fn next(url: &Url, status: StatusCode, headers: &HeaderMap) -> Result<Option<Url>, Reason> {
    let Some(location) = headers.get(LOCATION).filter(|_| matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308))
    else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location.as_bytes());
    let refused =
        || Reason::answered(format!("cannot follow a redirect to {}", quote(&location))).with_status(status.as_u16());
    let next = url.join(&location).map_err(|_| refused())?;
    if matches!(next.scheme(), "http" | "https") { Ok(Some(next)) } else { Err(refused()) }
}

/// Returns the method of the next request.
pub(super) fn method(method: Method, status: StatusCode) -> Method {
    match status.as_u16() {
        303 if method != Method::HEAD => Method::GET,
        301 | 302 if method == Method::POST => Method::GET,
        _ => method,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(status: u16, location: &str) -> Result<Option<String>, String> {
        let url = Url::parse("http://localhost:8000/a/b?c").expect("a URL");
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, location.parse().expect("a header"));
        let status = StatusCode::from_u16(status).expect("a status");
        next(&url, status, &headers).map(|next| next.map(String::from)).map_err(|reason| reason.to_string())
    }

    #[test]
    fn a_location_is_relative_to_where_it_came_from() {
        for (location, url) in [
            ("/x", "http://localhost:8000/x"),
            ("x?y", "http://localhost:8000/a/x?y"),
            ("../x", "http://localhost:8000/x"),
            ("//other/x", "http://other/x"),
            ("https://other/x", "https://other/x"),
        ] {
            assert_eq!(follow(302, location), Ok(Some(url.into())), "{location}");
        }
        assert_eq!(follow(304, "/x"), Ok(None));
        assert_eq!(follow(301, "file:///etc/passwd"), Err("cannot follow a redirect to \"file:///etc/passwd\"".into()));
    }

    #[test]
    fn a_post_is_not_repeated_where_the_server_only_points_to_its_outcome() {
        for (status, method, next) in [
            (303, Method::POST, Method::GET),
            (303, Method::HEAD, Method::HEAD),
            (302, Method::POST, Method::GET),
            (302, Method::PUT, Method::PUT),
            (307, Method::POST, Method::POST),
        ] {
            assert_eq!(super::method(method, StatusCode::from_u16(status).expect("a status")), next);
        }
    }
}
