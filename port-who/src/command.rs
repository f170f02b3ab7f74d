//! What belongs to the command alone: its arguments, its statuses, its hints, and each thing that it does.

pub(crate) mod arguments;
mod free;
mod hint;
mod list;
mod manual;
mod note;
mod question;
mod status;
mod watch;

use std::io::Write;

use proc_tree::cli::{args::Common, completion::Candidate, manual::Manual, slip::Dictionary, status::Exit, tool::Tool};

use arguments::Arguments;
use manual::MANUAL;
use question::Unseen;
use status::Status;

impl Tool for Arguments {
    const NAME: &'static str = "port-who";

    const MANUAL: &'static Manual = &MANUAL;

    const FOREIGN: Dictionary = arguments::FOREIGN;

    fn respell(operand: &str) -> Option<String> {
        port_who::respelled(operand)
    }

    fn candidates(value: &str) -> Vec<Candidate> {
        port_who::candidates(value)
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match (self.free, self.interval()) {
            (Some(count), _) => free::find(&self, count, out).map(Exit::from),
            (None, Some(interval)) => watch::watch(self, interval, out),
            (None, None) => list::list(&self, out).map(Exit::from),
        }
    }

    fn status(_error: &anyhow::Error) -> u8 {
        Status::Failed as u8
    }

    fn hint(error: &anyhow::Error) -> Option<String> {
        let of_ports = || error.downcast_ref().and_then(hint::failed).map(str::to_owned);
        if error.is::<Unseen>() { hint::as_root() } else { of_ports() }
    }
}
