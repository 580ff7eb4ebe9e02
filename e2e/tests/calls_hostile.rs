//! Peers that harm no one but themselves: beside each of them good calls are taken, and captured sample for sample.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::by_hand::{CallerByHand, OTHER_SOURCE, await_end, connect, options, sdp, write_or_be_closed};
use tympan_e2e::control::page;
use tympan_e2e::flow::{Flow, hang_up, listen, start_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::trunk::Trunk;
use tympan_e2e::until;
use tympan_testkit::{TestServer, TestServerBuilder};

const NUMBER: &str = "+18005550123";
const GOOD_CALLS: usize = 50;

fn office(builder: TestServerBuilder) -> anyhow::Result<Office> {
    let mut office = Office::open_with(builder)?;
    let flow = Flow::new().then("start", start_streaming()).then("listen", listen("go on", 180));
    office.answer(NUMBER, flow.then("hang up", hang_up()))?;
    Ok(office)
}

fn counted(office: &Office, name: &str) -> anyhow::Result<u64> {
    let page = page(&office.server, "/metrics")?;
    let values = page.lines().filter(|line| line.starts_with(name));
    Ok(values.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
}

/// Fifty calls from 127.0.0.1, which speak for a second each: all are taken, and captured whole.
fn good_calls_are_whole(office: &mut Office) -> anyhow::Result<()> {
    let speeches = (0..GOOD_CALLS).map(|nth| Speech::unique(office.folder(), 5_000 + nth as u64, 1, Law::Mu));
    let speeches = speeches.collect::<anyhow::Result<Vec<_>>>()?;
    let bytes = speeches.iter().map(|speech| std::fs::read(&speech.file)).collect::<Result<Vec<_>, _>>()?;
    let earlier: BTreeSet<String> =
        office.records(0)?.iter().map(|record| text(&record["ContactId"])).collect();
    let started = |office: &Office| {
        let is_start =
            |entry: &serde_json::Value| entry["Identifier"] == "start" && entry["Results"] == "Success";
        office.flow_log().iter().filter(|entry| is_start(entry)).count()
    };
    let started_earlier = started(office);
    let mut trunk = Trunk::new(office.server.sip(), NUMBER)?;
    trunk.place(bytes, 25)?;
    for call in trunk.calls() {
        assert_eq!(call.status, Some(200), "{}", call.number);
    }
    until("every good call to be captured", || {
        Ok((started(office) >= started_earlier + GOOD_CALLS).then_some(()))
    })?;
    trunk.speak()?;
    trunk.hang_up()?;
    let numbers: Vec<String> = trunk.calls().iter().map(|call| call.number.clone()).collect();
    let is_good = |record: &serde_json::Value| {
        numbers.contains(&text(&record["CustomerEndpoint"]["Address"]))
            && !earlier.contains(&text(&record["ContactId"]))
    };
    let records = until("the records of the good calls", || {
        let records = office.records(GOOD_CALLS)?;
        let good: Vec<_> = records.into_iter().filter(is_good).collect();
        Ok((good.len() >= GOOD_CALLS).then_some(good))
    })?;
    for record in &records {
        let nth = numbers.iter().position(|number| *number == text(&record["CustomerEndpoint"]["Address"]));
        let speech = &speeches[nth.unwrap_or_default()];
        let heard = office.heard(record)?;
        let found = find(&heard.samples, &speech.samples)?;
        assert_eq!((found.from, found.to), (0, speech.samples.len()), "{record}");
    }
    Ok(())
}

#[test]
fn a_tcp_peer_that_sends_2500_options_and_reads_nothing_is_closed_and_disturbs_no_call() -> anyhow::Result<()>
{
    let builder = TestServer::builder().env("TYMPAN_SIP__TCP_WRITE_QUEUE_BYTES", 65_536);
    let mut office = office(builder.env("TYMPAN_SIP__TCP_WRITE_TIMEOUT_MS", 2_000))?;
    let deaf = connect(OTHER_SOURCE, office.server.sip(), Some(4_096))?;
    let own = deaf.local_addr()?;
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let mut number = 0;
            // Where it is closed before, another part of the flood has nowhere to go.
            while number < 2_500 && write_or_be_closed(&deaf, options(own, number).as_bytes()) {
                number += 1;
            }
            number
        });
        good_calls_are_whole(&mut office)?;
        let sent = flood.join().map_err(|_| anyhow::anyhow!("the flood panicked"))?;
        eprintln!("{sent} OPTIONS were sent");
        until("the deaf peer to be closed", || {
            Ok((counted(&office, "tympan_sip_connections_unread_total")? > 0).then_some(()))
        })?;
        await_end(&deaf)
    })
}

#[test]
fn a_tcp_peer_whose_message_trickles_in_is_closed_in_time_and_disturbs_no_call() -> anyhow::Result<()> {
    let mut office = office(TestServer::builder().env("TYMPAN_SIP__TCP_MESSAGE_TIMEOUT_MS", 2_000))?;
    let slow = connect(OTHER_SOURCE, office.server.sip(), None)?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // An OPTIONS whose head never ends.
            let _ = (&slow).write_all(b"OPTIONS sip:ping@127.0.0.1 SIP/2.0\r\nSubject: ");
            while !done.load(Ordering::Relaxed) && write_or_be_closed(&slow, b"x") {
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let whole = good_calls_are_whole(&mut office);
        let ended = await_end(&slow);
        done.store(true, Ordering::Relaxed);
        whole.and(ended)
    })?;
    assert_eq!(counted(&office, "tympan_sip_connections_partial_total")?, 1);
    Ok(())
}

#[test]
fn a_message_that_comes_byte_by_byte_is_answered_also_after_the_peer_has_sent_its_last() -> anyhow::Result<()>
{
    let server = TestServer::start()?;
    let peer = connect(OTHER_SOURCE, server.sip(), None)?;
    peer.set_nodelay(true)?;
    for byte in options(peer.local_addr()?, 1).bytes() {
        (&peer).write_all(&[byte])?;
    }
    peer.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut &peer, &mut answer)?;
    assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{answer}");
    Ok(())
}

#[test]
fn three_thousand_half_open_calls_of_one_source_are_refused_and_those_of_another_are_whole()
-> anyhow::Result<()> {
    const HALF_OPEN: u32 = 3_000;
    let mut office = office(TestServer::builder())?;
    // What stays open is open after the first calls.
    good_calls_are_whole(&mut office)?;
    let before = counted(&office, "tympan_descriptors_open")?;
    let mut flooder = CallerByHand::at(OTHER_SOURCE, office.server.sip(), NUMBER)?;
    let offer = sdp((OTHER_SOURCE, 9).into(), "sendrecv");
    let mut refusals = Vec::new();
    for nth in 0..HALF_OPEN {
        flooder.next_call(&format!("half-open-{nth}"));
        flooder.send("INVITE", "", &offer)?;
        if nth % 50 == 0 {
            std::thread::sleep(Duration::from_millis(20));
            refusals.extend(flooder.heard_so_far()?.into_iter().filter(|said| said.status == Some(503)));
        }
    }
    anyhow::ensure!(!refusals.is_empty(), "nothing of the flood was refused");
    for refused in &refusals {
        assert!(refused.header("Retry-After").is_some(), "{}", refused.text);
    }
    good_calls_are_whole(&mut office)?;
    assert!(counted(&office, "tympan_sip_source_limited_total")? > 1_000);
    until("the half-open calls to be gone", || {
        let legs = counted(&office, "tympan_sip_legs ")?;
        Ok((legs == 0 && counted(&office, "tympan_descriptors_open")? <= before + 8).then_some(()))
    })
}

#[test]
fn thirteen_thousand_datagrams_of_garbage_disturb_no_call() -> anyhow::Result<()> {
    const GARBAGE: usize = 13_000;
    let mut office = office(TestServer::builder())?;
    let server = office.server.sip();
    let flood = std::thread::spawn(move || -> anyhow::Result<()> {
        let socket = UdpSocket::bind((OTHER_SOURCE, 0))?;
        let mut noise = 1_u32;
        for nth in 0..GARBAGE {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let bytes = noise.to_le_bytes().repeat(1 + nth % 100);
            socket.send_to(&bytes, server)?;
            if nth % 100 == 0 {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    });
    good_calls_are_whole(&mut office)?;
    flood.join().map_err(|_| anyhow::anyhow!("the flood panicked"))??;
    until("the garbage to be counted", || {
        let dropped = counted(&office, "tympan_sip_dropped_total")?;
        let not_read = counted(&office, "tympan_sip_datagrams_dropped_total")?;
        Ok((dropped + not_read > GARBAGE as u64 / 2).then_some(()))
    })
}

#[test]
fn a_server_that_goes_down_hangs_up_and_refuses_newcomers() -> anyhow::Result<()> {
    // Long enough that a machine under load sends the late INVITE before the server is gone.
    let builder = TestServer::builder().env("TYMPAN_HTTP__DRAIN_TIMEOUT_MS", 12_000);
    let mut office = office(builder)?;
    let offer = sdp((IpAddr::V4(Ipv4Addr::LOCALHOST), 9).into(), "sendrecv");
    let mut caller = CallerByHand::new(office.server.sip(), NUMBER)?;
    caller.call(&offer)?;
    office.server.terminate()?;
    let mut late = CallerByHand::new(office.server.sip(), NUMBER)?;
    let mut nth = 0;
    let refused = loop {
        // A name of its own: the INVITE of a call that stands already would be taken for its repetition.
        nth += 1;
        late.next_call(&format!("late-{nth}"));
        let cseq = late.send("INVITE", "", &offer)?;
        let said = late.final_response("INVITE", cseq)?;
        late.ack(said.status == Some(200), "")?;
        if said.status != Some(200) {
            break said;
        }
    };
    assert_eq!(refused.status, Some(503));
    let bye = until("the BYE", || {
        let said = caller.hear()?;
        Ok(said.text.starts_with("BYE ").then_some(said))
    })?;
    let via = bye.text.lines().find(|line| line.starts_with("Via:")).unwrap_or_default();
    let copied: Vec<&str> =
        ["From", "To", "Call-ID", "CSeq"].iter().filter_map(|name| bye.header(name)).collect();
    let [from, to, call_id, cseq] = copied[..] else {
        anyhow::bail!("the BYE lacks a header:\n{}", bye.text)
    };
    caller.send_raw(
        format!("SIP/2.0 200 OK\r\n{via}\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\nContent-Length: 0\r\n\r\n")
            .as_bytes(),
    )?;
    assert!(office.server.wait()?.success());
    Ok(())
}
