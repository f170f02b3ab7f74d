//! How much memory, by every measure there is.

use std::io;

use serde::Serialize;

/// How memory is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Proportional set: each page divided among the processes that map it.
    Pss,
    /// Unique set: pages that no other process maps.
    Uss,
    /// Resident set: every page that is mapped and in memory, shared ones in full.
    Rss,
    /// macOS's physical footprint, which counts Metal buffers and compressed pages.
    Footprint,
}

impl Measure {
    /// Returns the measure's name, as records have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pss => "pss",
            Self::Uss => "uss",
            Self::Rss => "rss",
            Self::Footprint => "footprint",
        }
    }
}

/// Memory in bytes, of one process or summed over several. What could not be read is `None`, for a sum as soon as it
/// is so for one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Memory {
    /// Resident set in bytes; null where it could not be read.
    #[serde(rename = "rss_bytes")]
    pub rss: Option<u64>,
    /// Proportional set in bytes (Linux); null elsewhere, and where it could or should not be read.
    #[serde(rename = "pss_bytes")]
    pub pss: Option<u64>,
    /// Unique set in bytes (Linux); null as `pss_bytes` is.
    #[serde(rename = "uss_bytes")]
    pub uss: Option<u64>,
    /// Swapped out, in bytes: proportional where the proportional set was read; null where it could not be read.
    #[serde(rename = "swap_bytes")]
    pub swap: Option<u64>,
    /// Physical footprint in bytes (macOS); null elsewhere.
    #[serde(rename = "footprint_bytes")]
    pub footprint: Option<u64>,
}

impl Memory {
    pub(crate) const NONE: Self = Self { rss: Some(0), pss: Some(0), uss: Some(0), swap: Some(0), footprint: Some(0) };

    pub(crate) const UNKNOWN: Self = Self { rss: None, pss: None, uss: None, swap: None, footprint: None };

    /// Returns the figure of one measure.
    pub fn by(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::Pss => self.pss,
            Measure::Uss => self.uss,
            Measure::Rss => self.rss,
            Measure::Footprint => self.footprint,
        }
    }

    /// Sums several processes.
    pub fn sum<'m>(each: impl IntoIterator<Item = &'m Self>) -> Self {
        each.into_iter().fold(Self::NONE, |sum, one| Self {
            rss: add(sum.rss, one.rss),
            pss: add(sum.pss, one.pss),
            uss: add(sum.uss, one.uss),
            swap: add(sum.swap, one.swap),
            footprint: add(sum.footprint, one.footprint),
        })
    }
}

/// Adds two figures; unknown and anything is unknown.
pub(crate) fn add(left: Option<u64>, right: Option<u64>) -> Option<u64> {
    Some(left?.saturating_add(right?))
}

/// A process that is gone has 0 bytes; one that may not be looked at has an unknown number.
pub(super) fn known(answer: io::Result<Option<u64>>) -> Option<u64> {
    answer.ok().map(Option::unwrap_or_default)
}
