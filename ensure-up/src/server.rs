//! What is there, and whose it is: processes, records, locks, and where they are kept.

pub(crate) mod folder;
pub(crate) mod life;
pub(crate) mod lock;
pub(crate) mod raw_path;
pub(crate) mod record;
pub(crate) mod standing;
