//! The servers that were started, as they are now: nothing is remembered that can be measured.

mod server_status;
mod survey;
mod usage;

pub use server_status::{ServerStatus, State};
pub use survey::{Subject, survey};
