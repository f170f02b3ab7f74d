//! The line about what is waited for, fitted to a terminal's width: why it is not over, and what the log says, are worth more
//! than what somebody who made the call knows anyway.

use proc_tree::cli::text;

const GAP: usize = 2;

/// So much of the words about a server is left: `restarting api in 2 s`.
const LEAST_OF_HEAD: usize = 21;

/// So much of the log's line is left to it, quotes included, as long as there is something else to shorten.
const SOME_OF_LOG: usize = 20;

/// So much of it is left where there is not.
const LEAST_OF_LOG: usize = 12;

/// So much of the reason is worth being shown.
const LEAST_OF_REASON: usize = 12;

/// What a line says, each part without what could fool a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WaitLine {
    /// What is done about which servers, in words, and shorter; the last says no more than it has to.
    pub(super) heads: Vec<String>,
    /// How long it has taken of how long it may take, and without that.
    pub(super) times: Vec<String>,
    /// Why it is not over.
    pub(super) reason: Option<String>,
    /// What the log says last.
    pub(super) log: Option<String>,
}

impl WaitLine {
    /// Writes all of it.
    pub(super) fn whole(&self) -> String {
        let log = self.log.as_ref().map(|log| format!("\"{log}\""));
        join([self.heads.first(), self.times.first(), self.reason.as_ref(), log.as_ref()])
    }

    /// Writes what fits: first the end of the log's line goes, then the words around the server's name, then the limit, then more
    /// of the log's line, and last the end of the reason.
    pub(super) fn within(&self, columns: usize) -> String {
        let log = self.log.as_ref().map_or(0, |log| text::width(log) + 2);
        for times in self.times.chunks(1) {
            for heads in self.heads.chunks(1) {
                let line = Self { heads: heads.to_vec(), times: times.to_vec(), ..self.clone() };
                let over = text::width(&line.whole()).saturating_sub(columns);
                if over == 0 {
                    return line.whole();
                }
                if log.saturating_sub(over) >= SOME_OF_LOG {
                    let cut = line.log.as_ref().map(|line| text::cut(line, log - over - 2).into_owned());
                    return Self { log: cut, ..line }.whole();
                }
            }
        }
        self.cut(columns)
    }

    fn cut(&self, columns: usize) -> String {
        let head = self.heads.last().map_or("", String::as_str);
        let time = self.times.last().map_or(0, |time| text::width(time) + GAP);
        // a long name must not be all that there is
        let is_all = self.reason.is_none() && self.log.is_none();
        let most = if is_all { columns.saturating_sub(time) } else { (columns / 3).max(LEAST_OF_HEAD) };
        let head = text::cut(head, most);
        let start = join([Some(&head.into_owned()), self.times.last(), None, None]);
        let room = columns.saturating_sub(text::width(&start) + GAP);
        let (reason, log) = (self.reason.as_deref(), self.log.as_deref());
        let wanted = log.map_or(0, |log| text::width(log) + 2);
        let least = if wanted == 0 { 0 } else { wanted.min(LEAST_OF_LOG) + GAP };
        let reason = reason.map(|reason| match room.saturating_sub(least) {
            // no room for both
            left if left < LEAST_OF_REASON => text::cut(reason, room).into_owned(),
            left => text::cut(reason, left).into_owned(),
        });
        let left = room.saturating_sub(reason.as_ref().map_or(0, |reason| text::width(reason) + GAP));
        let log = log
            .filter(|_| left >= wanted.min(LEAST_OF_LOG))
            .map(|log| format!("\"{}\"", text::cut(log, left.saturating_sub(2))));
        join([Some(&start), None, reason.as_ref(), log.as_ref()])
    }
}

fn join(parts: [Option<&String>; 4]) -> String {
    let said: Vec<&str> = parts.into_iter().flatten().map(String::as_str).filter(|part| !part.is_empty()).collect();
    said.join(&" ".repeat(GAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(heads: &[&str], reason: &str, log: &str) -> WaitLine {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let all = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        WaitLine { heads: all(heads), times: all(&["12 s of 60 s", "12 s"]), reason: some(reason), log: some(log) }
    }

    #[test]
    fn the_log_is_cut_first_and_outlives_with_the_reason_the_words_around_the_name_and_the_limit() {
        let joining = ["joining the start of uv on port 8000 by pid 4690", "joining the start of uv", "joining uv"];
        let (unavailable, loading) = ("503 Service Unavailable", "loading shard 12/15");
        for (columns, expected) in [
            (
                110,
                "joining the start of uv on port 8000 by pid 4690  12 s of 60 s  503 Service Unavailable  \"loading shard 12/15\"",
            ),
            (
                109,
                "joining the start of uv on port 8000 by pid 4690  12 s of 60 s  503 Service Unavailable  \"loading shard 12/…\"",
            ),
            (108, "joining the start of uv  12 s of 60 s  503 Service Unavailable  \"loading shard 12/15\""),
            (84, "joining the start of uv  12 s of 60 s  503 Service Unavailable  \"loading shard 12/…\""),
            (75, "joining uv  12 s of 60 s  503 Service Unavailable  \"loading shard 12/15\""),
            (64, "joining uv  12 s  503 Service Unavailable  \"loading shard 12/15\""),
            (55, "joining uv  12 s  503 Service Unavailable  \"loading s…\""),
            (50, "joining uv  12 s  503 Service Unava…  \"loading s…\""),
            (35, "joining uv  12 s  503 Service Unav…"),
        ] {
            let shown = line(&joining, unavailable, loading).within(columns);
            assert_eq!(shown, expected, "{columns}");
            assert!(text::width(&shown) <= columns, "{columns}");
        }
    }

    #[test]
    fn a_line_is_never_wider_than_the_terminal_and_says_what_there_is() {
        let wide = "接続が拒否されました";
        for (reason, log) in
            [("", ""), ("refused", ""), ("", "模型 12/15 読込中"), (wide, "模型 12/15 読込中"), (wide, "")]
        {
            let name = "名".repeat(30);
            let of = line(&[&format!("starting {name} on port 8000"), &format!("starting {name}")], reason, log);
            for columns in 0..200 {
                let shown = of.within(columns);
                // as far as there is room for the time
                assert!(columns < 30 || text::width(&shown) <= columns, "{columns} {shown}");
                if columns >= 55 {
                    let has = |text: &str| text.is_empty() || shown.contains(&text.chars().take(2).collect::<String>());
                    assert!(has(reason) && has(log), "{columns} {shown}");
                }
            }
        }
    }
}
