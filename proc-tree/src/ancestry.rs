//! Who is above this process, also where /proc hides some of them (`hidepid` in proc(5)): a shell that was started by sudo(8)
//! has a hidden parent, and may have one above that which is the user's own.
//!
//! Where the kernel does not tell the parent of a hidden process (before Linux 6.13, or behind a filter), the lists of
//! children of those that can be seen do, unless its parent is hidden too. Beyond two in a row nothing is certain: then
//! whatever has a hidden process below itself may be above this one. What has none is certainly not.

use std::{
    collections::{HashMap, HashSet},
    io,
};

use crate::{
    Identity, Stat,
    process::{self, StartTime},
};

/// How often to begin again when one of them ended while they were read.
const ATTEMPTS: usize = 100;

/// The ancestors of this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ancestry {
    /// Those that are certainly above, its parent first; a hidden one only where its identity can be read.
    pub certain: Vec<Identity>,
    /// Those that may be above, where that cannot be found out.
    pub possible: Vec<Identity>,
}

impl Ancestry {
    /// Finds out who is above this process.
    ///
    /// # Errors
    /// When a process on the way cannot be looked at for another reason than that it is hidden.
    pub fn of_caller() -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            if let Some(found) = climb()? {
                return Ok(found);
            }
        }
        Err(io::Error::other("its ancestors end faster than they can be read"))
    }
}

/// Goes up from parent to parent; `None` when one of them ended on the way.
fn climb() -> io::Result<Option<Ancestry>> {
    let mut above = Ancestry::default();
    let mut child = std::process::id();
    // beyond the first process there is none
    while child > 1 {
        let parent = match process::parent(child) {
            Ok(Some(parent)) if parent > 0 => parent,
            Ok(Some(_)) => break,
            Ok(None) => return Ok(None),
            Err(error) if is_hidden(&error) => {
                let visible = Visible::read()?;
                let Some(parent) = visible.parent_of(child) else {
                    above.possible = visible.possible();
                    break;
                };
                above.certain.push(parent);
                child = parent.pid;
                continue;
            }
            Err(error) => return Err(error),
        };
        match Identity::of(parent) {
            Ok(Some(identity)) => above.certain.push(identity),
            Ok(None) => return Ok(None),
            Err(error) if is_hidden(&error) => {}
            Err(error) => return Err(error),
        }
        // while it is still the parent, its PID was given to nobody else
        if process::parent(child).is_ok_and(|now| now != Some(parent)) {
            return Ok(None);
        }
        child = parent;
    }
    Ok(Some(above))
}

/// The processes that can be seen.
struct Visible {
    stats: HashMap<u32, Stat>,
    /// Whose children the hidden ones are, as far as those can be seen.
    hidden: HashMap<u32, u32>,
    /// Those whose children the kernel does not list.
    unlisted: Vec<u32>,
}

impl Visible {
    fn read() -> io::Result<Self> {
        let stats: HashMap<u32, Stat> = process::visible()?
            .map(|stat| Ok((stat.as_ref().map_or(0, |stat| stat.pid), stat?)))
            .collect::<io::Result<_>>()?;
        let (mut hidden, mut unlisted) = (HashMap::new(), Vec::new());
        for stat in stats.values() {
            match process::children(stat.pid, stat.threads) {
                Ok(children) => {
                    let unseen = children.into_iter().filter(|child| !stats.contains_key(child));
                    let is_there = |child: &u32| process::stat(*child).is_err_and(|error| is_hidden(&error));
                    hidden.extend(unseen.filter(is_there).map(|child| (child, stat.pid)));
                }
                Err(_) => unlisted.push(stat.pid),
            }
        }
        Ok(Self { stats, hidden, unlisted })
    }

    fn parent_of(&self, hidden: u32) -> Option<Identity> {
        self.stats.get(self.hidden.get(&hidden)?).map(Stat::identity)
    }

    /// Lists those that may be above this process: that have a hidden process below themselves, and are as old.
    fn possible(&self) -> Vec<Identity> {
        let own = self.stats.get(&std::process::id()).map_or_else(StartTime::now, |own| own.started);
        possible(&self.stats, self.hidden.values().chain(&self.unlisted), own)
    }
}

fn possible<'p>(
    stats: &HashMap<u32, Stat>,
    above_hidden: impl Iterator<Item = &'p u32>,
    youngest: StartTime,
) -> Vec<Identity> {
    let mut found = HashSet::new();
    for &pid in above_hidden {
        let mut next = pid;
        while let Some(stat) = stats.get(&next).filter(|_| found.insert(next)) {
            next = stat.parent;
        }
    }
    let found = found.iter().filter_map(|pid| stats.get(pid)).filter(|stat| stat.started <= youngest);
    crate::ascending(found.map(Stat::identity))
}

fn is_hidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_ancestors_are_those_that_the_tree_knows_where_nothing_is_hidden() {
        let own = process::stat(std::process::id()).expect("it can be seen").expect("it runs");
        let line = crate::tree::ancestors(&own).expect("it can be seen");
        let expected = Ancestry { certain: line.iter().map(Stat::identity).collect(), possible: Vec::new() };
        assert_eq!(Ancestry::of_caller().ok(), Some(expected));
    }

    #[test]
    fn what_has_a_hidden_process_below_itself_and_is_as_old_may_be_above() {
        let plain = process::stat(std::process::id()).expect("it can be seen").expect("it runs");
        // a server (20) with a worker (21), another (30) with a worker (31), and one that is younger (40)
        let stats: HashMap<u32, Stat> = [(20, 1, 5), (21, 20, 6), (30, 1, 7), (31, 30, 8), (40, 30, 11)]
            .map(|(pid, parent, started)| {
                (pid, Stat { pid, start_id: 0, parent, started: StartTime(started), ..plain.clone() })
            })
            .into();
        for (above_hidden, expected) in [
            (&[][..], &[][..]),
            (&[21], &[20, 21]),
            (&[30], &[30]),
            (&[40], &[30]),
            (&[21, 31], &[20, 21, 30, 31]),
            (&[99], &[]),
        ] {
            let pids: Vec<u32> =
                possible(&stats, above_hidden.iter(), StartTime(10)).iter().map(|process| process.pid).collect();
            assert_eq!(pids, expected, "{above_hidden:?}");
        }
    }
}
