//! What the pages point at is there.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The pages of the project.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for folder in [".", "docs", "docs/decisions"] {
        let entries = std::fs::read_dir(root().join(folder)).expect("a folder of the repository");
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    assert!(pages.len() > 10);
    pages
}

#[test]
fn every_relative_link_leads_to_a_file() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if link.is_empty() || link.contains("://") {
                continue;
            }
            let target = page.parent().unwrap().join(link);
            assert!(target.exists(), "{} links to {link}, which is not there", page.display());
        }
    }
}

#[test]
fn every_place_that_architecture_and_contributing_name_is_there() {
    const FOLDERS: [&str; 9] =
        ["crates/", "docs/", "config/", "e2e/", "fixtures/", "fuzz/", "packaging/", "xtask/", ".github/"];
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        let places: Vec<&str> = quoted
            .filter(|place| FOLDERS.iter().any(|folder| place.starts_with(folder)))
            // A name in capitals is one that the reader chooses.
            .filter(|place| !place.contains("OPERATION"))
            .collect();
        assert!(places.len() > 15, "{page} names {} places", places.len());
        for place in places {
            assert!(root().join(place).exists(), "{page} names {place}, which is not there");
        }
    }
}

#[test]
fn every_link_within_a_page_leads_to_a_heading() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let headings: Vec<String> = text.lines().filter_map(anchor).collect();
        for link in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
            let there = headings.iter().any(|heading| heading == link);
            assert!(there, "{} links to #{link}, which is none of its headings", page.display());
        }
    }
}

/// The anchor of a heading, as the places that show Markdown make it.
fn anchor(line: &str) -> Option<String> {
    let heading = line.trim_start_matches('#');
    let is_heading = heading.len() < line.len() && heading.starts_with(' ');
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    is_heading
        .then(|| heading.trim().chars().filter(kept).collect::<String>().to_lowercase().replace(' ', "-"))
}

/// The row of the index that a decision's page asks for, by its title and its status line.
fn row_of_decision(name: &str, text: &str) -> Result<String, &'static str> {
    let mut lines = text.lines();
    let title = lines.next().and_then(|line| line.strip_prefix("# ")).ok_or("has no title")?;
    let (number, title) = title.split_once(". ").ok_or("has no number")?;
    if !name.starts_with(&format!("{:0>4}-", number)) {
        return Err("has another number than its file");
    }
    let status = lines
        .nth(1)
        .and_then(|line| line.strip_prefix("**Status:** "))
        .ok_or("has no status below its title")?;
    let (status, rest) = status.split_once(", ").ok_or("has no date in its status")?;
    let date = rest.get(..10).filter(|_| rest[10..].starts_with('.')).ok_or("has no date of a day")?;
    let digits = |range: std::ops::Range<usize>| date[range].bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(0..4) && digits(5..7) && digits(8..10) && &date[4..5] == "-" && &date[7..8] == "-") {
        return Err("has a date that is not YYYY-MM-DD");
    }
    let superseded =
        status.strip_prefix("superseded by decision ").is_some_and(|by| by.parse::<u32>().is_ok());
    if status != "accepted" && !superseded {
        return Err("has another status than accepted, or superseded by decision N");
    }
    Ok(format!("| {number} | [{title}]({name}) | {date} | {status} |"))
}

#[test]
fn every_decision_has_a_date_and_a_status_and_stands_in_the_index() {
    let folder = root().join("docs/decisions");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "README.md");
    names.sort();
    let rows: Vec<String> = names
        .iter()
        .map(|name| {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            row_of_decision(name, &text).unwrap_or_else(|error| panic!("docs/decisions/{name} {error}"))
        })
        .collect();
    let indexed: Vec<&str> = index.lines().filter(|line| line.contains(".md) |")).collect();
    assert_eq!(indexed, rows, "docs/decisions/README.md");
    for (number, name) in (1..).zip(&names) {
        assert!(
            name.starts_with(&format!("{number:04}-")),
            "{name}: number {number} is missing, or is there twice"
        );
    }
}

#[test]
fn a_decision_without_date_or_status_is_found() {
    let page = "# 7. A title\n\n**Status:** accepted, 2026-11-25. Limits decision 2.\n";
    assert_eq!(
        row_of_decision("0007-a.md", page).unwrap(),
        "| 7 | [A title](0007-a.md) | 2026-11-25 | accepted |"
    );
    assert!(row_of_decision("0007-a.md", &page.replace("accepted", "superseded by decision 9")).is_ok());
    for (old, new) in [
        ("accepted", "superseded"),
        (", 2026-11-25", ""),
        ("2026-11-25", "2026-11"),
        ("2026-11-25", "2026-11-x5"),
        ("# 7. ", "# "),
        ("# 7. ", "# 8. "),
        ("**Status:**", "Status:"),
    ] {
        assert!(row_of_decision("0007-a.md", &page.replace(old, new)).is_err(), "{new:?} for {old:?}");
    }
}
