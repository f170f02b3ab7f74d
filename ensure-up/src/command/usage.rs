//! What is asked for, and the words for what was asked for wrongly.

use std::path::PathBuf;

use ensure_up::{
    Service, ServiceSpec,
    service::file::{Config, ConfigError},
};
use health_wait::Target;
use proc_tree::cli::{command_line::typed, status::UsageError, text};

use super::arguments::Arguments;

/// Makes what runs of what was asked for; what cannot run was asked for wrongly.
pub(super) fn resolve(spec: ServiceSpec) -> Result<Service, UsageError> {
    let line = spec.health.iter().find_map(|text| Target::as_command(text));
    Service::try_from(spec).map_err(|error| {
        let usage = UsageError::new(error.to_string());
        match line {
            Some(meant) => usage.hint(format!("--health {}", typed([meant.as_str()].into_iter()))),
            None => usage,
        }
    })
}

/// Refuses names beside --all, which does something with every server.
pub(super) fn all_or_names(arguments: &Arguments, names: &[String], does: &str) -> Result<(), UsageError> {
    if arguments.all && !names.is_empty() {
        return Err(UsageError::new(format!("--all {does}: give either names or --all")));
    }
    Ok(())
}

/// Finds the services file, where there is one.
pub(super) fn file(arguments: &Arguments) -> Result<Option<PathBuf>, UsageError> {
    match Config::find(arguments.file.as_deref()) {
        Err(ConfigError::Missing) => Ok(None),
        path => path.map(Some).map_err(|error| config(&error)),
    }
}

/// A fault of the file is the user's; one that cannot be read may be the machine's, but nothing was done either.
pub(super) fn config(error: &ConfigError) -> UsageError {
    let usage = UsageError::new(text::failure(error));
    match error {
        ConfigError::Invalid(fault) => match &fault.suggestion {
            Some(word) => usage.hint(format!("did you mean {word:?}?")),
            None => usage,
        },
        ConfigError::Unsafe { .. } => {
            usage.hint("what stands in a services file runs as you: it must be yours or root's, and so must its folder")
        }
        ConfigError::Missing | ConfigError::Read(..) => usage,
    }
}
