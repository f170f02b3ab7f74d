//! What a wait found, for people and for programs.

use health_wait::{Goal, Report, TargetRecord, Verdict};
use proc_tree::cli::{duration, text};

/// Says that a target is as awaited: `healthy: :8000 after 4.2 s (127.0.0.1, 3 ms)`.
pub(super) fn reached(record: &TargetRecord, goal: Goal) -> String {
    let waited = duration::elapsed(std::time::Duration::from_millis(record.waited_ms));
    let details = match goal {
        Goal::Up => [
            record.address.as_deref().map(|address| text::escape(address).into_owned()),
            record.status.map(|status| status.to_string()),
            record.latency_ms.map(|latency| format!("{latency} ms")),
        ],
        Goal::Down => [record.last_error.clone(), None, None],
    };
    let details: Vec<String> = details.into_iter().flatten().collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    format!("{} after {waited}{details}", name(record))
}

/// Says how a wait failed: a line for each target that is not as awaited. Nothing when it did not fail.
pub(super) fn failure(report: &Report, goal: Goal) -> Vec<String> {
    let waited = duration::elapsed(report.waited);
    let awaited = match goal {
        Goal::Up => "healthy",
        Goal::Down => "down",
    };
    let pending = report.pending.iter().map(|&index| &report.records[index]);
    match report.verdict {
        Verdict::Reached => Vec::new(),
        Verdict::Missed => pending.map(|one| format!("{} is not {awaited}: {}", name(one), reason(one))).collect(),
        Verdict::TimedOut => {
            pending.map(|one| format!("{} is not {awaited} after {waited}: {}", name(one), reason(one))).collect()
        }
        Verdict::Unable(index) => {
            let one = &report.records[index];
            vec![format!("cannot ask {}: {}", name(one), reason(one))]
        }
        Verdict::Failed(index) => {
            let one = &report.records[index];
            vec![format!("{} failed after {waited}: {}", name(one), reason(one))]
        }
        Verdict::Gone(index) => {
            let one = &report.records[index];
            vec![format!("{} never becomes {awaited}: {}", name(one), reason(one))]
        }
        Verdict::ProcessEnded(pid) if report.records.iter().all(|one| one.attempts == 0) && report.waited.is_zero() => {
            vec![format!("process {pid} does not exist, or has ended")]
        }
        Verdict::ProcessEnded(pid) => {
            let last: Vec<_> = pending
                .filter_map(|one| Some(format!("; last answer from {}: {}", name(one), one.last_error.as_ref()?)))
                .collect();
            vec![format!("process {pid} ended after {waited}{}", last.concat())]
        }
    }
}

fn name(record: &TargetRecord) -> String {
    text::escape(&record.target.to_string()).into_owned()
}

fn reason(record: &TargetRecord) -> &str {
    record.last_error.as_deref().unwrap_or("not asked yet")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proc_tree::cli::json_lines;

    use super::*;

    fn record(target: &str, last_error: Option<&str>) -> TargetRecord {
        let unasked = Report::unasked(&[target.parse().expect("a target")], Verdict::Missed);
        let mut record = unasked.records.into_iter().next().expect("a record of each target");
        (record.attempts, record.last_error) = (3, last_error.map(Into::into));
        record
    }

    fn report(verdict: Verdict) -> Report {
        let records =
            vec![record(":8000", Some("connection refused")), record("file:/tmp/x", None), record(":1", None)];
        Report { verdict, records, pending: vec![0, 1], waited: Duration::from_millis(1234) }
    }

    #[test]
    fn a_failure_names_each_target_that_is_not_as_awaited_and_why() {
        for (verdict, goal, lines) in [
            (Verdict::Reached, Goal::Up, vec![]),
            (
                Verdict::Missed,
                Goal::Up,
                vec![":8000 is not healthy: connection refused", "file:/tmp/x is not healthy: not asked yet"],
            ),
            (
                Verdict::TimedOut,
                Goal::Down,
                vec![
                    ":8000 is not down after 1.23 s: connection refused",
                    "file:/tmp/x is not down after 1.23 s: not asked yet",
                ],
            ),
            (Verdict::Gone(0), Goal::Up, vec![":8000 never becomes healthy: connection refused"]),
            (Verdict::Failed(0), Goal::Up, vec![":8000 failed after 1.23 s: connection refused"]),
            (
                Verdict::ProcessEnded(4711),
                Goal::Up,
                vec!["process 4711 ended after 1.23 s; last answer from :8000: connection refused"],
            ),
        ] {
            assert_eq!(failure(&report(verdict), goal), lines);
        }
    }

    #[test]
    fn a_healthy_target_says_where_how_and_how_fast() {
        let mut found = record("http://localhost:8000/health", Some("connection refused"));
        found.waited_ms = 4200;
        (found.address, found.status, found.latency_ms) = (Some("127.0.0.1".into()), Some(200), Some(3));
        let said = "http://localhost:8000/health after 4.20 s (127.0.0.1, 200, 3 ms)";
        assert_eq!(reached(&found, Goal::Up), said);
        assert_eq!(reached(&record("pid:7", None), Goal::Up), "pid:7 after 0 ms");
        let said = "http://localhost:8000/health after 4.20 s (connection refused)";
        assert_eq!(reached(&found, Goal::Down), said);
    }

    #[test]
    fn a_record_is_one_line_with_every_key() {
        let mut out = Vec::new();
        json_lines::write([record(":8000", None)], &mut out).expect("a vector takes everything");
        let line = "{\"target\":\":8000\",\"healthy\":false,\"address\":null,\"attempts\":3,\"waited_ms\":0,\
                    \"latency_ms\":null,\"status\":null,\"last_error\":null}\n";
        assert_eq!(String::from_utf8(out).expect("JSON is text"), line);
    }
}
