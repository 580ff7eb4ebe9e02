//! The control calls of `--dev` (docs/emulator.md), as `curl` makes them.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use tympan_testkit::TestServer;

/// Status and JSON of an unsigned request; `null` where the answer is no JSON.
pub fn ask(server: &TestServer, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, Value)> {
    let address = server.http().trim_start_matches("http://");
    let length = body.len();
    let answer = raw(
        server,
        &format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ),
    )?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, serde_json::from_str(body).unwrap_or_default()))
}

/// The text of an unsigned `GET` that succeeds, such as of `/metrics`.
pub fn page(server: &TestServer, path: &str) -> anyhow::Result<String> {
    let address = server.http().trim_start_matches("http://");
    let mut connection = TcpStream::connect(address)?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "GET {path}: {answer}");
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// As [`ask`], of a call that succeeds.
pub fn control(server: &TestServer, method: &str, path: &str, body: &str) -> anyhow::Result<Value> {
    let (status, answer) = ask(server, method, path, body)?;
    ensure!(status == 200, "{method} {path} {body}: {status} {answer}");
    Ok(answer)
}

/// Sends these bytes as they are and gives all that comes back until the connection ends.
pub fn raw(server: &TestServer, request: &str) -> anyhow::Result<String> {
    raw_at(server.http().trim_start_matches("http://"), request)
}

/// As [`raw`], to an address.
pub fn raw_at(address: &str, request: &str) -> anyhow::Result<String> {
    let mut connection = TcpStream::connect(address)?;
    connection.write_all(request.as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
