//! Which service is meant: the folder that it belongs to, and its name there.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which service is meant. Two calls that agree in it mean the same one; without a name they must agree in the port, too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceId {
    /// The folder of the services file, else the one that the command is started in; canonical.
    #[serde(with = "crate::server::path_text")]
    pub folder: PathBuf,
    /// Its name; a bare command has none.
    pub name: Option<String>,
}
