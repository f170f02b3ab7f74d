//! The man page, in man(7): sections as other tools have them, examples as they are typed.

use std::{
    env,
    fmt::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{Arg, Command};

use super::{
    manual::{Manual, value_name},
    records::{Key, Records},
    text,
};

/// When this version was released, unless `SOURCE_DATE_EPOCH` says otherwise.
const RELEASED: &str = "2026-11-22";

/// The tools, each of which is to be seen beside the others.
const ALL: [&str; 5] = ["ensure-up", "health-wait", "port-kill", "port-who", "proc-tree"];

/// What is said of all records.
const UNKNOWN: &str = "What is unknown is null, never 0. --generate schema prints the JSON Schema.";

/// What all five read.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("NO_COLOR", "Not empty: no colours, unless --color says otherwise."),
    (
        "CLICOLOR, CLICOLOR_FORCE, FORCE_COLOR",
        "CLICOLOR=0 means no colours, the others mean colours also where there is no terminal.",
    ),
    ("TERM", "dumb means no colours and no live views."),
    ("COLUMNS", "The width of a terminal that does not tell its own."),
];

/// Writes the page.
pub(super) fn page(command: &Command, manual: &Manual) -> String {
    let name = command.get_name();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let version = command.get_version().unwrap_or_default();
    let mut page = format!(
        ".TH {} 1 {} \"{name} {version}\" \"User Commands\"\n.SH NAME\n{} \\-\n{}\n",
        plain(&name.to_uppercase()),
        date(),
        plain(name),
        filled(&about)
    );
    page += ".SH SYNOPSIS\n";
    page += &synopsis(command);
    page += ".SH DESCRIPTION\n";
    page += &paragraphs(&[&[about.as_str()], manual.notes].concat());
    page += &options(command);
    page += ".SH EXAMPLES\n";
    let example = |(typed, meaning): &(&str, &str)| {
        format!("{}:\n.PP\n.nf\n.RS 4\n{}\n.RE\n.fi\n", filled(&sentence(meaning)), typed_line(typed))
    };
    page += &manual.examples.iter().map(example).collect::<Vec<_>>().join(".PP\n");
    page += ".SH EXIT STATUS\n";
    page += &tagged(manual.statuses);
    page += ".SH RECORDS\n";
    page += &records(&Records::of(manual.schema));
    page += ".SH ENVIRONMENT\n";
    page += &tagged(&[manual.environment, &ENVIRONMENT].concat());
    if !manual.files.is_empty() {
        page += ".SH FILES\n";
        page += &tagged(manual.files);
    }
    page += ".SH SEE ALSO\n";
    let others: Vec<String> =
        ALL.iter().filter(|&&other| other != name).map(|other| format!(".BR {} (1)", plain(other))).collect();
    page += &others.join(" ,\n");
    page.push('\n');
    page
}

/// Lists what has a name each: `.TP`, the name, what it is.
fn tagged(table: &[(&str, &str)]) -> String {
    let entry = |(tag, words): &(&str, &str)| [".TP\n.B ", &plain(tag), "\n", &filled(words), "\n"].concat();
    table.iter().map(entry).collect()
}

fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let lines = usage.trim_start_matches("Usage:").lines().map(|line| plain(line.trim()));
    lines.collect::<Vec<_>>().join("\n.br\n") + "\n"
}

fn paragraphs(texts: &[&str]) -> String {
    texts.iter().map(|text| filled(text)).collect::<Vec<_>>().join("\n.PP\n") + "\n"
}

/// Lists the operands, then the options by their headings.
fn options(command: &Command) -> String {
    let mut section = String::from(".SH OPTIONS\n");
    let shown: Vec<&Arg> = command.get_arguments().filter(|one| !one.is_hide_set()).collect();
    shown.iter().filter(|one| one.is_positional()).for_each(|one| section += &option(one));
    let mut headings: Vec<Option<&str>> = vec![None];
    for argument in &shown {
        if !headings.contains(&argument.get_help_heading()) {
            headings.push(argument.get_help_heading());
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            let _ = writeln!(section, ".SS {}", plain(heading));
        }
        let under = shown.iter().filter(|one| !one.is_positional() && one.get_help_heading() == heading);
        under.for_each(|one| section += &option(one));
    }
    section
}

fn option(argument: &Arg) -> String {
    let dashed =
        [argument.get_short().map(|short| format!("-{short}")), argument.get_long().map(|long| format!("--{long}"))];
    let names: Vec<String> = dashed.into_iter().flatten().map(|name| format!("\\fB{}\\fR", plain(&name))).collect();
    let value = format!("\\fI{}\\fR", plain(value_name(argument)));
    let takes_value = argument.get_action().takes_values();
    let tag = match (argument.is_positional(), takes_value, argument.is_require_equals_set()) {
        (true, ..) => value,
        (false, true, true) => format!("{}[={value}]", names.join(", ")),
        (false, true, false) => format!("{} {value}", names.join(", ")),
        (false, false, _) => names.join(", "),
    };
    let mut help = sentence(&argument.get_help().map(ToString::to_string).unwrap_or_default());
    let defaults = argument.get_default_values();
    if takes_value && !argument.is_hide_default_value_set() && !defaults.is_empty() {
        let defaults: Vec<_> = defaults.iter().map(|one| one.to_string_lossy()).collect();
        let _ = write!(help, " [default: {}]", defaults.join(" "));
    }
    format!(".TP\n{tag}\n{}\n", filled(&help))
}

/// Lists the keys of each kind of record.
fn records(records: &Records) -> String {
    let mut section = filled(&format!("{} {UNKNOWN}", records.about)) + "\n";
    for record in &records.kinds {
        let _ = writeln!(section, ".SS {}\n{}", plain(&record.title), filled(&record.about));
        record.keys.iter().for_each(|one| section += &key(one));
    }
    section
}

fn key(key: &Key) -> String {
    let mut entry = format!(".TP\n\\fB{}\\fR ({})\n", plain(&key.name), plain(&key.form));
    if !key.about.is_empty() {
        entry += &(filled(&key.about) + "\n");
    }
    let words: Vec<(&str, &str)> = key.words.iter().map(|(word, about)| (word.as_str(), about.as_str())).collect();
    match &words[..] {
        [] => entry,
        [(only, _)] => entry + &filled(&format!("Always {only}.")) + "\n",
        words if words.iter().all(|(_, about)| about.is_empty()) => {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            entry + &filled(&format!("One of {}.", words.join(", "))) + "\n"
        }
        words => [&entry, ".RS\n", &tagged(words), ".RE\n"].concat(),
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Writes words that are filled, in lines that are not long.
fn filled(words: &str) -> String {
    text::wrap(words, 60).iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n")
}

/// Writes a line that stays one, however long it is.
fn typed_line(line: &str) -> String {
    text::wrap(line, 60).iter().map(|part| plain(part)).collect::<Vec<_>>().join(" \\\n")
}

/// Escapes what roff would take for its own: backslashes, hyphens that are typed, quotes that are typed, a dot that begins a line.
fn plain(text: &str) -> String {
    let mut roff = String::with_capacity(text.len() + 16);
    if text.starts_with(['.', '\'']) {
        roff.push_str("\\&");
    }
    for letter in text.chars() {
        match letter {
            '\\' => roff.push_str("\\e"),
            '-' => roff.push_str("\\-"),
            '\'' => roff.push_str("\\(aq"),
            '"' => roff.push_str("\\(dq"),
            '`' => roff.push_str("\\(ga"),
            '^' => roff.push_str("\\(ha"),
            '~' => roff.push_str("\\(ti"),
            '\n' => roff.push(' '),
            letter if letter.is_ascii() => roff.push(letter),
            // what groff cannot read from a file without being told how
            letter => {
                let _ = write!(roff, "\\[u{:04X}]", u32::from(letter));
            }
        }
    }
    roff
}

/// Returns the page's date: that of the sources, so that a page is the same whenever it is built.
fn date() -> String {
    let told = env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let told = told.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    told.map_or_else(|| RELEASED.to_owned(), day)
}

fn day(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_where_roff_would_read_it() {
        for (text, roff) in
            [(".a", "\\&.a"), ("'x' -- \"y\"", "\\&\\(aqx\\(aq \\-\\- \\(dqy\\(dq"), ("a\\b …", "a\\eb \\[u2026]")]
        {
            assert_eq!(plain(text), roff);
        }
        assert_eq!(day(UNIX_EPOCH + Duration::from_hours(24)), "1970-01-02");
    }
}
