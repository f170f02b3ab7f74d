//! Statuses of a gRPC call, in words.

use hyper::HeaderMap;

use crate::reason::{Reason, quote};

/// Words a gRPC status that is not OK (<https://grpc.io/docs/guides/status-codes/>).
pub(super) fn refusal(status: &str, service: &str, headers: &HeaderMap) -> Option<Reason> {
    let name = match status {
        "0" => return None,
        "5" if service.is_empty() => {
            return Some(Reason::answered("the server does not know its own health (NOT_FOUND)"));
        }
        "5" => return Some(Reason::answered(format!("unknown service {}", quote(service)))),
        "12" => return Some(Reason::answered("the server has no health service (UNIMPLEMENTED)")),
        "1" => "CANCELLED",
        "2" => "UNKNOWN",
        "3" => "INVALID_ARGUMENT",
        "4" => "DEADLINE_EXCEEDED",
        "6" => "ALREADY_EXISTS",
        "7" => "PERMISSION_DENIED",
        "8" => "RESOURCE_EXHAUSTED",
        "9" => "FAILED_PRECONDITION",
        "10" => "ABORTED",
        "11" => "OUT_OF_RANGE",
        "13" => "INTERNAL",
        "14" => "UNAVAILABLE",
        "15" => "DATA_LOSS",
        "16" => "UNAUTHENTICATED",
        other => return Some(Reason::answered(format!("gRPC status {}", quote(other)))),
    };
    let said =
        headers.get("grpc-message").map(|message| format!(": {}", quote(&String::from_utf8_lossy(message.as_bytes()))));
    Some(Reason::answered(format!("{name}{}", said.unwrap_or_default())))
}
