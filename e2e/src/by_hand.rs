//! SIP callers made by hand: they do what sipp cannot, and nothing that they are not told to do.

use anyhow::{Context, bail, ensure};
use socket2::{Domain, Socket, Type};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// A server that is silent for so long is broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// Another address of this machine than the one that tests use: another source.
pub const OTHER_SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A session description of a caller at `media`.
pub fn sdp(media: SocketAddr, direction: &str) -> String {
    let kind = if media.is_ipv4() { "IP4" } else { "IP6" };
    let (ip, port) = (media.ip(), media.port());
    format!(
        "v=0\r\no=- 1 1 IN {kind} {ip}\r\ns=-\r\nc=IN {kind} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na={direction}\r\n"
    )
}

/// One call over UDP.
pub struct CallerByHand {
    socket: UdpSocket,
    server: SocketAddr,
    own: SocketAddr,
    dialled: String,
    call_id: String,
    /// `;tag=…` of the server, once it is known.
    to_tag: String,
    /// Of the last INVITE.
    invite_cseq: u32,
    cseq: u32,
}

/// What the server said.
#[derive(Debug, Clone)]
pub struct Said {
    /// The whole message.
    pub text: String,
    /// The status of a response.
    pub status: Option<u16>,
}

impl Said {
    fn new(text: String) -> Self {
        let status = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok());
        Self { text, status }
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines =
            self.text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body.
    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

impl CallerByHand {
    /// Takes a port on the address that leads to the server.
    pub fn new(server: SocketAddr, dialled: &str) -> anyhow::Result<Self> {
        let own: IpAddr = if server.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { "::1".parse()? };
        Self::at(own, server, dialled)
    }

    /// Takes a port on this address.
    pub fn at(own: IpAddr, server: SocketAddr, dialled: &str) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((own, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let own = socket.local_addr()?;
        Ok(Self {
            call_id: format!("by-hand-{}@{}", own.port(), own.ip()),
            socket,
            server,
            own,
            dialled: dialled.to_owned(),
            to_tag: String::new(),
            invite_cseq: 0,
            cseq: 0,
        })
    }

    /// Another call from the same socket.
    pub fn next_call(&mut self, name: &str) {
        self.call_id = format!("{name}-{}@{}", self.own.port(), self.own.ip());
        self.to_tag.clear();
        (self.cseq, self.invite_cseq) = (0, 0);
    }

    /// A request of the call: the next CSeq, a branch of its own; `extra` are whole header lines.
    pub fn request(&mut self, method: &str, extra: &str, body: &str) -> String {
        self.cseq += 1;
        if method == "INVITE" {
            self.invite_cseq = self.cseq;
        }
        self.message(method, self.cseq, &format!("{}-{method}", self.cseq), extra, body)
    }

    /// Sends a request of the call; gives its CSeq.
    pub fn send(&mut self, method: &str, extra: &str, body: &str) -> anyhow::Result<u32> {
        let request = self.request(method, extra, body);
        self.socket.send_to(request.as_bytes(), self.server)?;
        Ok(self.cseq)
    }

    /// CANCEL of the last INVITE.
    pub fn cancel(&self) -> anyhow::Result<()> {
        let branch = format!("{}-INVITE", self.invite_cseq);
        let request = self.message("CANCEL", self.invite_cseq, &branch, "", "");
        self.socket.send_to(request.as_bytes(), self.server)?;
        Ok(())
    }

    /// ACK of the last INVITE: of its 2xx, with a body where one is due, or of a refusal.
    pub fn ack(&self, of_success: bool, body: &str) -> anyhow::Result<()> {
        let branch = format!("{}-{}", self.invite_cseq, if of_success { "ACK" } else { "INVITE" });
        let request = self.message("ACK", self.invite_cseq, &branch, "", body);
        self.socket.send_to(request.as_bytes(), self.server)?;
        Ok(())
    }

    /// Bytes as they are.
    pub fn send_raw(&self, bytes: &[u8]) -> anyhow::Result<()> {
        self.socket.send_to(bytes, self.server)?;
        Ok(())
    }

    /// The next message of the server, whatever it is.
    pub fn hear(&self) -> anyhow::Result<Said> {
        let mut datagram = [0; 65_535];
        let (length, from) = self.socket.recv_from(&mut datagram).context("the server says nothing")?;
        ensure!(from == self.server, "{from} answers instead of {}", self.server);
        Ok(Said::new(String::from_utf8_lossy(&datagram[..length]).into_owned()))
    }

    /// What the server has said already.
    pub fn heard_so_far(&self) -> anyhow::Result<Vec<Said>> {
        self.socket.set_nonblocking(true)?;
        let (mut said, mut datagram) = (Vec::new(), [0; 65_535]);
        while let Ok((length, _)) = self.socket.recv_from(&mut datagram) {
            said.push(Said::new(String::from_utf8_lossy(&datagram[..length]).into_owned()));
        }
        self.socket.set_nonblocking(false)?;
        Ok(said)
    }

    /// The final response to a request of this call.
    pub fn final_response(&mut self, method: &str, cseq: u32) -> anyhow::Result<Said> {
        loop {
            let said = self.hear()?;
            let is_own = said.header("CSeq") == Some(&format!("{cseq} {method}"))
                && said.header("Call-ID") == Some(&self.call_id);
            if is_own && said.status.is_some_and(|status| status >= 200) {
                if self.to_tag.is_empty() && said.status == Some(200) {
                    let to = said.header("To").context("no To")?;
                    let tag = to.split(";tag=").nth(1).context("no tag in To")?;
                    self.to_tag = format!(";tag={tag}");
                }
                return Ok(said);
            }
        }
    }

    /// INVITE, its answer, ACK.
    pub fn call(&mut self, body: &str) -> anyhow::Result<Said> {
        let cseq = self.send("INVITE", "", body)?;
        let said = self.final_response("INVITE", cseq)?;
        ensure!(said.status == Some(200), "the INVITE was answered:\n{}", said.text);
        self.ack(true, "")?;
        Ok(said)
    }

    /// BYE and its answer.
    pub fn hang_up(&mut self) -> anyhow::Result<()> {
        let cseq = self.send("BYE", "", "")?;
        let said = self.final_response("BYE", cseq)?;
        ensure!(said.status == Some(200), "the BYE was answered:\n{}", said.text);
        Ok(())
    }

    fn message(&self, method: &str, cseq: u32, branch: &str, extra: &str, body: &str) -> String {
        let Self { server, own, dialled, call_id, to_tag, .. } = self;
        let mut text = format!(
            "{method} sip:{dialled}@{server} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{}-{branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+12065550111@{own}>;tag=a\r\nTo: <sip:{dialled}@{server}>{to_tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:caller@{own}>\r\n{extra}",
            call_id.split('@').next().unwrap_or_default()
        );
        if !body.is_empty() && !extra.contains("Content-Type") {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
        text
    }
}

/// An OPTIONS for a connection.
pub fn options(own: SocketAddr, number: u32) -> String {
    format!(
        "OPTIONS sip:ping@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP {own};branch=z9hG4bK-o-{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:peer@{own}>;tag=o\r\nTo: <sip:ping@127.0.0.1>\r\nCall-ID: options-{number}-{own}\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

/// A connection to the server from `source`; `receive_bytes` is what its kernel takes without being read.
pub fn connect(
    source: IpAddr,
    server: SocketAddr,
    receive_bytes: Option<usize>,
) -> anyhow::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
    if let Some(bytes) = receive_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(&SocketAddr::new(source, 0).into())?;
    socket.connect(&server.into())?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

/// Waits until the server has closed a connection; what it still says is dropped.
pub fn await_end(mut connection: &TcpStream) -> anyhow::Result<()> {
    let mut buffer = [0; 65_536];
    loop {
        match connection.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => bail!("the server does not close the connection: {error}"),
        }
    }
}

/// Writes until it is done, or until the server has closed the connection: false.
pub fn write_or_be_closed(mut connection: &TcpStream, bytes: &[u8]) -> bool {
    connection.write_all(bytes).is_ok()
}
