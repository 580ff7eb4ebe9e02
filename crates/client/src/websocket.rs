//! WebSockets to a server's own service (RFC 6455).

use crate::{ClientError, Endpoint, HttpClient};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// A socket of ours.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Asks an operation of tympan's own service for a WebSocket, at a path and its query. Longer frames end the connection.
pub(crate) async fn connect(
    http: &HttpClient,
    operation: &'static str,
    endpoint: &Endpoint,
    at: (&str, &str),
    frame_bytes: usize,
) -> Result<Socket, ClientError> {
    let key = STANDARD.encode(uuid::Uuid::new_v4().as_bytes());
    let upgraded = http.upgrade(operation, "tympan", endpoint, at, &key).await?;
    let config =
        WebSocketConfig::default().max_message_size(Some(frame_bytes)).max_frame_size(Some(frame_bytes));
    Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await)
}
