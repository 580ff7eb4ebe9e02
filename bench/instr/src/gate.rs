//! Measures every path and compares it to its ceiling.

use crate::ceilings::{self, Ceiling, Cost};
use crate::path::{Path, Scope};
use crate::{callgrind, paths};
use anyhow::{Context, bail};
use std::path::PathBuf;

/// Fails when a path costs more than its ceiling, or has none.
pub(crate) fn check() -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file()).context("bench/instr.toml cannot be read")?;
    let ceilings = ceilings::parse(&text)?;
    println!(
        "{:<16} {:<9} {:>13} {:>10} {:>12} {:>8}",
        "path", "unit", "instructions", "ceiling", "allocations", ""
    );
    let mut failed = Vec::new();
    for path in paths::ALL {
        let cost = measure(path)?;
        let ceiling = ceilings.get(path.name).copied();
        let fault = ceiling.map_or(Some("NO CEILING"), |ceiling| ceiling.exceeded_by(cost));
        println!(
            "{:<16} {:<9} {:>13.1} {:>10} {:>12} {:>8}",
            path.name,
            path.unit,
            cost.instructions,
            ceiling.map_or_else(String::new, |ceiling| format!("{:.0}", ceiling.ceiling)),
            cost.allocations.map_or_else(|| "-".to_owned(), |count| format!("{count:.2}")),
            fault.unwrap_or("ok"),
        );
        if let Some(fault) = fault {
            failed.push(format!("{} ({fault})", path.name));
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!(
        "above the ceiling of bench/instr.toml: {}. If the change is worth it, say so in its commit and run \
         `cargo xtask bench instr --accept`; else find what the path does now that it did not do before \
         (valgrind --tool=callgrind --dump-instr=yes on `tympan-instr run NAME UNITS` shows it).",
        failed.join(", ")
    )
}

/// Makes what is measured now the measure.
pub(crate) fn accept() -> anyhow::Result<()> {
    let mut entries = Vec::new();
    for path in paths::ALL {
        let cost = measure(path)?;
        println!("{:<16} {:>13.1} instructions a {}", path.name, cost.instructions, path.unit);
        entries.push((path.name, path.unit, Ceiling::above(cost)));
    }
    std::fs::write(file(), ceilings::print(entries.into_iter())).context("bench/instr.toml cannot be written")
}

fn measure(path: &Path) -> anyhow::Result<Cost> {
    let instructions = callgrind::instructions_per_unit(path)?;
    let allocations = match path.scope {
        Scope::Thread => Some(paths::allocations(path)? as f64 / path.units as f64),
        Scope::Process => None,
    };
    Ok(Cost { instructions, allocations })
}

fn file() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../instr.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_a_ceiling_and_every_ceiling_a_path() {
        let ceilings = ceilings::parse(&std::fs::read_to_string(file()).unwrap()).unwrap();
        let mut names: Vec<&str> = paths::ALL.iter().map(|path| path.name).collect();
        names.sort_unstable();
        assert_eq!(ceilings.keys().map(String::as_str).collect::<Vec<_>>(), names);
        assert!(ceilings.values().all(|entry| entry.ceiling > entry.measured));
    }

    #[test]
    fn every_path_runs_and_does_what_it_says() {
        for path in paths::ALL {
            (path.run)(path.units.min(20)).unwrap_or_else(|error| panic!("{}: {error:#}", path.name));
        }
    }
}
