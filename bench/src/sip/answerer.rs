//! One UDP socket and a thread, which take every call that comes.

use super::message::{self, Message, Start};
use anyhow::Context;
use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// The running answerer. Dropping it ends its thread; calls that are up get no answer any more.
pub(crate) struct Answerer {
    address: SocketAddr,
    taken: mpsc::Receiver<SocketAddr>,
    is_over: Arc<AtomicBool>,
}

/// How long the thread looks at nothing but the socket.
const TURN: Duration = Duration::from_millis(50);
/// The largest SIP message over UDP.
const DATAGRAM_BYTES: usize = 65_535;

impl Answerer {
    /// Starts the thread. `media` is where all calls say that their audio comes from.
    pub(crate) fn start(media: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot bind the SIP socket")?;
        socket.set_read_timeout(Some(TURN))?;
        let address = socket.local_addr()?;
        let (tell, taken) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&is_over);
        std::thread::Builder::new().name("sip-answerer".into()).spawn(move || {
            let (mut datagram, mut known) = (vec![0; DATAGRAM_BYTES], HashSet::new());
            while !ended.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut datagram) else { continue };
                let Some(message) = Message::parse(&datagram[..length]) else { continue };
                let Some((answer, remote)) = reply(&message, address, media) else { continue };
                // What is lost here is asked for again.
                let _ = socket.send_to(answer.as_bytes(), from);
                if let Some(remote) = remote
                    && known.insert(message.header("Call-ID").unwrap_or_default().to_owned())
                    && tell.send(remote).is_err()
                {
                    return;
                }
            }
        })?;
        Ok(Self { address, taken, is_over })
    }

    /// Where it takes calls.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the audio of the next call goes that was taken; an error when none comes within `limit`.
    pub(crate) fn next(&self, limit: Duration) -> anyhow::Result<SocketAddr> {
        self.taken.recv_timeout(limit).with_context(|| format!("no call came for {} s", limit.as_secs()))
    }
}

impl Drop for Answerer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// What a message is answered, and where the audio of a call goes that it begins.
fn reply(message: &Message, own: SocketAddr, media: SocketAddr) -> Option<(String, Option<SocketAddr>)> {
    let Start::Request { method } = &message.start else { return None };
    match method.as_str() {
        "ACK" => None,
        "INVITE" => match message::answered_address(&message.body) {
            Some(remote) => Some((message.taken(own, &message::offer(media, 1)), Some(remote))),
            None => Some((message.response("488 Not Acceptable Here"), None)),
        },
        _ => Some((message.response("200 OK"), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_taken_and_every_other_request_but_an_acknowledgement_gets_200() {
        let own = "127.0.0.1:5061".parse().unwrap();
        let media = "127.0.0.1:4000".parse().unwrap();
        let offer = message::offer("127.0.0.1:9000".parse().unwrap(), 7);
        let request = |method: &str, body: &str| {
            let text = format!(
                "{method} sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n\
                 From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: e\r\nCSeq: 1 {method}\r\n\r\n{body}"
            );
            Message::parse(text.as_bytes()).unwrap()
        };
        let (answer, remote) = reply(&request("INVITE", &offer), own, media).unwrap();
        let answer = Message::parse(answer.as_bytes()).unwrap();
        assert_eq!(
            (&answer.start, remote),
            (&Start::Response { status: 200 }, Some("127.0.0.1:9000".parse().unwrap()))
        );
        assert_eq!(message::answered_address(&answer.body), Some(media));
        assert!(answer.header("To").unwrap().contains(";tag="));
        assert_eq!(answer.contact(), Some("sip:bench@127.0.0.1:5061"));
        assert!(reply(&request("BYE", ""), own, media).unwrap().0.starts_with("SIP/2.0 200 OK"));
        assert_eq!(reply(&request("ACK", ""), own, media), None);
    }
}
