//! The licences of what the program is linked with, which travel with it.

use crate::command::{cargo, standard_output};
use crate::compat::PACKAGE;
use anyhow::Context;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

/// A text of all crates that the program contains, and of their licences, each once.
pub(super) fn collect() -> anyhow::Result<String> {
    let host = String::from_utf8(standard_output(std::process::Command::new("rustc").arg("-vV"))?)?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", host];
    let metadata: Value = serde_json::from_slice(&standard_output(cargo().args(arguments))?)?;
    let linked = linked(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut text =
        "What tympan is linked with, beside Rust's standard library (MIT or Apache-2.0).\n\n".to_owned();
    let mut licences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in
        packages.iter().filter(|package| linked.contains(package["id"].as_str().unwrap_or_default()))
    {
        // Those of the workspace are tympan itself.
        if package["source"].is_null() {
            continue;
        }
        let member = |name: &str| package[name].as_str().unwrap_or("-");
        let name = format!("{} {}", member("name"), member("version"));
        writeln!(text, "{name}: {}, {}", member("license"), member("repository"))?;
        let manifest = Path::new(member("manifest_path"));
        for licence in texts(manifest.parent().unwrap_or(manifest))? {
            licences.entry(licence).or_default().push(name.clone());
        }
    }
    for (licence, crates) in licences {
        write!(text, "\n\n======== {}\n\n{licence}\n", crates.join(", "))?;
    }
    Ok(text)
}

/// The ids of the packages that the program contains: those along ordinary dependencies.
fn linked(metadata: &Value) -> anyhow::Result<BTreeSet<&str>> {
    let nodes = metadata["resolve"]["nodes"].as_array().context("cargo metadata resolves nothing")?;
    let node = |id: &str| nodes.iter().find(|node| node["id"] == id);
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let own =
        packages.filter(|package| package["name"] == PACKAGE).find_map(|package| package["id"].as_str());
    let mut open = vec![own.with_context(|| format!("there is no package {PACKAGE}"))?];
    let mut linked = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !linked.insert(id) {
            continue;
        }
        let dependencies = node(id).and_then(|node| node["deps"].as_array()).into_iter().flatten();
        let ordinary = dependencies.filter(|dependency| {
            dependency["dep_kinds"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
        });
        open.extend(ordinary.filter_map(|dependency| dependency["pkg"].as_str()));
    }
    Ok(linked)
}

/// The licence files of a crate.
fn texts(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file()
            && ["LICENSE", "LICENCE", "COPYING", "NOTICE"].iter().any(|start| name.starts_with(start))
        {
            texts.push(String::from_utf8_lossy(&std::fs::read(&path)?).trim_end().replace("\r\n", "\n"));
        }
    }
    texts.sort();
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notices_name_what_is_linked_and_nothing_of_the_tests() {
        let notices = collect().unwrap();
        for linked in ["\nring 0.", "\nhyper 1.", "\nrusqlite 0."] {
            assert!(notices.contains(linked), "{linked} is missing");
        }
        assert!(!notices.contains("\nproptest ") && !notices.contains("\ntympan-"));
        assert!(notices.contains("Permission is hereby granted"), "no text of a licence");
    }
}
