//! What the server does when its wall clock is set while it runs.

use std::time::{Duration, Instant};
use tympan_e2e::clock::SteppedClock;
use tympan_e2e::flow::{Flow, hang_up, listen, set_attributes};
use tympan_e2e::office::{Office, text, unix_ms};
use tympan_e2e::sipp::Caller;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";

/// A call that waits twice for three seconds, while the clock is set again and again, each time by so much.
fn a_call_with_steps_of(seconds: i64) -> anyhow::Result<()> {
    let clock = SteppedClock::new()?;
    let mut office = Office::open_with(clock.given_to(TestServer::builder()))?;
    let flow = Flow::new()
        .then("answered", set_attributes(&[("outcome", "answered")]))
        .then("first wait", listen("one", 3))
        .then("second wait", listen("two", 3))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let call = Caller::dialling(NUMBER).call().be_hung_up().start(office.server.sip())?;
    office.await_block("answered", "Success")?;
    let begun = Instant::now();
    for step in 1..=20 {
        clock.set_ahead_s(step * seconds)?;
        std::thread::sleep(Duration::from_millis(200));
    }
    // A wait that follows the clock back would take ten minutes, and this gives up before.
    let record = office.record()?;
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(5), "the waits were cut short: {took:?}");
    // The record tells of a call of that length: its times stand on the clock as it was when the call began.
    let at_ms = |name: &str| unix_ms(&text(&record[name]).replace('Z', ".000Z"));
    let lasted_ms = at_ms("DisconnectTimestamp") - at_ms("InitiationTimestamp");
    assert!((5_000..120_000).contains(&lasted_ms), "{record}");
    call.wait()
}

#[test]
fn a_clock_that_is_set_ahead_cuts_no_wait_of_a_call_short() -> anyhow::Result<()> {
    a_call_with_steps_of(30)
}

#[test]
fn a_clock_that_is_set_back_makes_no_wait_of_a_call_longer() -> anyhow::Result<()> {
    a_call_with_steps_of(-30)
}
