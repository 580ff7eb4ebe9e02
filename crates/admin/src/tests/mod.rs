//! The operations, on contacts in memory, a control database in memory and a store in memory.

mod bench;
mod contacts;
mod events;
mod openapi;
mod streams;
mod upkeep;
