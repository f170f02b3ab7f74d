//! A server that a call stays with.

use std::path::PathBuf;

use ensure_up::{
    Outcome, Port, ServerRecord, Service, ServiceId,
    attach::usage::Use,
    log::{last, merged::Begin},
    report::start_record::StartRecord,
    stop::manner::Manner,
};
use proc_tree::cli::text;

use super::{super::words, settled::Settled};

/// A server that this call stays with.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) service: ServiceId,
    pub(super) port: Option<Port>,
    pub(super) log: Option<PathBuf>,
    pub(super) is_ours: bool,
    /// What was recorded of it when it was up.
    pub(super) record: Option<ServerRecord>,
    /// How one is stopped that this process has started itself.
    pub(super) own: Option<(Service, Manner)>,
    pub(super) usage: Option<Use>,
}

impl Server {
    /// Describes one that this process saw to.
    pub(super) fn seen_to(service: &Service, outcome: &Outcome, settled: Settled) -> Self {
        let is_ours = outcome.action.is_start();
        Self {
            name: outcome.name.clone(),
            service: service.id.clone(),
            port: outcome.port,
            log: outcome.log.clone(),
            is_ours,
            record: settled.record,
            own: is_ours.then(|| (service.clone(), Manner::of(service))),
            usage: settled.usage,
        }
    }

    /// Describes one that another process saw to.
    pub(super) fn reported(
        service: ServiceId,
        port: Option<Port>,
        report: &StartRecord,
        is_ours: bool,
        settled: Settled,
    ) -> Self {
        Self {
            name: report.name.clone(),
            service,
            port,
            log: report.log.as_ref().map(PathBuf::from),
            is_ours,
            record: settled.record,
            own: None,
            usage: settled.usage,
        }
    }

    /// Returns where its log is shown from: of one that was started here from the first line on, else what comes.
    pub(super) fn begin(&self) -> Begin {
        if self.is_ours { Begin::First } else { Begin::End }
    }

    /// Tells whether this call started the server that is recorded by now, whatever its supervisor has started since.
    pub(super) fn is_still_ours(&self, now: Option<&ServerRecord>) -> bool {
        self.is_ours && (self.own.is_some() || is_same(self.record.as_ref(), now))
    }

    /// Shows the end of its log.
    pub(super) fn show_end(&self) {
        let lines = self.log.as_ref().map(|log| last::lines(log, last::SHOWN)).unwrap_or_default();
        if !lines.is_empty() {
            let name = text::escape(&self.name);
            let handle = words::handle(&self.service, self.port).unwrap_or_else(|| name.clone().into_owned());
            words::say(&format!("{name}: the end of its log (ensure-up --logs {handle}):"));
            for line in lines {
                words::say(&format!("  {}", text::escape(&line)));
            }
        }
    }
}

/// Tells whether both records are of the same server, whatever its supervisor has started since.
fn is_same(before: Option<&ServerRecord>, now: Option<&ServerRecord>) -> bool {
    let (Some(before), Some(now)) = (before, now) else { return before.is_some() };
    let is_kept_up = before.supervisor.is_some() && before.supervisor == now.supervisor;
    is_kept_up || now.is_any_of(&[&[before.identity()], before.holders.as_slice()].concat())
}
