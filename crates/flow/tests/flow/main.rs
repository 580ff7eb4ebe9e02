//! Whole flows, from outside: what a call sees of them.

mod blocks;
mod corpus;
mod data;
mod input;
mod modules;
mod never_spins;
mod problems;
mod prompts;
mod questions;
mod seed;
mod stage;
