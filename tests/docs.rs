//! The pages of docs/: what they show is so. recipes.md is played by the tests of examples/.

mod support;

#[path = "docs/decision.rs"]
mod decision;
#[path = "docs/hints.rs"]
mod hints;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/migration.rs"]
mod migration;
#[path = "docs/picture.rs"]
mod picture;
#[path = "docs/records.rs"]
mod records;
#[path = "docs/security.rs"]
mod security;

use std::fs;

use support::project;

/// Reads a file of the project.
fn read(name: &str) -> String {
    fs::read_to_string(project().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Lists the code spans of a line of Markdown; in a table a bar is escaped.
fn spans(line: &str) -> Vec<String> {
    line.split('`').skip(1).step_by(2).map(|span| span.replace("\\|", "|")).collect()
}

/// Lists the blocks of a page in this language, without their fences.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("\n```{language}");
    let block = |rest: &'p str| rest.split_once('\n').and_then(|(_, block)| block.split("```").next());
    page.split(fence.as_str()).skip(1).filter_map(block).collect()
}
