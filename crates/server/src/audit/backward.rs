//! The lines of one file, newest first.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

const BLOCK_BYTES: u64 = 256 * 1024;
/// Longer than any line that is written: such a one is left out.
const LINE_BYTES: usize = 1 << 20;

/// Goes over a file from its end.
pub(super) struct Backward<'f> {
    file: &'f File,
    /// Where in the file [`Self::data`] begins.
    start: u64,
    data: Vec<u8>,
    /// What follows in [`Self::data`] was given already.
    end: usize,
    /// What lies before the next line end from here is no whole line.
    drops_tail: bool,
    /// Bytes that were read so far.
    pub(super) read_bytes: u64,
}

impl<'f> Backward<'f> {
    /// The lines before `end`. Half a line there, which is being written or which a crash left, is none.
    pub(super) fn new(file: &'f File, end: u64) -> Self {
        Self { file, start: end, data: Vec::new(), end: 0, drops_tail: true, read_bytes: 0 }
    }

    /// The line before, without its end, and where it begins.
    pub(super) fn line(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        loop {
            if let Some(line) = self.take() {
                let at = self.start.saturating_add(line.start as u64);
                return Ok(Some((at, &self.data[line])));
            }
            if self.start == 0 {
                return Ok(None);
            }
            self.read()?;
        }
    }

    /// A line that is in memory whole.
    fn take(&mut self) -> Option<Range<usize>> {
        let line_end = |data: &[u8]| data.iter().rposition(|byte| *byte == b'\n');
        if self.drops_tail {
            let found = line_end(&self.data[..self.end]);
            self.end = found.map_or(0, |at| at + 1);
            self.drops_tail = found.is_none();
        }
        // What is left ends with a line end.
        let last = self.end.checked_sub(1)?;
        match line_end(&self.data[..last]) {
            Some(before) => {
                self.end = before + 1;
                Some(before + 1..last)
            }
            None if self.start == 0 => {
                self.end = 0;
                Some(0..last)
            }
            None => {
                if self.end > LINE_BYTES {
                    (self.end, self.drops_tail) = (0, true);
                }
                None
            }
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let bytes = BLOCK_BYTES.min(self.start);
        let mut block = vec![0; usize::try_from(bytes).unwrap_or_default()];
        self.file.read_exact_at(&mut block, self.start - bytes)?;
        block.extend_from_slice(&self.data[..self.end]);
        self.start -= bytes;
        self.read_bytes += bytes;
        self.end = block.len();
        self.data = block;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(text: &[u8], end: Option<u64>) -> Vec<(u64, String)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let mut backward = Backward::new(&file, end.unwrap_or(text.len() as u64));
        let mut lines = Vec::new();
        while let Some((at, line)) = backward.line().unwrap() {
            lines.push((at, String::from_utf8(line.to_vec()).unwrap()));
        }
        lines
    }

    #[test]
    fn lines_come_newest_first_with_their_places_and_half_lines_do_not() {
        let of = |texts: &[(u64, &str)]| -> Vec<(u64, String)> {
            texts.iter().map(|(at, text)| (*at, (*text).to_owned())).collect()
        };
        assert_eq!(lines(b"", None), []);
        assert_eq!(lines(b"half", None), []);
        assert_eq!(lines(b"one\n", None), of(&[(0, "one")]));
        assert_eq!(lines(b"one\n\ntwo\nhal", None), of(&[(5, "two"), (4, ""), (0, "one")]));
        assert_eq!(lines(b"one\ntwo\nthree\n", Some(8)), of(&[(4, "two"), (0, "one")]));
    }

    #[test]
    fn lines_over_the_borders_of_blocks_are_whole_and_one_that_is_too_long_is_left_out() {
        let text: String = (0..60_000).map(|n| format!("{n} {}\n", "x".repeat(n % 50))).collect();
        let found = lines(text.as_bytes(), None);
        let expected: Vec<&str> = text.lines().rev().collect();
        assert_eq!(found.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>(), expected);
        for (at, line) in found {
            assert!(text[usize::try_from(at).unwrap()..].starts_with(&line));
        }
        let long = format!("one\n{}\ntwo\n", "x".repeat(3 << 20));
        let found: Vec<String> = lines(long.as_bytes(), None).into_iter().map(|(_, line)| line).collect();
        assert_eq!(found, ["two", "one"]);
    }
}
