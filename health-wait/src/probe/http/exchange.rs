//! One request and its answer.

use std::{error::Error, io, pin::pin};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, Response, StatusCode, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;

use crate::{
    expect::Expectations,
    probe::{
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

/// Sends a request, and reads as much of the answer as decides anything.
pub(super) async fn exchange(
    stream: Stream,
    request: Request<Full<Bytes>>,
    expected: &Expectations<'_>,
    stage: &Stage,
) -> Result<(StatusCode, HeaderMap, Vec<u8>), Reason> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MOST_OF_A_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = answer.status();
        if let Some(reason) = expected.fails(status) {
            return Err(reason);
        }
        stage.enter(Step::Reading);
        let headers = answer.headers().clone();
        let body = if expected.needs_body(status) { read(answer, expected).await? } else { Vec::new() };
        Ok((status, headers, body))
    };
    drive(connection, answer).await
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
async fn read(answer: Response<Incoming>, expected: &Expectations<'_>) -> Result<Vec<u8>, Reason> {
    let mut read = Vec::new();
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match broken(&error) {
            Reason { sign: Sign::Silent, .. } => {
                Reason::new(Sign::Silent, "connection closed in the middle of the answer")
            }
            other => other,
        })?;
        let Some(data) = frame.data_ref() else { continue };
        read.extend_from_slice(&data[..data.len().min(MOST_OF_A_BODY - read.len())]);
        if read.len() == MOST_OF_A_BODY || expected.is_decided_by(&read) {
            break;
        }
    }
    Ok(read)
}

/// Words an error of the HTTP library.
pub(super) fn broken(error: &hyper::Error) -> Reason {
    // the library tells this kind apart for servers only
    if error.is_parse() && error.to_string().contains("too large") {
        return Reason::answered("the head of the answer is too long");
    }
    if error.is_parse() {
        return Reason::answered("the answer is not HTTP");
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
