//! Starting a server, and the race until it is ready.

pub(crate) mod clock;
pub(crate) mod ensure;
pub(crate) mod notify;
pub(crate) mod race;
pub(crate) mod range;
pub(crate) mod run;
pub mod several;
pub(crate) mod spawn;
