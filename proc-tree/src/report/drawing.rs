//! The members drawn as a tree, each with what it and all below it use.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use crate::{
    Figures, Member, TreeRecord,
    cli::{
        command_line,
        terminal::{Look, PID},
        text,
    },
    report::{
        Sort,
        table::{bytes, percent},
    },
};

/// A line of the drawing: branches, then a process, then its figures.
struct Line<'r> {
    branches: String,
    member: &'r Member,
    figures: Figures,
}

/// Without a terminal nothing is cut; the figures of longer lines stand behind them, not below each other.
const UNCUT: usize = 60;

/// Draws one tree per record that knows its members; the record without any is the total.
pub(super) fn write(records: &[TreeRecord], sort: Option<Sort>, out: &mut dyn Write, look: &Look) -> io::Result<()> {
    let drawn: Vec<Vec<Line<'_>>> = records.iter().map(|record| lines(record, sort)).collect();
    let shown: Vec<[String; 2]> = drawn.iter().flatten().map(|line| cells(&line.figures)).collect();
    let totals: Vec<[String; 2]> = records.iter().map(|record| cells(&record.figures)).collect();
    let widths =
        [0, 1].map(|column| shown.iter().chain(&totals).map(|cells| text::width(&cells[column])).max().unwrap_or(0));
    let figures_width = widths[0] + widths[1] + 4;
    let room = look.columns.map_or(UNCUT, |columns| columns.saturating_sub(figures_width).max(20));
    let left = drawn.iter().flatten().map(|line| text::width(&line.left())).max().unwrap_or(0).min(room);
    for (record, lines) in records.iter().zip(&drawn) {
        for line in lines {
            line.write(left, widths, out, look)?;
        }
        if lines.is_empty() {
            write_figures(&record.name, &record.name, left, &cells(&record.figures), widths, out)?;
        }
    }
    Ok(())
}

fn cells(figures: &Figures) -> [String; 2] {
    [percent(figures.cpu_percent), bytes(figures.memory_bytes)]
}

impl Line<'_> {
    fn command_line(&self) -> String {
        command_line::shown(self.member.command.as_deref(), &self.member.name)
    }

    fn left(&self) -> String {
        format!("{}{} {}", self.branches, self.member.pid, text::escape(&self.command_line()))
    }

    fn write(&self, left: usize, widths: [usize; 2], out: &mut dyn Write, look: &Look) -> io::Result<()> {
        let plain = self.left();
        let cut = if look.columns.is_some() { text::cut(&plain, left) } else { plain.as_str().into() };
        let pid = self.member.pid.to_string();
        let head = self.branches.len()..self.branches.len() + pid.len();
        let painted = match cut.get(head.clone()) {
            Some(whole) if whole == pid => {
                format!("{}{}{}", self.branches, look.paint(PID, &pid), &cut[head.end..])
            }
            _ => cut.to_string(),
        };
        write_figures(&painted, &cut, left, &cells(&self.figures), widths, out)
    }
}

fn write_figures(
    shown: &str,
    plain: &str,
    left: usize,
    cells: &[String; 2],
    widths: [usize; 2],
    out: &mut dyn Write,
) -> io::Result<()> {
    let gap = left.saturating_sub(text::width(plain));
    writeln!(out, "{shown}{:gap$}  {:>cpu$}  {:>memory$}", "", cells[0], cells[1], cpu = widths[0], memory = widths[1])
}

/// Lays the members out, each below its parent; one whose parent is no member hangs from the root.
fn lines(record: &TreeRecord, sort: Option<Sort>) -> Vec<Line<'_>> {
    let members = record.members.as_deref().unwrap_or_default();
    let Some(root) = members.iter().position(|member| Some(member.pid) == record.pid).or(members.first().map(|_| 0))
    else {
        return Vec::new();
    };
    let mut children = children(members, root);
    let order = depth_first(root, &children);
    let mut sums: Vec<Figures> = members.iter().map(|member| member.figures).collect();
    // from the leaves up
    for &index in order.iter().rev() {
        let below: Vec<Figures> = children[index].iter().map(|&child| sums[child]).collect();
        sums[index] = Figures::sum(below.iter().chain([&sums[index]]), record.figures.memory_measure);
    }
    if let Some(sort) = sort {
        let key = |index: usize| (Some(members[index].pid), &sums[index]);
        for siblings in &mut children {
            siblings.sort_by(|&left, &right| sort.compare(key(left), key(right)));
        }
    }
    let mut stems: Vec<String> = vec![String::new(); members.len()];
    let mut branches = stems.clone();
    for index in depth_first(root, &children) {
        for &child in &children[index] {
            let (branch, below) = if children[index].last() == Some(&child) { LAST } else { FORK };
            branches[child] = format!("{}{branch}", stems[index]);
            stems[child] = format!("{}{below}", stems[index]);
        }
    }
    depth_first(root, &children)
        .into_iter()
        .map(|index| Line {
            branches: std::mem::take(&mut branches[index]),
            member: &members[index],
            figures: sums[index],
        })
        .collect()
}

/// The branch to a process and what stands below that branch.
const FORK: (&str, &str) = ("├─ ", "│  ");
const LAST: (&str, &str) = ("└─ ", "   ");

fn children(members: &[Member], root: usize) -> Vec<Vec<usize>> {
    let known: HashMap<u32, usize> = members.iter().enumerate().map(|(index, member)| (member.pid, index)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); members.len()];
    for (index, member) in members.iter().enumerate().filter(|&(index, _)| index != root) {
        children[known.get(&member.ppid).copied().unwrap_or(root)].push(index);
    }
    children
}

/// A tree may be too deep for the stack of a function that calls itself.
fn depth_first(root: usize, children: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(children.len());
    let mut next = vec![root];
    while let Some(index) = next.pop() {
        order.push(index);
        next.extend(children[index].iter().rev());
    }
    order
}
