//! docs/migration.md: each line that is typed instead is understood, and each key of a file is one.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use super::{blocks, read, spans};
use crate::support::shell::{TOOLS, binaries, script};

/// Stands in for a tool: has it read the whole line and do nothing, and notes whether it made sense.
const READER: &str = r#"#!/bin/sh
tool=${0##*/}
before=1
for word do
    shift
    [ "$before$word" = 1-- ] && before= && set -- "$@" --generate schema
    set -- "$@" "$word"
done
[ "$before" ] && set -- "$@" --generate schema
if said=$("$BINARIES/$tool" "$@" 2>&1 >/dev/null); then echo 1; else echo "$tool: $said"; fi >>"$READ"
"#;

/// Makes a folder in which the tools only read their lines, and `sudo` is whoever calls.
fn readers(folder: &Path) {
    for (name, text) in TOOLS.map(|tool| (tool, READER)).into_iter().chain([("sudo", "#!/bin/sh\n\"$@\"\n")]) {
        let path = folder.join(name);
        fs::write(&path, text).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    }
}

/// Lists what stands in the second cells of the tables under this heading of a column.
fn cells(heading: &str) -> Vec<String> {
    let page = read("docs/migration.md");
    let mut cells = Vec::new();
    let mut is_meant = false;
    for line in page.lines() {
        let row: Vec<String> = line.replace("\\|", "\0").split(" | ").map(|cell| cell.replace('\0', "\\|")).collect();
        match &row[..] {
            [left, right] if left.starts_with("| ") => {
                if left == "| today" || left == "| in its file" {
                    is_meant = left == heading;
                } else if is_meant {
                    cells.push(right.clone());
                }
            }
            _ => {}
        }
    }
    cells
}

#[test]
fn each_line_that_is_typed_instead_is_understood() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    readers(folder.path());
    let read = folder.path().join("read");
    let mut lines = 0;
    for cell in cells("| today") {
        let typed: Vec<String> = spans(&cell).into_iter().filter(|span| calls(span) > 0).collect();
        assert!(!typed.is_empty() || !cell.contains("ensure-up"), "{cell}");
        for line in typed {
            fs::write(&read, "").expect("the folder is ours");
            // other programs are not there: nothing is done
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &line]).current_dir(folder.path()).env_clear();
            shell.env("PATH", folder.path()).env("BINARIES", binaries()).env("READ", &read);
            let output = shell.output().expect("a shell runs");
            let said = fs::read_to_string(&read).expect("it was written");
            assert_eq!(said, "1\n".repeat(calls(&line)), "{line}: {output:?}");
            // what only looks, once, is run
            if line.starts_with("port-who ") && !line.contains(['|', '=']) {
                let ran = script(&line, folder.path());
                assert!(matches!(ran.status.code(), Some(0 | 1)), "{line}: {ran:?}");
            }
            lines += 1;
        }
    }
    assert!(lines > 100, "{lines} lines");
}

/// Counts the calls of tools in a line: at its beginning, and behind what separates commands.
fn calls(line: &str) -> usize {
    let mut is_first = true;
    let mut calls = 0;
    for word in line.split_whitespace() {
        calls += usize::from(is_first && TOOLS.contains(&word));
        is_first = word == "sudo" || ["|", "&", "&&", "||", ";"].contains(&word);
        if word == "--" {
            break;
        }
    }
    calls
}

#[test]
fn each_key_of_a_file_is_one_and_each_file_is_read() {
    let reference = read("docs/ensure-up.toml.md");
    let mut keys = 0;
    for span in cells("| in its file").iter().flat_map(|cell| spans(cell)).filter(|span| !span.starts_with('{')) {
        let key = span.split(" = ").next().unwrap_or_default();
        assert!(reference.contains(&format!("\n#### `{key}`\n")), "{span}");
        keys += 1;
    }
    assert!(keys > 15, "{keys} keys");
    for page in ["docs/migration.md", "docs/ensure-up.toml.md", "README.md"] {
        for block in blocks(&read(page), "toml").into_iter().filter(|block| block.starts_with('[')) {
            let folder = tempfile::tempdir().expect("a folder can be made");
            fs::write(folder.path().join("ensure-up.toml"), block).expect("the folder is ours");
            fs::write(folder.path().join(".env"), "").expect("the folder is ours");
            let output = script("API_TOKEN=x ensure-up --status", folder.path());
            assert!(output.status.success(), "{page}: {output:?}");
        }
    }
}
