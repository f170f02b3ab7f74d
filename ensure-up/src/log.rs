//! A server's log: rotated, filled, followed, searched.

use std::path::Path;

pub mod deleted;
pub mod follow;
pub mod head;
pub mod last;
pub mod merged;
pub mod outlet;
pub(crate) mod patterns;
pub(crate) mod pump;
pub mod rotate;
pub mod shown;
pub(crate) mod tail;

/// Tells by its path whether a log is a device: that keeps nothing, and is no file of one server. What is in shared memory is a file.
pub(crate) fn is_device(log: &Path) -> bool {
    log.starts_with("/dev") && !log.starts_with("/dev/shm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_shared_memory_is_a_file_and_what_else_is_in_dev_a_device() {
        for (log, expected) in [
            ("/dev/null", true),
            ("/dev/pts/3", true),
            ("/dev/shm/web.log", false),
            ("/dev/shmem", true),
            ("/device.log", false),
            ("/var/log/dev/null", false),
        ] {
            assert_eq!(is_device(Path::new(log)), expected, "{log}");
        }
    }
}
