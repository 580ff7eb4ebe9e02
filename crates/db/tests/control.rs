//! The control database as its users see it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod control {
    mod changes;
    mod contacts;
    mod erasure;
    mod migration;
    mod opening;
    mod outbox;
    mod rows;
    mod sample;
}
