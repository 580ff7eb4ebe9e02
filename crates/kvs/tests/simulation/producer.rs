//! A producer as the SDKs are: it keeps what is not acknowledged, and sends it again after its connection broke.

use tympan_kvs::{AckEvent, BodyEnd, PutMediaInput, PutMediaOutput, PutMediaSession};
use tympan_mkv::write::{self, FLAG_KEYFRAME, TrackHead};
use tympan_store::simulation::SeededEntropy;
use tympan_types::{FragmentNumber, Mono};

/// A fragment that the store has to keep from now on.
pub struct Acknowledged {
    pub number: FragmentNumber,
    pub body: Vec<u8>,
}

/// What a producer still sends of its body.
enum Piece {
    Bytes(Vec<u8>),
    End(BodyEnd),
}

pub struct Producer {
    /// Which of the run's streams it sends to.
    pub stream: usize,
    /// It is the capture of a call within the process: it sends nothing twice.
    pub is_capture: bool,
    pub next_action: Mono,
    head: Vec<u8>,
    /// Every fragment that it has or will have.
    fragments: Vec<Fragment>,
    /// The first that may have to be sent.
    next: usize,
    session: Option<PutMediaSession>,
    /// What is left of the body, the next piece last.
    pieces: Vec<Piece>,
}

struct Fragment {
    timecode: u64,
    bytes: Vec<u8>,
    /// It began to be sent.
    sent: bool,
    persisted: bool,
}

pub fn below(random: &SeededEntropy, limit: u64) -> u64 {
    random.next_u64() % limit.max(1)
}

impl Producer {
    pub fn new(random: &SeededEntropy, at: u8, stream: usize, begin_ms: u64) -> Self {
        let is_capture = below(random, 3) == 0;
        let mut head = Vec::new();
        write::DocumentHead::connect([at; 16], &[TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")])
            .write(&mut head);
        let mut timecode = begin_ms + below(random, 5_000);
        let fragments = (0..1 + below(random, 12)).map(|_| {
            timecode += 500 + below(random, 1_500);
            let mut bytes = Vec::new();
            write::cluster_start(&mut bytes, timecode);
            for block in 0..1 + below(random, 8) {
                let mut payload = vec![at; 160];
                payload[..8].copy_from_slice(&random.next_u64().to_le_bytes());
                write::simple_block(&mut bytes, 1, 20 * block as i16, FLAG_KEYFRAME, &payload);
            }
            Fragment { timecode, bytes, sent: false, persisted: false }
        });
        Self {
            stream,
            is_capture,
            next_action: Mono::from_millis(below(random, 3_000)),
            head,
            fragments: fragments.collect(),
            next: 0,
            session: None,
            pieces: Vec::new(),
        }
    }

    pub fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Everything is acknowledged, or was sent by one that sends once.
    pub fn is_done(&self) -> bool {
        let left = self.fragments.get(self.next..).unwrap_or_default();
        self.session.is_none() && left.iter().all(|fragment| fragment.persisted)
    }

    /// Whether these bytes, or more that begin like them, were sent.
    pub fn has_sent_beginning(&self, body: &[u8]) -> bool {
        self.fragments.iter().any(|fragment| fragment.sent && fragment.bytes.starts_with(body))
    }

    /// Begins a body with all that is not acknowledged. At some places it will break off.
    pub fn connect(&mut self, random: &SeededEntropy, session: PutMediaSession) {
        self.session = Some(session);
        if !self.is_capture {
            self.next = self.fragments.iter().position(|fragment| !fragment.persisted).unwrap_or(0);
        }
        let mut body = self.head.clone();
        for fragment in &mut self.fragments[self.next..] {
            fragment.sent = true;
            body.extend_from_slice(&fragment.bytes);
        }
        let mut end = if below(random, 2) == 0 { BodyEnd::Finished } else { BodyEnd::Ended };
        if below(random, 3) == 0 {
            body.truncate(below(random, body.len() as u64) as usize);
            end = if below(random, 8) == 0 { BodyEnd::Stopped } else { BodyEnd::Lost };
        }
        if self.is_capture {
            self.next = self.fragments.len();
        }
        let mut rest = body.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(1 + below(random, 1_500) as usize));
            self.pieces.push(Piece::Bytes(piece.to_vec()));
            rest = after;
        }
        self.pieces.push(Piece::End(end));
        self.pieces.reverse();
    }

    /// Sends the next piece, if it is wanted.
    pub fn send(&mut self, now: Mono) {
        let Some(session) = &mut self.session else { return };
        if !self.is_capture && !session.is_ready(now) {
            return;
        }
        match self.pieces.pop() {
            Some(Piece::Bytes(bytes)) => session.handle(now, PutMediaInput::Bytes(&bytes)),
            Some(Piece::End(end)) => session.handle(now, PutMediaInput::End(end)),
            None => session.handle(now, PutMediaInput::TimePassed),
        }
    }

    pub fn next_deadline(&mut self) -> Option<Mono> {
        self.session.as_mut()?.next_deadline()
    }

    /// Reads the acks that are there: their lines go to `trace`.
    pub fn read_acks(&mut self, now: Mono, trace: &mut dyn FnMut(&str)) -> Vec<Acknowledged> {
        let mut acknowledged = Vec::new();
        while let Some(output) = self.session.as_mut().and_then(|session| session.poll(now)) {
            let PutMediaOutput::Ack(ack) = output else {
                trace("closed");
                self.lose();
                break;
            };
            trace(&ack.to_line());
            if ack.event == AckEvent::Persisted {
                let sent = self.fragments.iter_mut().find(|sent| Some(sent.timecode) == ack.timecode);
                let sent = sent.expect("an ack names what was sent");
                assert!(sent.sent, "an ack of what was not sent");
                sent.persisted = true;
                acknowledged.push(Acknowledged { number: ack.number.unwrap(), body: sent.bytes.clone() });
            }
        }
        acknowledged
    }

    /// The connection is gone, or the session is over.
    pub fn lose(&mut self) {
        self.session = None;
        self.pieces.clear();
    }
}
