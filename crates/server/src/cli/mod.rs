//! The command line: verbs that need the server's parts, and the client's beside them.

mod flows;

pub use flows::FlowsVerb;
