//! A table for people and a line of JSON for programs.

use serde_json::{Map, Value};
use std::time::Duration;

/// One result: what is printed under each heading, and the same as a number.
#[derive(Debug, Default)]
pub(crate) struct Row {
    cells: Vec<(&'static str, String)>,
    json: Map<String, Value>,
}

impl Row {
    /// A row without cells.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a cell that the table and the JSON both have.
    #[must_use]
    pub(crate) fn cell(
        mut self,
        heading: &'static str,
        text: String,
        name: &str,
        value: impl Into<Value>,
    ) -> Self {
        self.cells.push((heading, text));
        self.json.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a count.
    #[must_use]
    pub(crate) fn count(self, heading: &'static str, name: &str, count: u64) -> Self {
        self.cell(heading, count.to_string(), name, count)
    }

    /// Adds a duration in milliseconds.
    #[must_use]
    pub(crate) fn ms(self, heading: &'static str, name: &str, duration: Duration) -> Self {
        let ms = duration.as_secs_f64() * 1_000.0;
        self.cell(heading, format!("{ms:.2}"), name, rounded(ms, 1_000.0))
    }

    /// Adds any other number, with that many decimals.
    #[must_use]
    pub(crate) fn number(self, heading: &'static str, name: &str, number: f64, decimals: usize) -> Self {
        self.cell(heading, format!("{number:.decimals$}"), name, rounded(number, 1_000.0))
    }

    /// Adds what only the JSON has.
    #[must_use]
    pub(crate) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.json.insert(name.to_owned(), value.into());
        self
    }

    /// The line for programs.
    pub(crate) fn json_line(&self) -> String {
        Value::Object(self.json.clone()).to_string()
    }
}

/// The table, headings first, numbers to the right. All rows have the same headings.
pub(crate) fn table(rows: &[Row]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let headings: Vec<&str> = first.cells.iter().map(|(heading, _)| *heading).collect();
    let texts = |row: &Row| row.cells.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
    let mut lines = vec![headings.iter().map(|&heading| heading.to_owned()).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(texts));
    let widths: Vec<usize> =
        (0..headings.len()).map(|at| lines.iter().map(|line| line[at].len()).max().unwrap_or(0)).collect();
    let line = |cells: &Vec<String>| {
        let cells: Vec<String> =
            cells.iter().zip(&widths).map(|(text, width)| format!("{text:>width$}")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<String> =
        widths.iter().map(|width| format!("{}:", "-".repeat(width.saturating_sub(1)))).collect();
    let mut table = line(&lines[0]) + &format!("| {} |\n", rule.join(" | "));
    table.extend(lines[1..].iter().map(line));
    table
}

fn rounded(number: f64, to: f64) -> f64 {
    (number * to).round() / to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_a_table_and_a_line_of_the_same_numbers() {
        let row = |calls, ms| {
            Row::new()
                .count("calls", "calls", calls)
                .ms("p50 ms", "p50_ms", Duration::from_micros(ms))
                .detail("bench", "live")
        };
        let rows = [row(1, 1_234), row(1_000, 12_300)];
        assert_eq!(
            table(&rows),
            "| calls | p50 ms |\n| ----: | -----: |\n|     1 |   1.23 |\n|  1000 |  12.30 |\n"
        );
        assert_eq!(rows[0].json_line(), r#"{"calls":1,"p50_ms":1.234,"bench":"live"}"#);
        assert_eq!(table(&[]), "");
    }
}
