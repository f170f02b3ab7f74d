//! docs/how-it-works.md: its diagrams have the names of the code, all of them and no others.

use std::collections::BTreeSet;

use super::{blocks, read};

/// Lists the variants of an enum in a source file.
fn variants(file: &str, name: &str) -> BTreeSet<String> {
    let source = read(file);
    let body = source.split_once(&format!("enum {name} {{\n")).and_then(|(_, rest)| rest.split_once("\n}\n"));
    let (body, _) = body.unwrap_or_else(|| panic!("{file} has no {name}"));
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = lines.filter(|line| line.starts_with(char::is_uppercase));
    names.map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect()).collect()
}

/// Lists the words of a diagram that are written like a variant and are no part of a text.
fn nodes(diagram: &str) -> BTreeSet<String> {
    let without_texts: String = diagram.split('"').step_by(2).collect();
    let words = without_texts.split(|one: char| !one.is_ascii_alphanumeric());
    words
        .filter(|word| word.starts_with(char::is_uppercase) && !["LR", "TD"].contains(word))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_diagrams_have_every_verdict_and_every_step() {
    let page = read("docs/how-it-works.md");
    let diagrams = blocks(&page, "mermaid");
    let [whose, step] = diagrams[..] else { panic!("two diagrams are expected: {diagrams:?}") };
    let verdicts = variants("ensure-up/src/server/judge.rs", "Whose");
    let steps = variants("ensure-up/src/start/decide.rs", "Step");
    assert_eq!(nodes(whose), verdicts);
    // an edge is labelled by the verdict that leads there; some are, in a text, two
    let told: BTreeSet<String> = verdicts.iter().filter(|verdict| step.contains(verdict.as_str())).cloned().collect();
    assert_eq!(told, verdicts);
    assert_eq!(nodes(step).difference(&verdicts).cloned().collect::<BTreeSet<_>>(), steps);
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| row.split('`').next());
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), steps, "the table of steps");
}
