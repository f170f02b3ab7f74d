//! ensure-up
