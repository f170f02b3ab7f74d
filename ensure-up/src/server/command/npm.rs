//! npm, npx, pnpm and yarn: what they name themselves, and what they tell the scripts that they run.

use std::path::{Path, PathBuf};

use super::{
    compared::Running,
    program::{self, absolute},
    shell,
};

/// Options that change nothing of what runs.
const HARMLESS: [&str; 10] = [
    "-q",
    "-s",
    "-y",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--prefer-offline",
    "--quiet",
    "--silent",
    "--yes",
];

/// A script of a package that shall run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Script {
    name: String,
    package: Package,
    arguments: Vec<String>,
}

/// Whose script it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Package {
    /// That of the folder or of the nearest one above.
    Nearest,
    /// That of another folder.
    At(String),
    /// A workspace, by name or folder.
    Workspace(String),
}

/// Tells whether the command is npm's own, which writes a title over its command line.
pub(super) fn is_npm(words: &[String]) -> bool {
    words.first().is_some_and(|word| ["npm", "npx"].contains(&program::file_name(word)))
}

/// Returns what the command that is a package's script is started as, where the process is one that npm started for it: npm
/// tells every script which one it is, and that outlives npm.
pub(super) fn script(words: &[String], running: &Running<'_>, folder: &Path) -> Option<Vec<String>> {
    let script = Script::of(words)?;
    let is_it = running.variable("npm_lifecycle_event")? == script.name
        && Path::new(&running.variable("INIT_CWD")?) == folder
        && script.package.is_that_of(running, folder);
    let text = running.variable("npm_lifecycle_script").filter(|_| is_it)?;
    let whole = script.arguments.iter().fold(text, |text, word| format!("{text} {}", shell::quoted(word)));
    Some(vec!["sh".to_owned(), "-c".to_owned(), whole])
}

/// Returns the title that npm gives itself: its words without its options; `None` where options tell more than that.
pub(super) fn title(words: &[String]) -> Option<String> {
    let (tool, rest) = words.split_first()?;
    let (begin, is_npx) = match program::file_name(tool) {
        "npm" => ("npm", false),
        "npx" => ("npm exec", true),
        _ => return None,
    };
    let mut title = begin.to_owned();
    let mut is_passed_on = false;
    for word in rest {
        match word.as_str() {
            "--" if !is_passed_on => is_passed_on = true,
            option if option.starts_with('-') && !is_passed_on => {
                HARMLESS.contains(&option).then_some(())?;
            }
            word => {
                title = format!("{title} {word}");
                is_passed_on |= is_npx;
            }
        }
    }
    Some(title)
}

/// Tells whether the memory of a process's command line is as long as this command needs: the title leaves options out, and
/// what it does not fill is wiped.
///
/// `node PATH/npm …` stood there, with a path that `PATH` leads to.
pub(super) fn is_as_long(running: &Running<'_>, words: &[String]) -> bool {
    let length = |words: &[String]| words.iter().map(|word| word.len() + 1).sum::<usize>();
    let Some((tool, arguments)) = words.split_first() else { return false };
    let Some(rest) = length(running.words()).checked_sub(length(arguments) + "node".len() + 1) else { return false };
    let folders = running.variable("PATH").unwrap_or_default();
    if tool.contains('/') {
        rest == tool.len() + 1
    } else {
        folders.split(':').any(|at| rest == at.len() + tool.len() + 2)
    }
}

impl Script {
    /// `npm start`, `npm run NAME -- ARGUMENT…`, `pnpm NAME ARGUMENT…`, `yarn run NAME`.
    fn of(words: &[String]) -> Option<Self> {
        let (tool, rest) = words.split_first()?;
        let takes_any = match program::file_name(tool) {
            "npm" => false,
            "pnpm" | "yarn" => true,
            _ => return None,
        };
        let (mut name, mut package, mut arguments) = (None, Package::Nearest, Vec::new());
        let mut is_named_next = false;
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            let (option, value) =
                word.split_once('=').map_or((word.as_str(), None), |(option, value)| (option, Some(value)));
            let mut value = || value.map(str::to_owned).or_else(|| rest.next().cloned());
            match option {
                "--" => break,
                _ if takes_any && name.is_some() => arguments.push(word.clone()),
                _ if HARMLESS.contains(&option) => {}
                "-w" | "--workspace" if !takes_any => package = Package::Workspace(value()?),
                "-C" | "--prefix" if !takes_any => package = Package::At(value()?),
                _ if option.starts_with('-') => return None,
                _ if name.is_some() => arguments.push(word.clone()),
                "run" | "run-script" if !is_named_next => is_named_next = true,
                _ if is_named_next || takes_any => name = Some(word.clone()),
                "start" | "stop" | "restart" | "test" => name = Some(word.clone()),
                _ => return None,
            }
        }
        arguments.extend(rest.cloned());
        Some(Self { name: name?, package, arguments })
    }
}

impl Package {
    fn is_that_of(&self, running: &Running<'_>, folder: &Path) -> bool {
        // yarn says nothing of the file: it starts scripts in its folder
        let file = running.variable("npm_package_json").map(PathBuf::from);
        let Some(at) = file.as_deref().map_or(running.cwd(), Path::parent) else { return false };
        match self {
            Self::Nearest => folder.starts_with(at),
            Self::At(named) => absolute(folder, named) == at,
            Self::Workspace(named) => {
                absolute(folder, named) == at || running.variable("npm_package_name").as_ref() == Some(named)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::owned, *};

    #[test]
    fn a_title_is_the_words_without_the_options() {
        for (words, expected) in [
            (&["npm", "--silent", "start"][..], Some("npm start")),
            (&["/usr/bin/npm", "run", "dev", "--", "-a", "--", "-b"], Some("npm run dev -a -- -b")),
            (&["npx", "-y", "vite", "--quiet"], Some("npm exec vite --quiet")),
            (&["npm", "start", "--unknown"], None),
            (&["pnpm", "start"], None),
        ] {
            assert_eq!(title(&owned(words)).as_deref(), expected, "{words:?}");
        }
    }

    #[test]
    fn a_script_is_named_with_its_package_and_its_arguments() {
        let script = |name: &str, package, arguments: &[&str]| {
            Some(Script { name: name.to_owned(), package, arguments: owned(arguments) })
        };
        let (at, workspace) = (Package::At("sub".to_owned()), Package::Workspace("api".to_owned()));
        for (words, expected) in [
            (&["npm", "start", "a", "--", "-b"][..], script("start", Package::Nearest, &["a", "-b"])),
            (&["npm", "run", "run"], script("run", Package::Nearest, &[])),
            (&["npm", "run-script", "dev", "-s"], script("dev", Package::Nearest, &[])),
            (&["npm", "-C", "sub", "test"], script("test", at, &[])),
            (&["npm", "run", "dev", "--workspace=api"], script("dev", workspace, &[])),
            (&["npm", "start", "--unknown"], None),
            (&["npm", "run", "dev", "-w"], None),
            (&["npm", "run"], None),
            (&["npm", "install"], None),
            (&["npx", "start"], None),
            (&["pnpm", "dev", "-a", "b"], script("dev", Package::Nearest, &["-a", "b"])),
            (&["yarn", "run", "dev"], script("dev", Package::Nearest, &[])),
            // theirs mean something else
            (&["pnpm", "-w", "api", "dev"], None),
            (&["yarn", "-C", "sub", "dev"], None),
            (&["pnpm", "--unknown", "dev"], None),
        ] {
            assert_eq!(Script::of(&owned(words)), expected, "{words:?}");
        }
    }
}
