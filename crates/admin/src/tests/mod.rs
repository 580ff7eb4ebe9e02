//! The operations, on contacts in memory, a control database in memory and a store in memory.

mod access;
mod audit;
mod bench;
mod contacts;
mod events;
mod flows;
mod openapi;
mod prompts;
mod streams;
mod upkeep;
