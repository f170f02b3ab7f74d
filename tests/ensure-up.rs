//! ensure-up, run as a user runs it: start it only if it is not up.

mod support;
