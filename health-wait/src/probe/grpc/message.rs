//! The messages of a health check, as they travel.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::{
    probe::answer::{Answer, Outcome},
    reason::{Reason, quote},
};

#[derive(Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Message)]
struct HealthCheckResponse {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    status: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum ServingStatus {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    ServiceUnknown = 3,
}

/// A message is preceded by whether it is compressed, and by its length.
const PREFIX: usize = 5;
/// Makes the question.
pub(super) fn frame(service: &str) -> Bytes {
    let request = HealthCheckRequest { service: service.to_owned() };
    let mut frame = BytesMut::with_capacity(PREFIX + request.encoded_len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(request.encoded_len()).unwrap_or(u32::MAX));
    frame.put_slice(&request.encode_to_vec());
    frame.freeze()
}

/// Reads the answer.
pub(super) fn serving(message: &[u8], service: &str) -> Outcome {
    let response =
        message.get(PREFIX..).filter(|_| message[0] == 0).and_then(|bytes| HealthCheckResponse::decode(bytes).ok());
    let Some(response) = response else { return Err(Reason::answered("the answer is no health check's")) };
    match ServingStatus::try_from(response.status) {
        Ok(ServingStatus::Serving) => Ok(Answer::new("answers SERVING")),
        Ok(ServingStatus::NotServing) => Err(Reason::answered("NOT_SERVING")),
        Ok(ServingStatus::ServiceUnknown) => Err(Reason::answered(format!("unknown service {}", quote(service)))),
        Ok(ServingStatus::Unknown) => Err(Reason::answered("UNKNOWN: the server does not say whether it serves")),
        Err(_) => Err(Reason::answered(format!("health status {}, which is none", response.status))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_length_and_a_field() {
        assert_eq!(&frame("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(&frame("up")[..], [0, 0, 0, 0, 4, 10, 2, b'u', b'p']);
    }

    #[test]
    fn only_serving_is_healthy() {
        for (message, said) in [
            (&[0, 0, 0, 0, 2, 8, 1][..], Ok("answers SERVING")),
            (&[0, 0, 0, 0, 2, 8, 2], Err("NOT_SERVING")),
            (&[0, 0, 0, 0, 2, 8, 3], Err("unknown service \"up\"")),
            (&[0, 0, 0, 0, 0], Err("UNKNOWN: the server does not say whether it serves")),
            (&[0, 0, 0, 0, 2, 8, 9], Err("health status 9, which is none")),
            (&[1, 0, 0, 0, 2, 8, 1], Err("the answer is no health check's")),
            (&[0, 0, 0, 0, 2, 255], Err("the answer is no health check's")),
            (&[0, 0], Err("the answer is no health check's")),
            (&[], Err("the answer is no health check's")),
        ] {
            let found = serving(message, "up").map(|answer| answer.does).map_err(|reason| reason.text);
            assert_eq!(found, said.map(Into::into).map_err(Into::into), "{message:?}");
        }
    }
}
