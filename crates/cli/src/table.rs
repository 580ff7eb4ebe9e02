//! Columns for people.

/// Aligns rows under headings; the last column is not padded.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let width = |text: &str| text.chars().count();
    let mut widths = headings.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for (cell, widest) in cells.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
        }
        line.truncate(line.trim_end().len());
        line
    };
    let mut lines = vec![line(headings)];
    lines.extend(rows.iter().map(|row| line(row.each_ref().map(|cell| printable(cell)))));
    lines.join("\n")
}

/// `1:05`, `1:00:05`: minutes and seconds, and hours where there are any.
pub(crate) fn clock(ms: i64) -> String {
    let seconds = (ms.max(0) + 500) / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `1 fragment`, `2 fragments`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn printable(cell: &str) -> &str {
    if cell.is_empty() { "-" } else { cell }
}

/// What a caller or a flow may have written must not steer the terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a".to_owned(), String::new()], ["bbb".to_owned(), "c".to_owned()]];
        assert_eq!(table(["X", "LAST"], &rows), "X    LAST\na    -\nbbb  c");
        assert_eq!(table(["X", "LAST"], &[]), "X  LAST");
    }

    #[test]
    fn durations_read_as_on_a_clock() {
        for (ms, text) in [(0, "0:00"), (65_400, "1:05"), (3_605_000, "1:00:05"), (-5, "0:00")] {
            assert_eq!(clock(ms), text);
        }
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\x1b[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
