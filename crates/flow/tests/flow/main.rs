//! Whole flows, from outside: what a call sees of them.

mod blocks;
mod corpus;
mod input;
mod never_spins;
mod problems;
mod prompts;
mod seed;
mod stage;
