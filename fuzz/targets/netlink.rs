//! What the kernel might answer to a dump request.

#![no_main]

#[path = "../../port-who/src/table/linux/netlink.rs"]
#[expect(dead_code, reason = "a part of it")]
mod netlink;

use libfuzzer_sys::fuzz_target;

/// `SOCK_DIAG_BY_FAMILY`.
const WANTED: u16 = 20;

fuzz_target!(|data: &[u8]| {
    // datagrams of 256 bytes
    let mut datagrams = data.chunks(256);
    let mut seen = 0;
    let receive = |buffer: &mut [u8]| {
        let datagram = datagrams.next().unwrap_or_default();
        buffer[..datagram.len()].copy_from_slice(datagram);
        Ok(datagram.len())
    };
    let read = netlink::read_dump(WANTED, receive, |body| {
        seen += netlink::HEADER + body.len();
        for wanted in [0, 5, 11] {
            assert!(netlink::attribute(body, wanted).is_none_or(|value| value.len() + 4 <= body.len()));
        }
        Ok(())
    });
    // no message reaches into another, and whoever was told the end is behind a message that says so
    assert!(seen <= data.len());
    assert!(read.is_err() || seen + netlink::HEADER <= data.len());
});
