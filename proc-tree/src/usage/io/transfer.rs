//! How much was moved.

/// Bytes that a process caused to be read from and written to storage, its reaped children's included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// Bytes read from storage.
    pub(crate) read: u64,
    /// Bytes written, or about to be written, to storage.
    pub(crate) written: u64,
}
