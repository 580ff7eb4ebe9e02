//! Whole streams: recorded, made by hand, made at random, damaged.

mod allocations;
mod corpus;
mod hand_made;
mod oracle;
mod recordings;
mod round_trip;
