//! Faults that the simulation must find: each a patch, applied to a copy of the crates, built and run.

use crate::command::{build_by, program, root, target_folder};
use crate::simulate::Simulation;
use anyhow::{Context, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The patches, from the workspace's root: those that the simulation of SIP agents finds, and in `whole` those that need a node.
const PATCHES: &str = "crates/testkit/mutants";
const WHOLE: &str = "whole";
/// What the simulation is made of.
const CRATES: [&str; 14] = [
    "types",
    "auth",
    "aws",
    "sip",
    "telephony",
    "media",
    "capture",
    "contact",
    "flow",
    "mkv",
    "kms",
    "store",
    "kvs",
    "testkit",
];
/// Flows that the simulation reads.
const FIXTURES: &str = "fixtures/flows";
/// Each mutant is found within so many seeds.
const SEEDS: u64 = 1_000;

/// Runs the simulation without a mutant, then with each one.
pub(crate) fn run(seed: u64) -> anyhow::Result<()> {
    let folder = target_folder()?.join("mutants");
    let copy = folder.join("source");
    copy_crates(&copy)?;
    for simulation in [Simulation::Dialogs, Simulation::Whole] {
        if let Some(found) = simulate(&copy, &folder, simulation, seed)? {
            bail!("the crates as they are break a promise already, so no mutant can be judged: {found}");
        }
    }
    println!("no mutant: {SEEDS} seeds from {seed} without a fault");
    let mut missed = Vec::new();
    for (patch, simulation) in patches()? {
        let name = patch.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        apply(&copy, &patch, &[])?;
        match simulate(&copy, &folder, simulation, seed)? {
            Some(found) => println!("{name}: found. {found}"),
            None => missed.push(name),
        }
        apply(&copy, &patch, &["--reverse"])?;
    }
    ensure!(missed.is_empty(), "not found within {SEEDS} seeds: {}", missed.join(", "));
    Ok(())
}

fn patches() -> anyhow::Result<Vec<(PathBuf, Simulation)>> {
    let folder = root().join(PATCHES);
    let mut patches = Vec::new();
    for (folder, simulation) in
        [(folder.clone(), Simulation::Dialogs), (folder.join(WHOLE), Simulation::Whole)]
    {
        patches.extend(patches_in(&folder)?.into_iter().map(|patch| (patch, simulation)));
    }
    Ok(patches)
}

fn patches_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut patches = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    patches.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    patches.sort();
    ensure!(!patches.is_empty(), "{} has no patches", folder.display());
    Ok(patches)
}

/// A workspace of the crates alone, so that the work tree stays as it is.
fn copy_crates(copy: &Path) -> anyhow::Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    for name in CRATES {
        copy_folder(&root().join("crates").join(name), &copy.join("crates").join(name))?;
    }
    copy_folder(&root().join(FIXTURES), &copy.join(FIXTURES))?;
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let lines = manifest.lines().map(|line| match line.split_once(" = ").map(|(key, _)| key) {
        Some("members") => "members = [\"crates/*\"]",
        Some("default-members" | "exclude") => "",
        _ => line,
    });
    fs::write(copy.join("Cargo.toml"), lines.collect::<Vec<_>>().join("\n"))?;
    fs::copy(root().join("Cargo.lock"), copy.join("Cargo.lock"))?;
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn apply(copy: &Path, patch: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut git = program("git");
    // The copy lies within this repository, but is none of its folders.
    git.current_dir(copy).env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy));
    let status = git.arg("apply").args(arguments).arg(patch).status().context("cannot run git")?;
    ensure!(status.success(), "{} does not apply: write it anew against the present source", patch.display());
    Ok(())
}

/// Builds and runs the copy: the broken promise, where there is one.
fn simulate(copy: &Path, folder: &Path, simulation: Simulation, seed: u64) -> anyhow::Result<Option<String>> {
    let mut cargo = crate::command::cargo();
    cargo.current_dir(copy).env("CARGO_TARGET_DIR", folder.join("build"));
    // Most mutants are found by the first seeds: the build is what takes time.
    cargo.env("CARGO_PROFILE_INSTR_OPT_LEVEL", "1").env("CARGO_PROFILE_INSTR_CODEGEN_UNITS", "16");
    cargo.env("CARGO_PROFILE_INSTR_INCREMENTAL", "true");
    let binary = build_by(cargo, simulation.example(), &simulation.build())?;
    let (seed, seeds) = (seed.to_string(), SEEDS.to_string());
    let output = Command::new(&binary).args(["--seed", &seed, "--seeds", &seeds]).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Ok(None),
        Some(1) => Ok(said
            .lines()
            .find(|line| line.starts_with("seed ") && line.contains(", at "))
            .map(str::to_owned)),
        _ => bail!("the simulation failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_applies_to_the_present_source() {
        for (patch, _) in patches().unwrap() {
            let status = program("git").args(["apply", "--check"]).arg(&patch).status().unwrap();
            assert!(status.success(), "{} does not apply: write it anew", patch.display());
        }
    }
}
