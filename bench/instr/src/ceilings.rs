//! `bench/instr.toml`: what each path was measured to cost, and what it may cost.

use anyhow::Context;
use std::collections::BTreeMap;
use std::fmt::Write;
use toml::{Table, Value};

/// One path's entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ceiling {
    /// Instructions of a unit when they were accepted.
    pub(crate) measured: f64,
    /// What they may come to.
    pub(crate) ceiling: f64,
    /// Allocations of a unit, where they are counted.
    pub(crate) allocations: Option<f64>,
}

/// What a path costs now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// Instructions of a unit.
    pub(crate) instructions: f64,
    /// Allocations of a unit, where they are counted.
    pub(crate) allocations: Option<f64>,
}

/// What a compiler or a library may change without anybody looking.
const HEAD_ROOM: f64 = 1.10;
/// The same where threads meet in an order of their own, which costs them a little more or less.
const HEAD_ROOM_OF_THREADS: f64 = 1.25;
/// What happens once, spread over the units, does not count as an allocation of each.
const ALLOCATION_TOLERANCE: f64 = 0.02;
/// The same as a share, where a unit has many: what a runtime does once is not the same in every run.
const ALLOCATION_TOLERANCE_SHARE: f64 = 0.005;

const PREFACE: &str = "\
# What the hot paths cost: instructions of a unit under callgrind when they were last accepted, the ceiling that
# `cargo xtask bench instr` holds them to, and allocations of a unit. Written by `cargo xtask bench instr --accept`.
";

impl Ceiling {
    /// A ceiling above what a path costs now.
    pub(crate) fn above(cost: Cost) -> Self {
        let Cost { instructions, allocations } = cost;
        let head_room = if allocations.is_some() { HEAD_ROOM } else { HEAD_ROOM_OF_THREADS };
        Self {
            measured: rounded(instructions),
            ceiling: (instructions * head_room).ceil(),
            allocations: allocations.map(rounded),
        }
    }

    /// What of a cost is too much.
    pub(crate) fn exceeded_by(self, cost: Cost) -> Option<&'static str> {
        let allocates_more = match (self.allocations, cost.allocations) {
            (Some(allowed), Some(counted)) => {
                let tolerance = ALLOCATION_TOLERANCE.max(allowed * ALLOCATION_TOLERANCE_SHARE);
                counted > allowed + tolerance
            }
            (None, None) => false,
            _ => true,
        };
        match (cost.instructions > self.ceiling, allocates_more) {
            (false, false) => None,
            (true, false) => Some("INSTRUCTIONS"),
            (false, true) => Some("ALLOCATIONS"),
            (true, true) => Some("BOTH"),
        }
    }
}

/// Reads the file.
pub(crate) fn parse(text: &str) -> anyhow::Result<BTreeMap<String, Ceiling>> {
    let table: Table = text.parse().context("bench/instr.toml is not TOML")?;
    let entry = |(name, value): (String, Value)| {
        let number = |key: &str| {
            value.get(key).and_then(|value| value.as_float().or(value.as_integer().map(|n| n as f64)))
        };
        let needed =
            |key: &str| number(key).with_context(|| format!("bench/instr.toml: [{name}] has no {key}"));
        let ceiling = Ceiling {
            measured: needed("measured")?,
            ceiling: needed("ceiling")?,
            allocations: number("allocations"),
        };
        Ok((name, ceiling))
    };
    table.into_iter().map(entry).collect()
}

/// Writes the file, in the order of the paths.
pub(crate) fn print<'a>(entries: impl Iterator<Item = (&'a str, &'a str, Ceiling)>) -> String {
    let mut text = PREFACE.to_owned();
    for (name, unit, Ceiling { measured, ceiling, allocations }) in entries {
        // Writing to a String does not fail.
        let _ =
            write!(text, "\n[{name}]\nunit = \"{unit}\"\nmeasured = {measured:.1}\nceiling = {ceiling:.0}\n");
        if let Some(allocations) = allocations {
            let _ = writeln!(text, "allocations = {allocations:.2}");
        }
    }
    text
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let counted = Ceiling::above(Cost { instructions: 123.4, allocations: Some(2.0) });
        let uncounted = Ceiling::above(Cost { instructions: 9_999.9, allocations: None });
        let text = print([("a-path", "block", counted), ("other", "fragment", uncounted)].into_iter());
        let read = parse(&text).unwrap();
        assert_eq!((read["a-path"], read["other"]), (counted, uncounted));
        assert_eq!((counted.ceiling, uncounted.ceiling), (136.0, 12_500.0));
        assert!(parse("[x]\nmeasured = 1.0").is_err());
    }

    #[test]
    fn a_tenth_more_is_let_pass_and_one_allocation_more_is_not() {
        let ceiling = Ceiling::above(Cost { instructions: 100.0, allocations: Some(0.0) });
        let exceeded = |instructions, allocations| {
            ceiling.exceeded_by(Cost { instructions, allocations: Some(allocations) })
        };
        assert_eq!(exceeded(109.0, 0.01), None);
        assert_eq!(exceeded(112.0, 0.0), Some("INSTRUCTIONS"));
        assert_eq!(exceeded(90.0, 1.0), Some("ALLOCATIONS"));
        assert_eq!(exceeded(112.0, 1.0), Some("BOTH"));
        assert_eq!(ceiling.exceeded_by(Cost { instructions: 1.0, allocations: None }), Some("ALLOCATIONS"));
    }
}
