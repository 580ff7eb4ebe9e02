//! Whether a server answers where clients look for it.

use super::Finding;
use std::time::{Duration, SystemTime};
use time::macros::format_description;
use time::parsing::Parsed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CHECK: &str = "server";
const PATIENCE: Duration = Duration::from_secs(3);
/// Larger than any answer to a probe.
const ANSWER_BYTES: u64 = 64 << 10;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A tympan server.
    Tympan {
        /// Whether it takes new work.
        ready: bool,
        /// Its clock.
        date: Option<SystemTime>,
        /// Its gauges of damage that are not 0.
        damaged: Vec<String>,
    },
    /// Something else that speaks HTTP, or does not.
    Other(String),
    /// Nothing, and why.
    Silent(String),
    /// It was not asked: an endpoint over TLS.
    NotAsked,
}

impl Answer {
    pub(super) fn is_tympan(&self) -> bool {
        matches!(self, Self::Tympan { .. })
    }

    pub(super) fn date(&self) -> Option<SystemTime> {
        match self {
            Self::Tympan { date, .. } => *date,
            _ => None,
        }
    }
}

/// Asks for health and readiness.
pub(super) async fn ask(endpoint: &str) -> Answer {
    let Some(authority) = endpoint.strip_prefix("http://") else { return Answer::NotAsked };
    let authority = authority.split('/').next().unwrap_or_default();
    let health = match get(authority, "/healthz").await {
        Ok(answer) => answer,
        Err(error) => return Answer::Silent(error.to_string()),
    };
    if !(health.starts_with("HTTP/1.1 200") && health.ends_with("ok\n")) {
        let line = health.lines().next().unwrap_or_default().chars().take(80).collect();
        return Answer::Other(line);
    }
    let ready = get(authority, "/readyz").await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"));
    let damaged = get(authority, "/metrics").await.map(|page| damaged(&page)).unwrap_or_default();
    Answer::Tympan { ready, date: date_of(&health), damaged }
}

/// The lines of gauges that count damage and found some.
fn damaged(metrics: &str) -> Vec<String> {
    let found = |line: &&str| {
        let gauge = line
            .split_once(' ')
            .filter(|(name, _)| name.starts_with("tympan_") && name.ends_with("_damaged"));
        gauge.is_some_and(|(_, count)| count != "0")
    };
    metrics.lines().filter(found).map(str::to_owned).collect()
}

async fn get(authority: &str, path: &str) -> std::io::Result<String> {
    let exchange = async {
        let authority_and_port =
            if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        let mut connection = TcpStream::connect(authority_and_port).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // A server that speaks something else may cut the connection off behind its own first words.
        let read = connection.take(ANSWER_BYTES).read_to_end(&mut answer).await;
        if answer.is_empty() {
            read?;
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let late = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer within 3 s");
    tokio::time::timeout(PATIENCE, exchange).await.map_err(late)?
}

/// The header `date`, in the form of RFC 9110, 5.6.7.
fn date_of(answer: &str) -> Option<SystemTime> {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("date: "))?;
    let form = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let mut parsed = Parsed::new();
    let rest = parsed.parse_items(line.get(6..)?.trim().as_bytes(), form).ok()?;
    let date: time::PrimitiveDateTime = rest.is_empty().then(|| parsed.try_into().ok())??;
    Some(date.assume_utc().into())
}

pub(super) fn examine(endpoint: &str, answer: &Answer) -> Finding {
    match answer {
        Answer::Tympan { damaged, .. } if !damaged.is_empty() => Finding::problem(
            CHECK,
            format!("the tympan server at {endpoint} has found damage: {}", damaged.join(", ")),
            "what is damaged is not served; the rest is",
            "look for ERROR in its log, and restore what it names from a backup",
        ),
        Answer::Tympan { ready: true, .. } => {
            Finding::ok(CHECK, format!("a tympan server is up at {endpoint} and takes new work"))
        }
        Answer::Tympan { ready: false, .. } => Finding::warning(
            CHECK,
            format!("the tympan server at {endpoint} takes no new work"),
            "it is being stopped and waits for calls to end, or no further call fits under its limit of open files",
            "look at its /readyz, which says which",
        ),
        Answer::Other(line) => Finding::warning(
            CHECK,
            format!("something else answers at {endpoint}: {line:?}"),
            "clients that look for tympan there find it instead",
            "set AWS_ENDPOINT_URL or --endpoint to the server's address",
        ),
        Answer::Silent(reason) => Finding::warning(
            CHECK,
            format!("no server is up at {endpoint}: {reason}"),
            "clients that look there find no server; before the first start that is as it should be",
            "`tympan serve`, or name the server with AWS_ENDPOINT_URL or --endpoint",
        ),
        Answer::NotAsked => Finding::warning(
            CHECK,
            format!("{endpoint} was not asked: it is not http://"),
            "this looks at servers of this machine",
            "name the plain listener with --endpoint",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn the_servers_clock_is_read() {
        let answer = "HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nok\n";
        let epoch_s = date_of(answer).unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(epoch_s, 784_111_777);
        assert_eq!(date_of("HTTP/1.1 200 OK\r\ndate: yesterday\r\n\r\n"), None);
    }

    #[test]
    fn gauges_of_damage_are_found_in_the_metrics() {
        let page = "# TYPE tympan_settings_damaged gauge\ntympan_settings_damaged 2\ntympan_contacts_damaged 0\n\
                    tympan_calls_active 3\n# EOF\n";
        assert_eq!(damaged(page), ["tympan_settings_damaged 2"]);
    }

    #[tokio::test]
    async fn somebody_else_nobody_and_a_server_are_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let other = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.read_buf(&mut Vec::with_capacity(500)).await.unwrap();
            connection.write_all(b"SSH-2.0-something\r\n").await.unwrap();
        });
        let answer = ask(&endpoint).await;
        assert!(matches!(&answer, Answer::Other(line) if line.starts_with("SSH")), "{answer:?}");
        other.await.unwrap();
        let silent = ask(&endpoint).await;
        assert!(matches!(silent, Answer::Silent(_)), "{silent:?}");
        assert_eq!(examine(&endpoint, &silent).state, State::Warning);
        assert_eq!(ask("https://x").await, Answer::NotAsked);
    }
}
