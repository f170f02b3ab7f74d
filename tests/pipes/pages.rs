//! What each tool says of itself: `-h`, `--help`, the man page.

use std::fs;

use super::{TOOLS, installed, script, stdout, support::project};

fn said(line: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    stdout(&script(line, folder.path()))
}

/// Compares with what was agreed on.
fn is_agreed(said: &str, name: &str) {
    let golden = project().join("tests/golden").join(name);
    let agreed = fs::read_to_string(golden).unwrap_or_default();
    assert_eq!(said, agreed, "if this is meant, write it to tests/golden/{name}");
}

#[test]
fn the_short_help_fits_one_screen() {
    for tool in TOOLS {
        let help = said(&format!("COLUMNS=80 {tool} -h"));
        assert!(help.lines().count() <= 30, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        let usage = help.find("Usage:").expect("a usage");
        let examples = help.find("\nExamples:\n").expect("examples");
        assert!(usage < examples && help[examples..].matches(&format!("\n  {tool}")).count() >= 2, "{help}");
        is_agreed(&help, &format!("{tool}.short.help"));
    }
}

#[test]
fn the_help_is_whole_with_examples_first() {
    for tool in TOOLS {
        let help = said(&format!("COLUMNS=100 {tool} --help"));
        let place = |part: &str| help.find(part).unwrap_or_else(|| panic!("no {part} in {help}"));
        assert!(place("Examples:") < place("Options:") && place("Options:") < place("Exit status:"), "{help}");
        assert!(help.contains("--generate <PAGE>"), "{help}");
        is_agreed(&help, &format!("{tool}.help"));
    }
}

#[test]
fn the_version_is_told_and_an_option_that_is_not_known_is_refused() {
    for tool in TOOLS {
        assert!(said(&format!("{tool} --version")).starts_with(tool));
        let folder = tempfile::tempdir().expect("a folder can be made");
        let output = script(&format!("{tool} --no-such-flag"), folder.path());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{tool}");
        assert!(told.starts_with(&format!("{tool}: ")) && told.contains("--no-such-flag"), "{told}");
    }
}

const SECTIONS: [&str; 10] = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "OPTIONS",
    "EXAMPLES",
    "EXIT STATUS",
    "RECORDS",
    "ENVIRONMENT",
    "FILES",
    "SEE ALSO",
];

#[test]
fn the_man_page_has_its_sections_and_a_date_that_can_be_repeated() {
    for tool in TOOLS {
        let page = said(&format!("SOURCE_DATE_EPOCH=86400 {tool} --generate man"));
        assert!(
            page.starts_with(".TH ") && page.lines().next().is_some_and(|title| title.contains(" 1970-01-02 ")),
            "{page}"
        );
        let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        let has = |section: &&&str| **section == "FILES" || sections.contains(*section);
        assert!(SECTIONS.iter().all(|section| has(&section)), "{tool}: {sections:?}");
        assert_eq!(page, said(&format!("SOURCE_DATE_EPOCH=86400 {tool} --generate man")));
    }
}

#[test]
fn the_man_page_reads_well() {
    if installed("mandoc").is_none() {
        return;
    }
    for tool in TOOLS {
        let lint = said(&format!("{tool} --generate man >page; mandoc -T lint page || true"));
        assert_eq!(lint, "", "{tool}");
        let page = said(&format!("{tool} --generate man | mandoc -T utf8 -O width=80 | col -b"));
        // examples as they are typed
        let example = match tool {
            "port-who" => "kill $(port-who 8000)",
            "port-kill" => "port-who --json 8000 | port-kill -",
            "proc-tree" => "proc-tree --json --output use.json --plot use.svg -- make -j8",
            "health-wait" => "health-wait --timeout 0 --pid \"$!\" http://localhost:8000/v1/models",
            _ => "ensure-up --port 8000 --keep-up --reload-on '*.py' -- python3 serve.py",
        };
        assert!(page.lines().any(|line| line.trim() == example), "{page}");
    }
}
