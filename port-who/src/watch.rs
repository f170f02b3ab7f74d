//! The same question again and again: when to ask, and how to draw the answer over the last one.

use std::{
    io::{self, Write},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    termios::tcgetwinsize,
};

/// Rounds at a steady beat: what a round takes does not put off the next one.
#[derive(Debug)]
pub struct Rounds {
    next: Instant,
    interval: Duration,
    left: Option<u64>,
}

/// What happened between two rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// It is time for the next round.
    Over,
    /// That was the last round.
    Done,
    /// Whoever read the output went away.
    ReaderGone,
}

impl Rounds {
    /// Starts with the first round, which is due now; `count` is how many there are, or none for no end.
    pub fn start(interval: Duration, count: Option<u64>) -> Self {
        Self { next: Instant::now(), interval, left: count }
    }

    /// Waits for the next round, or until nobody reads `out` any more.
    ///
    /// # Errors
    /// When poll(2) fails.
    pub fn pause(&mut self, out: &impl AsFd) -> io::Result<Pause> {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Ok(Pause::Done);
            }
        }
        self.next = (self.next + self.interval).max(Instant::now());
        loop {
            let left = self.next.saturating_duration_since(Instant::now());
            // no event is asked for: only that the other end was closed is told
            let mut watched = [PollFd::new(out, PollFlags::empty())];
            match poll(&mut watched, Some(&timespec(left))) {
                Ok(0) => return Ok(Pause::Over),
                Ok(_) => return Ok(Pause::ReaderGone),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}

/// A part of a terminal that is drawn again and again.
#[derive(Debug, Default)]
pub struct Screen {
    lines: usize,
}

impl Screen {
    /// Draws a text of whole lines over the last one. What does not fit on the terminal is counted, not drawn.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn draw(&mut self, text: &str, rows: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
        let lines: Vec<&str> = text.lines().collect();
        let room = rows.map_or(usize::MAX, |rows| rows.saturating_sub(1).max(2));
        let shown = if lines.len() <= room { lines.len() } else { room - 1 };
        let mut frame = String::new();
        if self.lines > 0 {
            // up to where the last one began
            frame = format!("\x1b[{}A", self.lines);
        }
        frame.push_str("\r\x1b[J");
        for line in &lines[..shown] {
            frame.extend([line, "\n"]);
        }
        let hidden = lines.len() - shown;
        if hidden > 0 {
            frame.extend(["… ", &hidden.to_string(), " more\n"]);
        }
        self.lines = shown + usize::from(hidden > 0);
        out.write_all(frame.as_bytes())?;
        out.flush()
    }
}

/// Returns how many rows a terminal has, where it says so.
pub fn rows(terminal: &impl AsFd) -> Option<usize> {
    tcgetwinsize(terminal).ok().map(|size| usize::from(size.ws_row)).filter(|&rows| rows > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(screen: &mut Screen, text: &str, rows: Option<usize>) -> String {
        let mut out = Vec::new();
        screen.draw(text, rows, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("a frame is text")
    }

    #[test]
    fn a_frame_is_drawn_over_the_last_one() {
        let mut screen = Screen::default();
        assert_eq!(draw(&mut screen, "one\ntwo\n", None), "\r\x1b[Jone\ntwo\n");
        assert_eq!(draw(&mut screen, "three\n", None), "\x1b[2A\r\x1b[Jthree\n");
        assert_eq!(draw(&mut screen, "", None), "\x1b[1A\r\x1b[J");
        assert_eq!(draw(&mut screen, "four\n", None), "\r\x1b[Jfour\n");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut screen = Screen::default();
        assert_eq!(draw(&mut screen, "1\n2\n3\n", Some(4)), "\r\x1b[J1\n2\n3\n");
        assert_eq!(draw(&mut screen, "1\n2\n3\n4\n", Some(4)), "\x1b[3A\r\x1b[J1\n2\n… 2 more\n");
        assert_eq!(draw(&mut screen, "", Some(4)), "\x1b[3A\r\x1b[J");
    }

    #[test]
    fn the_last_round_ends_without_a_wait() {
        let mut rounds = Rounds::start(Duration::from_hours(1), Some(1));
        assert_eq!(rounds.pause(&io::stderr()).expect("no poll"), Pause::Done);
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_wait() {
        let (reader, writer) = io::pipe().expect("a pipe can be made");
        let mut rounds = Rounds::start(Duration::from_millis(1), None);
        assert_eq!(rounds.pause(&writer).expect("poll works"), Pause::Over);
        drop(reader);
        let mut rounds = Rounds::start(Duration::from_hours(1), None);
        assert_eq!(rounds.pause(&writer).expect("poll works"), Pause::ReaderGone);
    }
}
