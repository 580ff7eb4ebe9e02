//! Keeping what is stored: check, scrub, backup, restore, and the proof that a deletion was one.

#![allow(clippy::unwrap_used, reason = "a test")]

mod backup;
mod check;
mod clock;
mod deletion;
mod indexes;
mod old_catalogue;
mod place;
mod rebuild;
mod retention;
mod scrub;
mod segments;
#[path = "../support/mod.rs"]
mod support;
