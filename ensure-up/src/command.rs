//! The command `ensure-up`: what its arguments ask for, one file for each of that.

mod arguments;
mod attached;
mod candidates;
mod child;
mod display;
mod init;
mod listing;
mod logs;
mod manual;
mod one;
mod own_line;
mod place;
mod restart;
mod row;
mod several;
mod slip;
mod status;
mod stop;
mod stop_line;
mod usage;
mod wait_line;
mod waits;
mod why;
mod words;

use std::{
    ffi::OsString,
    io::{self, Write},
};

use clap::Command;
use proc_tree::cli::{
    args::Common,
    completion::Candidate,
    line::Line,
    manual::Manual,
    slip::Dictionary,
    status::{Exit, UsageError},
    tool::Tool,
};

pub(crate) use arguments::Arguments;
use manual::MANUAL;

impl Tool for Arguments {
    const NAME: &'static str = "ensure-up";

    const MANUAL: &'static Manual = &MANUAL;

    fn parse_words(definition: Command, words: Vec<OsString>) -> Result<Self, clap::Error> {
        Self::parsed(definition, words)
    }

    fn candidates(value: &str) -> Vec<Candidate> {
        candidates::of(value)
    }

    fn common(&self) -> &Common {
        &self.common
    }

    const FOREIGN: Dictionary = slip::FOREIGN;

    fn slip(line: &Line<'_>) -> Option<UsageError> {
        slip::of(line)
    }

    fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        self.blot_out_secrets();
        if let Some(slip) = self.watch.and_then(|_| slip::interval(&self.names)) {
            return Err(slip.into());
        }
        if let Some(key) = &self.supervise {
            child::supervise(key)
        } else if self.starter.is_some() {
            child::start(&mut io::stdin().lock(), out)
        } else if self.status {
            listing::list(&self, out)
        } else if self.stop {
            stop::stop(&self, out)
        } else if self.logs {
            logs::print(&self, out)
        } else if self.init {
            init::write(&self, out)
        } else if self.restarts_known() {
            restart::start(&self, out)
        } else if self.all || !self.names.is_empty() {
            several::start(&self, out)
        } else {
            one::start(&self, out)
        }
    }

    fn status(_error: &anyhow::Error) -> u8 {
        status::Status::Failed as u8
    }
}
