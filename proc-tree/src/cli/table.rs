//! Aligned columns for people, without boxes.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use anstyle::Style;

use crate::cli::{terminal::Look, text};

/// Rows under a header. Every cell is escaped when it is written; the last column is cut at the terminal's width, or wrapped.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
    expendable: Vec<usize>,
    wraps: bool,
}

#[derive(Debug, Clone)]
struct Column {
    title: String,
    style: Style,
    is_right: bool,
}

#[derive(Debug, Clone)]
struct Row {
    cells: Vec<String>,
    notes: Vec<String>,
}

/// The columns that are shown, by their numbers, each with its width.
type Shown = Vec<(usize, usize)>;

const GAP: usize = 2;

/// So much room the last column has on a narrow terminal, if others can be left out for it.
const LEAST: usize = 24;

impl Table {
    /// Starts a table with these column titles.
    pub fn new<T: Into<String>>(header: impl IntoIterator<Item = T>) -> Self {
        let column = |title: T| Column { title: title.into(), style: Style::new(), is_right: false };
        let columns = header.into_iter().map(column).collect();
        Self { columns, rows: Vec::new(), expendable: Vec::new(), wraps: false }
    }

    /// Starts lines of this many columns without titles.
    pub fn headless(columns: usize) -> Self {
        Self::new(vec![String::new(); columns])
    }

    /// Gives a column its style on a colour terminal.
    #[must_use]
    pub fn styled(mut self, column: usize, style: Style) -> Self {
        self.columns[column].style = style;
        self
    }

    /// Aligns columns to the right, as is due to numbers.
    #[must_use]
    pub fn right(mut self, columns: &[usize]) -> Self {
        for &column in columns {
            self.columns[column].is_right = true;
        }
        self
    }

    /// Names the columns that a narrow terminal loses, the first of them first.
    #[must_use]
    pub fn losing(mut self, columns: &[usize]) -> Self {
        self.expendable = columns.to_vec();
        self
    }

    /// Wraps the last column where it is too long for the terminal.
    #[must_use]
    pub fn wrapping(self) -> Self {
        Self { wraps: true, ..self }
    }

    /// Adds a row with one cell per column; one with fewer ends early.
    pub fn row(&mut self, cells: Vec<String>) {
        let safe = |cell: String| match text::escape(&cell) {
            Cow::Borrowed(_) => cell,
            Cow::Owned(safe) => safe,
        };
        let cells = cells.into_iter().map(safe).collect();
        self.rows.push(Row { cells, notes: Vec::new() });
    }

    /// Adds a line of its own under the last row, under its second column; wrapped where the last column is.
    pub fn note(&mut self, note: String) {
        if let Some(row) = self.rows.last_mut() {
            row.notes.push(note);
        }
    }

    /// Tells whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        let shown = self.shown(look);
        if self.columns.iter().any(|column| !column.title.is_empty()) {
            let titles: Vec<String> = self.columns.iter().map(|column| column.title.clone()).collect();
            self.write_line(out, &titles, &shown, Some(Style::new().bold()), look)?;
        }
        for row in &self.rows {
            self.write_line(out, &row.cells, &shown, None, look)?;
            let indent = shown.first().map_or(0, |(_, width)| width + GAP);
            for note in &row.notes {
                let mut below = Vec::new();
                let first = self.last(&text::escape(note), indent, look, &mut below);
                writeln!(out, "{:indent$}{first}", "")?;
                below.into_iter().try_for_each(|line| writeln!(out, "{line}"))?;
            }
        }
        Ok(())
    }

    /// Chooses the columns that fit.
    fn shown(&self, look: &Look) -> Shown {
        let mut shown: Shown = self.widths().into_iter().enumerate().collect();
        let last = self.columns.len().saturating_sub(1);
        let longest = self.rows.iter().filter_map(|row| row.cells.get(last)).map(|cell| text::width(cell)).max();
        let wanted = longest.unwrap_or(0).min(LEAST);
        for lost in &self.expendable {
            let taken: usize = shown.iter().filter(|(column, _)| *column != last).map(|(_, width)| width + GAP).sum();
            if look.columns.is_none_or(|columns| taken + wanted <= columns) {
                break;
            }
            shown.retain(|(column, _)| column != lost);
        }
        shown
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| text::width(&column.title)).collect();
        for row in &self.rows {
            for (index, cell) in
                row.cells.iter().enumerate().filter(|&(index, _)| self.is_aligned(index, row.cells.len()))
            {
                widths[index] = widths[index].max(text::width(cell));
            }
        }
        widths
    }

    /// Nothing follows a row's last cell that it would have to be aligned with, and so it has no padding unless to its left.
    fn is_aligned(&self, index: usize, cells: usize) -> bool {
        index + 1 < cells || self.columns[index].is_right
    }

    fn write_line(
        &self,
        out: &mut dyn Write,
        cells: &[String],
        shown: &Shown,
        style: Option<Style>,
        look: &Look,
    ) -> io::Result<()> {
        let mut indent = 0;
        let mut below = Vec::new();
        for &(index, width) in shown.iter().filter(|(index, _)| *index < cells.len()) {
            let (column, cell, last) = (&self.columns[index], &cells[index], index + 1 == cells.len());
            let cell = if last { self.last(cell, indent, look, &mut below) } else { cell.clone() };
            let pad = if self.is_aligned(index, cells.len()) { width.saturating_sub(text::width(&cell)) } else { 0 };
            let (before, after) = if column.is_right { (pad, 0) } else { (0, pad) };
            let gap = if last { 0 } else { GAP };
            let painted = look.paint(style.unwrap_or(column.style), &cell);
            write!(out, "{:before$}{painted}{:2$}", "", "", after + gap)?;
            indent += width + GAP;
        }
        writeln!(out)?;
        below.into_iter().try_for_each(|line| writeln!(out, "{line}"))
    }

    /// Returns what is shown of a row's last cell, or its note, which begins in this column, and adds the lines that go below it.
    fn last(&self, cell: &str, indent: usize, look: &Look, below: &mut Vec<String>) -> String {
        let room = look.columns.map(|columns| columns.saturating_sub(indent)).filter(|_| self.wraps);
        let Some(room) = room.filter(|&room| room >= LEAST / 2) else { return look.cut(cell, indent).into_owned() };
        let mut lines = text::wrap(cell, room).into_iter();
        let first = lines.next().unwrap_or_default();
        below.extend(lines.map(|line| format!("{:indent$}{line}", "")));
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(table: &Table, look: &Look) -> String {
        let mut out = Vec::new();
        table.write(&mut out, look).expect("a vector takes everything");
        String::from_utf8(out).expect("the table is text")
    }

    #[test]
    fn columns_align_notes_indent_and_the_last_column_is_cut() {
        let mut table = Table::new(["PORT", "PID", "COMMAND"]);
        table.row(vec!["8000".into(), "4711".into(), "python3 -m \x1bpunie serve".into()]);
        table.note("└ orphan".into());
        table.row(vec!["80".into(), "1".into(), "x".into()]);
        let wide = "PORT  PID   COMMAND\n8000  4711  python3 -m \\u{1b}punie serve\n      └ orphan\n80    1     x\n";
        assert_eq!(render(&table, &Look::plain()), wide);
        let narrow = "PORT  PID   COMMAND\n8000  4711  pytho…\n      └ orphan\n80    1     x\n";
        assert_eq!(render(&table, &Look { color: false, columns: Some(18) }), narrow.replace("COMMAND", "COMMA…"));
    }

    #[test]
    fn a_last_column_of_numbers_stands_to_the_right_too_and_wide_characters_count_twice() {
        let mut table = Table::new(["NAME", "UP"]).right(&[1]);
        table.row(["日本語".into(), "31s".into()].to_vec());
        table.row(["node".into(), "2h14m".into()].to_vec());
        assert_eq!(render(&table, &Look::plain()), "NAME       UP\n日本語    31s\nnode    2h14m\n");
    }

    #[test]
    fn numbers_stand_to_the_right_and_a_narrow_terminal_loses_columns_and_not_the_last_one() {
        let mut table = Table::new(["NAME", "PID", "CPU", "WHY"]).right(&[1, 2]).losing(&[2, 1]).wrapping();
        table.row(["db", "310", "0.1%", "tcp://localhost:5432"].map(Into::into).to_vec());
        table.row(["ml", "–", "–", "6 crashes in 60 s, status 1; --restart tries again"].map(Into::into).to_vec());
        let at = |columns| render(&table, &Look { color: false, columns });
        let whole = "NAME  PID   CPU  WHY\n\
                     db    310  0.1%  tcp://localhost:5432\n\
                     ml      –     –  6 crashes in 60 s, status 1; --restart tries again\n";
        assert_eq!(at(None), whole);
        assert_eq!(at(Some(67)), whole);
        let wrapped = "NAME  PID   CPU  WHY\n\
                       db    310  0.1%  tcp://localhost:5432\n\
                       ml      –     –  6 crashes in 60 s,\n                 status 1; --restart\n                 tries again\n";
        assert_eq!(at(Some(41)), wrapped);
        assert!(at(Some(40)).starts_with("NAME  PID  WHY\n") && at(Some(34)).starts_with("NAME  WHY\n"));
        let mut noted = Table::new(["NAME", "WHY"]).wrapping();
        noted.row(["db", "up"].map(Into::into).to_vec());
        noted.note("└ last restart: it ended".into());
        let look = |columns| Look { color: false, columns: Some(columns) };
        assert_eq!(render(&noted, &look(30)), "NAME  WHY\ndb    up\n      └ last restart: it ended\n");
        assert_eq!(render(&noted, &look(26)), "NAME  WHY\ndb    up\n      └ last restart: it\n      ended\n");
        for columns in 30..70 {
            let text = at(Some(columns));
            assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").ends_with("--restart tries again"), "{text}");
            assert!(text.lines().all(|line| text::width(line) <= columns), "{columns}:\n{text}");
        }
    }
}
