//! The agent by bytes, under a clock that tests set.

mod connections;
mod in_dialog;
mod offers;
mod outside;
mod phones;
mod refer;
mod register;
mod replaces;
mod scene;
mod uac;
mod uas;
