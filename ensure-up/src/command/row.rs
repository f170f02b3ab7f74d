//! What came of each service, as a row for a person: aligned, wrapped at the terminal's edge, what belongs to it below.

use std::{collections::BTreeSet, time::Duration};

use ensure_up::{
    Action, ServiceSpec,
    report::{explanation::Explanation, start_record::StartRecord},
    start::several::EndedStart,
};
use proc_tree::cli::{duration, terminal::Look, text};

use super::{several, words};

const GAP: usize = 2;

/// The widths of the columns, known before anything has come of any service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// The services of this call.
    names: BTreeSet<String>,
    name: usize,
    action: usize,
    port: usize,
}

impl Columns {
    /// Makes room for these services.
    pub(super) fn of(services: &[ServiceSpec]) -> Self {
        let name = services.iter().map(|service| text::width(&text::escape(&service.name()))).max().unwrap_or(0);
        let ports = services.iter().filter_map(|service| Some(service.port?.last().to_string().len()));
        let stops_first = |service: &ServiceSpec| {
            let existing = service.existing;
            existing.restart || existing.restart_if_changed || existing.replace
        };
        let longest = if services.iter().any(stops_first) { Action::Restarted } else { Action::Started };
        let names = services.iter().filter_map(|service| service.name.clone()).collect();
        Self { names, name, action: longest.word().len(), port: ports.max().unwrap_or(0) }
    }

    /// Writes the row of a service whose start has ended.
    pub(super) fn row(&self, service: &ServiceSpec, start: &EndedStart, look: &Look) -> String {
        let record = &start.report.record;
        let StartRecord { name, action, .. } = record;
        let port = record.port.filter(|_| *action != Action::Failed);
        let port = port.map_or_else(String::new, |number| service.port_at(number).to_string());
        let cell = |cell: &str, width: usize| format!("{cell}{:1$}", "", GAP + width.saturating_sub(text::width(cell)));
        let head = cell(&text::escape(name), self.name) + &cell(action.word(), self.action);
        let head = format!("{head}{port:>width$}  ", width = self.port);
        let rest = match &start.report.explanation {
            Some(Explanation { message, .. }) => message.clone(),
            None => text::escape(&self.outcome(service, record)).into_owned(),
        };
        let mut lines = wrapped(&head, &rest, look);
        let indent = " ".repeat(self.name + GAP);
        for line in Self::below(service, start, look) {
            let (own, rest) = line.split_at(line.len() - line.trim_start().len());
            lines.extend(wrapped(&format!("{indent}{own}"), rest, look));
        }
        look.pids(&lines.join("\n")).into_owned()
    }

    /// Words what was done, as the end of a row.
    fn outcome(&self, service: &ServiceSpec, record: &StartRecord) -> String {
        let pid = record.pid.map_or_else(|| words::nobody(record.port.is_some()).into(), |pid| format!("pid {pid}"));
        let took = || duration::elapsed(Duration::from_millis(record.ready_ms.unwrap_or_default()));
        match record.action {
            Action::Failed => record.reason.clone().unwrap_or_else(|| "not up".into()),
            action if action.is_start() => format!("in {} ({pid}){}", took(), self.after(service)),
            Action::Joined => format!("after {} ({pid})", took()),
            _ => {
                let because = record.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
                let age = record.process().and_then(words::age).map_or_else(String::new, |age| format!(", {age}"));
                format!("({pid}{age}){because}")
            }
        }
    }

    /// Names what was waited for: a restart leaves alone what its service depends on.
    fn after(&self, service: &ServiceSpec) -> String {
        let before: Vec<&str> =
            service.depends_on.iter().filter(|name| self.names.contains(*name)).map(String::as_str).collect();
        if before.is_empty() { String::new() } else { format!(", after {}", before.join(", ")) }
    }

    /// The end of a log is for somebody who cannot ask for it: on a terminal the command that shows it is enough.
    fn below(service: &ServiceSpec, start: &EndedStart, look: &Look) -> Vec<String> {
        let mut lines = Vec::new();
        let record = &start.report.record;
        if let Some(explanation) = &start.report.explanation {
            let log = explanation.log.as_ref();
            let shown = log.filter(|log| look.columns.is_none() && !log.lines.is_empty());
            lines.extend(
                shown
                    .into_iter()
                    .flat_map(|log| &log.lines)
                    .chain(&explanation.details)
                    .map(|line| format!("  {line}")),
            );
            lines.extend(explanation.hints.iter().map(|hint| format!("hint: {hint}")));
            // what started it stood in the folder of its file
            let port = record.port.map(|number| service.port_at(number));
            let handle = words::handle(&several::service(service, record), port);
            lines.extend(log.map(|log| match handle {
                Some(handle) => format!("hint: ensure-up --logs {handle}"),
                None => format!("hint: {}", log.shown_by),
            }));
        }
        lines.extend(start.report.notes.iter().map(|note| format!("note: {}: {note}", text::escape(&record.name))));
        lines
    }
}

/// Breaks a text between its words, so that it stands right of its head; where there is little room for that, or no edge,
/// it is not broken.
fn wrapped(head: &str, rest: &str, look: &Look) -> Vec<String> {
    const LEAST: usize = 16;
    let indent = text::width(head);
    let room = look.columns.and_then(|columns| columns.checked_sub(indent)).filter(|&room| room >= LEAST);
    let Some(room) = room.filter(|&room| text::width(rest) > room) else { return vec![format!("{head}{rest}")] };
    let place = |(index, line)| if index == 0 { format!("{head}{line}") } else { format!("{:indent$}{line}", "") };
    text::wrap(rest, room).into_iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_broken_between_words_right_of_its_head() {
        let columns = |columns| Look { color: false, columns };
        let text = "python3 ended with status 1";
        assert_eq!(wrapped("ml  ", text, &columns(None)), ["ml  python3 ended with status 1"]);
        assert_eq!(wrapped("ml  ", text, &columns(Some(31))), ["ml  python3 ended with status 1"]);
        assert_eq!(wrapped("ml  ", text, &columns(Some(30))), ["ml  python3 ended with status", "    1"]);
        assert_eq!(wrapped("ml  ", text, &columns(Some(20))), ["ml  python3 ended", "    with status 1"]);
        assert_eq!(wrapped("ml  ", text, &columns(Some(10))), ["ml  python3 ended with status 1"], "too little room");
        let long = format!("{} x", "a".repeat(40));
        assert_eq!(wrapped("ml  ", &long, &columns(Some(30))), [format!("ml  {}", "a".repeat(40)), "    x".into()]);
    }
}
