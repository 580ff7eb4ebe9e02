//! Many calls at once: a stream for each, and none of them loses or gains a sample.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::flow::{Flow, hang_up, listen, start_streaming, stop_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::{Caller, Sipp};
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";

fn capture(seconds: u32) -> Flow {
    Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("speak", seconds))
        .then("stop", stop_streaming())
        .then("hang up", hang_up())
}

#[test]
fn seed_08_ten_calls_at_once_have_ten_streams_and_ten_more_never_mix() -> anyhow::Result<()> {
    // The second ten have the streams of the first at once.
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_CONNECT__STREAM_REST_S", 0))?;
    office.answer(NUMBER, capture(3))?;
    let speeches = (0..10u32)
        .map(|nth| {
            Speech::unique(
                office.folder(),
                800 + u64::from(nth),
                30,
                if nth % 2 == 0 { Law::Mu } else { Law::A },
            )
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    for round in 0..2 {
        let calls = speeches.iter().enumerate().map(|(nth, speech)| {
            let caller = Caller::dialling(NUMBER).from(&format!("+12065550{round}0{nth}")).speaking(speech);
            caller.call().speak(speech).be_hung_up().start(office.server.sip())
        });
        let calls = calls.collect::<anyhow::Result<Vec<_>>>()?;
        calls.into_iter().try_for_each(Sipp::wait)?;
        office.records(10 * (round + 1))?;
    }
    let records = office.records(20)?;
    for round in records.chunks(10) {
        let streams: BTreeSet<String> =
            round.iter().map(|record| text(&record["Recordings"][0]["Location"])).collect();
        assert_eq!(streams.len(), 10, "two calls at once had the same stream");
    }
    for record in &records {
        // The last digit of the caller's number tells what was said.
        let nth = text(&record["CustomerEndpoint"]["Address"]).pop().and_then(|digit| digit.to_digit(10));
        let speech = &speeches[nth.map_or(0, |nth| nth as usize)];
        // A stream that was used again goes on with another contact's fragments, as in the original.
        let media = office.heard(record)?;
        let own = media.of_contact(&text(&record["ContactId"]))?;
        find(&own, &speech.samples)?;
    }
    Ok(())
}

#[test]
fn shows_07_a_hundred_calls_of_thirty_seconds_lose_nothing() -> anyhow::Result<()> {
    const INSTANCES: u32 = 4;
    const CALLS: u32 = 25;
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_KVS__STREAMS_PER_ACCOUNT", 100))?;
    office.answer(NUMBER, capture(30))?;
    let speeches = (0..INSTANCES)
        .map(|nth| Speech::unique(office.folder(), 700 + u64::from(nth), 50, Law::Mu))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let begun = Instant::now();
    let calls = speeches.iter().enumerate().map(|(nth, speech)| {
        let caller = Caller::dialling(NUMBER).from(&format!("+1206555{nth}[call_number]")).speaking(speech);
        let caller = caller.call().pause(Duration::from_millis(500)).speak(speech).be_hung_up();
        caller.start_many(office.server.sip(), CALLS, 10)
    });
    let calls = calls.collect::<anyhow::Result<Vec<_>>>()?;
    calls.into_iter().try_for_each(Sipp::wait)?;
    eprintln!("{} calls took {:?}", INSTANCES * CALLS, begun.elapsed());

    let records = office.records((INSTANCES * CALLS) as usize)?;
    let streams: BTreeSet<String> =
        records.iter().map(|record| text(&record["Recordings"][0]["Location"])).collect();
    assert_eq!(streams.len(), records.len(), "calls at once shared a stream");
    let mut shortest = usize::MAX;
    for record in &records {
        let nth =
            text(&record["CustomerEndpoint"]["Address"]).as_bytes().get(8).map_or(0, |digit| digit - b'0');
        let heard = office.heard(record)?;
        let found = find(&heard.samples, &speeches[usize::from(nth)].samples)
            .map_err(|error| error.context(format!("in the call of {record}")))?;
        assert_eq!(heard.tag_values("ContactId"), [record["ContactId"].clone()]);
        shortest = shortest.min(found.to - found.from);
    }
    eprintln!("the shortest capture has {:.1} s of speech", shortest as f64 / 8_000.0);
    assert!(shortest >= 25 * 8_000, "a capture has only {shortest} samples");
    Ok(())
}
