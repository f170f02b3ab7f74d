//! A picture on a terminal that is drawn again and again: steady, without flicker, and gone when it is over.

use std::{
    io::{self, Write},
    os::fd::AsFd,
};

/// The alternate screen of a terminal. What was there before comes back when it is left.
#[derive(Debug, Default)]
pub(super) struct Screen {
    entered: bool,
}

impl Screen {
    /// Draws one picture over the last, in a single write. Lines beyond the terminal's height are counted, not shown.
    pub(super) fn draw(&mut self, picture: &str, terminal: &impl AsFd, out: &mut dyn Write) -> io::Result<()> {
        let mut frame = String::new();
        if !self.entered {
            frame.push_str("\x1b[?1049h\x1b[?25l");
            self.entered = true;
        }
        // from the top left, each line cleared before its text (behind it, the last column would go too), then all below
        // a line that is too long ends at the edge: wrapped, it would move all others
        frame.push_str("\x1b[?7l\x1b[H\x1b[2K");
        let rows = rows(terminal);
        let lines = shown(picture, rows);
        frame.push_str(&lines.join("\r\n\x1b[2K"));
        if lines.len() < rows {
            frame.push_str("\r\n\x1b[J");
        }
        frame.push_str("\x1b[?7h");
        out.write_all(frame.as_bytes())?;
        out.flush()
    }

    /// Brings back what was on the terminal before.
    pub(super) fn leave(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.entered) {
            out.write_all(b"\x1b[?25h\x1b[?1049l")?;
            out.flush()?;
        }
        Ok(())
    }
}

fn rows(terminal: &impl AsFd) -> usize {
    let told = rustix::termios::tcgetwinsize(terminal).map(|size| usize::from(size.ws_row));
    told.ok().filter(|&rows| rows > 0).unwrap_or(24)
}

fn shown(picture: &str, rows: usize) -> Vec<String> {
    let mut lines: Vec<String> = picture.lines().map(str::to_owned).collect();
    if lines.len() > rows {
        let more = lines.len() - rows.saturating_sub(1);
        lines.truncate(rows.saturating_sub(1));
        lines.push(format!("… {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_is_too_high_says_how_much_is_missing() {
        assert_eq!(shown("a\nb\nc\n", 3), ["a", "b", "c"]);
        assert_eq!(shown("a\nb\nc\nd\n", 3), ["a", "b", "… 2 more"]);
    }
}
