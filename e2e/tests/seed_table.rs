//! The table of the guide's sentences names tests that are there, and every row.

use std::path::Path;

#[test]
fn each_sentence_of_the_guide_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let page = std::fs::read_to_string(root.join("docs/connect-compat.md")).expect("the page");
    let (_, rest) = page.split_once("## The administrator guide, sentence by sentence").expect("the section");
    let section = rest.split_once("\n## ").map_or(rest, |(section, _)| section);
    let mut rows: Vec<u32> = Vec::new();
    let mut tests = 0;
    for line in section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| row")) {
        let numbers = line.split('|').nth(1).expect("the row").trim();
        match numbers.split_once(" to ") {
            Some((from, to)) => rows.extend(from.parse::<u32>().unwrap()..=to.parse().unwrap()),
            None => rows.extend(numbers.split(", ").map(|number| number.parse::<u32>().unwrap())),
        }
        for name in line.split('`').skip(1).step_by(2) {
            // A row names files and settings too; a test is written `file::test`.
            let Some((file, test)) = name.split_once("::") else { continue };
            let source = root.join(format!("e2e/tests/{file}.rs"));
            let source = std::fs::read_to_string(source).expect("the file of tests");
            assert!(source.contains(&format!("fn {test}(")), "{name} is not there");
            tests += 1;
        }
    }
    rows.sort_unstable();
    assert_eq!(rows, (1..=29).collect::<Vec<u32>>());
    assert!(tests >= 18, "{tests}");
}
