//! What a tool's help and man page say beside its options: from one table for `-h`, `--help` and the man page.

use std::fmt::Write;

use clap::{Arg, Command};

use super::text;

/// What is said of a tool.
#[derive(Debug, Clone, Copy)]
pub struct Manual {
    /// Command lines, each with what it does; `-h` shows the first three.
    pub examples: &'static [(&'static str, &'static str)],
    /// The options that people use, by their long names, in few words.
    pub options: &'static [(&'static str, &'static str)],
    /// What else is to be known.
    pub notes: &'static [&'static str],
    /// The exit statuses.
    pub statuses: &'static [(&'static str, &'static str)],
    /// The JSON Schema of the records that it writes.
    pub schema: &'static str,
    /// The variables that it reads, beside those of all tools, and those that it sets.
    pub environment: &'static [(&'static str, &'static str)],
    /// The files that it reads and writes.
    pub files: &'static [(&'static str, &'static str)],
}

/// How `--help` is laid out: examples come before the options.
const LAYOUT: &str = "{about-with-newline}\n{usage-heading} {usage}\n\n{before-help}{all-args}{after-help}";

/// How much of a line `-h` takes, in columns.
const WIDTH: usize = 80;

impl Manual {
    /// Adds to the definition of a tool's command line what its help says: `-h` is one screen, `--help` is whole.
    pub(super) fn complete(&self, command: Command) -> Command {
        let brief = self.brief(&command);
        command
            // what clap calls the long help puts each option in lines of its own, with nothing beside: here it is -h, without any
            .mut_args(|argument| argument.hide_long_help(true))
            .help_template(LAYOUT)
            .before_help(listed("Examples", self.examples).trim_end().to_owned())
            .after_help(self.closing())
            .before_long_help(brief)
            .after_long_help("")
    }

    fn closing(&self) -> String {
        let notes: String = self.notes.iter().flat_map(|note| [note, "\n\n"]).collect();
        notes + &listed("Exit status", self.statuses)
    }

    /// Writes what `-h` shows below the usage.
    fn brief(&self, command: &Command) -> String {
        let rows: Vec<(String, &str)> =
            self.options.iter().map(|(long, words)| (spelled(command, long), *words)).collect();
        let widest = rows.iter().map(|(option, _)| text::width(option)).max().unwrap_or(0);
        let mut brief = String::from("Options:\n");
        for (option, words) in rows {
            let _ = writeln!(brief, "  {option:widest$}  {words}");
        }
        let examples = &self.examples[..self.examples.len().min(3)];
        brief += "\n";
        brief += &listed("Examples", examples);
        let _ = write!(brief, "\n--help shows all options, --generate man writes the man page.");
        brief
    }
}

/// Spells an option: `-q, --quiet`, `    --port <PORT>`.
fn spelled(command: &Command, long: &str) -> String {
    let Some(option) = command.get_arguments().find(|one| one.get_long() == Some(long)) else {
        unreachable!("--{long} is no option of {}", command.get_name());
    };
    let short = option.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let value = value_name(option);
    match (option.get_action().takes_values(), option.is_require_equals_set()) {
        (true, true) => format!("{short}--{long}[={value}]"),
        (true, false) => format!("{short}--{long} {value}"),
        (false, _) => format!("{short}--{long}"),
    }
}

/// Returns what an option or an operand calls its value; empty where it takes none.
pub(super) fn value_name(argument: &Arg) -> &str {
    argument.get_value_names().unwrap_or_default().first().map_or("", |name| name.as_str())
}

/// Wraps words into lines that begin in this column.
fn hanging(words: &str, indent: usize) -> String {
    let mut hanging = String::new();
    for line in text::wrap(words, WIDTH - indent) {
        let _ = writeln!(hanging, "{:indent$}{line}", "");
    }
    hanging
}

/// Lists what belongs together in two columns; what is too long for its line has the second one below.
fn listed(title: &str, table: &[(&str, &str)]) -> String {
    let widths = table.iter().map(|(left, _)| text::width(left));
    let widest = widths.filter(|&width| width <= WIDTH / 2).max().unwrap_or(0);
    let mut section = format!("{title}:\n");
    for (left, right) in table {
        let indent = widest + 4;
        let row = if text::width(left) <= widest && (indent + text::width(right) <= WIDTH || indent < 16) {
            format!("  {left:widest$}  {}", hanging(right, indent).trim_start())
        } else {
            format!("  {left}\n{}", hanging(right, 6))
        };
        section += &row;
    }
    section
}
