//! Links between the pages of the project lead somewhere: to a file, and to a heading in it.

use std::{
    collections::HashMap,
    fs,
    path::{Component, Path, PathBuf},
};

use super::project;

/// Lists the pages, by their paths from the project's folder.
fn pages() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["", "docs", "packaging", "examples"].map(PathBuf::from).to_vec();
    let below = fs::read_dir(project().join("examples")).expect("a folder").flatten();
    folders.extend(below.filter(|one| one.path().is_dir()).map(|one| Path::new("examples").join(one.file_name())));
    let mut pages = Vec::new();
    for folder in folders {
        let files = fs::read_dir(project().join(&folder)).expect("a folder").flatten();
        let names = files.map(|one| folder.join(one.file_name()));
        pages.extend(names.filter(|name| name.extension().is_some_and(|extension| extension == "md")));
    }
    pages
}

/// Names a heading as a link does: `In a script` is `in-a-script`.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|one| one.is_alphanumeric() || "- _".contains(*one));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Lists the headings of a page, those in blocks of code aside.
fn headings(page: &str) -> Vec<String> {
    let outside = page.split("\n```").step_by(2);
    let lines = outside.flat_map(str::lines).filter(|line| line.starts_with('#'));
    lines.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// Leads a path through its `..`.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(straight.pop(), "{} leads out of the project", path.display()),
            part => straight.push(part),
        }
    }
    straight
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    let texts: HashMap<PathBuf, String> = pages()
        .into_iter()
        .map(|page| (page.clone(), fs::read_to_string(project().join(&page)).expect("a page")))
        .collect();
    let mut followed = 0;
    for (page, text) in &texts {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let to = if file.is_empty() { page.clone() } else { straight(&page.with_file_name(file)) };
            assert!(project().join(&to).exists(), "{}: {link}", page.display());
            let is_there = |text: &String| headings(text).contains(&heading.to_owned());
            assert!(heading.is_empty() || texts.get(&to).is_some_and(is_there), "{}: {link}", page.display());
            followed += 1;
        }
    }
    assert!(followed > 50, "{followed} links");
}
