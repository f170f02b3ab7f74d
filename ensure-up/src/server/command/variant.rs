//! The forms in which a command may show: as it is asked for, and as what it starts in turn.

use super::{
    compared::{Asked, Running},
    npm, wrapper,
};

/// More wrappers than this around one command are a loop.
const DEEPEST: usize = 8;

/// One form of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Form {
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

/// Returns the forms of a command, outermost first.
pub(super) fn forms(words: &[String], running: &Running<'_>, asked: &Asked<'_>) -> Vec<Form> {
    let first = Form { words: words.to_vec(), is_as_asked: true, ..Form::default() };
    std::iter::successors(Some(first), |form| started_by(form, running, asked)).take(DEEPEST).collect()
}

fn started_by(form: &Form, running: &Running<'_>, asked: &Asked<'_>) -> Option<Form> {
    if let Some(words) = npm::script(&form.words, running, asked.cwd) {
        return Some(Form { words, is_as_asked: false, is_in_folder: true, ..form.clone() });
    }
    let variable = |name: &str| asked.variable(name).or_else(|| running.variable(name));
    let inner = wrapper::unwrapped(&form.words, &variable)?;
    let set = form.set.iter().cloned().chain(inner.set).collect();
    let sudo_user = inner.sudo_user.or_else(|| form.sudo_user.clone());
    Some(Form { words: inner.words, set, is_as_asked: false, sudo_user, is_in_folder: form.is_in_folder })
}
