//! Agents at telephones that others wrote: baresip and PJSIP register, sipp stands in the configuration. Three customers of one queue
//! meet one of them each; all three calls are up beside each other.

use serde_json::{Value, json};
use std::net::SocketAddr;
use tympan_e2e::agents::{Line, hire, write_configuration};
use tympan_e2e::audio::{Law, Speech, find, share_at, write_tone};
use tympan_e2e::control::page;
use tympan_e2e::flow::{Flow, hang_up, set_queue, start_streaming_both, to_queue};
use tympan_e2e::network::{CABLE, HOME, Network};
use tympan_e2e::office::Office;
use tympan_e2e::raw_peer::{RawCall, RawPeer};
use tympan_e2e::sipp::{Caller, free_port};
use tympan_e2e::softphones::{Baresip, PjsipAgent};
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
const ANNA_HZ: f64 = 440.0;
const BERT_HZ: f64 = 600.0;

/// A telephone that registers.
fn registers(name: &str, rest: &str) -> String {
    format!(
        "[[sip.phones]]\nuser = {name:?}\npassword = \"hush\"\nagent = {name:?}\ninstance = \"demo\"\n{rest}\n"
    )
}

fn metric(server: &TestServer, line: &str) -> anyhow::Result<Option<u64>> {
    let page = page(server, "/metrics")?;
    let value = page.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(' '));
    Ok(value.and_then(|value| value.parse().ok()))
}

/// Waits until so many agents are online.
fn are_online(server: &TestServer, agents: u64) -> anyhow::Result<()> {
    let name = "tympan_agents{state=\"online\"}";
    until("the agents are online", || Ok((metric(server, name)? == Some(agents)).then_some(())))
}

/// A customer who calls the queue, and speaks.
struct Customer {
    peer: RawPeer,
    call: RawCall,
    line: Line,
    speech: Speech,
}

impl Customer {
    fn calls(office: &Office, seed: u64) -> anyhow::Result<Self> {
        let sip = office.server.sip();
        let speech = Speech::unique(office.folder(), seed, 90, Law::Mu)?;
        let mut peer = RawPeer::udp_at(sip.ip(), sip)?;
        let line = Line::open(sip.ip(), std::fs::read(&speech.file)?)?;
        let mut call = peer.new_call(NUMBER);
        let answer = peer.invite(&mut call, "", &line.description("sendrecv")?)?;
        line.speak_to(answer.body())?;
        Ok(Self { peer, call, line, speech })
    }

    fn is_hung_up(&mut self) -> anyhow::Result<()> {
        self.peer.take_request("BYE")?;
        self.line.falls_silent();
        Ok(())
    }

    /// Waits until so much more was said, so that the other side has it.
    fn goes_on_for(&self, samples: usize) -> anyhow::Result<()> {
        let from = self.line.said();
        until("the customer to go on", || Ok((self.line.said() >= from + samples).then_some(())))
    }
}

#[test]
fn baresip_pjsip_and_sipp_are_agents_of_one_queue_hold_resume_and_hang_up() -> anyhow::Result<()> {
    let _network = Network::new()?;
    let folder = tempfile::tempdir()?;
    let carls = SocketAddr::new(HOME, free_port()?);
    let configuration = [
        registers("anna", "auto_answer = true"),
        registers("bert", ""),
        format!(
            "[[sip.phones]]\nuser = \"carl\"\ncontact = \"sip:carl@{carls}\"\nnetworks = [\"{HOME}\"]\n\
             agent = \"carl\"\ninstance = \"demo\"\n"
        ),
    ];
    let configuration = write_configuration(folder.path(), &configuration.concat())?;
    let builder = TestServer::builder()
        .argument("--config")
        .argument(configuration)
        .env("TYMPAN_SIP__LISTEN", format!("{HOME}:0"));
    let mut office = Office::open_with(builder)?;
    let sip = office.server.sip();
    let [annas_tone, berts_tone] = ["anna.wav", "bert.wav"].map(|name| folder.path().join(name));
    write_tone(&annas_tone, ANNA_HZ, 60.0)?;
    write_tone(&berts_tone, BERT_HZ, 60.0)?;
    let by_carl = Speech::unique(folder.path(), 63, 60, Law::Mu)?;

    // Each agent begins when the one before has a customer: so it is known who gets whom.
    let queue = hire(&mut office, &["anna"], true)?;
    let flow = Flow::new()
        .then("start", start_streaming_both())
        .then("set", set_queue(&queue))
        .then("go", to_queue())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let account = format!(
        "<sip:anna@{sip};transport=udp>;auth_user=anna;auth_pass=hush;regint=60;answermode=auto;\
         audio_codecs=PCMU/8000/1\n"
    );
    let mut anna = Baresip::start_with(CABLE, HOME, &annas_tone, &account)?;
    are_online(&office.server, 1)?;
    let mut first = Customer::calls(&office, 71)?;
    anna.await_event("CALL_ESTABLISHED", 1)?;
    first.line.hears_tone(ANNA_HZ)?;

    hire(&mut office, &["bert"], false)?;
    let mut bert = PjsipAgent::start(HOME, sip, "bert", "hush", &berts_tone)?;
    bert.await_event("registration", &[("status", json!(200))])?;
    are_online(&office.server, 2)?;
    let mut second = Customer::calls(&office, 72)?;
    bert.await_event("CONFIRMED", &[])?;
    second.line.hears_tone(BERT_HZ)?;
    bert.order("hold")?;
    bert.await_event("media", &[("state", json!("held by us"))])?;
    second.goes_on_for(8_000)?;
    bert.order("resume")?;
    second.line.hears_tone(BERT_HZ)?;

    hire(&mut office, &["carl"], false)?;
    let carl = Caller::takes_a_call(carls, &by_carl)?;
    are_online(&office.server, 3)?;
    let mut third = Customer::calls(&office, 73)?;
    third.line.hears(&by_carl)?;
    assert_eq!(metric(&office.server, "tympan_call_legs{kind=\"dialled\"}")?, Some(3));

    // Each customer goes on to hear the own agent alone.
    first.line.hears_tone(ANNA_HZ)?;
    first.goes_on_for(16_000)?;
    anna.order("hangup", "")?;
    first.is_hung_up()?;
    second.goes_on_for(16_000)?;
    bert.order("hang up")?;
    second.is_hung_up()?;
    third.peer.hang_up(&mut third.call)?;
    third.line.falls_silent();
    carl.wait()?;

    let records = until("three records with the agents' work", || {
        let records = office.records(3)?;
        let is_over = |record: &Value| !record["Agent"]["AfterContactWorkEndTimestamp"].is_null();
        Ok(records.iter().all(is_over).then_some(records))
    })?;
    for (name, reason, holds, customer) in [
        ("anna", "AGENT_DISCONNECT", 0, &first),
        ("bert", "AGENT_DISCONNECT", 1, &second),
        ("carl", "CUSTOMER_DISCONNECT", 0, &third),
    ] {
        let record = records.iter().find(|record| record["Agent"]["Username"] == name);
        let record = record.unwrap_or_else(|| panic!("no record of {name}: {records:?}"));
        assert_eq!(record["DisconnectReason"], reason, "{record}");
        assert_eq!(record["Queue"]["Name"], "BasicQueue");
        assert_eq!(record["AgentConnectionAttempts"], 1, "{record}");
        assert_eq!(record["Agent"]["NumberOfHolds"], holds, "{record}");
        let from = office.track(record, "AUDIO_FROM_CUSTOMER")?;
        let found = find(&from, &customer.speech.samples)?;
        let spoken = customer.line.said();
        println!("{name}: {found:?} of {spoken} samples that the customer said");
        assert!(found.from <= 8_000 && spoken - found.to.min(spoken) <= 8_000, "{found:?} of {spoken}");
    }
    // What the agents heard is their customers.
    let heard = bert.end()?;
    println!("PJSIP heard {} samples", heard.len());
    assert!(loud(&heard) > 16_000 && share_at(&heard, BERT_HZ) < 0.05, "its own customer, and not itself");
    until("baresip has heard its customer", || Ok((loud(&anna.heard()?) > 8_000).then_some(())))?;
    assert_eq!(metric(&office.server, "tympan_queue_contacts")?, Some(0));
    assert_eq!(metric(&office.server, "tympan_call_legs{kind=\"dialled\"}")?, Some(0));
    Ok(())
}

fn loud(samples: &[i16]) -> usize {
    samples.iter().filter(|sample| sample.unsigned_abs() > 4_000).count()
}
