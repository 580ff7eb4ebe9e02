//! Whole flows, from outside: what a call sees of them.

mod blocks;
mod corpus;
mod never_spins;
mod problems;
mod seed;
mod stage;
