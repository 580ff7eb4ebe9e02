//! The session without a runtime: inputs and instants in, acks and deadlines out. The same session that HTTP and captures
//! drive by [`PutMediaSession::push`] and futures; here each point at which those wait is asked for.

use super::{BodyEnd, PutMediaRequest, PutMediaSession};
use crate::data::Ack;
use crate::{KvsError, KvsErrorCode, KvsService};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tympan_types::{Caller, Mono};

/// What happens to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMediaInput<'a> {
    /// The next bytes of the body, cut anywhere: wanted while [`PutMediaSession::is_ready`] says so, taken anyway.
    Bytes(&'a [u8]),
    /// The body has ended.
    End(BodyEnd),
    /// The server stops: the session ends at the next end of a fragment.
    EndSoon,
    /// The body cannot be trusted.
    BreakOff(&'a str),
    /// Nothing but time: the deadline has come, or the store has done something.
    TimePassed,
}

/// What a session gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMediaOutput {
    /// An ack for the client.
    Ack(Ack),
    /// Every ack was given, and nothing more is taken: the response ends. Comes once, as the last.
    Closed,
}

impl KvsService {
    /// Begins a session of a [driven](KvsService::driven) service. Where [`Self::put_media`] gives earlier connections some
    /// time to end, this one refuses at once: ask again.
    ///
    /// ```
    /// use tympan_kvs::{AckEvent, BodyEnd, KvsOptions, KvsService, Operation, PutMediaInput, PutMediaOutput, PutMediaRequest};
    /// use tympan_store::simulation::{SimulatedMachine, now_or_never};
    /// # use tympan_store::StoreOptions;
    /// # use tympan_types::{AccountId, Caller, Mono, Region, StreamArn};
    /// # fn cluster() -> Vec<u8> {
    /// #     use tympan_mkv::write;
    /// #     let mut body = Vec::new();
    /// #     let tracks = [write::TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")];
    /// #     write::DocumentHead::connect([7; 16], &tracks).write(&mut body);
    /// #     write::cluster_start(&mut body, 1_700_000_000_000);
    /// #     write::simple_block(&mut body, 1, 0, write::FLAG_KEYFRAME, &[0; 320]);
    /// #     body
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let caller = Caller { account: AccountId::parse("111122223333")?, region: Region::parse("us-west-2")?,
    /// #     access_key_id: "tympan-capture".into() };
    /// let machine = SimulatedMachine::new(7)?;
    /// let store = machine.start(StoreOptions::default())?;
    /// let service = KvsService::driven(store.clone(), KvsOptions::new("http://simulated", machine.clock().clone()));
    /// let calls = service.within_process();
    /// let made = calls.call(&caller, Operation::CreateStream, br#"{"StreamName": "s", "DataRetentionInHours": 1}"#);
    /// let made = now_or_never(made).expect("ready")?;
    /// let arn = serde_json::from_slice::<serde_json::Value>(&made)?["StreamARN"].as_str().map(StreamArn::parse);
    /// let request = PutMediaRequest::capture(arn.expect("an ARN")?);
    /// let now = Mono::from_millis(10);
    /// let mut session = calls.begin_put_media(now, &caller, request)?;
    /// session.handle(now, PutMediaInput::Bytes(&cluster()));
    /// session.handle(now, PutMediaInput::End(BodyEnd::Finished));
    /// let mut told: Vec<AckEvent> = Vec::new();
    /// while let Some(PutMediaOutput::Ack(ack)) = session.poll(now) {
    ///     told.push(ack.event);
    /// }
    /// assert!(told.is_empty());
    /// // The disk gets on when the schedule says so; then the sessions are asked again.
    /// store.commit_one();
    /// let persisted = session.poll(Mono::from_millis(15));
    /// assert!(matches!(persisted, Some(PutMediaOutput::Ack(ack)) if ack.event == AckEvent::Persisted));
    /// assert_eq!(session.poll(Mono::from_millis(15)), Some(PutMediaOutput::Closed));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Self::put_media`]; `InternalFailureException` if the store has threads.
    pub fn begin_put_media(
        &self,
        now: Mono,
        caller: &Caller,
        request: PutMediaRequest,
    ) -> Result<PutMediaSession, KvsError> {
        self.stopwatch().set(now);
        match pin!(self.put_media(caller, request)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(session) => session,
            Poll::Pending => Err(KvsError::new(
                KvsErrorCode::InternalFailure,
                "The service is driven and its store is not: open the store inline.",
            )),
        }
    }
}

/// For a session of a driven service. `now` never goes back, over all sessions of the service.
impl PutMediaSession {
    /// Something happens. Afterwards [`Self::poll`] until it gives nothing, then [`Self::next_deadline`].
    pub fn handle(&mut self, now: Mono, input: PutMediaInput<'_>) {
        self.stopwatch.set(now);
        match input {
            PutMediaInput::Bytes(mkv) => self.push(mkv),
            PutMediaInput::End(end) => self.finish(end),
            PutMediaInput::EndSoon => self.end_soon(),
            PutMediaInput::BreakOff(why) => self.break_off(why),
            PutMediaInput::TimePassed => {
                self.is_taking();
            }
        }
    }

    /// What there is to tell, one at a time. To be asked after each input and after each step of the store.
    pub fn poll(&mut self, now: Mono) -> Option<PutMediaOutput> {
        self.stopwatch.set(now);
        if self.told_end {
            return None;
        }
        match self.told.poll_told(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(ack)) => Some(PutMediaOutput::Ack(ack)),
            Poll::Ready(None) => {
                self.told_end = true;
                // What was open is left to its fate now, not with the next bytes.
                self.is_taking();
                Some(PutMediaOutput::Closed)
            }
            Poll::Pending => None,
        }
    }

    /// When [`Self::poll`] or [`Self::is_ready`] is to be asked again without anything having happened.
    pub fn next_deadline(&mut self) -> Option<Mono> {
        let silence = self.told.deadline().filter(|_| !self.told_end);
        let next = [silence, self.pace.resume_at()].into_iter().flatten().min()?;
        Some(self.stopwatch.mono(next))
    }

    /// Whether the next bytes are wanted: [`Self::ready`] would not wait.
    pub fn is_ready(&mut self, now: Mono) -> bool {
        self.stopwatch.set(now);
        let ready = self.poll_ready().is_ready();
        self.acks.hold_back(!ready);
        ready
    }

    fn poll_ready(&mut self) -> Poll<()> {
        let now = self.stopwatch.now();
        if self.pace.resume_at().is_some_and(|resume_at| now < resume_at) {
            return Poll::Pending;
        }
        self.pace.resumed();
        let Some(writer) = self.ingest.writer() else { return Poll::Ready(()) };
        if !writer.is_ready() {
            return Poll::Pending;
        }
        let context = &mut Context::from_waker(Waker::noop());
        match self.waits_for_acks {
            true => self.acks.poll_room(context),
            false => self.acks.poll_room_on_disk(context),
        }
    }
}
