//! Limits that a tree must keep to.

use proc_tree::{
    TreeRecord,
    cli::{memory_limit::MemoryLimit, size},
};

/// What a tree may use at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Limits {
    /// Memory, by the measure that the tree's record names.
    pub(crate) memory: Option<MemoryLimit>,
    /// CPU in percent of one core.
    pub(crate) cpu: Option<f64>,
}

/// A figure that a limit is set for is unknown: nobody can say whether it is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot tell whether {tree} keeps to its limit: its {what} is unknown")]
pub(crate) struct Unknown {
    tree: String,
    what: &'static str,
}

/// A text that is no percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid percentage {0:?}: expected a number above 0 such as 150 (one and a half cores)")]
pub(crate) struct InvalidPercent(String);

/// Parses a percentage; the sign is optional.
///
/// # Errors
/// When the text is no number above 0.
pub(crate) fn parse_percent(text: &str) -> Result<f64, InvalidPercent> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match number.parse::<f64>() {
        Ok(percent) if plain && percent > 0.0 && percent.is_finite() => Ok(percent),
        _ => Err(InvalidPercent(text.to_owned())),
    }
}

impl Limits {
    /// Says for each tree that is over a limit by how much; the total of all trees counts where none is over alone.
    ///
    /// # Errors
    /// When a limited figure is unknown.
    pub(crate) fn exceeded(&self, records: &[TreeRecord]) -> Result<Vec<String>, Unknown> {
        let mut lines = Vec::new();
        for record in records.iter().filter(|record| record.pid.is_some()) {
            lines.extend(self.check(record)?);
        }
        if let Some(total) = records.iter().find(|record| record.pid.is_none()).filter(|_| lines.is_empty()) {
            lines.extend(self.check(total)?);
        }
        Ok(lines)
    }

    fn check(&self, record: &TreeRecord) -> Result<Vec<String>, Unknown> {
        let tree = match record.pid {
            Some(pid) => format!("{pid} {}", record.name),
            None => record.name.clone(),
        };
        let unknown = |what| Unknown { tree: tree.clone(), what };
        let mut lines = Vec::new();
        if let Some(limit) = self.memory {
            let used = record.figures.memory_bytes.ok_or_else(|| unknown("memory"))?;
            let measure = record.figures.memory_measure.name();
            match limit {
                MemoryLimit::Bytes(most) if used > most => {
                    let (used, most) = apart(used, most);
                    lines.push(format!("{tree}: {used} ({measure}) is over the limit of {most}"));
                }
                MemoryLimit::Bytes(_) => {}
                MemoryLimit::Percent(most) => {
                    let share = record.figures.memory_percent.ok_or_else(|| unknown("share of the memory"))?;
                    if share > most {
                        let used = size::display(used);
                        lines.push(format!(
                            "{tree}: {used} ({measure}), {share:.2}% of the memory, is over the limit of {limit}"
                        ));
                    }
                }
            }
        }
        if let Some(limit) = self.cpu {
            let cpu = record.figures.cpu_percent.ok_or_else(|| unknown("CPU"))?;
            if cpu > limit {
                lines.push(format!("{tree}: {cpu:.1}% CPU is over the limit of {limit}%"));
            }
        }
        Ok(lines)
    }
}

/// Shows two sizes, in bytes where they would read the same.
fn apart(left: u64, right: u64) -> (String, String) {
    let shown = (size::display(left), size::display(right));
    if shown.0 == shown.1 { (format!("{left} B"), format!("{right} B")) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_numbers_above_zero_with_or_without_the_sign() {
        assert_eq!(parse_percent("150"), Ok(150.0));
        assert_eq!(parse_percent("12.5%"), Ok(12.5));
        for bad in ["", "%", "0", "-5", "inf", "1e3", "12%%", "a"] {
            let message = parse_percent(bad).expect_err(bad).to_string();
            assert!(message.contains(&format!("{bad:?}")), "{message}");
        }
    }

    #[test]
    fn sizes_that_would_read_the_same_are_told_in_bytes() {
        assert_eq!(apart(1 << 30, (1 << 30) - 1), ("1073741824 B".into(), "1073741823 B".into()));
        assert_eq!(apart(2 << 30, 1 << 30), ("2.0 GiB".into(), "1.0 GiB".into()));
    }
}
