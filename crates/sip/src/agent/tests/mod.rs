//! The agent by bytes, under a clock that tests set.

mod connections;
mod in_dialog;
mod offers;
mod outside;
mod scene;
mod uac;
mod uas;
