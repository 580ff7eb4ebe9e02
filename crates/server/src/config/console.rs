//! `[console]`: where the web console is served.

use super::values::ListenAddress;
use super::written::{text_or_empty, valid};
use serde::{Deserialize, Serialize};

/// `[console]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// Address and port of the console; port 0 lets the kernel choose. Empty: there is no console.
    #[serde(with = "text_or_empty")]
    pub listen: Option<ListenAddress>,
}

impl Default for Console {
    fn default() -> Self {
        Self { listen: Some(valid("127.0.0.1:8601")) }
    }
}
