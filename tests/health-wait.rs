//! health-wait, run as a user runs it: block until it is healthy.

mod support;
