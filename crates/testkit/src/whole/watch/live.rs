//! A reader of a stream that is being written sees each fragment whole, in order, and as it is kept.

use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use tympan_store::simulation::now_or_never;
use tympan_store::{MediaStore, ReadEvent, Reader, Start, StreamRef};
use tympan_types::{FragmentNumber, StreamArn};

pub(crate) const NAME: &str = "what is read live is what is kept";

/// Readers that follow streams, and what they saw.
#[derive(Default)]
pub(crate) struct Live {
    readers: Vec<Following>,
    seen: BTreeMap<(StreamArn, FragmentNumber), Bytes>,
}

struct Following {
    stream: StreamArn,
    reader: Reader,
    last: Option<FragmentNumber>,
    open: Option<(FragmentNumber, BytesMut)>,
}

/// Readers at a time.
const READERS_MAX: usize = 4;

impl Live {
    /// Begins to follow a stream.
    pub(crate) fn follow(&mut self, store: &MediaStore, stream: &StreamArn) -> Result<(), String> {
        if self.readers.len() >= READERS_MAX || self.readers.iter().any(|reader| reader.stream == *stream) {
            return Ok(());
        }
        let found = now_or_never(store.stream(StreamRef::Arn(stream))).ok_or("the store waits")?;
        let id = found.map_err(|error| error.to_string())?.id;
        let reader = store.reader(id, Start::Now).map_err(|error| error.to_string())?;
        self.readers.push(Following { stream: stream.clone(), reader, last: None, open: None });
        Ok(())
    }

    /// Reads what there is. How many fragments were seen to their end.
    pub(crate) fn read(&mut self) -> Result<u64, String> {
        let (mut ended, mut kept) = (0, Vec::new());
        for mut following in std::mem::take(&mut self.readers) {
            let mut is_over = false;
            while let Some(event) = now_or_never(following.reader.next()) {
                let event = event.map_err(|error| format!("{}: {error}", following.stream))?;
                match following.take(event)? {
                    Step::On => {}
                    Step::Ended(number, body) => {
                        ended += 1;
                        self.seen.insert((following.stream.clone(), number), body);
                    }
                    Step::Over => {
                        is_over = true;
                        break;
                    }
                }
            }
            if !is_over {
                kept.push(following);
            }
        }
        self.readers = kept;
        Ok(ended)
    }

    /// Power goes: readers end, and what was open stays unseen.
    pub(crate) fn lose_power(&mut self) {
        self.readers.clear();
    }

    /// Compares a kept fragment with what was seen of it.
    pub(crate) fn check(
        &self,
        stream: &StreamArn,
        number: FragmentNumber,
        body: &Bytes,
    ) -> Result<(), String> {
        match self.seen.get(&(stream.clone(), number)) {
            Some(seen) if seen != body => Err(format!(
                "fragment {number} of {stream} has {} bytes, and {} others were read live",
                body.len(),
                seen.len()
            )),
            _ => Ok(()),
        }
    }
}

enum Step {
    On,
    Ended(FragmentNumber, Bytes),
    Over,
}

impl Following {
    fn take(&mut self, event: ReadEvent) -> Result<Step, String> {
        match event {
            ReadEvent::Opened { number, .. } => {
                self.begins(number)?;
                self.open = Some((number, BytesMut::new()));
            }
            ReadEvent::Body(bytes) => match &mut self.open {
                Some((_, body)) => body.extend_from_slice(&bytes),
                None => return Err("bytes of no fragment".to_owned()),
            },
            ReadEvent::Sealed { .. } => {
                let (number, body) = self.open.take().ok_or("an end of no fragment")?;
                return Ok(Step::Ended(number, body.freeze()));
            }
            ReadEvent::Stored(fragment) => {
                self.begins(fragment.meta.number)?;
                return Ok(Step::Ended(fragment.meta.number, fragment.body));
            }
            ReadEvent::Abandoned => self.open = None,
            _ => return Ok(Step::Over),
        }
        Ok(Step::On)
    }

    fn begins(&mut self, number: FragmentNumber) -> Result<(), String> {
        if self.open.is_some() || self.last.is_some_and(|last| last >= number) {
            return Err(format!("{number} begins after {:?}, open: {}", self.last, self.open.is_some()));
        }
        self.last = Some(number);
        Ok(())
    }
}
