//! What stands before the lines of several logs: the server's name, aligned and in a colour of its own.

use std::borrow::Cow;

use proc_tree::cli::{terminal::Look, text};

/// The colours of names, in turn: not that of PIDs.
const COLORS: [&str; 6] = ["\x1b[34m", "\x1b[35m", "\x1b[33m", "\x1b[32m", "\x1b[94m", "\x1b[95m"];

/// Returns what stands before the lines of each of these; of a single one, nothing does.
pub fn heads<S: AsRef<str>>(names: &[S], look: &Look) -> Vec<Option<String>> {
    if let [_] = names {
        return vec![None];
    }
    let names: Vec<_> = names.iter().map(|name| text::escape(name.as_ref())).collect();
    let widest = names.iter().map(|name| text::width(name)).max().unwrap_or_default();
    let head = |(place, name): (usize, &Cow<'_, str>)| {
        let padding = " ".repeat(widest - text::width(name));
        let (color, end) = if look.color { (COLORS[place % COLORS.len()], "\x1b[0m") } else { ("", "") };
        Some(format!("{color}{name}{padding}  |{end} "))
    };
    names.iter().enumerate().map(head).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_aligned_and_one_alone_needs_none() {
        let plain = |names: &[&str]| heads(names, &Look::plain()).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(plain(&["db", "日本", "api"]), ["db    | ", "日本  | ", "api   | "]);
        assert_eq!(plain(&["db"]), [""; 0]);
        assert_eq!(plain(&[]), [""; 0]);
        let coloured = heads(&["a", "b\x1b"], &Look { color: true, columns: None });
        assert_eq!(coloured[1].as_deref(), Some("\x1b[35mb\\u{1b}  |\x1b[0m "));
    }
}
