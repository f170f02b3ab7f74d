//! What SECURITY.md says stops something is there.

use super::{project, read, spans};

/// Tells whether a file of Rust defines a function or a constant of this name.
fn defines(text: &str, name: &str) -> bool {
    let starts = [format!("fn {name}("), format!("fn {name}<"), format!("const {name}: ")];
    starts.iter().any(|start| text.contains(start.as_str()))
}

#[test]
fn every_file_and_function_that_security_md_names_is_there() {
    let page = read("SECURITY.md");
    let rows: Vec<&str> =
        page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what might")).collect();
    let mut checked = 0;
    for row in &rows {
        let cell = row.trim_end_matches('|').rsplit(" | ").next().unwrap_or_default();
        let mut text = None;
        for span in spans(cell) {
            if span.contains('/') {
                assert!(project().join(&span).is_file(), "{span}: {row}");
                text = Some(read(&span));
            } else if let Some(text) = &text {
                assert!(defines(text, &span), "no {span}: {row}");
                checked += 1;
            }
        }
        assert!(text.is_some(), "nothing stops it: {row}");
    }
    assert!(rows.len() > 20 && checked > 30, "{} rows, {checked} functions", rows.len());
}
