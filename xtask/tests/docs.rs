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
fn every_place_that_architecture_names_is_there() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let quoted = text.split('`').skip(1).step_by(2);
    let places: Vec<&str> = quoted
        .filter(|place| ["crates/", "docs/", "config/"].iter().any(|folder| place.starts_with(folder)))
        .collect();
    assert!(places.len() > 15);
    for place in places {
        assert!(root().join(place).exists(), "ARCHITECTURE.md names {place}, which is not there");
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
