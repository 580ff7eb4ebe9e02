//! The customer is captured through bots, holds, queues and agents: the seed's rows 3 and 4 with real telephones.

use anyhow::Context;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find, share_at};
use tympan_e2e::desk::python;
use tympan_e2e::flow::{
    Flow, bot, hang_up, listen, say, set_attributes, set_queue, start_streaming_both, to_queue,
};
use tympan_e2e::office::{Office, json_lines, text};
use tympan_e2e::raw_peer::{RawCall, RawPeer, sdp};
use tympan_e2e::sipp::{Caller, free_port};
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550133";
const ALIAS: &str = "arn:aws:lex:us-west-2:111122223333:bot-alias/ABCDEFGHIJ/TSTALIASID";

/// Ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn samples_of(body: &[u8]) -> Vec<i16> {
    body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

#[test]
fn seed_03_what_the_caller_says_to_a_bot_is_the_same_in_the_stream_and_at_the_bot() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let port_file = scratch.path().join("port");
    let stub = python("lex_stub.py").args([&port_file, &scratch.path().to_owned()]).spawn()?;
    let _stub = Killed(stub);
    let port = until("the bot to listen", || Ok(std::fs::read_to_string(&port_file).ok()))?;
    let builder = TestServer::builder()
        .env("TYMPAN_LEX__ENDPOINT", format!("http://127.0.0.1:{port}"))
        .env("TYMPAN_LEX__ACCESS_KEY_ID", "AKIDLEX")
        .env("TYMPAN_LEX__SECRET_ACCESS_KEY", "lexsecret");
    let mut office = Office::open_with(builder)?;
    let flow = Flow::new()
        .then("start", start_streaming_both())
        .then("bot", bot(ALIAS, "what would you like?"))
        .then(
            "keep",
            set_attributes(&[("drink", "$.Lex.Slots.drink"), ("seen", "$.Lex.SessionAttributes.seen")]),
        )
        .then("listen", listen("go on", 2))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::voice(office.folder(), "I would like a cup of tea, please", 3, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    caller.start(office.server.sip())?.wait()?;

    let record = office.record()?;
    assert_eq!(record["Attributes"]["drink"], "tea", "{record}");
    assert_eq!(record["Attributes"]["seen"], "yes");
    // One track, from Start to the end, with all that the caller said and nothing of the bot.
    let from = office.track(&record, "AUDIO_FROM_CUSTOMER")?;
    let found = find(&from, &speech.samples)?;
    assert!(found.to - found.from > 16_000, "{found:?}");
    // What the bot was given is a stretch of the same.
    let heard = samples_of(&std::fs::read(scratch.path().join("0.body"))?);
    let asked: Value = serde_json::from_slice(&std::fs::read(scratch.path().join("0.json"))?)?;
    let kind = text(&asked["headers"]["content-type"]);
    assert!(kind.contains("rate=8000"), "{asked}");
    let at_bot = find(&heard, &speech.samples)?;
    assert!(at_bot.to - at_bot.from > 4_000, "{at_bot:?}");
    assert!((found.from..found.to).contains(&at_bot.from), "{at_bot:?} in {found:?}");
    Ok(())
}

/// An agent's telephone that is worked by hand.
struct AgentPhone {
    peer: RawPeer,
    media: UdpSocket,
    tone: u8,
    server: Option<SocketAddr>,
    heard: Vec<i16>,
    sequence: u16,
}

impl AgentPhone {
    fn new(address: SocketAddr, server: SocketAddr, tone: u8) -> anyhow::Result<Self> {
        let media = UdpSocket::bind((address.ip(), 0))?;
        media.set_nonblocking(true)?;
        let peer = RawPeer::udp_on(address, server)?;
        Ok(Self { peer, media, tone, server: None, heard: Vec::new(), sequence: 1 })
    }

    fn description(&self, direction: &str) -> anyhow::Result<String> {
        Ok(sdp(self.media.local_addr()?.ip(), self.media.local_addr()?.port(), "0 101", direction))
    }

    /// Waits for a call and takes it.
    fn takes(&mut self) -> anyhow::Result<RawCall> {
        let invite = self.peer.wait_for("an INVITE", |message| message.method() == Some("INVITE"))?;
        self.server = Some(media_of(invite.body()).context("no media")?);
        let answer = invite.taken(&self.description("sendrecv")?, self.peer.own(), "agent");
        self.peer.send(&answer)?;
        self.peer.wait_for("the ACK", |message| message.method() == Some("ACK"))?;
        RawCall::taken(&invite, self.peer.own(), "agent")
    }

    /// Sends and hears for so long: its tone out, what comes in kept.
    fn talks(&mut self, time: Duration) -> anyhow::Result<()> {
        let until = std::time::Instant::now() + time;
        let mut due = std::time::Instant::now();
        let mut datagram = [0; 2_048];
        while std::time::Instant::now() < until {
            if let Some(server) = self.server {
                let mut packet = vec![0x80, 0];
                packet.extend(self.sequence.to_be_bytes());
                packet.extend((u32::from(self.sequence) * 160).to_be_bytes());
                packet.extend(*b"agnt");
                packet.extend((0..160).map(|at| if at % 16 < 8 { self.tone } else { self.tone ^ 0x80 }));
                self.media.send_to(&packet, server)?;
                self.sequence = self.sequence.wrapping_add(1);
            }
            due += Duration::from_millis(20);
            std::thread::sleep(due.saturating_duration_since(std::time::Instant::now()));
            while let Ok(length) = self.media.recv(&mut datagram) {
                if length > 12 && datagram[1] & 0x7F == 0 {
                    self.heard.extend(datagram[12..length].iter().map(|code| Law::Mu.decode(*code)));
                }
            }
        }
        Ok(())
    }

    /// Puts the other side on hold, or takes it back.
    fn offers(&mut self, call: &mut RawCall, direction: &str) -> anyhow::Result<()> {
        let offer = self.description(direction)?;
        let answer = self.peer.invite(call, "", &offer)?;
        anyhow::ensure!(answer.status() == Some(200), "{answer}");
        Ok(())
    }
}

fn media_of(description: &str) -> Option<SocketAddr> {
    let value = |prefix: &str| description.lines().find_map(|line| line.strip_prefix(prefix));
    let ip: IpAddr = value("c=IN IP4 ")?.trim().parse().ok()?;
    let port = value("m=audio ")?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}

/// A configuration of telephones that stand at these addresses.
fn configuration(folder: &Path, phones: &[(&str, SocketAddr)]) -> anyhow::Result<String> {
    let mut text = String::new();
    for (name, address) in phones {
        text.push_str(&format!(
            "[[sip.phones]]\nuser = {name:?}\ncontact = \"sip:{name}@{address}\"\nnetworks = [\"{}\"]\n\
             challenge_calls = false\nagent = {name:?}\ninstance = \"demo\"\n",
            address.ip()
        ));
    }
    let file = folder.join("tympan.toml");
    std::fs::write(&file, text)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    Ok(file.to_string_lossy().into_owned())
}

/// The first of a list, and its id and ARN.
fn first(office: &mut Office, operation: &str, list: &str, name: &str) -> anyhow::Result<(String, String)> {
    let listed = office.desk.call("connect", operation, json!({ "InstanceId": office.instance.clone() }))?;
    let found = listed[list].as_array().into_iter().flatten().find(|one| one["Name"] == name);
    let found = found.with_context(|| format!("no {name} in {listed}"))?;
    Ok((text(&found["Id"]), text(&found["Arn"])))
}

/// Agents of the instance; gives the ARN of the queue that they serve.
fn hire(office: &mut Office, names: &[&str]) -> anyhow::Result<String> {
    let (_, queue) = first(office, "list_queues", "QueueSummaryList", "BasicQueue")?;
    let (profile, _) =
        first(office, "list_routing_profiles", "RoutingProfileSummaryList", "Basic Routing Profile")?;
    let (security, _) = first(office, "list_security_profiles", "SecurityProfileSummaryList", "Agent")?;
    for name in names {
        let user = json!({
            "InstanceId": office.instance, "Username": name, "Password": "Hush-hush-1",
            "PhoneConfig": { "PhoneType": "SOFT_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 1 },
            "SecurityProfileIds": [security], "RoutingProfileId": profile,
        });
        office.desk.call("connect", "create_user", user)?;
    }
    Ok(queue)
}

fn at(last: u8) -> anyhow::Result<SocketAddr> {
    Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), free_port()?))
}

#[test]
fn seed_04_the_capture_goes_on_while_an_agent_holds_and_has_nothing_of_agent_or_music() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let address = at(21)?;
    let configuration = configuration(folder.path(), &[("anna", address)])?;
    let mut office = Office::open_with(TestServer::builder().argument("--config").argument(configuration))?;
    let queue = hire(&mut office, &["anna"])?;
    let flow = Flow::new()
        .then("start", start_streaming_both())
        .then("say", say("welcome"))
        .then("set", set_queue(&queue))
        .then("go", to_queue())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let mut anna = AgentPhone::new(address, office.server.sip(), 0x90)?;
    let speech = Speech::unique(office.folder(), 44, 90, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    let call = caller.start(office.server.sip())?;
    let mut dialog = anna.takes()?;
    anna.talks(Duration::from_secs(6))?;
    // Both whispers are over, and the agent hears the customer.
    let before = anna.heard.clone();
    find(&before[before.len() - 4_000..], &speech.samples).context("the agent hears the customer")?;
    anna.offers(&mut dialog, "sendonly")?;
    anna.heard.clear();
    anna.talks(Duration::from_secs(3))?;
    anna.offers(&mut dialog, "sendrecv")?;
    anna.talks(Duration::from_secs(2))?;
    let after = anna.heard.clone();
    find(&after[after.len() - 4_000..], &speech.samples).context("the agent hears the customer again")?;
    anna.peer.hang_up(&mut dialog)?;
    call.wait()?;

    let record = until("a record with the agent's work", || {
        let record = office.record()?;
        Ok((!record["Agent"]["AfterContactWorkEndTimestamp"].is_null()).then_some(record))
    })?;
    assert_eq!(record["DisconnectReason"], "AGENT_DISCONNECT");
    assert_eq!(record["Agent"]["NumberOfHolds"], 1);
    assert!(record["Agent"]["CustomerHoldDuration"].as_u64().is_some_and(|held_s| held_s >= 2), "{record}");
    let from = office.track(&record, "AUDIO_FROM_CUSTOMER")?;
    let found = find(&from, &speech.samples)?;
    assert!((found.to - found.from) as f64 / 8_000.0 > 10.0, "{found:?}");
    // The other track has the agent's tone, and silence or music on hold.
    let to = office.track(&record, "AUDIO_TO_CUSTOMER")?;
    assert!(share_at(&to, 500.0) > 0.05, "the customer heard the agent: {}", share_at(&to, 500.0));
    assert_eq!(to.len(), from.len());
    let blocks: Vec<Value> = json_lines(&office.server.data_dir().join("flow-logs.jsonl"));
    assert!(blocks.iter().any(|entry| entry["ContactFlowName"] == "Default customer hold"), "{blocks:?}");
    Ok(())
}
