//! Customers and agents: a caller in a queue, and a real telephone that registers and takes the call.

use anyhow::ensure;
use std::net::SocketAddr;
use std::time::Duration;
use tympan_e2e::agents::{hire, write_configuration};
use tympan_e2e::audio::{Law, share_at, write_tone};
use tympan_e2e::control::page;
use tympan_e2e::flow::{Flow, hang_up, set_queue, to_queue};
use tympan_e2e::network::{CABLE, HOME, Network};
use tympan_e2e::office::Office;
use tympan_e2e::phone::Phone;
use tympan_e2e::sipp::Caller;
use tympan_e2e::softphones::Baresip;
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
const AGENTS_TONE_HZ: f64 = 440.0;

/// One telephone, which answers by itself.
const TELEPHONE: &str = "[[sip.phones]]\nuser = \"anna\"\npassword = \"hush\"\nagent = \"anna\"\ninstance = \"demo\"\nauto_answer = true\n";

fn metric(server: &TestServer, line: &str) -> anyhow::Result<Option<u64>> {
    let page = page(server, "/metrics")?;
    let value = page.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(' '));
    Ok(value.and_then(|value| value.parse().ok()))
}

#[test]
fn a_caller_in_a_queue_and_a_registered_agent_hear_each_other_and_the_record_has_both() -> anyhow::Result<()>
{
    let _network = Network::new()?;
    let folder = tempfile::tempdir()?;
    let configuration = write_configuration(folder.path(), TELEPHONE)?;
    let builder = TestServer::builder()
        .argument("--config")
        .argument(configuration)
        .env("TYMPAN_SIP__LISTEN", format!("{HOME}:0"));
    let mut office = Office::open_with(builder)?;
    let queue = hire(&mut office, &["anna"], true)?;
    let flow = Flow::new().then("set", set_queue(&queue)).then("go", to_queue()).then("hang up", hang_up());
    office.answer(NUMBER, flow)?;

    let tone = folder.path().join("tone.wav");
    write_tone(&tone, AGENTS_TONE_HZ, 30.0)?;
    let sip = office.server.sip();
    let account = format!(
        "<sip:anna@{sip};transport=udp>;auth_user=anna;auth_pass=hush;regint=60;answermode=auto;\
         audio_codecs=PCMU/8000/1\n"
    );
    let mut agent = Baresip::start_with(CABLE, HOME, &tone, &account)?;
    agent.await_event("REGISTER_OK", 1)?;
    until("the agent is online", || {
        let online = metric(&office.server, "tympan_agents{state=\"online\"}")?;
        Ok((online == Some(1)).then_some(()))
    })?;

    let mut customer = Phone::new()?;
    customer.move_to(HOME)?;
    let call = Caller::dialling(NUMBER).hearing_at(customer.port()?).call().be_hung_up().start(sip)?;
    customer.pick_up(&call)?;
    let media = SocketAddr::new(HOME, customer.server()?.port());
    customer.speak_to(media);
    agent.await_event("CALL_ESTABLISHED", 1)?;
    // What the agent says is what the customer hears, once the whispers are over.
    until("the customer hears the agent", || {
        let heard = customer.hear(Duration::from_millis(500))?;
        let samples: Vec<i16> =
            heard.iter().flat_map(|packet| packet.payload.iter().map(|code| Law::Mu.decode(*code))).collect();
        Ok((samples.len() > 1_600 && share_at(&samples, AGENTS_TONE_HZ) > 0.5).then_some(()))
    })?;
    let said: Vec<u8> = (0..8_000_u32).map(|nth| if nth % 16 < 8 { 0x80 } else { 0x00 }).collect();
    customer.say(&said)?;
    agent.order("hangup", "")?;
    call.wait()?;
    agent.await_event("CALL_CLOSED", 1)?;
    // It writes what it has played when the call is over.
    until("the agent has heard the customer", || {
        let loud = agent.heard().iter().filter(|sample| sample.unsigned_abs() > 8_000).count();
        Ok((loud > 2_000).then_some(()))
    })?;

    let record = until("a record with the agent's work", || {
        let record = office.record()?;
        Ok((!record["Agent"]["AfterContactWorkEndTimestamp"].is_null()).then_some(record))
    })?;
    assert_eq!(record["Agent"]["Username"], "anna");
    assert_eq!(record["Queue"]["Name"], "BasicQueue");
    assert_eq!(record["AgentConnectionAttempts"], 1);
    assert_eq!(record["DisconnectReason"], "AGENT_DISCONNECT");
    for stamp in ["EnqueueTimestamp", "DequeueTimestamp"] {
        ensure!(!record["Queue"][stamp].is_null(), "{stamp} of {record}");
    }
    assert_eq!(metric(&office.server, "tympan_queue_contacts")?, Some(0));
    assert_eq!(metric(&office.server, "tympan_call_legs{kind=\"dialled\"}")?, Some(0));
    Ok(())
}
