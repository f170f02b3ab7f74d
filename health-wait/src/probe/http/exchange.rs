//! One request and its answer.

use std::{error::Error, io, pin::pin, sync::OnceLock, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::{Body as _, Incoming},
    client::conn::http1,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::io::InspectReader;

use crate::{
    expect::{Body, Expectations},
    probe::{
        http2,
        stage::{Stage, Step},
        stream::Stream,
    },
    reason::{Reason, Sign},
    tls,
};

/// How much of a body is read.
const MOST_OF_A_BODY: usize = 1 << 20;
/// How much of a head is read.
const MOST_OF_A_HEAD: usize = 256 << 10;
/// How many headers may be in it.
const MOST_HEADERS: usize = 1024;
/// How much of a body that decides nothing is taken all the same, and for how long that is waited for.
const MOST_OF_THE_REST: u64 = 64 << 10;
const REST: Duration = Duration::from_millis(20);
/// A body is looked at again once it has grown by this part of it, or once nothing came for a moment.
const GROWTH: usize = 8;
const MOMENT: Duration = Duration::from_millis(5);

/// What came of a request: the head of the answer, and as much of its body as decides anything.
pub(super) type Exchanged = (StatusCode, HeaderMap, Body);

/// Why there is no answer of HTTP/1.
pub(super) enum Unanswered {
    /// The server said something, and that is HTTP/2.
    SpeaksHttp2,
    For(Reason),
}

/// Sends a request as HTTP/1.1.
pub(super) async fn first(
    stream: Stream,
    request: Request<Full<Bytes>>,
    expected: &Expectations<'_>,
    stage: &Stage,
) -> Result<Exchanged, Unanswered> {
    // what the first read brings tells
    let is_http2 = OnceLock::new();
    let stream = InspectReader::new(stream, |bytes: &[u8]| {
        is_http2.get_or_init(|| http2::begins(bytes));
    });
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MOST_OF_A_HEAD)
        .max_headers(MOST_HEADERS)
        // what curl takes is an answer
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Unanswered::For(broken(&error)))?;
    let answer = drive(connection, answered(sender.send_request(request), expected, stage)).await;
    answer.map_err(|reason| match is_http2.get() {
        Some(true) => Unanswered::SpeaksHttp2,
        _ => Unanswered::For(reason),
    })
}

/// Sends a request as HTTP/2.
pub(super) async fn second(
    stream: Stream,
    request: Request<Full<Bytes>>,
    expected: &Expectations<'_>,
    stage: &Stage,
) -> Result<Exchanged, Reason> {
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    drive(connection, answered(sender.send_request(request), expected, stage)).await
}

/// Reads as much of the answer as decides anything.
async fn answered(
    sent: impl Future<Output = hyper::Result<Response<Incoming>>>,
    expected: &Expectations<'_>,
    stage: &Stage,
) -> Result<Exchanged, Reason> {
    let answer = sent.await.map_err(|error| broken(&error))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = answer.into_body();
    let mut read = Body::default();
    if expected.fails(status).is_none() && expected.needs_body(status) {
        stage.enter(Step::Reading);
        read = self::read(&mut body, expected).await?;
    }
    leave(body, stage.spare(REST)).await;
    expected.fails(status).map_or(Ok((status, headers, read)), Err)
}

/// Moves the connection, which does nothing by itself, for as long as the work on it takes.
pub(super) async fn drive<T>(connection: impl Future, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        // the connection has ended; what it brought is still to be worked on
        _ = connection => {}
    }
    work.await
}

/// Reads a body to its end, to where it decides, or to the most that is read of any.
async fn read(body: &mut Incoming, expected: &Expectations<'_>) -> Result<Body, Reason> {
    let (mut read, mut looked_at, mut is_cut) = (Vec::new(), 0, false);
    loop {
        let next = body.frame();
        let next = if looked_at < read.len() { timeout(MOMENT, next).await } else { Ok(next.await) };
        let Ok(next) = next else {
            // nothing more comes at the moment
            looked_at = read.len();
            if expected.is_decided_by(&read) {
                break;
            }
            continue;
        };
        let Some(frame) = next else { break };
        let frame = frame.map_err(|error| match broken(&error) {
            Reason { sign: Sign::Silent, .. } => {
                Reason::new(Sign::Silent, "connection closed in the middle of the answer")
            }
            Reason { sign: Sign::Answered, .. } => Reason::answered("the body of the answer is broken"),
            other => other,
        })?;
        let Some(data) = frame.data_ref() else { continue };
        let left = MOST_OF_A_BODY - read.len();
        read.extend_from_slice(&data[..data.len().min(left)]);
        is_cut = data.len() > left;
        if is_cut {
            break;
        }
        // not at every byte of many: all of it is looked at each time
        if (read.len() - looked_at) * GROWTH >= read.len() {
            looked_at = read.len();
            if expected.is_decided_by(&read) {
                break;
            }
        }
    }
    Ok(Body { bytes: read, is_cut })
}

/// Takes what is on its way of a body that decides nothing: many a server reports a client that leaves in the middle of it. A
/// long one is left, and a stream has no end.
async fn leave(mut body: Incoming, until: Instant) {
    let (mut taken, mut left) = (0, body.size_hint().lower());
    let _ = timeout_at(until, async {
        while taken + left <= MOST_OF_THE_REST
            && let Some(Ok(frame)) = body.frame().await
        {
            taken += frame.data_ref().map_or(0, |data| data.len() as u64);
            left = body.size_hint().lower();
        }
    })
    .await;
}

/// Words an error of the HTTP library.
pub(super) fn broken(error: &hyper::Error) -> Reason {
    // the library tells this kind apart for servers only
    if error.is_parse() && error.to_string().contains("too large") {
        return Reason::answered("the head of the answer is too long");
    }
    if error.is_parse() {
        // a head that is HTTP but for one line: `invalid content-length parsed`
        let said = error.to_string();
        let wrong =
            ["content-length", "transfer-encoding", "header"].iter().find(|part| said.to_lowercase().contains(**part));
        return Reason::answered(wrong.map_or_else(
            || "the answer is not HTTP".into(),
            |part| format!("the head of the answer is broken: invalid {part}"),
        ));
    }
    if let Some(error) = error.source().and_then(|source| source.downcast_ref::<h2::Error>()) {
        return http2::broken(error);
    }
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(error) => tls::fault::of_tls(error).unwrap_or_else(|| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Reason::answered("the answer is not HTTP"),
            _ => Reason::from_io(error),
        }),
        None if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            Reason::new(Sign::Silent, "connection closed before an answer")
        }
        None => Reason::answered(format!("HTTP: {error}")),
    }
}
