//! The tree: who descends from whom.

use std::{
    collections::{HashMap, HashSet},
    io,
};

use crate::{Stat, process};

/// Reads the ancestors of a process, its parent first.
///
/// A parent that started after its child is a recycled PID, not the parent: the walk ends there.
///
/// # Errors
/// When a process on the way cannot be looked at.
pub fn ancestors(of: &Stat) -> io::Result<Vec<Stat>> {
    let mut line: Vec<Stat> = Vec::new();
    loop {
        let child = line.last().unwrap_or(of);
        match process::stat(child.parent)? {
            Some(parent) if child.parent != 0 && parent.start_id <= child.start_id => line.push(parent),
            _ => return Ok(line),
        }
    }
}

/// Reads the process with this PID and all its descendants, each after its parent; empty when there is none.
///
/// Members that vanish while the tree is read are left out.
///
/// # Errors
/// When the children of a process cannot be read.
pub fn members(root: u32) -> io::Result<Vec<Stat>> {
    let Some(root) = process::stat(root)? else { return Ok(Vec::new()) };
    match walk(root.clone()) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => scan(root),
        result => result,
    }
}

fn walk(root: Stat) -> io::Result<Vec<Stat>> {
    let mut seen = HashSet::from([root.pid]);
    let mut members = vec![root];
    let mut next = 0;
    while let Some(parent) = members.get(next) {
        next += 1;
        for pid in process::children(parent.pid, parent.threads)? {
            if let Some(child) = process::stat(pid)?.filter(|_| seen.insert(pid)) {
                members.push(child);
            }
        }
    }
    Ok(members)
}

/// One pass over all processes, for kernels that keep no list of children.
fn scan(root: Stat) -> io::Result<Vec<Stat>> {
    let mut children: HashMap<u32, Vec<Stat>> = HashMap::new();
    for pid in process::all()? {
        if let Some(stat) = process::stat(pid)? {
            children.entry(stat.parent).or_default().push(stat);
        }
    }
    let mut members = vec![root];
    let mut next = 0;
    while let Some(parent) = members.get(next) {
        next += 1;
        members.extend(children.remove(&parent.pid).unwrap_or_default());
    }
    Ok(members)
}
