//! A server that no client can use says so, with the next step.

use crate::config::{Config, LogFormat};
use std::io::{IsTerminal, Write};
use tympan_connect::ConnectService;

/// What lacks, one line each, for a server with these keys and this service.
pub(super) fn lacks(config: &Config, connect: &ConnectService) -> Vec<&'static str> {
    let counts = connect.counts();
    let mut lacks = Vec::new();
    if config.credentials.is_empty() {
        lacks.push(
            "there is no access key, so that every request is refused: add [[credentials]] to the configuration \
             (`tympan init` writes one with a first key)",
        );
    }
    if counts.instances == 0 {
        lacks.push(
            "there is no instance, so that no call can be taken: add [[connect.instances]] to the configuration, or make \
             one by `aws connect create-instance`",
        );
    }
    if counts.phone_numbers == 0 {
        lacks.push(
            "there is no phone number, so that every call is answered 404: add numbers to a flow in \
             [[connect.instances.flows]], or claim one by `aws connect claim-phone-number`",
        );
    }
    lacks
}

/// Warns in the log; and on a terminal, where the log is none that a person reads.
pub(super) fn warn(lacks: &[&str], config: &Config) {
    for lack in lacks {
        tracing::warn!("{lack}");
    }
    let is_read = config.log.format == LogFormat::Text && tracing::enabled!(tracing::Level::WARN);
    let mut terminal = std::io::stderr();
    if !is_read && terminal.is_terminal() {
        for lack in lacks {
            // A warning that cannot be written harms nothing.
            let _ = writeln!(terminal, "tympan: {lack}");
        }
    }
}
