//! What `tympan serve --dev` adds for tests of consumers: faults, a clock and a reset on demand, as layers around what a server consists
//! of. Nothing of this is built, asked or reachable without `--dev`, and nothing behind the layers knows of them. See docs/emulator.md.
//!
//! A [`Rule`] says which requests a [`Fault`] strikes; [`Faults`] holds the rules and decides. They strike at three places: at the edge of
//! HTTP ([`Emulator`], around the [`Router`] of the services), at the key provider ([`FaultyKeys`]) and at the streams of captures
//! ([`FaultyDirectory`]). A reset is the `clear` of each [`Component`], one after the other ([`clear_all`]).

mod control;
mod cut;
mod directory;
mod faults;
mod feed;
mod keys;
mod lay;
mod layer;
mod operation;
mod refusal;
mod reply;
mod reset;
mod rule;
mod seam;

pub use control::why_not_here;
pub use directory::FaultyDirectory;
pub use faults::Faults;
pub use keys::FaultyKeys;
pub use layer::{Emulator, EmulatorParts, Generation};
pub use reset::{Component, ResetRequest, clear_all};
pub use rule::{Fault, Place, Rule, RuleError};
pub use seam::{Body, Clock, Named, Replaced, Router, Tear};
