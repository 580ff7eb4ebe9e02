//! The signalling of a call that comes in: INVITE, 200, ACK, BYE.

use super::counted;
use anyhow::{Context, ensure};
use std::net::SocketAddr;
use tympan_sip::agent::{
    Agent, Body, Command, Config, Event, Input, Limits, ListenerId, Output, Trunk, Trunks,
};
use tympan_sip::transaction::Timers;
use tympan_types::{LegId, Mono};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
    m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n";
const SEED: [u8; 32] = [7; 32];
/// A call every 100 ms, so that the transactions of some hundred calls linger as they do on a busy trunk.
const BETWEEN_MS: u64 = 100;

/// One call after the other. The peer's messages are made beforehand: the seed decides our tags.
pub(super) fn invite_to_bye(calls: usize) -> anyhow::Result<()> {
    let invites: Vec<_> =
        (0..calls).map(|call| message("INVITE", 1, call, "", "application/sdp", SDP)).collect();
    let mut agent = agent()?;
    let mut tags = Vec::with_capacity(calls);
    for (call, invite) in invites.iter().enumerate() {
        let answer = Peer { agent: &mut agent, at: at(call) }.invite(invite);
        let answer = String::from_utf8(answer.context("no answer")?)?;
        let to = answer.lines().find(|line| line.starts_with("To:")).context("no To")?;
        tags.push(format!(";tag={}", to.rsplit("tag=").next().context("no tag")?));
        Peer { agent: &mut agent, at: at(call) }.rest(&rest(call, &tags[call]));
    }

    let rests: Vec<_> = tags.iter().enumerate().map(|(call, tag)| rest(call, tag)).collect();
    let mut agent = self::agent()?;
    let mut ended = 0;
    counted(|| {
        for (call, (invite, rest)) in invites.iter().zip(&rests).enumerate() {
            let mut peer = Peer { agent: &mut agent, at: at(call) };
            let _answer = peer.invite(invite);
            ended += peer.rest(rest);
        }
    });
    ensure!(ended == calls, "{ended} of {calls} calls ended");
    Ok(())
}

fn agent() -> anyhow::Result<Agent> {
    let config = Config {
        product: "tympan".to_owned(),
        contact_user: "tympan".to_owned(),
        host_names: Vec::new(),
        timers: Timers::default(),
        limits: Limits::default(),
        trunks: Trunks::new(Vec::new(), Trunk::new("default"))?,
        invited_legs_from: 1,
        takes_transfers: false,
        dialled_legs_from: 1 << 62,
    };
    Ok(Agent::new(config, SEED))
}

struct Peer<'a> {
    agent: &'a mut Agent,
    at: Mono,
}

impl Peer<'_> {
    /// What the 200 is.
    fn invite(&mut self, invite: &[u8]) -> Option<Vec<u8>> {
        let leg = self.send(invite).invited?;
        let body = Body { content_type: "application/sdp".to_owned(), bytes: SDP.as_bytes().into() };
        self.agent.handle(self.at, Input::Command { leg, command: Command::Answer { body } });
        self.take().sent
    }

    /// How many legs ended.
    fn rest(&mut self, messages: &[Vec<u8>]) -> usize {
        messages.iter().map(|message| self.send(message).ended).sum()
    }

    fn send(&mut self, bytes: &[u8]) -> Taken {
        let bytes = bytes.to_vec().into();
        let packet = Input::Packet { at: ListenerId(0), local: local(), from: peer(), bytes };
        self.agent.handle(self.at, packet);
        self.take()
    }

    fn take(&mut self) -> Taken {
        let mut taken = Taken::default();
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send { bytes, .. } => taken.sent = Some(bytes.to_vec()),
                Output::Event { leg, event: Event::Invited { .. } } => taken.invited = Some(leg),
                Output::Event { event: Event::Ended(_), .. } => taken.ended += 1,
                _ => {}
            }
        }
        taken
    }
}

#[derive(Default)]
struct Taken {
    invited: Option<LegId>,
    sent: Option<Vec<u8>>,
    ended: usize,
}

fn rest(call: usize, tag: &str) -> [Vec<u8>; 2] {
    [message("ACK", 1, call, tag, "", ""), message("BYE", 2, call, tag, "", "")]
}

fn message(method: &str, cseq: u32, call: usize, to_tag: &str, content_type: &str, body: &str) -> Vec<u8> {
    let content = if body.is_empty() { String::new() } else { format!("Content-Type: {content_type}\r\n") };
    format!(
        "{method} sip:+18005550100@{local} SIP/2.0\r\nVia: SIP/2.0/UDP {peer};rport;branch=z9hG4bK-{method}-{call}\r\n\
         Max-Forwards: 70\r\nFrom: \"Caller\" <sip:+12065550123@{peer}>;tag=f{call}\r\n\
         To: <sip:+18005550100@{local}>{to_tag}\r\nCall-ID: call-{call}@example.com\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:caller@{peer}>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nUser-Agent: bench\r\n\
         {content}Content-Length: {length}\r\n\r\n{body}",
        local = local(),
        peer = peer(),
        length = body.len(),
    )
    .into_bytes()
}

fn at(call: usize) -> Mono {
    Mono::from_millis(call as u64 * BETWEEN_MS)
}

fn local() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10], 5060))
}
