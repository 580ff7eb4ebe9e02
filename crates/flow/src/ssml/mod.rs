//! What a prompt says: SSML and plain text, read into speech and silence. Sans-IO.
//!
//! Source: Admin guide, "SSML tags supported by Amazon Connect"; W3C SSML 1.1; Amazon Polly, "Supported SSML tags".
//!
//! | element | what becomes of it |
//! |---|---|
//! | `break` | silence: of `time` (10 s at most), else by `strength`; several add up |
//! | `p`, `s` | silence after it, where more is spoken: 1,000 and 500 ms; a `break` there counts in its place where it is longer |
//! | `say-as` | rewritten for any voice: see [`say_as`](self) below; an expletive is a bleep |
//! | `sub` | its `alias` |
//! | `mark` | nothing |
//! | `phoneme`, `prosody`, `emphasis`, `lang`, `w`, `amazon:…`, and any other | its content |
//!
//! `say-as`: `characters` and `spell-out` name each character, `digits` each digit; `telephone` groups digits; `cardinal` and `number` drop
//! the commas of thousands; `ordinal` writes `21st`; `date` writes the date out by its `format`, in English; any other is spoken as it stands.
//!
//! Units: milliseconds. Limits, those of the service: 6,000 characters in all, 3,000 of them spoken; here also 32 open elements. A document
//! that is not well formed is an error, which takes the block's error branch, as it does in the service; a document type is one too.
//! Not implemented: loudness, speed and pitch.

mod say_as;
mod xml;

use say_as::SayAs;
use xml::{Scanner, Token};

pub use xml::SsmlError;

/// Characters of a prompt, markup included.
pub const PROMPT_LIMIT_CHARS: usize = 6_000;
/// Characters of a prompt that are spoken.
pub const SPOKEN_LIMIT_CHARS: usize = 3_000;
/// The longest `break`. Amazon Polly refuses a longer one.
pub const BREAK_LIMIT_MS: u32 = 10_000;

/// A part of a prompt.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text for a voice: no markup, words apart by one space each, never empty.
    Speech(String),
    /// Exactly so much silence.
    Silence {
        /// At least 1.
        ms: u32,
    },
    /// A tone in the place of an expletive.
    Bleep {
        /// At least 1.
        ms: u32,
    },
}

impl Piece {
    /// How long the piece lasts; speech where nothing can speak it: 150 words a minute, at least half a second and at most a minute.
    pub fn reading_time_ms(&self) -> u32 {
        match self {
            Self::Speech(text) => reading_time_ms(text).clamp(500, 60_000),
            Self::Silence { ms } | Self::Bleep { ms } => *ms,
        }
    }
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // It may name the caller.
            Self::Speech(text) => write!(f, "Speech({} bytes)", text.len()),
            Self::Silence { ms } => write!(f, "Silence({ms} ms)"),
            Self::Bleep { ms } => write!(f, "Bleep({ms} ms)"),
        }
    }
}

fn reading_time_ms(text: &str) -> u32 {
    const WORD_MS: usize = 400;
    u32::try_from(text.split_whitespace().count().saturating_mul(WORD_MS)).unwrap_or(u32::MAX)
}

/// Whether a text is a whole `<speak>` document: published flows have such texts where plain text belongs.
pub fn is_document(text: &str) -> bool {
    let text = text.trim();
    let text = match text.strip_prefix("<?xml") {
        Some(declared) => declared.split_once("?>").map_or("", |(_, rest)| rest.trim_start()),
        None => text,
    };
    text.strip_prefix("<speak").is_some_and(|rest| {
        rest.starts_with(|next: char| next == '>' || next.is_whitespace()) && rest.ends_with("</speak>")
    })
}

/// Reads a `<speak>` document.
pub fn read(document: &str) -> Result<Vec<Piece>, SsmlError> {
    within_limit(document, PROMPT_LIMIT_CHARS)?;
    let mut reader = Reader::default();
    let mut scanner = Scanner::new(document);
    while let Some(token) = scanner.next()? {
        match token {
            Token::Text(text) => reader.hear(&text)?,
            Token::Open(element) => reader.open(&element)?,
            Token::Close { name, depth } => reader.close(name, depth),
        }
    }
    Ok(reader.finish())
}

/// Reads plain text: one piece, none where there is nothing to speak.
pub fn plain(text: &str) -> Result<Vec<Piece>, SsmlError> {
    within_limit(text, PROMPT_LIMIT_CHARS)?;
    let mut reader = Reader::default();
    reader.hear(text)?;
    Ok(reader.finish())
}

fn within_limit(text: &str, limit_chars: usize) -> Result<(), SsmlError> {
    let chars = text.chars().count();
    if chars > limit_chars { Err(SsmlError::TooLong { chars, limit_chars }) } else { Ok(()) }
}

#[derive(Default)]
struct Reader {
    pieces: Vec<Piece>,
    /// Speech that goes into the next piece.
    speech: String,
    /// Characters heard so far, whatever becomes of them.
    spoken_chars: usize,
    /// The end of a sentence or paragraph, which is heard where something follows.
    pause_ms: u32,
    captured: Option<Captured>,
}

/// The content of a `say-as` or a `sub`. What stands inside such an element is passed over, save its text.
struct Captured {
    depth: usize,
    rewrite: Rewrite,
    text: String,
}

enum Rewrite {
    SayAs(SayAs),
    Alias(String),
}

impl Reader {
    fn hear(&mut self, text: &str) -> Result<(), SsmlError> {
        self.spoken_chars += text.chars().count();
        if self.spoken_chars > SPOKEN_LIMIT_CHARS && !self.is_blank(text) {
            return Err(SsmlError::TooLong { chars: self.spoken_chars, limit_chars: SPOKEN_LIMIT_CHARS });
        }
        match &mut self.captured {
            Some(captured) => captured.text.push_str(text),
            None => self.speech.push_str(text),
        }
        Ok(())
    }

    /// White space between elements is not spoken, and not counted.
    fn is_blank(&mut self, text: &str) -> bool {
        let is_blank = text.chars().all(char::is_whitespace);
        if is_blank {
            self.spoken_chars -= text.chars().count();
        }
        is_blank
    }

    fn open(&mut self, element: &xml::Element<'_>) -> Result<(), SsmlError> {
        match element.name {
            "break" => {
                let ms = break_ms(element)?;
                self.rewrite_captured();
                self.silence(ms);
            }
            "p" | "s" => self.end_of(element.name),
            "say-as" if self.captured.is_none() => {
                let rewrite = Rewrite::SayAs(SayAs::new(
                    element.attribute("interpret-as").unwrap_or_default(),
                    element.attribute("format").unwrap_or_default(),
                ));
                self.captured = Some(Captured { depth: element.depth, rewrite, text: String::new() });
            }
            "sub" if self.captured.is_none() => {
                if let Some(alias) = element.attribute("alias") {
                    let rewrite = Rewrite::Alias(alias.to_owned());
                    self.captured = Some(Captured { depth: element.depth, rewrite, text: String::new() });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str, depth: usize) {
        if self.captured.as_ref().is_some_and(|captured| captured.depth == depth) {
            self.rewrite_captured();
            self.captured = None;
        } else if matches!(name, "p" | "s") {
            self.end_of(name);
        }
    }

    /// Speaks what was captured so far.
    fn rewrite_captured(&mut self) {
        let Some(captured) = &mut self.captured else { return };
        let text = std::mem::take(&mut captured.text);
        match &mut captured.rewrite {
            Rewrite::Alias(alias) => self.speech.push_str(&std::mem::take(alias)),
            Rewrite::SayAs(SayAs::Expletive) => {
                let ms = reading_time_ms(&text).min(BREAK_LIMIT_MS);
                self.flush();
                if ms > 0 {
                    self.pause();
                    self.pieces.push(Piece::Bleep { ms });
                }
            }
            Rewrite::SayAs(say_as) => self.speech.push_str(&say_as.rewrite(&text)),
        }
    }

    fn end_of(&mut self, name: &str) {
        if self.captured.is_some() {
            return;
        }
        self.flush();
        if !matches!(self.pieces.last(), None | Some(Piece::Silence { .. })) {
            self.pause_ms = self.pause_ms.max(if name == "p" { PARAGRAPH_MS } else { SENTENCE_MS });
        }
    }

    fn silence(&mut self, ms: u32) {
        self.flush();
        let ms = ms.max(std::mem::take(&mut self.pause_ms));
        match self.pieces.last_mut() {
            Some(Piece::Silence { ms: before }) => *before = before.saturating_add(ms),
            _ if ms == 0 => {}
            _ => self.pieces.push(Piece::Silence { ms }),
        }
    }

    /// Makes a piece of the speech so far.
    fn flush(&mut self) {
        let speech = std::mem::take(&mut self.speech);
        let mut words =
            speech.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let Some(first) = words.next() else { return };
        let text = words.fold(first.to_owned(), |text, word| text + " " + word);
        self.pause();
        self.pieces.push(Piece::Speech(text));
    }

    fn pause(&mut self) {
        let ms = std::mem::take(&mut self.pause_ms);
        if ms > 0 {
            self.pieces.push(Piece::Silence { ms });
        }
    }

    fn finish(mut self) -> Vec<Piece> {
        self.flush();
        self.pieces
    }
}

/// `time` decides, and `strength` where there is none. A break with neither is of medium strength.
fn break_ms(element: &xml::Element<'_>) -> Result<u32, SsmlError> {
    let invalid = || SsmlError::Break { at: element.at };
    if let Some(time) = element.attribute("time") {
        return duration_ms(time).filter(|ms| *ms <= BREAK_LIMIT_MS).ok_or_else(invalid);
    }
    match element.attribute("strength").unwrap_or("medium") {
        "none" | "x-weak" => Ok(0),
        "weak" | "medium" => Ok(COMMA_MS),
        "strong" => Ok(SENTENCE_MS),
        "x-strong" => Ok(PARAGRAPH_MS),
        _ => Err(invalid()),
    }
}

/// `3s`, `0.5s`, `250ms`, with a plus sign and spaces as real flows have them.
fn duration_ms(text: &str) -> Option<u32> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let (number, unit_ms) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s')?, 1_000),
    };
    let (whole, fraction) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Thousandths of the unit; what is finer is left out.
    let thousandths =
        fraction.bytes().chain([b'0'; 3]).take(3).fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    whole.checked_mul(unit_ms)?.checked_add(thousandths * unit_ms / 1_000)
}

/// The pauses that the service describes as those of a comma, a sentence and a paragraph; their lengths are ours.
const COMMA_MS: u32 = 250;
const SENTENCE_MS: u32 = 500;
const PARAGRAPH_MS: u32 = 1_000;

#[cfg(test)]
mod tests;
