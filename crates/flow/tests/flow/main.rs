//! Whole flows, from outside: what a call sees of them.

mod blocks;
mod corpus;
mod data;
mod modules;
mod never_spins;
mod problems;
mod questions;
mod seed;
mod stage;
