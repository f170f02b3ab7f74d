//! docs/troubleshooting.md: it has each hint that the sources have words for.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;

use super::{project, read};
use crate::support::shell::TOOLS;

/// Where the words of hints stand in a file.
enum Place {
    /// It only hands them on.
    Nowhere,
    /// In all of it.
    Everywhere,
    /// In these functions and constants.
    In(&'static [&'static str]),
}

use Place::{Everywhere, In, Nowhere};

/// The files that speak of hints.
const WORDS: [(&str, Place); 23] = [
    ("ensure-up/src/command/init.rs", In(&["is_there"])),
    ("ensure-up/src/command/place.rs", In(&["find", "unknown"])),
    ("ensure-up/src/command/row.rs", Nowhere),
    ("ensure-up/src/command/several.rs", In(&["run"])),
    ("ensure-up/src/command/slip.rs", In(&["of", "option_for", "port_before", "interval"])),
    ("ensure-up/src/command/usage.rs", In(&["config"])),
    ("ensure-up/src/command/why.rs", In(&["hint", "freeing", "accepting", "TAKE_SOCKET"])),
    ("ensure-up/src/report/explanation.rs", In(&["TRY_AGAIN", "continued"])),
    ("health-wait/src/command/slip.rs", In(&["command", "shell_line"])),
    ("port-kill/src/command/arguments.rs", Nowhere),
    (
        "port-kill/src/command/notes.rs",
        In(&["hint", "unnamed_container", "socket_unit", "stop_command", "stop_managed"]),
    ),
    ("port-kill/src/free/run.rs", Nowhere),
    ("port-kill/src/outcome.rs", Nowhere),
    ("port-who/src/command.rs", Nowhere),
    ("port-who/src/command/hint.rs", Everywhere),
    ("port-who/src/command/watch.rs", Nowhere),
    ("port-who/src/report/unseen.rs", Everywhere),
    ("proc-tree/src/cli/status.rs", Nowhere),
    ("proc-tree/src/cli/tool.rs", In(&["fail"])),
    ("proc-tree/src/cli/usage_error.rs", In(&["usage_error", "hints"])),
    ("proc-tree/src/command/arguments.rs", In(&["run", "gpu", "selected"])),
    ("proc-tree/src/command/observer.rs", In(&["name_the_unreadable"])),
    ("proc-tree/src/command/slip.rs", In(&["no_pid", "detached_interval"])),
];

/// A text in a source, where one goes on in its next line, and what is filled in.
static LITERAL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""((?:[^"\\]|\\(?s:.))*)""#).expect("a pattern"));
static CONTINUED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\\\n\s*").expect("a pattern"));
static FILLED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{\w*(?::\?)?\}").expect("a pattern"));

/// Returns a source without its tests and comments.
fn source(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source");
    let own = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    own.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect()
}

/// Returns a function or a constant: from the line that names it to the one that closes it, as rustfmt writes them.
fn item<'s>(source: &'s str, name: &str) -> Option<&'s str> {
    let begins =
        Regex::new(&format!(r"(?m)^( *)(?:pub(?:\(\w+\))? )?(?:fn {name}\b|const {name}: )")).expect("a pattern");
    let found = begins.captures(source)?;
    let rest = &source[found.get(0)?.start()..];
    let closing = if found[0].contains("const ") { ";\n".to_owned() } else { format!("\n{}}}\n", &found[1]) };
    rest.find(&closing).map(|end| &rest[..end])
}

/// Lists the texts in a source that are words: several, and letters enough to be known by.
fn words(source: &str) -> Vec<String> {
    let texts = LITERAL.captures_iter(source).map(|found| CONTINUED.replace_all(&found[1], "").replace("\\n", "\n"));
    let lines = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    let lines = lines.map(|line| line.strip_prefix("hint: ").map(str::to_owned).unwrap_or(line));
    let letters = |text: &str| text.chars().filter(|one| one.is_alphabetic()).count();
    // what could not be done is an error's, and no hint
    let says = |text: &String| text.trim().contains(' ') && letters(text) > 7 && !text.starts_with("cannot ");
    lines.filter(says).collect()
}

/// Makes the pattern of a text in which anything may stand in the places that are filled in.
fn pattern(text: &str) -> Regex {
    let whole = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let parts = FILLED.split(&whole).map(|part| regex::escape(&part.replace('\u{1}', "{").replace('\u{2}', "}")));
    Regex::new(&parts.collect::<Vec<_>>().join(".*").replace("\\\\\"", "\"")).expect("a pattern")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).expect("a folder").flatten().map(|one| one.path());
    all.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs"))
        .collect()
}

/// Lists the words of all hints, each with its file.
fn all() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for (file, place) in WORDS {
        let source = source(&project().join(file));
        let find = |name: &&str| item(&source, name).unwrap_or_else(|| panic!("{file} has no {name}"));
        let places: Vec<&str> = match place {
            Nowhere => Vec::new(),
            Everywhere => vec![&source],
            In(names) => names.iter().map(find).collect(),
        };
        all.extend(places.into_iter().flat_map(words).map(|text| (file, text)));
    }
    assert!(all.len() > 60, "{} texts", all.len());
    all
}

#[test]
fn every_hint_is_on_the_page_and_the_page_has_no_others() {
    let page = read("docs/troubleshooting.md");
    let known: Vec<Regex> = all()
        .into_iter()
        .map(|(file, text)| {
            let pattern = pattern(&text);
            let is_there = page.lines().any(|line| pattern.is_match(line));
            assert!(is_there, "{file} says {text:?}, and docs/troubleshooting.md does not");
            pattern
        })
        .collect();
    for hint in page.lines().filter_map(|line| line.trim().strip_prefix("hint: ")) {
        let is_meant_line = TOOLS.iter().any(|tool| hint.starts_with(tool)) || hint.starts_with("--health ");
        assert!(is_meant_line || known.iter().any(|one| one.is_match(hint)), "nobody says {hint:?}");
    }
}

#[test]
fn every_file_that_speaks_of_hints_is_known() {
    let speaks = Regex::new(r"\.hint\([^H]|hint: |hints\.(?:push|extend)|fn \w*hint").expect("a pattern");
    let project = project();
    for path in TOOLS.iter().flat_map(|tool| sources(&project.join(tool).join("src"))) {
        let name = path.strip_prefix(&project).expect("it is below").to_string_lossy().into_owned();
        let is_known = WORDS.iter().any(|(file, _)| *file == name);
        assert!(is_known || !speaks.is_match(&source(&path)), "{name} says hints of which this test knows nothing");
    }
}
