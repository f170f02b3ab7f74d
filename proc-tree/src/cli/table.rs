//! Aligned columns for people, without boxes.

use std::io::{self, Write};

use anstyle::Style;

use crate::cli::{terminal::Look, text};

/// Rows under a header. Every cell is escaped when it is written; the last column is cut at the terminal's width.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Row>,
    styles: Vec<Style>,
}

#[derive(Debug, Clone)]
struct Row {
    cells: Vec<String>,
    notes: Vec<String>,
}

const GAP: usize = 2;

impl Table {
    /// Starts a table with these column titles.
    pub fn new<T: Into<String>>(header: impl IntoIterator<Item = T>) -> Self {
        let header: Vec<String> = header.into_iter().map(Into::into).collect();
        let styles = vec![Style::new(); header.len()];
        Self { header, rows: Vec::new(), styles }
    }

    /// Starts lines of this many columns without titles.
    pub fn headless(columns: usize) -> Self {
        Self::new(vec![String::new(); columns])
    }

    /// Gives a column its style on a colour terminal.
    #[must_use]
    pub fn styled(mut self, column: usize, style: Style) -> Self {
        self.styles[column] = style;
        self
    }

    /// Adds a row with one cell per column; one with fewer ends early.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(Row { cells, notes: Vec::new() });
    }

    /// Adds a line of its own under the last row, under its second column.
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
        let mut widths: Vec<usize> = self.header.iter().map(|title| text::width(title)).collect();
        for row in &self.rows {
            // nothing follows a row's last cell that it would have to be aligned with
            let aligned = row.cells.len().saturating_sub(1);
            for (width, cell) in widths.iter_mut().zip(&row.cells[..aligned]) {
                *width = (*width).max(text::width(&text::escape(cell)));
            }
        }
        if self.header.iter().any(|title| !title.is_empty()) {
            let bold = vec![Style::new().bold(); self.header.len()];
            write_line(out, &self.header, &widths, &bold, look)?;
        }
        for row in &self.rows {
            write_line(out, &row.cells, &widths, &self.styles, look)?;
            let indent = widths[0] + GAP;
            for note in &row.notes {
                writeln!(out, "{:indent$}{}", "", look.cut(&text::escape(note), indent))?;
            }
        }
        Ok(())
    }
}

fn write_line(
    out: &mut dyn Write,
    cells: &[String],
    widths: &[usize],
    styles: &[Style],
    look: &Look,
) -> io::Result<()> {
    let mut column = 0;
    for (index, cell) in cells.iter().enumerate() {
        let cell = text::escape(cell);
        let last = index + 1 == cells.len();
        let shown = if last { look.cut(&cell, column) } else { cell };
        let (style, reset) = if look.color {
            (styles[index].render().to_string(), styles[index].render_reset().to_string())
        } else {
            Default::default()
        };
        write!(out, "{style}{shown}{reset}")?;
        if !last {
            write!(out, "{:1$}", "", widths[index] + GAP - text::width(&shown))?;
            column += widths[index] + GAP;
        }
    }
    writeln!(out)
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
}
