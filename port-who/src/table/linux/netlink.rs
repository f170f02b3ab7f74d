//! The frame around what the kernel answers to a dump request: netlink(7), `linux/netlink.h`.

use std::io;

const NLM_F_DUMP_INTR: u16 = 0x10;
const NLMSG_NOOP: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_OVERRUN: u16 = 4;

/// The bytes before each message: length, kind, flags, sequence, port ID.
pub(super) const HEADER: usize = 16;

/// The kernel fills at most this much at once.
const BUFFER: usize = 32 * 1024;

/// A table that changed while it was dumped is read again, this often.
const ATTEMPTS: usize = 10;

/// Dumps a table until it held still for one whole dump.
///
/// # Errors
/// When the dump fails, or the table changed each time.
pub(super) fn settled<T>(mut dump: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
    for _ in 0..ATTEMPTS {
        if let Some(table) = dump()? {
            return Ok(table);
        }
    }
    Err(io::Error::other("it changed each time it was read"))
}

/// Reads one dump to its end and hands out each message of the wanted kind; `false` when the table changed meanwhile.
///
/// `receive` fills the buffer with one datagram and returns the datagram's whole length, as recv(2) does with `MSG_TRUNC`.
///
/// # Errors
/// When the kernel refuses, or an answer is cut, ends early or is no netlink: a part of the table would be a wrong answer.
pub(super) fn read_dump(
    wanted: u16,
    mut receive: impl FnMut(&mut [u8]) -> io::Result<usize>,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<bool> {
    let mut consistent = true;
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = receive(&mut buffer)?;
        let mut rest = buffer.get(..length).ok_or_else(|| io::Error::other("an answer was cut"))?;
        if rest.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while !rest.is_empty() {
            let message = split_message(&mut rest)?;
            consistent &= message.flags & NLM_F_DUMP_INTR == 0;
            match message.kind {
                // both carry the negative number of the error that ended the dump, or 0
                NLMSG_ERROR | NLMSG_DONE => return refusal(message.body).map_or(Ok(consistent), Err),
                NLMSG_NOOP => {}
                NLMSG_OVERRUN => return Err(io::Error::other("an answer was lost")),
                kind if kind == wanted => each(message.body)?,
                _ => return Err(malformed()),
            }
        }
    }
}

struct Message<'b> {
    kind: u16,
    flags: u16,
    body: &'b [u8],
}

/// Takes the next message off `rest`.
fn split_message<'b>(rest: &mut &'b [u8]) -> io::Result<Message<'b>> {
    let header = rest.get(..HEADER).ok_or_else(malformed)?;
    let length = number(header, 0) as usize;
    let body = rest.get(HEADER..length).ok_or_else(malformed)?;
    let message = Message { kind: short(header, 4), flags: short(header, 6), body };
    *rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    Ok(message)
}

fn refusal(body: &[u8]) -> Option<io::Error> {
    let number = body.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
    (number < 0).then(|| io::Error::from_raw_os_error(number.saturating_neg()))
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "an answer has an unknown form")
}

/// Finds an attribute (`struct rtattr`: length, type, value, padded to 4 bytes).
pub(super) fn attribute(mut rest: &[u8], wanted: u16) -> Option<&[u8]> {
    while rest.len() >= 4 {
        let length = usize::from(short(rest, 0)).max(4);
        if short(rest, 2) == wanted {
            return rest.get(4..length);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// Reads 4 bytes in the machine's order; 0 beyond the end.
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u32::from_ne_bytes(*chunk))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u16::from_ne_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: u16 = 20;

    fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + body.len()).expect("a short message");
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// Reads a dump that comes in these datagrams; nothing comes after them.
    fn read(datagrams: &[Vec<u8>]) -> io::Result<(bool, Vec<Vec<u8>>)> {
        let mut datagrams = datagrams.iter();
        let mut bodies = Vec::new();
        let receive = |buffer: &mut [u8]| {
            let Some(datagram) = datagrams.next() else { return Ok(0) };
            let taken = datagram.len().min(buffer.len());
            buffer[..taken].copy_from_slice(&datagram[..taken]);
            Ok(datagram.len())
        };
        let consistent = read_dump(WANTED, receive, |body| {
            bodies.push(body.to_vec());
            Ok(())
        })?;
        Ok((consistent, bodies))
    }

    #[test]
    fn a_dump_may_come_in_many_datagrams_and_ends_where_it_says_so() {
        let first = [message(WANTED, 0, b"one"), message(WANTED, 0, b"two")].concat();
        let second =
            [message(NLMSG_NOOP, 0, b""), message(WANTED, 0, b"three"), message(NLMSG_DONE, 0, &[0; 4])].concat();
        let (consistent, bodies) = read(&[first, second]).expect("a whole dump");
        assert!(consistent);
        assert_eq!(bodies, [&b"one"[..], b"two", b"three"]);
    }

    #[test]
    fn a_table_that_changed_meanwhile_is_said_to_have_changed() {
        for (row, done) in [(NLM_F_DUMP_INTR, 0), (0, NLM_F_DUMP_INTR)] {
            let datagram = [message(WANTED, row, b"one"), message(NLMSG_DONE, done, &[0; 4])].concat();
            assert!(!read(&[datagram]).expect("a whole dump").0);
        }
    }

    #[test]
    fn a_refusal_is_an_error_and_never_an_empty_table() {
        const ENOENT: i32 = 2;
        for kind in [NLMSG_ERROR, NLMSG_DONE] {
            let error = read(&[message(kind, 0, &(-ENOENT).to_ne_bytes())]).expect_err("a refusal");
            assert_eq!(error.raw_os_error(), Some(ENOENT));
        }
    }

    #[test]
    fn what_is_cut_lost_early_or_foreign_is_an_error_of_our_own() {
        let whole = message(WANTED, 0, b"one");
        for datagrams in [
            vec![whole[..10].to_vec()],
            vec![whole[..18].to_vec()],
            vec![vec![0; BUFFER + 1]],
            vec![vec![0; HEADER]],
            vec![whole.clone()],
            vec![message(NLMSG_OVERRUN, 0, b"")],
            vec![message(99, 0, b"")],
            vec![],
        ] {
            let error = read(&datagrams).expect_err("no whole dump");
            assert_eq!(error.raw_os_error(), None, "{error}: that is no refusal of the kernel's");
        }
    }

    #[test]
    fn what_the_fuzzer_kept_ends_where_it_says_so_or_is_an_error() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/netlink");
        for file in std::fs::read_dir(corpus).unwrap_or_else(|error| panic!("{corpus}: {error}")) {
            let bytes = std::fs::read(file.expect("a folder can be read").path()).expect("a file can be read");
            let datagrams: Vec<_> = bytes.chunks(256).map(<[u8]>::to_vec).collect();
            let taken =
                |(_, bodies): (bool, Vec<Vec<u8>>)| bodies.iter().map(|body| HEADER + body.len()).sum::<usize>();
            assert!(read(&datagrams).map_or(0, |found| taken(found) + HEADER) <= bytes.len(), "{bytes:?}");
        }
    }

    #[test]
    fn a_changing_table_is_read_again_but_not_for_ever() {
        let mut attempts = 0;
        let third = settled(|| {
            attempts += 1;
            Ok((attempts == 3).then_some(attempts))
        });
        assert_eq!(third.expect("it holds still the third time"), 3);
        let never = settled(|| Ok(None::<()>)).expect_err("it never holds still");
        assert_eq!(never.to_string(), "it changed each time it was read");
    }

    #[test]
    fn attributes_are_found_behind_others_and_not_in_a_cut_tail() {
        let bytes = [&[5, 0, 1, 0, 9, 0, 0, 0][..], &[5, 0, 11, 0, 1, 0, 0, 0]].concat();
        assert_eq!(attribute(&bytes, 11), Some(&[1][..]));
        assert_eq!(attribute(&bytes, 12), None);
        assert_eq!(attribute(&bytes[..10], 11), None);
    }
}
