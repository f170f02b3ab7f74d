//! The variants in which a command may show: as it is asked for, and as what it starts in turn.

use super::{
    compared::{Asked, Running},
    npm, wrapper,
};

/// More wrappers than this around one command are a loop.
const DEEPEST: usize = 8;

/// One variant of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variant {
    /// The command line.
    pub(super) words: Vec<String>,
    /// The variables that its wrappers set.
    pub(super) set: Vec<(String, String)>,
    /// Whether nothing was taken off.
    pub(super) is_as_asked: bool,
    /// The user whom sudo(8) runs it as, where that was taken off.
    pub(super) sudo_user: Option<String>,
    /// Whether it is known already that it was started in the folder that is asked for.
    pub(super) is_in_folder: bool,
}

/// Returns the variants of a command, outermost first.
pub(super) fn variants(words: &[String], running: &Running<'_>, asked: &Asked<'_>) -> Vec<Variant> {
    let first = Variant { words: words.to_vec(), is_as_asked: true, ..Variant::default() };
    std::iter::successors(Some(first), |variant| started_by(variant, running, asked)).take(DEEPEST).collect()
}

fn started_by(variant: &Variant, running: &Running<'_>, asked: &Asked<'_>) -> Option<Variant> {
    if let Some(words) = npm::script(&variant.words, running, asked.cwd) {
        return Some(Variant { words, is_as_asked: false, is_in_folder: true, ..variant.clone() });
    }
    let variable = |name: &str| asked.variable(name).or_else(|| running.variable(name));
    let inner = wrapper::unwrapped(&variant.words, &variable)?;
    let set = variant.set.iter().cloned().chain(inner.set).collect();
    let sudo_user = inner.sudo_user.or_else(|| variant.sudo_user.clone());
    Some(Variant { words: inner.words, set, is_as_asked: false, sudo_user, is_in_folder: variant.is_in_folder })
}
