//! A browser with the console open, over plain sockets: sign-in, requests, WebSockets.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tympan_testkit::TestServer;

/// The key of `--dev`, as the console's sign-in takes it.
pub const DEV_KEY: &str = r#"{"accessKeyId":"TYMPANDEV","secretAccessKey":"tympandevsecret"}"#;

/// A browser with the console open.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Host and port.
    pub host: String,
    /// What the console has set.
    pub cookie: String,
    /// Of the page that sends the requests.
    pub origin: String,
}

/// An answer that is there as a whole.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// The body.
    pub bytes: Vec<u8>,
    /// The same as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.body).with_context(|| self.body.clone())
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Browser {
    /// One that is not signed in.
    pub fn new(server: &TestServer) -> anyhow::Result<Self> {
        let origin = server.console().context("no console")?.to_owned();
        let host = origin.trim_start_matches("http://").to_owned();
        Ok(Self { host, cookie: String::new(), origin })
    }

    /// One that is signed in by a key.
    pub fn signed_in(server: &TestServer, key: &str) -> anyhow::Result<Self> {
        let mut browser = Self::new(server)?;
        browser.sign_in(key)?;
        Ok(browser)
    }

    fn head(&self, method: &str, path: &str, more: &str) -> String {
        let Self { host, cookie, origin } = self;
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n{more}\r\n"
        )
    }

    /// Sends a request on a connection of its own.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        let length = body.len();
        let more = format!("Content-Length: {length}\r\nConnection: close\r\n");
        let mut connection = TcpStream::connect(&self.host)?;
        write!(connection, "{}{body}", self.head(method, path, &more))?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("no head")?;
        let head = String::from_utf8(answer[..end].to_vec())?;
        let bytes = answer[end + 4..].to_vec();
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, head, bytes, body })
    }

    /// Begins a session.
    pub fn sign_in(&mut self, body: &str) -> anyhow::Result<()> {
        let answer = self.ask("POST", "/api/sign-in", body)?;
        ensure!(answer.status == 204, "{}\n{}", answer.head, answer.body);
        let cookie = answer.header("set-cookie").context("no cookie")?;
        ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(())
    }

    /// Asks for a WebSocket, and gives the connection with what has come up to the end of the head.
    pub fn upgrade(&self, path: &str) -> anyhow::Result<(TcpStream, String)> {
        let more = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let mut connection = TcpStream::connect(&self.host)?;
        connection.set_read_timeout(Some(Duration::from_secs(60)))?;
        connection.write_all(self.head("GET", path, more).as_bytes())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        Ok((connection, String::from_utf8(head)?))
    }
}

/// A frame of a server (RFC 6455 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A ping with its payload.
    Ping(Vec<u8>),
    /// The end, with its code.
    Close(u16),
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The next frame of a server: not masked, whole.
pub fn frame(connection: &mut TcpStream) -> anyhow::Result<Frame> {
    let mut head = [0; 2];
    connection.read_exact(&mut head)?;
    ensure!(head[0] & 0xf0 == 0x80, "no whole frame: {head:?}");
    let length = match head[1] {
        126 => {
            let mut length = [0; 2];
            connection.read_exact(&mut length)?;
            usize::from(u16::from_be_bytes(length))
        }
        127 => {
            let mut length = [0; 8];
            connection.read_exact(&mut length)?;
            usize::try_from(u64::from_be_bytes(length))?
        }
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    connection.read_exact(&mut payload)?;
    match head[0] & 0xf {
        TEXT => Ok(Frame::Text(String::from_utf8(payload)?)),
        BINARY => Ok(Frame::Binary(payload)),
        PING => Ok(Frame::Ping(payload)),
        CLOSE => Ok(Frame::Close(u16::from_be_bytes(payload.get(..2).context("no code")?.try_into()?))),
        other => anyhow::bail!("a frame of opcode {other}"),
    }
}

/// Answers a ping.
pub fn pong(connection: &mut TcpStream, payload: &[u8]) -> anyhow::Result<()> {
    client_frame(connection, PONG, payload)
}

/// Sends a text.
pub fn say(connection: &mut TcpStream, text: &str) -> anyhow::Result<()> {
    client_frame(connection, TEXT, text.as_bytes())
}

/// A short frame, masked with zeros.
fn client_frame(connection: &mut TcpStream, opcode: u8, payload: &[u8]) -> anyhow::Result<()> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).context("too long")?;
    let frame = [&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0], payload].concat();
    Ok(connection.write_all(&frame)?)
}
