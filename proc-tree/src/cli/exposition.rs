//! An exposition in the OpenMetrics text format, for Prometheus and its kin.
//!
//! Everything is a gauge: what these tools tell can fall, and a counter must not. So the text is also valid in Prometheus's
//! older format, which names counters otherwise. Source: OpenMetrics 1.0.0; base units (seconds, bytes, ratios) as Prometheus
//! asks for them.

use std::{
    collections::HashSet,
    io::{self, Write},
};

/// A family of metrics of some record.
#[derive(Debug)]
pub struct Family<R> {
    /// Its name, without the prefix of the tool.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Its value; what is unknown is left out.
    pub value: fn(&R) -> Option<f64>,
}

/// The units that a name may end with.
const UNITS: [&str; 3] = ["seconds", "bytes", "ratio"];

/// The labels of a record in a family.
pub type Labels = Vec<(&'static str, String)>;

/// Writes families, without the end of the exposition. Of records with the same labels the first counts.
///
/// # Errors
/// When `out` cannot be written to.
pub fn families<'r, R: 'r>(
    prefix: &str,
    families: &[Family<R>],
    records: &(impl Iterator<Item = &'r R> + Clone),
    labels: impl Fn(&R, &Family<R>) -> Labels,
    out: &mut dyn Write,
) -> io::Result<()> {
    for family in families {
        let mut told = HashSet::new();
        for record in records.clone() {
            let Some(value) = (family.value)(record) else { continue };
            let labels = labels(record, family);
            let labels: Vec<String> =
                labels.into_iter().map(|(name, value)| format!("{name}=\"{}\"", escape(&value))).collect();
            let labels = labels.join(",");
            if told.is_empty() {
                head(prefix, family, out)?;
            }
            if told.insert(labels.clone()) {
                writeln!(out, "{prefix}_{}{{{labels}}} {value}", family.name)?;
            }
        }
    }
    Ok(())
}

/// Ends an exposition.
///
/// # Errors
/// When `out` cannot be written to.
pub fn end(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# EOF")?;
    out.flush()
}

fn head<R>(prefix: &str, family: &Family<R>, out: &mut dyn Write) -> io::Result<()> {
    let Family { name, meaning, .. } = family;
    writeln!(out, "# TYPE {prefix}_{name} gauge")?;
    if let Some(unit) = UNITS.iter().find(|unit| name.ends_with(&format!("_{unit}"))) {
        writeln!(out, "# UNIT {prefix}_{name} {unit}")?;
    }
    writeln!(out, "# HELP {prefix}_{name} {meaning}")
}

/// A label's value escapes the backslash, the quote and the line feed, and nothing else.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Returns a count as a value.
#[expect(clippy::cast_precision_loss, reason = "OpenMetrics values are floats")]
pub fn count(value: u64) -> f64 {
    value as f64
}

/// Returns a share of one, rounded as the percentages of records are.
pub fn ratio(percent: f64) -> f64 {
    (percent * 1000.0).round() / 100_000.0
}

/// Returns a flag as a value.
pub fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_has_its_head_once_its_unit_by_its_name_and_no_series_twice() {
        let all = [Family { name: "age_seconds", meaning: "Age", value: |age: &Option<f64>| *age }];
        let mut out = Vec::new();
        let labels = |age: &Option<f64>, _: &_| vec![("said", format!("\"{}\"\n", age.unwrap_or_default()))];
        families("x", &all, &[None, Some(1.5), Some(1.5), Some(2.0)].iter(), labels, &mut out)
            .expect("a vector takes it");
        end(&mut out).expect("a vector takes it");
        let expected = "\
# TYPE x_age_seconds gauge
# UNIT x_age_seconds seconds
# HELP x_age_seconds Age
x_age_seconds{said=\"\\\"1.5\\\"\\n\"} 1.5
x_age_seconds{said=\"\\\"2\\\"\\n\"} 2
# EOF
";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
