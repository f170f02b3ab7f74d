//! A README's console blocks, played line by line: what is shown is what comes, but for figures, names of users and blanks.
//! A line `…` stands for any lines, and `…` in a line for any text.

use std::sync::LazyLock;

use regex::Regex;

use crate::{SetUp, support::tells_of_a_wait};

/// A number, a duration, a size, a port, a PID.
static FIGURE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d[\d.dhms]*( (ms|s|[KMG]iB)\b)?").expect("a pattern"));

/// A moment.
static MOMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").expect("a pattern"));

impl SetUp {
    /// Plays README.md, with these ports in the places of those that it shows.
    pub(crate) fn plays_its_readme(&self, ports: &[(&str, u16)]) {
        let readme = self.read("README.md");
        let mut steps = 0;
        for (command, expected) in readme.split("```console\n").skip(1).flat_map(steps_of) {
            let command =
                ports.iter().fold(command, |command, (shown, port)| command.replace(shown, &port.to_string()));
            let said = self.stdout(&format!("exec 2>&1\n{command}"));
            self.is_as_shown(&command, &said, &expected);
            steps += 1;
        }
        assert!(steps > 2, "a README shows what to type");
    }

    /// Compares what a command said with what is shown of it.
    pub(crate) fn is_as_shown(&self, command: &str, said: &str, expected: &[&str]) {
        let user = self.stdout("id -un 2> /dev/null || true");
        let said = said.replace(&format!(" {}", user.trim()), " dev");
        // a slow machine has more lines about waits
        let told = said.lines().filter(|line| !tells_of_a_wait(line));
        let (is, shown): (Vec<_>, Vec<_>) = (told.map(mask).collect(), expected.iter().copied().map(mask).collect());
        assert!(fits(&is, &shown), "$ {command}\n{said}--- where the README has\n{}", shown.join("\n"));
    }
}

/// Takes a block apart into commands and what each shows.
pub(crate) fn steps_of(block: &str) -> impl Iterator<Item = (String, Vec<&str>)> {
    let block = block.split("```").next().unwrap_or_default();
    block.split("$ ").skip(1).map(|step| {
        let (command, shown) = step.split_once('\n').unwrap_or((step, ""));
        (command.to_owned(), shown.lines().collect())
    })
}

/// Makes of a line what is the same at each run.
pub(crate) fn mask(line: &str) -> String {
    let line = MOMENT.replace_all(line, "@");
    let line = FIGURE.replace_all(&line, "#");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fits(is: &[String], shown: &[String]) -> bool {
    match (is, shown) {
        ([], []) => true,
        (_, [any, shown @ ..]) if any == "…" => (0..=is.len()).any(|skipped| fits(&is[skipped..], shown)),
        ([one, is @ ..], [other, shown @ ..]) => is_like(one, other) && fits(is, shown),
        _ => false,
    }
}

fn is_like(is: &str, shown: &str) -> bool {
    let Some((before, after)) = shown.split_once('…') else { return is == shown };
    let Some(rest) = is.strip_prefix(before) else { return false };
    (0..=rest.len()).any(|skipped| rest.get(skipped..).is_some_and(|rest| is_like(rest, after)))
}
