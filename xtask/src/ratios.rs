//! How much of each crate is its tests: lines of code without comments and blank ones.
//!
//! Tests are what stands in a folder `tests`, in a module that `#[cfg(test)]` declares, and in one that it begins. What tests a crate from
//! elsewhere (e2e, fuzz, the simulation of testkit) is not counted.

use crate::command::root;
use anyhow::Context;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Crates whose share is to be at least [`AIM`].
const AIMED: [&str; 4] = ["sip", "media", "contact", "capture"];
const AIM: f64 = 0.6;

/// Lines of one crate or file.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Lines {
    tests: usize,
    product: usize,
}

impl Lines {
    fn share(self) -> f64 {
        self.tests as f64 / (self.tests + self.product).max(1) as f64
    }

    /// Lines of tests that lack for the aim.
    fn lacking(self) -> usize {
        let all = (self.tests + self.product) as f64;
        ((AIM * all - self.tests as f64) / (1.0 - AIM)).ceil().max(0.0) as usize
    }
}

/// Prints a line for each crate.
pub(crate) fn print() -> anyhow::Result<()> {
    println!("{:>10} {:>8} {:>8} {:>9} {:>12}", "crate", "tests", "product", "of all", "per product");
    let mut crates: Vec<PathBuf> = std::fs::read_dir(root().join("crates"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    crates.sort();
    for folder in crates {
        let name = folder.file_name().and_then(|name| name.to_str()).context("a crate's name is no UTF-8")?;
        let lines = of_crate(&folder)?;
        let note = match AIMED.contains(&name) {
            true if lines.share() < AIM => format!("  aim {AIM}: {} lines lack", lines.lacking()),
            true => format!("  aim {AIM}: met"),
            false => String::new(),
        };
        let per_product = lines.tests as f64 / lines.product.max(1) as f64;
        let Lines { tests, product } = lines;
        println!("{name:>10} {tests:>8} {product:>8} {:>9.2} {per_product:>12.2}{note}", lines.share());
    }
    Ok(())
}

fn of_crate(folder: &Path) -> anyhow::Result<Lines> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let mut sources = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        sources.push((file, text));
    }
    let declared: BTreeSet<PathBuf> =
        sources.iter().flat_map(|(file, text)| test_modules(file, text)).collect();
    let mut sum = Lines::default();
    for (file, text) in &sources {
        let within = file.strip_prefix(folder).unwrap_or(file);
        let is_test = within.components().any(|part| part.as_os_str() == "tests")
            || declared.iter().any(|module| *module == *file || file.starts_with(module.with_extension("")));
        let lines = of_text(text, is_test);
        sum.tests += lines.tests;
        sum.product += lines.product;
    }
    Ok(sum)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The files of modules that are there only in tests: `#[cfg(test)]`, a `#[path]` or none, `mod name;`.
fn test_modules(file: &Path, text: &str) -> Vec<PathBuf> {
    let (mut found, mut is_test, mut path) = (Vec::new(), false, None);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[cfg(") && line.contains("test") {
            (is_test, path) = (true, None);
        } else if let Some(rest) = line.strip_prefix("#[path = \"") {
            path = rest.strip_suffix("\"]");
        } else if is_test && !line.starts_with("#[") {
            is_test = false;
            let name = line.rsplit_once("mod ").and_then(|(_, name)| name.strip_suffix(';'));
            let Some(name) = name else { continue };
            let here = file.parent().unwrap_or(file);
            // A module of `a.rs` stands in `a/`, one of `lib.rs` and `mod.rs` beside it; a `#[path]` is beside the file.
            let is_root = file.file_stem().is_some_and(|stem| stem == "lib" || stem == "mod");
            found.push(match path {
                Some(path) => here.join(path),
                None if is_root => here.join(format!("{name}.rs")),
                None => file.with_extension("").join(format!("{name}.rs")),
            });
        }
    }
    found
}

/// Counts a file that rustfmt has formatted: a module ends with the brace below its beginning.
fn of_text(text: &str, is_test: bool) -> Lines {
    let (mut lines, mut marked, mut until) = (Lines::default(), false, None::<String>);
    for line in text.lines() {
        let code = line.trim();
        if code.is_empty() || code.starts_with("//") {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        if until.is_none() && code == "#[cfg(test)]" {
            marked = true;
        } else if until.is_none() && marked && !code.starts_with("#[") {
            marked = false;
            let begins = code.ends_with('{') && code.split(' ').any(|word| word == "mod");
            until = begins.then(|| format!("{indent}}}"));
        }
        if is_test || marked || until.is_some() {
            lines.tests += 1;
        } else {
            lines.product += 1;
        }
        if until.as_deref() == Some(line) {
            until = None;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_no_lines_and_a_test_module_is_counted_to_its_brace() {
        let text = "//! A.\nfn a() {\n    b();\n}\n\n#[cfg(test)]\nmod tests {\n    // C.\n    fn d() {\n    }\n}\nfn e() {}\n";
        assert_eq!(of_text(text, false), Lines { tests: 5, product: 4 });
        assert_eq!(of_text(text, true), Lines { tests: 9, product: 0 });
    }

    #[test]
    fn modules_of_tests_are_found_where_they_lie() {
        let text = "#[cfg(test)]\nmod tests;\nmod product;\n#[cfg(test)]\n#[path = \"b_tests.rs\"]\npub(crate) mod t;\n";
        let paths = ["src/a/tests.rs", "src/b_tests.rs"].map(PathBuf::from);
        assert_eq!(test_modules(Path::new("src/a.rs"), text), paths);
        assert_eq!(test_modules(Path::new("src/lib.rs"), text)[0], Path::new("src/tests.rs"));
    }

    #[test]
    fn a_share_below_the_aim_lacks_lines_and_one_that_has_it_lacks_none() {
        let lines = Lines { tests: 50, product: 50 };
        assert_eq!(lines.lacking(), 25);
        assert!((Lines { tests: 75, ..lines }).share() >= AIM);
        assert_eq!(Lines { tests: 75, product: 50 }.lacking(), 0);
    }
}
