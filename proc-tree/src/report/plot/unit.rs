//! Units of an axis: figures on it have one to three digits before the point.

/// Units with what one of them is worth, the smallest first.
pub(super) type Units = [(&'static str, f64)];

pub(super) const TIMES: &Units = &[("ms", 0.001), ("s", 1.0), ("min", 60.0), ("h", 3600.0)];
pub(super) const SIZES: &Units = &[("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0)];

/// Picks the largest unit in which the figure is 2 or more.
pub(super) fn unit_for(units: &'static Units, figure: f64) -> (&'static str, f64) {
    units.iter().rev().find(|unit| figure >= 2.0 * unit.1).or(units.first()).copied().unwrap_or(("", 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_in_a_unit_that_suits_them() {
        assert_eq!(unit_for(SIZES, 3e9).0, "GiB");
        assert_eq!(unit_for(SIZES, 10.0).0, "KiB");
        assert_eq!(unit_for(TIMES, 0.3).0, "ms");
        assert_eq!(unit_for(TIMES, 100.0).0, "s");
        assert_eq!(unit_for(TIMES, 400.0).0, "min");
    }
}
