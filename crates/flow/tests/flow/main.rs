//! Whole flows, from outside: what a call sees of them.

mod blocks;
mod corpus;
mod data;
mod input;
mod modules;
mod never_spins;
mod parties;
mod parties_problems;
mod problems;
mod prompts;
mod questions;
mod seed;
mod stage;
