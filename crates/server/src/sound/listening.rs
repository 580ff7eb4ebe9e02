//! What one listener is sent: the sound of a contact from now on, through its captures, to its end.
//!
//! The live tail of the capture's stream is the queue: its pieces are shared by all who follow it, and a listener that takes
//! nothing holds back the one fragment that it is amidst. The contact says which capture runs; the call is not asked.

use super::decoder::{Block, Decoder};
use super::fragments::reader;
use super::listeners::Place;
use super::place;
use crate::clock::ServiceClock;
use crate::waveform::axis::{begin_ms, timestamp};
use crate::waveform::{first_ms, stream_of};
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tympan_admin::SoundTrack;
use tympan_contact::{Contact, CustomerAudio};
use tympan_store::{ErrorKind, MediaStore, ReadEvent, Reader, Start, StoreError};
use tympan_types::{FragmentNumber, ProducerTime, ServerTime};

/// The first frame waits so long for the first sample, from which the axis is counted.
const AXIS_LIMIT: Duration = Duration::from_secs(1);
/// A capture that was stopped, and is quiet for so long, is over, whatever its upload says.
const STOPPED_QUIET: Duration = Duration::from_secs(2);
/// After the contact's end its captures are read for so long at most.
const ENDING: Duration = Duration::from_secs(5);
/// How often it is asked whether the contact's key may still be used.
const KEY_CHECK: Duration = Duration::from_secs(10);

/// The bytes of a binary frame before its samples.
const HEADER_BYTES: usize = 28;
/// A flag of a binary frame: it does not follow the frame before.
const AFTER_HOLE: u8 = 1;

/// What comes next.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A text frame.
    Text(Value),
    /// A binary frame.
    Sound(SoundFrame),
    /// Nothing comes any more; this text frame says why.
    End(Value),
    /// The key of the contact may not be used any more.
    KeyLost(String),
    /// The store failed.
    Failed(StoreError),
}

/// A binary frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SoundFrame {
    /// The number of its track in Begin.
    track: u8,
    after_hole: bool,
    /// The place of its first sample on the axis.
    position: u64,
    /// When its newest sample had arrived, in microseconds since 1970.
    arrived_us: i64,
    pcm: Vec<u8>,
}

/// The sound of one contact for one listener.
pub(crate) struct Listening {
    store: MediaStore,
    clock: ServiceClock,
    contact: watch::Receiver<Arc<Contact>>,
    tracks: Vec<SoundTrack>,
    place: Place,
    /// Where the axis begins.
    start_ms: Option<i64>,
    is_begun: bool,
    is_paused: bool,
    begins_by: Instant,
    follow: Option<Follow>,
    /// Captures that began since, to be followed in turn.
    next: VecDeque<CustomerAudio>,
    /// Captures of the contact that were looked at.
    known: usize,
    /// Where the next frame of each track is expected.
    expected: Vec<Option<u64>>,
    due: VecDeque<Heard>,
    /// No contact stands behind the receiver any more.
    is_gone: bool,
    ended: Option<Instant>,
    key_checked: Instant,
}

/// A capture that is followed.
struct Follow {
    reader: Reader,
    audio: CustomerAudio,
    open: Option<OpenFragment>,
    /// The document head of its newest session of writing.
    head: Option<Bytes>,
    /// Its upload has ended, as far as was read.
    has_ended: bool,
    last_news: Instant,
}

struct OpenFragment {
    producer: ProducerTime,
    server: ServerTime,
    decoder: Decoder,
    /// Samples of its first block.
    first_samples: Option<u64>,
}

impl SoundFrame {
    /// How many samples it has.
    pub(crate) fn samples(&self) -> u64 {
        self.pcm.len() as u64 / 2
    }

    /// Whether samples are missing between the frame before, of its track, and this one.
    pub(crate) fn is_after_hole(&self) -> bool {
        self.after_hole
    }

    /// As it goes over the wire, at this time.
    pub(crate) fn encode(&self, sent_us: i64) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEADER_BYTES + self.pcm.len());
        bytes.put_u8(self.track);
        bytes.put_u8(if self.after_hole { AFTER_HOLE } else { 0 });
        bytes.put_u16(0);
        bytes.put_u64(self.position);
        bytes.put_i64(self.arrived_us);
        bytes.put_i64(sent_us);
        bytes.extend_from_slice(&self.pcm);
        bytes.freeze()
    }
}

impl Listening {
    /// Listens from now on.
    ///
    /// # Errors
    /// `Key` where the key of the contact's stream may not be used; `Internal`.
    pub(super) async fn open(
        store: MediaStore,
        clock: ServiceClock,
        contact: watch::Receiver<Arc<Contact>>,
        tracks: Vec<SoundTrack>,
        place: Place,
    ) -> Result<Self, StoreError> {
        let now = Instant::now();
        let known = contact.borrow().clone();
        let mut listening = Self {
            store,
            clock,
            contact,
            expected: vec![None; tracks.len()],
            tracks,
            place,
            start_ms: None,
            is_begun: false,
            is_paused: false,
            begins_by: now + AXIS_LIMIT,
            follow: None,
            next: VecDeque::new(),
            known: known.captures.len(),
            due: VecDeque::new(),
            is_gone: false,
            ended: None,
            key_checked: now,
        };
        if let Some(first) = known.captures.first() {
            let first_ms = first_ms(&listening.store, first).await?;
            let is_over = known.captures.len() > 1 || !first.is_running();
            listening.start_ms = (first_ms.is_some() || is_over).then(|| begin_ms(first, first_ms));
        }
        if let Some(newest) = known.captures.last().filter(|newest| newest.is_running()) {
            // Of a capture whose first fragment is open nothing is past.
            let is_new = listening.start_ms.is_none();
            let start = if is_new { Start::After(newest.start_fragment_number) } else { Start::Now };
            listening.follow = listening.begin(newest.clone(), start).await?;
        }
        Ok(listening)
    }

    /// When a frame goes out, in microseconds since 1970.
    pub(crate) fn now_us(&self) -> i64 {
        self.clock.wall_us()
    }

    /// A frame was handed to the connection.
    pub(crate) fn was_sent(&self) {
        self.place.sent();
    }

    /// The listener is too slow and is cut off.
    pub(crate) fn was_too_slow(&self) {
        self.place.was_too_slow();
    }

    /// What comes next. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            self.look_at_contact();
            if let Some(due) = self.due.pop_front() {
                return due;
            }
            match self.step().await {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Key(_)) => {
                    return Heard::KeyLost(error.message().to_owned());
                }
                Err(error) => return Heard::Failed(error),
            }
        }
    }

    /// Waits for what happens next, and takes what comes of it into what is due.
    async fn step(&mut self) -> Result<(), StoreError> {
        if let Some(reason) = self.end() {
            self.begin_frames();
            self.due.push_back(Heard::End(reason));
            return Ok(());
        }
        if self.follow.as_ref().is_some_and(Follow::is_over) {
            self.follow = None;
        }
        if self.follow.is_none()
            && let Some(audio) = self.next.front().cloned()
        {
            let start = Start::After(audio.start_fragment_number);
            self.follow = self.begin(audio, start).await?;
            self.next.pop_front();
            return Ok(());
        }
        if self.follow.is_none() && self.ended.is_none() && !self.is_paused {
            self.begin_frames();
            self.pause();
            return Ok(());
        }
        if !self.is_begun && Instant::now() >= self.begins_by {
            self.begin_frames();
            return Ok(());
        }
        let key_check_at = self.key_checked + KEY_CHECK;
        if self.follow.is_some() && Instant::now() >= key_check_at {
            return self.check_key().await;
        }
        let wakes_at = self.wakes_at(key_check_at);
        let Self { follow, contact, is_gone, .. } = self;
        let news = async {
            match follow {
                Some(follow) => follow.reader.next().await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            changed = contact.changed(), if !*is_gone => {
                *is_gone = changed.is_err();
                return Ok(());
            }
            event = news => event,
            () = sleep_until(wakes_at) => return Ok(()),
        };
        match event {
            Ok(event) => self.take(event),
            // Damaged: a hole.
            Err(error) if *error.kind() == ErrorKind::Corrupt => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The next time at which something is due though nothing has happened.
    fn wakes_at(&self, key_check_at: Instant) -> Instant {
        let begins_by = (!self.is_begun).then_some(self.begins_by);
        let stopped = self.follow.as_ref().and_then(Follow::quiet_at);
        let ended = self.ended.map(|ended| ended + ENDING);
        let key = self.follow.as_ref().map(|_| key_check_at);
        let times = [begins_by, stopped, ended, key].into_iter().flatten();
        times.min().unwrap_or_else(|| Instant::now() + KEY_CHECK)
    }

    /// Takes over what the contact says of its captures now.
    fn look_at_contact(&mut self) {
        let contact = self.contact.borrow_and_update().clone();
        if self.ended.is_none() && (self.is_gone || contact.disconnect_timestamp.is_some()) {
            self.ended = Some(Instant::now());
        }
        if let Some(follow) = &mut self.follow {
            let is_it = |audio: &&CustomerAudio| {
                audio.start_fragment_number == follow.audio.start_fragment_number
                    && audio.stream_arn == follow.audio.stream_arn
            };
            if let Some(audio) = contact.captures.iter().rev().find(is_it)
                && *audio != follow.audio
            {
                follow.audio = audio.clone();
                follow.last_news = Instant::now();
            }
        }
        self.next.extend(contact.captures.iter().skip(self.known).cloned());
        self.known = self.known.max(contact.captures.len());
    }

    /// Why nothing comes any more, if nothing does.
    fn end(&self) -> Option<Value> {
        let ended = self.ended?;
        let contact = self.contact.borrow();
        // The call goes on with another contact, and its capture, too: that is not for who listens to this one.
        let goes_on = self.follow.as_ref().is_some_and(|follow| follow.audio.is_running());
        let is_read = match &self.follow {
            Some(follow) => follow.is_over() && self.next.is_empty(),
            None => self.next.is_empty(),
        };
        if !goes_on && !is_read && ended.elapsed() < ENDING {
            return None;
        }
        let reason = match contact.disconnect_reason {
            _ if goes_on && contact.next_contact_id.is_some() => "TRANSFERRED",
            Some(reason) => reason.word(),
            None => "OTHER",
        };
        let mut end = json!({ "Type": "End", "Reason": reason });
        if let Some(next) = contact.next_contact_id {
            end["NextContactId"] = json!(next);
        }
        Some(end)
    }

    /// The stream of a capture from some place on; `None` where it is gone.
    async fn begin(&self, audio: CustomerAudio, start: Start) -> Result<Option<Follow>, StoreError> {
        let Some(stream) = stream_of(&self.store, &audio).await? else { return Ok(None) };
        let last_news = Instant::now();
        let follow = |reader| Follow { reader, audio, open: None, head: None, has_ended: false, last_news };
        Ok(reader(&self.store, stream, start).await?.map(follow))
    }

    /// A key that was disabled stops the sound, too.
    async fn check_key(&mut self) -> Result<(), StoreError> {
        if let Some(follow) = &self.follow {
            first_ms(&self.store, &follow.audio).await?;
        }
        self.key_checked = Instant::now();
        Ok(())
    }

    fn take(&mut self, event: ReadEvent) {
        let Some(follow) = &mut self.follow else { return };
        follow.last_news = Instant::now();
        match event {
            ReadEvent::Stored(fragment) => {
                let meta = fragment.meta;
                if self.opened(meta.number, meta.producer, meta.server, &fragment.head) {
                    self.body(fragment.body);
                    self.sealed();
                }
            }
            ReadEvent::Opened { number, producer, server, head } => {
                self.opened(number, producer, server, &head);
            }
            ReadEvent::Body(bytes) => self.body(bytes),
            ReadEvent::Sealed { .. } | ReadEvent::Abandoned => self.sealed(),
            ReadEvent::CaptureEnded => follow.has_ended = true,
            ReadEvent::Deleted => {
                self.begin_frames();
                self.due.push_back(Heard::End(json!({ "Type": "End", "Reason": "STREAM_DELETED" })));
            }
        }
    }

    /// A fragment begins; false if it is not this contact's.
    fn opened(
        &mut self,
        number: FragmentNumber,
        producer: ProducerTime,
        server: ServerTime,
        head: &Bytes,
    ) -> bool {
        let Some(follow) = &mut self.follow else { return false };
        let is_other_session = follow.head.as_ref().is_some_and(|known| known != head);
        let is_beyond = follow.audio.stop_fragment_number.is_some_and(|stop| number > stop);
        if is_other_session && is_beyond {
            // The stream is in other hands.
            follow.open = None;
            follow.has_ended = true;
            return false;
        }
        follow.has_ended = false;
        follow.head = Some(head.clone());
        let decoder = Decoder::new(head.clone());
        follow.open = Some(OpenFragment { producer, server, decoder, first_samples: None });
        if self.start_ms.is_none() {
            self.start_ms = Some(begin_ms(&follow.audio, Some(producer.unix_ms())));
        }
        self.begin_frames();
        if std::mem::take(&mut self.is_paused) {
            let start = self.start_ms.map(timestamp);
            self.due.push_back(Heard::Text(json!({ "Type": "Resumed", "StartTimestamp": start })));
        }
        true
    }

    fn body(&mut self, bytes: Bytes) {
        let (Some(start_ms), Some(follow)) = (self.start_ms, &mut self.follow) else { return };
        let Some(open) = &mut follow.open else { return };
        for block in open.decoder.push(bytes) {
            let Some(track) = self.tracks.iter().position(|wanted| *wanted == block.track) else { continue };
            let expected = self.expected.get_mut(track);
            let (Some(frame), Some(expected)) = (open.frame(block, start_ms), expected) else { continue };
            let after_hole = expected.is_some_and(|expected| expected != frame.position);
            *expected = Some(frame.position + frame.pcm.len() as u64 / 2);
            let track = u8::try_from(track).unwrap_or(u8::MAX);
            self.due.push_back(Heard::Sound(SoundFrame { track, after_hole, ..frame }));
        }
    }

    fn sealed(&mut self) {
        if let Some(follow) = &mut self.follow {
            follow.open = None;
        }
    }

    /// The first frame, unless it is sent.
    fn begin_frames(&mut self) {
        if !std::mem::replace(&mut self.is_begun, true) {
            let begin = json!({
                "Type": "Begin",
                "SampleRateHz": 8_000,
                "Tracks": self.tracks.iter().map(|track| track.name()).collect::<Vec<_>>(),
                "StartTimestamp": self.start_ms.map(timestamp),
                "NowMicroseconds": self.now_us(),
            });
            self.due.push_back(Heard::Text(begin));
            if self.start_ms.is_none() && self.ended.is_none() {
                self.pause();
            }
        }
    }

    fn pause(&mut self) {
        if !std::mem::replace(&mut self.is_paused, true) {
            self.due.push_back(Heard::Text(json!({ "Type": "Paused" })));
        }
    }
}

impl Follow {
    /// It was stopped, and all of it is read.
    fn is_over(&self) -> bool {
        !self.audio.is_running()
            && self.open.is_none()
            && (self.has_ended || self.last_news.elapsed() >= STOPPED_QUIET)
    }

    fn quiet_at(&self) -> Option<Instant> {
        let waits = !self.audio.is_running() && self.open.is_none();
        waits.then(|| self.last_news + STOPPED_QUIET)
    }
}

impl OpenFragment {
    /// A frame with a block's samples; `None` before the axis begins. Which track it is of, and whether it follows, is not known here.
    ///
    /// When a sample arrived is not kept. The fragment began when its first block had arrived, and sound comes as fast as time goes by:
    /// so the time is true but for how unevenly packets came within the fragment.
    fn frame(&mut self, block: Block, start_ms: i64) -> Option<SoundFrame> {
        let position =
            u64::try_from(place(self.producer, start_ms).saturating_add_unsigned(block.at)).ok()?;
        let end = block.at + block.samples();
        let first = *self.first_samples.get_or_insert(end);
        let since_us = end.saturating_sub(first) * US_PER_SAMPLE;
        let arrived_us = self.server.unix_ms().saturating_mul(1_000).saturating_add_unsigned(since_us);
        Some(SoundFrame { track: 0, after_hole: false, position, arrived_us, pcm: block.pcm })
    }
}

const US_PER_SAMPLE: u64 = 125;

#[cfg(test)]
#[path = "listening_tests.rs"]
mod tests;
