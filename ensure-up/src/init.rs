//! `--init`: a services file from what runs here.

pub mod found;
pub mod taken;
pub mod text;
mod typed;
