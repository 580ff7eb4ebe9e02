//! The allowed imports between crates, as ARCHITECTURE.md draws them.

use crate::command::cargo;
use anyhow::{Context, bail};
use serde_json::Value;

/// Each crate and what it may import, outside of its tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("mkv", &[]),
    ("telephony", &["types"]),
    ("media", &["types", "telephony"]),
    ("capture", &["types", "mkv", "telephony"]),
    ("sip", &["types"]),
    ("flow", &["types"]),
    ("auth", &["types"]),
    ("aws", &["types", "auth"]),
    ("kms", &["types"]),
    ("security", &["types", "auth", "aws", "kms"]),
    ("lex", &["types", "telephony", "auth", "aws"]),
    ("db", &["types"]),
    ("store", &["types", "kms"]),
    ("kvs", &["types", "auth", "aws", "mkv", "store"]),
    ("contact", &["types", "telephony", "flow", "lex"]),
    ("connect", &["types", "auth", "aws", "flow", "contact", "db"]),
    ("admin", &["types", "auth", "aws", "telephony", "contact", "connect", "db", "store", "kvs"]),
    ("emulator", &["types", "mkv", "auth", "kms", "store", "capture", "kvs", "connect"]),
    ("client", &["types", "mkv", "auth", "telephony", "sip", "media"]),
    (
        "server",
        &[
            "types",
            "mkv",
            "telephony",
            "sip",
            "media",
            "capture",
            "flow",
            "contact",
            "db",
            "auth",
            "aws",
            "kms",
            "security",
            "lex",
            "store",
            "kvs",
            "connect",
            "admin",
            "emulator",
            "client",
        ],
    ),
    ("cli", &["types", "telephony", "flow", "kms", "store", "client", "server"]),
    (
        "testkit",
        &[
            "types",
            "mkv",
            "telephony",
            "sip",
            "media",
            "capture",
            "flow",
            "contact",
            "lex",
            "kms",
            "store",
            "kvs",
        ],
    ),
];

/// Crates outside `crates/`, which may import anything and which nothing may import.
const OUTSIDE: &[&str] = &["bench", "e2e", "instr"];

/// Sans-IO cores, which must not reach a runtime or a socket even through another crate.
const WITHOUT_TOKIO: &[&str] = &[
    "types",
    "mkv",
    "telephony",
    "sip",
    "media",
    "capture",
    "flow",
    "contact",
    "auth",
    "aws",
    "kms",
    "security",
    "lex",
    "connect",
];

/// Reads `cargo metadata` and fails on an arrow that the table lacks.
pub(crate) fn check() -> anyhow::Result<()> {
    let output = cargo().args(["metadata", "--format-version", "1", "--locked"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")?;
    let faults = faults(&metadata);
    if faults.is_empty() {
        println!("arrows: {} crates keep to ARCHITECTURE.md", ARROWS.len());
        return Ok(());
    }
    bail!("{}\nARCHITECTURE.md says which crate may import which, and why", faults.join("\n"))
}

fn faults(metadata: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    for package in packages {
        let Some(name) = package["name"].as_str().and_then(|name| name.strip_prefix("tympan-")) else {
            continue;
        };
        let allowed = ARROWS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, allowed)| *allowed);
        if allowed.is_none() && !OUTSIDE.contains(&name) {
            faults.push(format!("{name} is not in the table of crates"));
        }
        let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        for dependency in dependencies.iter().filter(|dependency| dependency["kind"].is_null()) {
            let full = dependency["name"].as_str().unwrap_or_default();
            if full == "tokio" && WITHOUT_TOKIO.contains(&name) {
                faults.push(format!("{name} is a sans-IO core and may not import tokio"));
            }
            let Some(imported) = full.strip_prefix("tympan-") else { continue };
            if allowed.is_some_and(|allowed| !allowed.contains(&imported)) {
                faults.push(format!("{name} may not import {imported}"));
            }
            if OUTSIDE.contains(&imported) || (imported == "testkit" && !OUTSIDE.contains(&name)) {
                faults.push(format!("{name} may not import {imported} outside of its tests"));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, imports: &[&str]) -> Value {
        let dependencies: Vec<Value> =
            imports.iter().map(|name| json!({"name": name, "kind": null})).collect();
        json!({"name": name, "dependencies": dependencies})
    }

    #[test]
    fn an_arrow_that_the_table_lacks_is_a_fault() {
        let metadata = json!({"packages": [
            package("tympan-mkv", &["bytes"]),
            package("tympan-connect", &["tympan-flow", "tympan-kvs"]),
            package("tympan-flow", &["tokio"]),
            package("tympan-util", &[]),
        ]});
        assert_eq!(
            faults(&metadata),
            [
                "connect may not import kvs",
                "flow is a sans-IO core and may not import tokio",
                "util is not in the table of crates"
            ]
        );
    }

    #[test]
    fn the_workspace_keeps_to_the_table() {
        check().unwrap();
    }

    #[test]
    fn architecture_draws_the_same_table() {
        let page = std::fs::read_to_string(crate::command::root().join("ARCHITECTURE.md")).unwrap();
        for (name, allowed) in ARROWS {
            let imports = if allowed.is_empty() { "-".to_owned() } else { allowed.join(", ") };
            let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for {name}"));
            assert!(row.trim_end().ends_with(&format!("| {imports} |")), "{row} should end in {imports}");
        }
    }
}
