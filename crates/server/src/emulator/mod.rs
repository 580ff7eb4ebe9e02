//! What `--dev` adds for tests of consumers: faults on demand. Nothing of this is built, asked or reachable without
//! `--dev`.
//!
//! A [`Rule`] says which requests a [`Fault`] strikes; [`Faults`] holds the rules and decides. Where a fault strikes is
//! a [`Seam`]: the edge of HTTP (`http::emulator`), the key provider ([`FaultyKeys`]) or the streams of captures
//! ([`FaultyDirectory`]). The services behind the seams never know.

mod directory;
mod faults;
mod keys;
mod operation;
mod rule;

pub(crate) use directory::FaultyDirectory;
pub(crate) use faults::Faults;
pub(crate) use keys::FaultyKeys;
pub(crate) use operation::{Within, operation};
pub(crate) use rule::{Fault, Place, Rule, Seam, status_of};
