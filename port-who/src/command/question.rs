//! What is asked: which ports, and which processes are meant.

use std::io::{self, Write};

use anyhow::Context;
use port_who::{Answer, Closed, Filter, Query, look, look_below};
use proc_tree::{
    Identity,
    cli::{terminal::Look, text},
    roots,
};

use super::arguments::Arguments;

/// A question that can be asked again and again.
#[derive(Debug)]
pub(super) struct Question {
    query: Query,
    filter: Filter,
    /// The roots of the trees that are meant; `None` for everybody.
    roots: Option<Vec<Identity>>,
}

impl Question {
    /// Finds the processes that are meant, and names those that are not there; `None` when none of them is.
    pub(super) fn of(arguments: &Arguments) -> anyhow::Result<Option<Self>> {
        let (query, filter) = (arguments.query(), arguments.filter());
        if arguments.processes.is_empty() {
            return Ok(Some(Self { query, filter, roots: None }));
        }
        let selected: Vec<_> = arguments.processes.iter().map(|&pid| pid.into()).collect();
        let (roots, missing) = roots::find(&selected)?;
        let look = Look::of(&io::stderr(), arguments.common.color);
        for one in missing.iter().filter(|_| !arguments.common.quiet) {
            let _ = writeln!(io::stderr(), "port-who: {}", look.pids(&one.to_string()));
        }
        let roots: Vec<Identity> = roots.iter().map(|root| root.identity).collect();
        Ok((!roots.is_empty()).then_some(Self { query, filter, roots: Some(roots) }))
    }

    /// Looks at the ports, and leaves only the holders that are meant.
    pub(super) fn ask(&self) -> anyhow::Result<Answer> {
        let mut answer = match &self.roots {
            Some(roots) => look_below(&self.query, roots)?,
            None => look(&self.query)?,
        };
        self.filter.apply(&mut answer);
        Ok(answer)
    }

    /// Tells whether all processes that were meant have ended.
    pub(super) fn is_over(&self) -> anyhow::Result<bool> {
        let Some(roots) = &self.roots else { return Ok(false) };
        for root in roots {
            if root.is_running().with_context(|| format!("cannot look at process {}", root.pid))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Nothing was found, and not all could be looked into: what is not seen is not nothing.
#[derive(Debug, thiserror::Error)]
#[error("cannot look into {0}: permission denied")]
pub(super) struct Unseen(pub(super) String);

/// Refuses to say "nothing" of those who may not be looked into.
pub(super) fn check(answer: &Answer) -> Result<(), Unseen> {
    match answer.closed.first().filter(|_| answer.holdings.is_empty()) {
        Some(_) => Err(Unseen(names(&answer.closed))),
        None => Ok(()),
    }
}

/// `sudo (4720) and 2 others`
pub(super) fn names(closed: &[Closed]) -> String {
    let first = closed.first().map_or_else(String::new, |one| match &one.name {
        Some(name) => format!("{} ({})", text::escape(name), one.pid),
        None => format!("process {}", one.pid),
    });
    match closed.len() {
        0 | 1 => first,
        2 => format!("{first} and another one"),
        more => format!("{first} and {} others", more - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_may_not_be_looked_into_are_named_up_to_the_first() {
        let one = |pid, name: Option<&str>| Closed { pid, name: name.map(Into::into) };
        let sudo = || one(4720, Some("su\u{1b}do"));
        for (closed, named) in [
            (vec![sudo()], "su\\u{1b}do (4720)"),
            (vec![one(7, None)], "process 7"),
            (vec![sudo(), one(7, None)], "su\\u{1b}do (4720) and another one"),
            (vec![sudo(), one(7, None), one(8, None)], "su\\u{1b}do (4720) and 2 others"),
        ] {
            assert_eq!(names(&closed), named);
        }
    }
}
