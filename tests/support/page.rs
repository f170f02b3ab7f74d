//! A page in docs/ of which parts are made from what they tell of.

use std::{fs, path::Path};

/// Holds each part, from `<!-- NAME -->` to `<!-- end of NAME -->`, against what is made for it now. Where one differs the page
/// is written anew: what is meant is kept by looking at the difference and running the test again.
pub(crate) fn keeps(page: &str, parts: &[(&str, String)]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let kept = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let made = parts.iter().fold(kept.clone(), |text, (name, made)| with_part(&text, name, made));
    if made != kept {
        fs::write(&file, &made).expect("the sources can be written");
        panic!("{} was written anew, look at what is different in it", file.display());
    }
}

fn with_part(text: &str, name: &str, made: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("there is no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("there is no {end}"));
    [before, &begin, made, &end, after].concat()
}
