//! `tympan flows import` and `export`: flows of an instance, from files and to files.

use super::file::FlowFile;
use super::references::{self, Kind, Reference};
use crate::failure::Failure;
use crate::global::Global;
use crate::instance::find_instance;
use crate::terminal;
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tympan_client::{ClientError, Connect, Exit};

/// Files that are read of a folder at most.
const FILES: usize = 10_000;

/// Puts the flows of a file or of a folder into an instance, and says what their references lead to.
pub(super) async fn import(
    global: &Global,
    path: &Path,
    instance: Option<&str>,
    publish: bool,
) -> Result<Exit, Failure> {
    let connect = global.connect()?;
    let instance = find_instance(&connect, instance).await?;
    let mut files = Vec::new();
    for path in files_of(path)? {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = String::from_utf8_lossy(&bytes);
        let file =
            FlowFile::read(&text, &path).map_err(|reason| anyhow::anyhow!("{}: {reason}", path.display()))?;
        files.push((path, file));
    }
    let mut known: BTreeMap<Kind, Vec<Value>> = BTreeMap::new();
    for kind in [Kind::Flow, Kind::Hours, Kind::Module, Kind::Prompt, Kind::Queue] {
        let (operation, list, member) = kind.list();
        known.insert(kind, connect.list(operation, &format!("{list}/{instance}"), member).await?);
    }
    let mut exit = Exit::Ok;
    for (path, file) in &files {
        let done = match put(&connect, &instance, file, &known, publish).await {
            Ok(done) => done,
            Err(error) => {
                exit = Exit::Failed;
                terminal::line(&format!("{}: {:?} is not imported: {error}", path.display(), file.name));
                continue;
            }
        };
        let resolved: Vec<(Reference, String)> = references_of(file)
            .into_iter()
            .map(|reference| {
                let how = resolve(&reference, &known, &files);
                (reference, how)
            })
            .collect();
        if global.json {
            let references: Vec<Value> = resolved
                .iter()
                .map(|(reference, how)| json!({ "Kind": reference.kind.noun(), "Id": reference.id, "Name": reference.name, "Resolved": how }))
                .collect();
            terminal::print_json(
                &json!({ "File": path, "Name": file.name, "Done": done, "References": references }),
            )?;
            continue;
        }
        terminal::print(&format!("{:?} ({}): {done}", file.name, path.display()))?;
        for (reference, how) in resolved {
            let named = reference.name.as_ref().map_or(reference.id.clone(), |name| format!("{name:?}"));
            terminal::print(&format!("  {} {named}: {how}", reference.kind.noun()))?;
        }
    }
    Ok(exit)
}

/// Writes the flows of an instance into a folder, one file each.
pub(super) async fn export(global: &Global, folder: &Path, instance: Option<&str>) -> Result<Exit, Failure> {
    let connect = global.connect()?;
    let instance = find_instance(&connect, instance).await?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (kind, describe, one, member) in [
        (Kind::Flow, "DescribeContactFlow", "contact-flows", "ContactFlow"),
        (Kind::Module, "DescribeContactFlowModule", "contact-flow-modules", "ContactFlowModule"),
    ] {
        let (operation, list, summaries) = kind.list();
        for summary in connect.list(operation, &format!("{list}/{instance}"), summaries).await? {
            let id = summary["Id"].as_str().unwrap_or_default();
            let is_saved = summary["ContactFlowStatus"] == "SAVED";
            let qualifier = if is_saved { "%3A%24SAVED" } else { "" };
            let answer = connect.get(describe, &format!("/{one}/{instance}/{id}{qualifier}")).await?;
            let name = answer[member]["Name"].as_str().unwrap_or(id);
            let path = folder.join(file_name(name, kind));
            let text = serde_json::to_string_pretty(&json!({ member: answer[member] }))
                .map_err(anyhow::Error::from)?;
            std::fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
            terminal::print(&path.display().to_string())?;
        }
    }
    Ok(Exit::Ok)
}

/// A name of a file for a name of a flow: letters, digits and spaces stay, and two flows that would have one do not.
fn file_name(name: &str, kind: Kind) -> String {
    let kept: String = name
        .chars()
        .map(|letter| if letter.is_alphanumeric() || " ._-()".contains(letter) { letter } else { '_' })
        .collect();
    let mark = if kept == name { String::new() } else { format!("-{:08x}", crc(name)) };
    let module = if kind == Kind::Module { ".module" } else { "" };
    format!("{}{mark}{module}.json", kept.trim_start_matches('.'))
}

/// A short digest that tells names apart.
fn crc(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |digest, byte| (digest ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Creates a flow or module, or replaces the content of the one that has its name.
async fn put(
    connect: &Connect,
    instance: &str,
    file: &FlowFile,
    known: &BTreeMap<Kind, Vec<Value>>,
    publish: bool,
) -> Result<&'static str, ClientError> {
    let (kind, path) = match file.is_module {
        true => (Kind::Module, "contact-flow-modules"),
        false => (Kind::Flow, "contact-flows"),
    };
    let existing = known.get(&kind).into_iter().flatten().find(|item| item["Name"] == file.name.as_str());
    if let Some(id) = existing.and_then(|item| item["Id"].as_str()) {
        let qualifier = if publish { "" } else { "%3A%24SAVED" };
        let path = format!("/{path}/{instance}/{id}{qualifier}/content");
        let operation =
            if file.is_module { "UpdateContactFlowModuleContent" } else { "UpdateContactFlowContent" };
        connect.post(operation, &path, &json!({ "Content": file.content })).await?;
        return Ok(if publish { "content published" } else { "content saved" });
    }
    let mut body = json!({ "Name": file.name, "Content": file.content });
    if file.is_module {
        // A module has no draft before it is published for the first time.
        connect.put("CreateContactFlowModule", &format!("/{path}/{instance}"), &body).await?;
        return Ok("created and published");
    }
    body["Type"] = file.flow_type.as_str().into();
    body["Status"] = if publish { "PUBLISHED" } else { "SAVED" }.into();
    connect.put("CreateContactFlow", &format!("/{path}/{instance}"), &body).await?;
    Ok(if publish { "created and published" } else { "created and saved" })
}

fn references_of(file: &FlowFile) -> Vec<Reference> {
    let content: Value = serde_json::from_str(&file.content).unwrap_or(Value::Null);
    references::of(&content).into_iter().collect()
}

/// What a reference leads to when the flow runs.
fn resolve(
    reference: &Reference,
    known: &BTreeMap<Kind, Vec<Value>>,
    files: &[(PathBuf, FlowFile)],
) -> String {
    let items = || known.get(&reference.kind).into_iter().flatten();
    let id = reference.id.as_str();
    if let Some(item) = items().find(|item| item["Id"] == id || item["Arn"] == id) {
        return format!("found by its id: {}", item["Name"]);
    }
    let is_placeholder = id.is_empty() || ["${", "{{", "<", "%"].iter().any(|mark| id.contains(mark));
    let what = if is_placeholder { "a placeholder" } else { "not here by its id" };
    let Some(name) = &reference.name else {
        return format!("{what}, and it has no name: its block takes the error branch");
    };
    let imported = files.iter().any(|(_, file)| {
        let kind = if file.is_module { Kind::Module } else { Kind::Flow };
        kind == reference.kind && file.name == *name
    });
    match imported || items().any(|item| item["Name"] == name.as_str()) {
        true => format!("{what}, found by its name {name:?}"),
        false => format!("{what}, and there is none named {name:?}: its block takes the error branch"),
    }
}

/// The file, or the JSON files of the folder and of those in it, in the order of their names.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut folders, mut files) = (vec![path.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            // A link to a folder may lead in a ring.
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
            if files.len() + folders.len() > FILES {
                return Err(anyhow::anyhow!("{} has more than {FILES} files", folder.display()).into());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain_and_tell_flows_apart() {
        assert_eq!(file_name("Default queue transfer", Kind::Flow), "Default queue transfer.json");
        assert_eq!(file_name("M", Kind::Module), "M.module.json");
        let (one, other) = (file_name("a/b", Kind::Flow), file_name("a:b", Kind::Flow));
        assert!(one.starts_with("a_b-") && other.starts_with("a_b-") && one != other);
        assert!(!file_name("../x", Kind::Flow).contains('/'));
    }

    #[test]
    fn a_reference_says_by_what_it_is_found() {
        let known =
            BTreeMap::from([(Kind::Queue, vec![json!({ "Id": "1", "Arn": "arn:1", "Name": "BasicQueue" })])]);
        let how = |id: &str, name: Option<&str>| {
            resolve(
                &Reference { kind: Kind::Queue, id: id.into(), name: name.map(str::to_owned) },
                &known,
                &[],
            )
        };
        assert_eq!(how("arn:1", None), "found by its id: \"BasicQueue\"");
        assert_eq!(how("arn:2", Some("BasicQueue")), "not here by its id, found by its name \"BasicQueue\"");
        assert!(how("${Queue}", Some("BasicQueue")).starts_with("a placeholder, found"));
        assert!(how("arn:2", Some("Other")).contains("there is none named \"Other\""));
        assert!(how("arn:2", None).contains("it has no name"));
    }
}
