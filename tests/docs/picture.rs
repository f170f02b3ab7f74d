//! docs/session.svg is of the lines that docs/session types.

use super::read;

#[test]
fn the_picture_shows_the_lines_that_are_typed() {
    let (script, picture) = (read("docs/session"), read("docs/session.svg"));
    let (_, rest) = script.split_once("lines=(\n").expect("lines are typed");
    let (lines, _) = rest.split_once("\n)").expect("they end");
    for line in lines.lines().map(|line| line.trim().trim_matches('\'')) {
        let drawn = line.replace('&', "&amp;").replace(' ', "&#160;");
        assert!(picture.contains(&drawn), "docs/session has to draw it anew: {line}");
    }
}
