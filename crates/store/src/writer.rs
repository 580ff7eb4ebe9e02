use crate::codec::Piece;
use crate::committer::Waiting;
use crate::index_block::MAX_INDEX_BYTES;
use crate::model::Now;
use crate::record::{MAX_RECORD_BYTES, RECORD_HEADER_BYTES};
use crate::store::Core;
use crate::stream_cell::StreamCell;
use crate::tail::{HandoverBell, Owner, Refusal, Sealed, SessionId, Standing, Tail, TakeOver};
use crate::{Ending, ErrorKind, FragmentHead, OpenFragment, Record, StoreError, Stream};
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use tympan_kms::{DataKey, NONCE_BYTES, TAG_BYTES};
use tympan_types::FragmentNumber;

/// A session of writing to a stream: one fragment is open at a time.
///
/// Sessions of one stream may overlap, as producers do when they renew their connection; their fragments take numbers
/// from one sequence. Dropped without [`Writer::close`], it ends as [`Ending::Disconnected`], and its open fragment is
/// taken back.
pub struct Writer {
    core: Arc<Core>,
    cell: Arc<StreamCell>,
    stream: Arc<Stream>,
    key_number: u32,
    key: Arc<DataKey>,
    owner: Owner,
    open: Option<FragmentNumber>,
    /// Another writer's fragment may still become this one's.
    searching: bool,
    ending: Ending,
}

impl Writer {
    /// The caller has opened the session on the tail already.
    pub(crate) fn new(
        core: Arc<Core>,
        cell: Arc<StreamCell>,
        session: SessionId,
        (key_number, key): (u32, Arc<DataKey>),
    ) -> Self {
        let stream = cell.tail().stream.clone();
        Self {
            core,
            cell,
            stream,
            key_number,
            key,
            owner: Owner { session, bell: None },
            open: None,
            searching: false,
            ending: Ending::Disconnected,
        }
    }

    /// The stream as it was when the session began.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Mints a number and shows the fragment to tail readers at once.
    ///
    /// # Errors
    /// `NotFound` once the stream is deleted, `NotActive` once the store is shut down, `Internal` while a fragment is
    /// open. Blocks on the catalogue only if a session outruns its background reservations (500 fragments).
    pub fn begin(&mut self, head: FragmentHead) -> Result<FragmentNumber, StoreError> {
        if self.open.is_some() {
            return Err(StoreError::internal("a fragment is open already: seal or abandon it first"));
        }
        let number = self.number(|tail, now, low28| tail.begin(now, low28, &self.owner, head.clone()))?;
        self.open = Some(number);
        Ok(number)
    }

    /// Mints a number for a fragment that never begins, so that it can be spoken of. As [`Self::begin`] otherwise.
    ///
    /// # Errors
    /// `NotFound` once the stream is deleted, `NotActive` once the store is shut down.
    pub fn mint(&mut self) -> Result<FragmentNumber, StoreError> {
        self.number(Tail::mint)
    }

    fn number(
        &self,
        mint: impl Fn(&mut Tail, Now, u32) -> Result<FragmentNumber, Refusal>,
    ) -> Result<FragmentNumber, StoreError> {
        if self.core.is_shut() {
            return Err(StoreError::shut_down());
        }
        let mut low28 = [0; 4];
        self.core.entropy.fill(&mut low28);
        let low28 = u32::from_le_bytes(low28);
        loop {
            let now = self.core.now();
            let mut tail = self.cell.tail();
            match mint(&mut tail, now, low28) {
                Ok(number) => {
                    if tail.wants_block() {
                        drop(tail);
                        self.core.keeper.reserve(self.cell.clone());
                    }
                    return Ok(number);
                }
                Err(Refusal::Deleted) => return Err(StoreError::stream_not_found()),
                Err(Refusal::NoSequence) => {
                    drop(tail);
                    self.cell.reserve(&*self.core.backend, Tail::has_sequence)?;
                }
            }
        }
    }

    /// Adds bytes to the open fragment and forwards them to tail readers at once. Without an open fragment, or once
    /// the stream is deleted, they go nowhere; the next `begin` or `seal` says so.
    pub fn push(&mut self, body: Bytes) {
        if let Some(number) = self.open {
            self.cell.tail().push(self.owner.session, number, Piece::Plain(body));
        }
    }

    /// Whether [`Self::push_coded`] takes pieces in this form.
    pub fn takes_form(&self, form: u16) -> bool {
        self.core.options.body_codec.as_ref().is_some_and(|codec| codec.form() == form)
    }

    /// As [`Self::push`], of bytes in the form of the store's codec, which can be decoded by themselves to `plain_bytes`. Readers get them
    /// decoded, and they stay in the form in memory and on disk. Without a codec they go nowhere: see [`Self::takes_form`].
    pub fn push_coded(&mut self, bytes: Bytes, plain_bytes: usize) {
        if let (Some(number), Some(codec)) = (self.open, &self.core.options.body_codec) {
            let piece = Piece::Coded { bytes, plain_bytes, codec: Arc::clone(codec) };
            self.cell.tail().push(self.owner.session, number, piece);
        }
    }

    /// Completes the open fragment: encrypts it on this thread and queues it for the disk.
    ///
    /// The future resolves when the fragment is durable; for a stream without retention at once. Dropping it does not
    /// take the fragment back.
    ///
    /// # Errors
    /// Through the future: `NotFound` once the stream is deleted, `Full` or `Internal` from the disk, `NotActive` once
    /// the store is shut down, `TakenOver` once the fragment is another writer's.
    pub fn seal(&mut self, duration_ms: u32) -> Persisting {
        self.seal_indexed(duration_ms, None)
    }

    /// As [`Self::seal`], with an index of the fragment: bytes that the store keeps beside it and does not understand. It is
    /// lost or kept with the fragment. One of more than 2 MiB is left out and counted.
    pub fn seal_indexed(&mut self, duration_ms: u32, index: Option<Bytes>) -> Persisting {
        let Some(number) = self.open.take() else {
            return Persisting::known(Err(StoreError::internal("no fragment is open: begin one first")));
        };
        let index = index.filter(|index| !index.is_empty());
        let fits = index.as_ref().is_none_or(|index| index.len() <= MAX_INDEX_BYTES);
        let index = index.filter(|_| fits);
        if !fits {
            self.core.queue.counts.indexes_left_out.fetch_add(1, Ordering::Relaxed);
        }
        let sealed = self.cell.tail().seal(self.owner.session, number, duration_ms, index.clone());
        let (meta, head, bodies) = match sealed {
            Sealed::Kept => return Persisting(State::Kept),
            Sealed::TakenOver => return Persisting(State::TakenOver),
            Sealed::Gone => return Persisting::known(Err(StoreError::stream_not_found())),
            Sealed::Commit { meta, head, bodies } => (meta, head, bodies),
        };
        let bytes = head.len() + bodies.iter().map(Piece::plain_bytes).sum::<usize>();
        if bytes > MAX_RECORD_BYTES - RECORD_HEADER_BYTES - TAG_BYTES {
            self.cell.tail().settle(number);
            let message =
                format!("fragment {number} has {bytes} bytes; at most {MAX_RECORD_BYTES} are stored");
            return Persisting::known(Err(StoreError::internal(message)));
        }
        let codec = self.core.options.body_codec.as_deref();
        let key = (self.key_number, &*self.key);
        let mut record = Record::seal_pieces(self.nonce(), self.cell.id, meta, key, codec, &head, &bodies);
        if let Some(index) = &index {
            record = record.with_index(self.nonce(), key, index);
        }
        let (done, promise) = oneshot::channel();
        let waiting = Waiting { record, cell: self.cell.clone(), meta, key: self.key_number, done };
        match self.core.queue.push(waiting) {
            Ok(()) => Persisting(State::Waiting(promise)),
            Err(_) => {
                self.cell.tail().settle(number);
                Persisting::known(Err(StoreError::shut_down()))
            }
        }
    }

    fn nonce(&self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        self.core.entropy.fill(&mut nonce);
        nonce
    }

    /// Takes the open fragment back: tail readers see it abandoned, nobody else ever sees it.
    pub fn abandon(&mut self) {
        if let Some(number) = self.open.take() {
            self.cell.tail().abandon(self.owner.session, number);
        }
    }

    // ---- handover

    /// Lets other writers of the stream take over what this one opens from now on; `bell` is called when one has, and
    /// when one that might have has not.
    pub fn offer(&mut self, bell: HandoverBell) {
        self.owner.bell = Some(bell);
    }

    /// Says that this writer may go on with another one's open fragment: see [`Standing::Sought`].
    pub fn begin_search(&mut self) {
        if !std::mem::replace(&mut self.searching, true) {
            self.cell.tail().begin_search();
        }
    }

    /// Says that it has decided; a writer that is dropped has, too.
    pub fn end_search(&mut self) {
        if std::mem::replace(&mut self.searching, false) {
            let bells = self.cell.tail().end_search();
            bells.iter().for_each(|bell| bell());
        }
    }

    /// The open fragments that this writer may take over.
    pub fn on_offer(&self) -> Vec<OpenFragment> {
        self.cell.tail().on_offer(self.owner.session)
    }

    /// Makes another writer's open fragment this one's, of which it has seen the first `seen` pieces. What the other
    /// writer still pushes goes nowhere.
    pub fn take_over(&mut self, number: FragmentNumber, seen: usize) -> TakeOver {
        self.take_over_if(number, seen, false)
    }

    /// As [`Self::take_over`], of a fragment whose producer has gone and has not come back.
    pub fn take_over_waiting(&mut self, number: FragmentNumber, seen: usize) -> TakeOver {
        self.take_over_if(number, seen, true)
    }

    fn take_over_if(&mut self, number: FragmentNumber, seen: usize, only_waiting: bool) -> TakeOver {
        if self.open.is_some() {
            return TakeOver::Gone;
        }
        let (outcome, bell) = self.cell.tail().take_over(&self.owner, number, seen, only_waiting);
        if outcome == TakeOver::Taken {
            self.open = Some(number);
        }
        if let Some(bell) = bell {
            bell();
        }
        outcome
    }

    /// Says that the producer of the open fragment has gone.
    pub fn leave_waiting(&mut self) {
        if let Some(number) = self.open {
            self.cell.tail().leave_waiting(self.owner.session, number);
        }
    }

    /// How this writer stands to its open fragment.
    pub fn standing(&self) -> Standing {
        self.open.map_or(Standing::None, |number| self.cell.tail().standing(self.owner.session, number))
    }

    /// The open fragment of this writer, as far as it has come.
    pub fn open_fragment(&self) -> Option<OpenFragment> {
        self.cell.tail().open_of(self.owner.session, self.open?)
    }

    /// Waits while more waits for the disk than the store wants to hold: call it before taking more from a producer.
    pub async fn ready(&self) {
        self.core.queue.ready().await;
    }

    /// Whether [`Self::ready`] would not wait.
    pub fn is_ready(&self) -> bool {
        self.core.queue.is_ready()
    }

    /// Bytes that wait for the disk, of all streams.
    pub fn backlog_bytes(&self) -> usize {
        self.core.queue.bytes()
    }

    /// Ends the session. An open fragment is taken back: seal it first.
    pub fn close(mut self, ending: Ending) {
        self.ending = ending;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.abandon();
        self.end_search();
        self.cell.tail().close_session(self.ending);
        self.core.keeper.session_ended(self.cell.clone());
    }
}

/// Resolves when a sealed fragment is durable.
#[must_use = "without waiting for it, nobody knows whether the fragment is durable"]
pub struct Persisting(State);

enum State {
    /// It stays in memory, which is all that was promised.
    Kept,
    /// It is another writer's.
    TakenOver,
    Known(Option<Result<(), StoreError>>),
    Waiting(oneshot::Receiver<Result<(), StoreError>>),
}

impl Persisting {
    fn known(result: Result<(), StoreError>) -> Self {
        Self(State::Known(Some(result)))
    }

    /// Whether the fragment goes to the disk: the stream had a retention when it was sealed.
    pub fn is_for_disk(&self) -> bool {
        !matches!(self.0, State::Kept)
    }

    /// Whether nothing was sealed, because another writer has taken the fragment over.
    pub fn is_taken_over(&self) -> bool {
        matches!(self.0, State::TakenOver)
    }
}

impl Future for Persisting {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Kept => Poll::Ready(Ok(())),
            State::TakenOver => {
                let message = "another session of writing has taken the fragment over";
                Poll::Ready(Err(StoreError::new(ErrorKind::TakenOver, message)))
            }
            State::Known(result) => Poll::Ready(result.take().unwrap_or_else(|| {
                Err(StoreError::new(ErrorKind::Internal, "this promise was already answered"))
            })),
            State::Waiting(promise) => {
                Pin::new(promise).poll(cx).map(|sent| sent.unwrap_or_else(|_| Err(StoreError::shut_down())))
            }
        }
    }
}
