//! Live events of a tympan server, over a WebSocket. Not an AWS operation.

use crate::websocket::{self, Socket};
use crate::{ClientError, Endpoint, HttpClient};
use futures_util::StreamExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

/// The largest frame: a contact in short.
const FRAME_BYTES: usize = 1 << 20;

/// A connection that events come by.
pub struct Events {
    socket: Socket,
}

/// How a connection of events ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventEnd {
    /// The reader took nothing for too long, the server stops, or the connection broke: resume after the last revision.
    Resume(String),
    /// The changes after the last revision are no longer kept: read the contacts again, and go on from now.
    Gone(String),
}

impl Events {
    /// Connects to the server at `endpoint`; events come from what follows the revision `since` on, else from now on.
    ///
    /// # Errors
    /// The service's refusal: RevisionGoneException, LimitExceededException; no connection.
    pub async fn connect(
        http: &HttpClient,
        endpoint: &Endpoint,
        since: Option<&str>,
    ) -> Result<Self, ClientError> {
        let query = since.map(|since| format!("since={since}")).unwrap_or_default();
        let at = ("/tympan/events", query.as_str());
        Ok(Self { socket: websocket::connect(http, "WatchEvents", endpoint, at, FRAME_BYTES).await? })
    }

    /// The next frame, as docs/admin.md describes it.
    ///
    /// # Errors
    /// How the connection ended.
    pub async fn next(&mut self) -> Result<Value, EventEnd> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text)
                        .map_err(|error| EventEnd::Resume(format!("a frame is no JSON ({error})")));
                }
                Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == GONE => {
                    return Err(EventEnd::Gone(frame.reason.to_string()));
                }
                Some(Ok(Message::Close(frame))) => {
                    let reason = frame.map(|frame| frame.reason.to_string()).filter(|text| !text.is_empty());
                    return Err(EventEnd::Resume(
                        reason.unwrap_or_else(|| "the server closed it".to_owned()),
                    ));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(EventEnd::Resume(error.to_string())),
                None => return Err(EventEnd::Resume("the connection is over".to_owned())),
            }
        }
    }
}

/// The close code that says that a revision is no longer kept.
const GONE: u16 = 4_010;
