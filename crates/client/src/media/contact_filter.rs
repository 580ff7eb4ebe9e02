use super::reader::{MediaItem, value};
use tympan_types::ContactId;

/// Keeps the fragments of one contact out of a stream that several have used one after the other.
///
/// Which contact a fragment belongs to is written behind it. A fragment is therefore held back until then, unless it
/// goes on where the contact's last one ended, to the millisecond: then its frames pass as they come.
#[derive(Debug)]
pub struct ContactFilter {
    contact: ContactId,
    /// Where the contact's audio has got to; `None` before its first fragment. Units: milliseconds.
    reached_ms: Option<i64>,
    open: Open,
}

#[derive(Debug)]
enum Open {
    /// No fragment is open.
    Nothing,
    /// It goes on where the contact's last one ended.
    Passing,
    /// Whose it is will turn out.
    Held(Vec<MediaItem>),
}

/// What follows from an item.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These may pass; none, while the fragment is held back.
    Pass(Vec<MediaItem>),
    /// Another contact's fragment came: the contact's audio is over.
    Over,
}

impl ContactFilter {
    /// A filter for one contact.
    pub fn new(contact: ContactId) -> Self {
        Self { contact, reached_ms: None, open: Open::Nothing }
    }

    /// Takes an item.
    pub fn push(&mut self, item: MediaItem) -> Verdict {
        match item {
            MediaItem::Start(head) => {
                let continues = self.reached_ms.is_some_and(|reached_ms| {
                    head.producer.is_some_and(|start| (start.unix_ms() - reached_ms).abs() <= 1)
                });
                if continues {
                    self.open = Open::Passing;
                    return Verdict::Pass(vec![MediaItem::Start(head)]);
                }
                self.open = Open::Held(vec![MediaItem::Start(head)]);
                Verdict::Pass(Vec::new())
            }
            MediaItem::Frame(_) => match &mut self.open {
                Open::Passing => {
                    self.advance(std::slice::from_ref(&item));
                    Verdict::Pass(vec![item])
                }
                Open::Held(held) => {
                    held.push(item);
                    Verdict::Pass(Vec::new())
                }
                Open::Nothing => Verdict::Pass(Vec::new()),
            },
            MediaItem::End { ref tags, complete, .. } => {
                let contact = value(tags, "ContactId");
                let ours = contact.is_some_and(|text| text.eq_ignore_ascii_case(&self.contact.to_string()));
                match std::mem::replace(&mut self.open, Open::Nothing) {
                    Open::Nothing => Verdict::Pass(Vec::new()),
                    // One that broke off has no tags; it passed because it went on where ours ended.
                    Open::Passing if ours || !complete => Verdict::Pass(vec![item]),
                    Open::Held(mut held) if ours => {
                        self.advance(&held);
                        held.push(item);
                        Verdict::Pass(held)
                    }
                    Open::Held(_) if !complete || self.reached_ms.is_none() => Verdict::Pass(Vec::new()),
                    Open::Passing | Open::Held(_) => Verdict::Over,
                }
            }
        }
    }

    /// Follows the frames; 8 kHz 16-bit mono is assumed, and for anything else fragments are simply held back.
    fn advance(&mut self, items: &[MediaItem]) {
        for item in items {
            if let MediaItem::Frame(frame) = item {
                let length_ms = i64::try_from(frame.data.len() / BYTES_PER_MS).unwrap_or(0);
                let end_ms = frame.time_ns / 1_000_000 + length_ms;
                self.reached_ms = Some(self.reached_ms.map_or(end_ms, |reached_ms| reached_ms.max(end_ms)));
            }
        }
    }
}

const BYTES_PER_MS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::reader::GetMediaReader;
    use crate::media::reader::tests::{contact_fragment, drain};
    use bytes::Bytes;

    const OURS: &str = "4a573372-1f28-4e26-b97b-0123456789ab";
    const THEIRS: &str = "00000000-1f28-4e26-b97b-0123456789ab";

    fn filtered(fragments: &[Vec<u8>]) -> (Vec<u8>, bool) {
        let mut reader = GetMediaReader::new(false);
        reader.push(Bytes::from(fragments.concat())).unwrap();
        reader.end_body().unwrap();
        let mut filter = ContactFilter::new(ContactId::parse(OURS).unwrap());
        let mut frames = Vec::new();
        for item in drain(&mut reader) {
            match filter.push(item) {
                Verdict::Pass(items) => frames.extend(items.iter().filter_map(|item| match item {
                    MediaItem::Frame(frame) => frame.data.first().copied(),
                    _ => None,
                })),
                Verdict::Over => return (frames, true),
            }
        }
        (frames, false)
    }

    #[test]
    fn skips_what_was_before_and_stops_at_what_comes_after() {
        let fragments = [
            contact_fragment(1, 0, &[&[1; 320]], Some(THEIRS)),
            contact_fragment(2, 500, &[&[2; 320]], Some(OURS)),
            contact_fragment(3, 520, &[&[3; 320], &[4; 320]], Some(&OURS.to_uppercase())),
            contact_fragment(4, 700, &[&[5; 320]], Some(THEIRS)),
            contact_fragment(5, 900, &[&[6; 320]], Some(OURS)),
        ];
        assert_eq!(filtered(&fragments), (vec![2, 3, 4], true));
    }

    #[test]
    fn what_goes_on_without_a_gap_passes_before_its_tags_are_there() {
        let mut reader = GetMediaReader::new(false);
        let second = contact_fragment(2, 20, &[&[2; 320]], Some(OURS));
        reader.push(Bytes::from(contact_fragment(1, 0, &[&[1; 320]], Some(OURS)))).unwrap();
        reader.push(Bytes::copy_from_slice(&second[..second.len() - 400])).unwrap();
        let mut filter = ContactFilter::new(ContactId::parse(OURS).unwrap());
        let passed: usize = drain(&mut reader)
            .into_iter()
            .map(|item| match filter.push(item) {
                Verdict::Pass(items) => items.len(),
                Verdict::Over => 0,
            })
            .sum();
        assert!(passed >= 4, "start, frame, end, start: {passed}");
        assert!(matches!(filter.open, Open::Passing));
    }

    #[test]
    fn fragments_of_nobody_do_not_pass() {
        assert_eq!(filtered(&[contact_fragment(1, 0, &[&[1; 320]], None)]), (vec![], false));
    }
}
