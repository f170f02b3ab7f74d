//! The members drawn as a tree, each with what it and all below it use.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use crate::{
    Figures, Member, Record,
    report::table::{bytes, percent},
    terminal::{Look, PID},
    text,
};

/// A line of the drawing: branches, then a process, then its figures.
struct Line<'r> {
    branches: String,
    member: &'r Member,
    figures: Figures,
}

/// Draws one tree per record that knows its members; the record without any is the total.
pub(super) fn write(records: &[Record], out: &mut dyn Write, look: &Look) -> io::Result<()> {
    let drawn: Vec<Vec<Line<'_>>> = records.iter().map(lines).collect();
    let shown: Vec<[String; 2]> = drawn.iter().flatten().map(|line| cells(&line.figures)).collect();
    let totals: Vec<[String; 2]> = records.iter().map(|record| cells(&record.figures)).collect();
    let widths =
        [0, 1].map(|column| shown.iter().chain(&totals).map(|cells| text::width(&cells[column])).max().unwrap_or(0));
    let figures_width = widths[0] + widths[1] + 4;
    let room = look.columns.map_or(usize::MAX, |columns| columns.saturating_sub(figures_width));
    let left = drawn.iter().flatten().map(|line| text::width(&line.left())).max().unwrap_or(0).min(room.max(20));
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
    fn left(&self) -> String {
        format!("{}{} {}", self.branches, self.member.pid, text::escape(&self.member.command_line()))
    }

    fn write(&self, left: usize, widths: [usize; 2], out: &mut dyn Write, look: &Look) -> io::Result<()> {
        let plain = self.left();
        let cut = text::cut(&plain, left);
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
fn lines(record: &Record) -> Vec<Line<'_>> {
    let members = record.members.as_deref().unwrap_or_default();
    let Some(root) = members.first() else { return Vec::new() };
    let known: HashMap<u32, usize> = members.iter().enumerate().map(|(index, member)| (member.pid, index)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); members.len()];
    for (index, member) in members.iter().enumerate().skip(1) {
        let parent = known.get(&member.ppid).copied().filter(|&parent| parent < index).unwrap_or(0);
        children[parent].push(index);
    }
    let mut sums: Vec<Figures> = members.iter().map(|member| member.figures).collect();
    for index in (0..members.len()).rev() {
        let below: Vec<Figures> = children[index].iter().map(|&child| sums[child]).collect();
        sums[index] = Figures::sum(below.iter().chain([&sums[index]]), record.figures.memory_measure);
    }
    let mut lines = vec![Line { branches: String::new(), member: root, figures: sums[0] }];
    let mut open = vec![(String::new(), children[0].iter())];
    while let Some((stem, rest)) = open.last_mut() {
        let Some(&child) = rest.next() else {
            open.pop();
            continue;
        };
        let (branch, below) = if rest.len() == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let (branches, stem) = (format!("{stem}{branch}"), format!("{stem}{below}"));
        lines.push(Line { branches, member: &members[child], figures: sums[child] });
        open.push((stem, children[child].iter()));
    }
    lines
}
