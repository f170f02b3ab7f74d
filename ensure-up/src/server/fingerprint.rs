//! Text that is to be known again and not kept.

/// Fingerprints text: FNV-1a, 64 bits.
pub(crate) fn of<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> u64 {
    let bytes = parts.into_iter().flat_map(|part| part.iter().copied().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Fingerprints the words of a command.
pub(crate) fn of_words(words: &[String]) -> u64 {
    of(words.iter().map(String::as_bytes))
}
