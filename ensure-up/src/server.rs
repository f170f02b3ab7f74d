//! What is there, and whose it is: processes, records, locks, and where they are kept.

#[cfg_attr(not(test), expect(dead_code, reason = "asked by the judgement of evidence, which is being rewritten"))]
pub(crate) mod command;
pub(crate) mod end;
pub(crate) mod evidence;
pub(crate) mod fingerprint;
pub(crate) mod folder;
pub(crate) mod folder_watch;
pub(crate) mod judge;
pub(crate) mod lock;
pub(crate) mod orphans;
pub(crate) mod path_text;
pub(crate) mod port;
pub(crate) mod processes;
pub(crate) mod record;
pub(crate) mod session;
pub(crate) mod state_file;
