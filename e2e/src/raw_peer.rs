//! A SIP peer by hand, over UDP or TCP: messages are text, so that a test can send what no stack would send.
//!
//! Nothing is resent and nothing is answered by itself. What arrives while a test waits for something else is kept.

use crate::raw_message::RawMessage;
use anyhow::{Context, bail, ensure};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A server that is silent for so long is broken.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one read waits at most, so that a test that waits can look at its deadline.
const READ: Duration = Duration::from_millis(50);

/// Numbers calls and branches over all peers of the process.
static SERIAL: AtomicU32 = AtomicU32::new(1);

fn serial() -> u32 {
    SERIAL.fetch_add(1, Ordering::Relaxed)
}

/// One socket of a peer.
pub struct RawPeer {
    wire: Wire,
    own: SocketAddr,
    server: SocketAddr,
    inbox: VecDeque<RawMessage>,
}

enum Wire {
    Udp(UdpSocket),
    Tcp { stream: TcpStream, held: Vec<u8> },
}

impl Wire {
    fn set_blocking(&self, blocking: bool) -> std::io::Result<()> {
        match self {
            Self::Udp(socket) => socket.set_nonblocking(!blocking),
            Self::Tcp { stream, .. } => stream.set_nonblocking(!blocking),
        }
    }
}

/// A call of a peer: what RFC 3261 section 12.1.2 keeps of a dialog.
#[derive(Debug, Clone)]
pub struct RawCall {
    /// The Call-ID.
    pub id: String,
    /// The value of From.
    pub from: String,
    /// The value of To; with a tag once the call is answered.
    pub to: String,
    /// The request URI: the number at first, the server's Contact once the call is answered.
    pub target: String,
    /// The values of Route.
    pub routes: Vec<String>,
    /// Our Contact, without angle brackets.
    pub contact: String,
    /// The last CSeq that was used.
    pub cseq: u32,
}

impl RawCall {
    /// The dialog of an INVITE of the server that this peer has taken, in answers with this tag in To.
    pub fn taken(invite: &RawMessage, own: SocketAddr, tag: &str) -> anyhow::Result<Self> {
        let header = |name: &str| invite.header(name).with_context(|| format!("no {name} in {invite}"));
        Ok(Self {
            id: header("Call-ID")?,
            from: format!("{};tag={tag}", header("To")?),
            to: header("From")?,
            target: invite.contact().context("no Contact")?,
            routes: invite.headers("Record-Route"),
            contact: format!("sip:agent@{own}"),
            cseq: 0,
        })
    }
}

/// A body and its type.
pub type Body<'a> = (&'a str, &'a str);

impl RawPeer {
    /// A UDP socket.
    pub fn udp(server: SocketAddr) -> anyhow::Result<Self> {
        Self::udp_at(local_side(server), server)
    }

    /// A UDP socket on an address of this machine, such as 127.0.0.2.
    pub fn udp_at(local: IpAddr, server: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((local, 0)).with_context(|| format!("cannot bind {local}"))?;
        socket.set_read_timeout(Some(READ))?;
        let own = socket.local_addr()?;
        Ok(Self { wire: Wire::Udp(socket), own, server, inbox: VecDeque::new() })
    }

    /// A UDP socket on this address and port.
    pub fn udp_on(local: SocketAddr, server: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind(local).with_context(|| format!("cannot bind {local}"))?;
        socket.set_read_timeout(Some(READ))?;
        Ok(Self { wire: Wire::Udp(socket), own: local, server, inbox: VecDeque::new() })
    }

    /// A TCP connection.
    pub fn tcp(server: SocketAddr) -> anyhow::Result<Self> {
        Self::over(TcpStream::connect(server)?, server)
    }

    /// The next connection that the server opens to `listener`.
    pub fn accepted(listener: &TcpListener) -> anyhow::Result<Self> {
        let (stream, server) = listener.accept()?;
        Self::over(stream, server)
    }

    /// Takes a connection as it is.
    pub fn over(stream: TcpStream, server: SocketAddr) -> anyhow::Result<Self> {
        stream.set_read_timeout(Some(READ))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let own = stream.local_addr()?;
        Ok(Self { wire: Wire::Tcp { stream, held: Vec::new() }, own, server, inbox: VecDeque::new() })
    }

    /// The address of the socket.
    pub fn own(&self) -> SocketAddr {
        self.own
    }

    /// `UDP` or `TCP`.
    pub fn transport(&self) -> &'static str {
        match self.wire {
            Wire::Udp(_) => "UDP",
            Wire::Tcp { .. } => "TCP",
        }
    }

    /// Sends no more, and still reads.
    pub fn end_sending(&self) -> anyhow::Result<()> {
        match &self.wire {
            Wire::Udp(_) => bail!("a UDP socket has no sides"),
            Wire::Tcp { stream, .. } => Ok(stream.shutdown(std::net::Shutdown::Write)?),
        }
    }

    /// A call that nothing has been sent of.
    pub fn new_call(&self, dialled: &str) -> RawCall {
        let (own, server, nth) = (self.own, self.server, serial());
        let transport = if self.transport() == "TCP" { ";transport=tcp" } else { "" };
        RawCall {
            id: format!("{nth}-{}-{}@{}", std::process::id(), own.port(), own.ip()),
            from: format!("<sip:+12065550{nth:03}@{own}>;tag=f{nth}"),
            to: format!("<sip:{dialled}@{server}>"),
            target: format!("sip:{dialled}@{server}"),
            routes: Vec::new(),
            contact: format!("sip:caller@{own}{transport}"),
            cseq: 0,
        }
    }

    /// A value for Via, with a branch that was not used before.
    pub fn via(&self) -> String {
        format!("SIP/2.0/{} {};rport;branch=z9hG4bK{}", self.transport(), self.own, serial())
    }

    /// A description of our side: audio at `port` of our address, in these payload types.
    pub fn sdp(&self, port: u16, payload_types: &str) -> String {
        sdp(self.own.ip(), port, payload_types, "sendrecv")
    }

    /// The next request of a call, with `extra` header lines; not sent.
    pub fn request(&self, call: &mut RawCall, method: &str, extra: &str, body: Option<Body<'_>>) -> String {
        call.cseq += 1;
        self.request_with(call, method, call.cseq, extra, body)
    }

    /// A request of a call with that CSeq; not sent.
    pub fn request_with(
        &self,
        call: &RawCall,
        method: &str,
        cseq: u32,
        extra: &str,
        body: Option<Body<'_>>,
    ) -> String {
        let mut text =
            format!("{method} {} SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\n", call.target, self.via());
        for route in &call.routes {
            text.push_str(&format!("Route: {route}\r\n"));
        }
        let (content, body) = match body {
            Some((kind, body)) => (format!("Content-Type: {kind}\r\n"), body),
            None => (String::new(), ""),
        };
        // Writing into a String cannot fail.
        let _ = write!(
            text,
            "From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <{}>\r\n{extra}{content}\
             Content-Length: {}\r\n\r\n{body}",
            call.from,
            call.to,
            call.id,
            call.contact,
            body.len(),
        );
        text
    }

    /// The acknowledgement of a 2xx to the INVITE with that CSeq; not sent.
    pub fn ack(&self, call: &RawCall, cseq: u32, body: Option<Body<'_>>) -> String {
        self.request_with(call, "ACK", cseq, "", body)
    }

    /// Sends a message, or anything else.
    pub fn send(&mut self, text: &str) -> anyhow::Result<()> {
        self.send_bytes(text.as_bytes())
    }

    /// Sends bytes: one datagram, or a piece of the stream.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match &mut self.wire {
            Wire::Udp(socket) => {
                let sent = socket.send_to(bytes, self.server)?;
                ensure!(sent == bytes.len(), "a datagram was cut");
            }
            Wire::Tcp { stream, .. } => stream.write_all(bytes)?,
        }
        Ok(())
    }

    /// The final response to a request, which was sent.
    pub fn answer(&mut self, request: &str) -> anyhow::Result<RawMessage> {
        let request = RawMessage::new(request.as_bytes());
        let key = |message: &RawMessage| (message.header("Call-ID"), message.header("CSeq"));
        let wanted = key(&request);
        let what = format!("a final response to {}", request.first_line());
        self.wait_for(&what, |message| message.status() >= Some(200) && key(message) == wanted)
    }

    /// Sends a request and waits for its final response.
    pub fn exchange(&mut self, request: &str) -> anyhow::Result<RawMessage> {
        self.send(request)?;
        self.answer(request)
    }

    /// The next request of a call, sent; gives its final response.
    pub fn ask(
        &mut self,
        call: &mut RawCall,
        method: &str,
        extra: &str,
        body: Option<Body<'_>>,
    ) -> anyhow::Result<RawMessage> {
        let request = self.request(call, method, extra, body);
        self.exchange(&request)
    }

    /// Sends an INVITE and acknowledges what it is answered, a refusal too; the dialog learns from a 2xx.
    pub fn invite(&mut self, call: &mut RawCall, extra: &str, offer: &str) -> anyhow::Result<RawMessage> {
        let invite = self.request(call, "INVITE", extra, Some(("application/sdp", offer)));
        self.place(call, &invite)
    }

    /// As [`RawPeer::invite`], with an INVITE as the test wants it.
    pub fn place(&mut self, call: &mut RawCall, invite: &str) -> anyhow::Result<RawMessage> {
        let answer = self.exchange(invite)?;
        let cseq = call.cseq;
        if answer.is_success() {
            call.learn(&answer)?;
            let ack = self.ack(call, cseq, None);
            self.send(&ack)?;
        } else {
            self.send(&ack_of_refusal(invite, &answer)?)?;
        }
        Ok(answer)
    }

    /// Calls; an error where the call is not answered 200.
    pub fn call(&mut self, dialled: &str, media_port: u16) -> anyhow::Result<RawCall> {
        let mut call = self.new_call(dialled);
        let offer = self.sdp(media_port, "0 101");
        let answer = self.invite(&mut call, "", &offer)?;
        ensure!(answer.status() == Some(200), "the INVITE was answered\n{answer}");
        Ok(call)
    }

    /// Hangs up.
    pub fn hang_up(&mut self, call: &mut RawCall) -> anyhow::Result<()> {
        let answer = self.ask(call, "BYE", "", None)?;
        ensure!(answer.status() == Some(200), "the BYE was answered\n{answer}");
        Ok(())
    }

    /// Presses a key by INFO.
    pub fn key(&mut self, call: &mut RawCall, key: char) -> anyhow::Result<RawMessage> {
        let body = format!("Signal={key}\r\nDuration=160\r\n");
        self.ask(call, "INFO", "", Some(("application/dtmf-relay", &body)))
    }

    /// Waits for a request of the server, and answers it 200.
    pub fn take_request(&mut self, method: &str) -> anyhow::Result<RawMessage> {
        let what = format!("a {method}");
        let request = self.wait_for(&what, |message| message.method() == Some(method))?;
        self.send(&request.response("200 OK", ""))?;
        Ok(request)
    }

    /// Waits for a message; what does not fit is kept for later.
    pub fn wait_for(&mut self, what: &str, fits: impl Fn(&RawMessage) -> bool) -> anyhow::Result<RawMessage> {
        let begun = Instant::now();
        loop {
            if let Some(found) = self.inbox.iter().position(&fits) {
                return self.inbox.remove(found).context("a message that was just there");
            }
            if let Err(error) = self.receive() {
                return Err(error.context(format!("while waiting for {what}")));
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "waited {PATIENCE:?} in vain for {what}; there came {:?}",
                self.inbox.iter().map(RawMessage::first_line).collect::<Vec<_>>()
            );
        }
    }

    /// All that has come and was not waited for.
    pub fn received(&mut self) -> anyhow::Result<&VecDeque<RawMessage>> {
        while self.receive()? {}
        Ok(&self.inbox)
    }

    /// Takes all that has come, without waiting for more.
    pub fn take_all(&mut self) -> anyhow::Result<Vec<RawMessage>> {
        self.wire.set_blocking(false)?;
        let mut more = Ok(true);
        while matches!(more, Ok(true)) {
            more = self.receive();
        }
        self.wire.set_blocking(true)?;
        more?;
        Ok(self.inbox.drain(..).collect())
    }

    /// Waits until the server closes the connection; what comes before is kept.
    pub fn wait_for_close(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            match self.receive() {
                Ok(_) => ensure!(begun.elapsed() < PATIENCE, "the connection is still open"),
                Err(_) => return Ok(()),
            }
        }
    }

    /// Reads once; false where nothing came within [`READ`], an error at the end of a stream.
    fn receive(&mut self) -> anyhow::Result<bool> {
        let mut bytes = [0; 65_536];
        match &mut self.wire {
            Wire::Udp(socket) => match socket.recv_from(&mut bytes) {
                Ok((length, _)) => self.inbox.push_back(RawMessage::new(&bytes[..length])),
                Err(error) if is_empty(&error) => return Ok(false),
                Err(error) => return Err(error.into()),
            },
            Wire::Tcp { stream, held } => match stream.read(&mut bytes) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(length) => {
                    held.extend_from_slice(&bytes[..length]);
                    while let Some(message) = RawMessage::cut(held) {
                        self.inbox.push_back(message);
                    }
                }
                Err(error) if is_empty(&error) => return Ok(false),
                Err(error) => return Err(error.into()),
            },
        }
        Ok(true)
    }
}

impl RawCall {
    /// Takes tag, target and route set from a response that makes the dialog (RFC 3261 section 12.1.2).
    pub fn learn(&mut self, answer: &RawMessage) -> anyhow::Result<()> {
        self.to = answer.header("To").context("a response without To")?;
        self.target = answer.contact().with_context(|| format!("no Contact in\n{answer}"))?;
        self.routes = answer.headers("Record-Route").into_iter().rev().collect();
        Ok(())
    }
}

/// The acknowledgement of a refusal: of the INVITE's own transaction (RFC 3261 section 17.1.1.3).
pub fn ack_of_refusal(invite: &str, answer: &RawMessage) -> anyhow::Result<String> {
    let invite = RawMessage::new(invite.as_bytes());
    let uri = invite.first_line().split(' ').nth(1).unwrap_or_default().to_owned();
    let value = |name: &str| invite.header(name).with_context(|| format!("the INVITE has no {name}"));
    let number = value("CSeq")?.split(' ').next().unwrap_or_default().to_owned();
    Ok(format!(
        "ACK {uri} SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\n\
         CSeq: {number} ACK\r\nContent-Length: 0\r\n\r\n",
        value("Via")?,
        value("From")?,
        answer.header("To").context("a refusal without To")?,
        value("Call-ID")?,
    ))
}

/// A session description: audio at `address` and `port`, in these payload types, of which 101 is keys.
pub fn sdp(address: IpAddr, port: u16, payload_types: &str, direction: &str) -> String {
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    let mut text = format!(
        "v=0\r\no=raw {} 1 IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP {payload_types}\r\n",
        serial()
    );
    for (payload_type, encoding) in [("0", "PCMU"), ("8", "PCMA"), ("9", "G722"), ("101", "telephone-event")]
    {
        if payload_types.split(' ').any(|found| found == payload_type) {
            text.push_str(&format!("a=rtpmap:{payload_type} {encoding}/8000\r\n"));
        }
    }
    text + &format!("a=ptime:20\r\na={direction}\r\n")
}

fn local_side(server: SocketAddr) -> IpAddr {
    match server.ip() {
        ip if ip.is_loopback() => ip,
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn is_empty(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
