//! Where a process comes from, on one line.

use proc_tree::{Facts, cli::text};

use crate::origin::{Origin, Role, StartedBy, StarterKind, program, short_id};

const ENSURE_UP: &str = "ensure-up";

/// Says how a process came to be: `└ node ← npm ← zsh ← tmux`, or what is left to say of an orphan.
pub(super) fn line(process: &Facts, origin: Option<&Origin>) -> String {
    match origin {
        None => "└ it has ended".to_owned(),
        Some(origin) if origin.orphan == Some(true) => orphan(process, origin),
        Some(origin) => {
            let chain = chain(process, origin);
            let end = origin.started_by.as_ref().and_then(|starter| owner(starter, origin)).unwrap_or_default();
            format!("└ {chain}{end}")
        }
    }
}

fn orphan(process: &Facts, origin: &Origin) -> String {
    let mut said = vec![];
    if process.session != process.pid && process.session != 0 {
        said.push(format!("started in session {}", process.session));
    }
    if let Some(starter) = &origin.started_by {
        let by = format!("by {}", starter.name);
        match said.last_mut() {
            Some(session) => *session = format!("{session} {by}"),
            None => said.push(format!("started {by}")),
        }
    }
    said.extend(process.cwd.as_deref().map(|folder| format!("folder {}", text::path(folder))));
    let rest = if said.is_empty() { String::new() } else { format!("; {}", said.join(", ")) };
    format!("└ orphan: its parent ended{rest}")
}

/// The line of parents up to what started it; the first process starts everything, and is left out where it says nothing.
fn chain(process: &Facts, origin: &Origin) -> String {
    let starter = origin.started_by.as_ref().and_then(|starter| starter.pid);
    let end = origin.ancestors.iter().position(|ancestor| Some(ancestor.pid) == starter);
    let shown = match end {
        Some(end) => &origin.ancestors[..=end],
        None => match origin.ancestors.as_slice() {
            [rest @ .., first] if first.pid == 1 && !rest.is_empty() => rest,
            all => all,
        },
    };
    // that one started it, and has ended since
    let is_service = origin.started_by.as_ref().is_some_and(|starter| starter.kind == StarterKind::EnsureUp);
    let (shown, ended) = if is_service && end.is_none() {
        (shown.iter().take_while(|above| above.pid != 1).collect(), Some(ENSURE_UP.to_owned()))
    } else {
        (shown.iter().collect::<Vec<_>>(), None)
    };
    let above = shown.into_iter().map(label).chain(ended);
    std::iter::once(process.name.clone()).chain(above).collect::<Vec<_>>().join(" ← ")
}

/// Some are known by another name than their process has: `node` that runs nodemon, `tmux: server`.
fn label(process: &Facts) -> String {
    match program(process) {
        Some(program) if matches!(program.role, Role::Supervisor | Role::Multiplexer) => program.name.to_owned(),
        _ => process.name.clone(),
    }
}

/// What the line of parents does not show.
fn owner(starter: &StartedBy, origin: &Origin) -> Option<String> {
    let name = &starter.name;
    match starter.kind {
        StarterKind::Container => {
            let runtime = starter.runtime.unwrap_or("unknown");
            Some(format!(", {runtime} container {}", short_id(name)))
        }
        StarterKind::EnsureUp => {
            let service = starter.service.as_ref().map(|name| format!(", service {name}")).unwrap_or_default();
            let folder = starter.folder.as_deref().map(|folder| format!(", folder {}", text::path(folder)));
            Some(format!("{service}{}", folder.unwrap_or_default()))
        }
        StarterKind::Systemd => Some(format!(", unit {name}")),
        _ if origin.ancestors.iter().any(|ancestor| Some(ancestor.pid) == starter.pid) => None,
        _ => Some(format!(", started by {name}")),
    }
}
