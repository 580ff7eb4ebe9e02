use super::reader::{GetMediaReader, MediaItem, ReadError};
use crate::ClientError;
use crate::kvs::{Kvs, MediaBody, StartSelector, StreamRef};
use std::time::{Duration, Instant};

/// How a stream is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowOptions {
    /// Keep the bytes of each fragment.
    pub with_documents: bool,
    /// Read on after every end, also after that of a stream that has gone quiet.
    pub for_ever: bool,
}

/// Reads a stream through as many GetMedia bodies as it takes, without a gap or a repetition.
///
/// A body that ends by itself is the end of the stream: the service ends it when nothing comes any more. A body that
/// breaks is taken up again after the last whole fragment, and so is one that ends because the service lets none live
/// longer (40 to 45 minutes on AWS).
#[derive(Debug)]
pub struct Follow {
    kvs: Kvs,
    stream: StreamRef,
    start: StartSelector,
    options: FollowOptions,
    reader: GetMediaReader,
    state: State,
    opened: Instant,
    /// Bodies that broke or could not be had since the last item.
    failures: u32,
    /// The last body ended because nothing came.
    quiet: bool,
}

#[derive(Debug)]
enum State {
    /// A body is open.
    Reading(MediaBody),
    /// None is, and another is to be opened.
    Between,
    /// There is no more.
    Over,
    /// There is no more, because of this.
    Failed(ClientError),
}

/// A body of this age that ends may have been ended for its age.
const OLD_AGE: Duration = Duration::from_secs(600);
/// Attempts to take up a body that broke, one after the other without a fragment in between.
const ATTEMPTS: u32 = 5;
/// Before the second attempt; doubles with each further one.
const PAUSE: Duration = Duration::from_millis(250);
/// Between the bodies of a stream that is followed for ever and has gone quiet.
const QUIET_PAUSE: Duration = Duration::from_millis(500);

impl Follow {
    /// Opens the first body, so that a wrong name is an error here.
    pub async fn open(
        kvs: Kvs,
        stream: StreamRef,
        start: StartSelector,
        options: FollowOptions,
    ) -> Result<Self, ClientError> {
        let body = kvs.get_media(&stream, start).await?;
        let reader = GetMediaReader::new(options.with_documents);
        let (state, opened) = (State::Reading(body), Instant::now());
        Ok(Self { kvs, stream, start, options, reader, state, opened, failures: 0, quiet: false })
    }

    /// The next item; `None` at the end of the stream. Cancel-safe.
    pub async fn next(&mut self) -> Result<Option<MediaItem>, ClientError> {
        loop {
            if let Some(item) = self.reader.poll() {
                self.failures = 0;
                if let (StartSelector::Now, MediaItem::Start(head)) = (self.start, &item) {
                    // "Now" was then: should the connection break, the way back is by the time.
                    self.start = head.server.map_or(self.start, StartSelector::AtServer);
                }
                return Ok(Some(item));
            }
            match &mut self.state {
                State::Reading(body) => match body.next().await {
                    Some(Ok(chunk)) => {
                        if let Err(error) = self.reader.push(chunk) {
                            self.state = State::Failed(error.into());
                        }
                    }
                    Some(Err(error)) => self.broke_off(error),
                    None => self.ended(),
                },
                State::Between => self.reopen().await,
                State::Over => return Ok(None),
                State::Failed(_) => {
                    let State::Failed(error) = std::mem::replace(&mut self.state, State::Over) else {
                        continue;
                    };
                    return Err(error);
                }
            }
        }
    }

    fn broke_off(&mut self, error: ClientError) {
        tracing::debug!(%error, "GetMedia broke off");
        self.failures += 1;
        let read = self.reader.end_body();
        self.state = match read {
            Err(error) => State::Failed(error.into()),
            Ok(()) if self.failures >= ATTEMPTS => State::Failed(error),
            Ok(()) => State::Between,
        };
    }

    fn ended(&mut self) {
        if let Err(error) = self.reader.end_body() {
            self.state = State::Failed(error.into());
            return;
        }
        // A fragment that the service took back may come again, or another in its place.
        let cut = self.reader.is_interrupted() && self.failures < ATTEMPTS;
        self.failures += u32::from(cut);
        self.quiet = self.options.for_ever;
        self.state = if cut || self.options.for_ever || self.opened.elapsed() >= OLD_AGE {
            State::Between
        } else {
            self.reader.finish();
            State::Over
        };
    }

    async fn reopen(&mut self) {
        if self.failures > 0 {
            tokio::time::sleep(PAUSE * 2u32.pow(self.failures.min(ATTEMPTS) - 1)).await;
        } else if self.quiet {
            tokio::time::sleep(QUIET_PAUSE).await;
        }
        let start = self.reader.last_complete().map_or(self.start, StartSelector::After);
        match self.kvs.get_media(&self.stream, start).await {
            Ok(body) => (self.state, self.opened) = (State::Reading(body), Instant::now()),
            Err(error @ (ClientError::Unreachable { .. } | ClientError::TimedOut { .. })) => {
                self.failures += 1;
                if self.failures >= ATTEMPTS {
                    self.state = State::Failed(error);
                }
            }
            Err(error) => self.state = State::Failed(error),
        }
    }
}

impl From<ReadError> for ClientError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Service { code, id, number } => Self::InStream { code, id, number },
            error => Self::Media(format!("the stream cannot be read on: {error}")),
        }
    }
}
