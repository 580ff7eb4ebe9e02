//! Fills a control database with contacts and says how long searches, a start and retention take, and commits of calls meanwhile.
//!
//! `cargo run --release -p tympan-db --example million -- 1000000 [folder]`; a folder that it filled before is used again.

#![allow(clippy::unwrap_used, reason = "a program of measurements")]

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/control/sample.rs"]
mod sample;

use sample::{Call, call, instance, kinds, options, put_calls, scatter};
use std::path::Path;
use std::time::{Duration, Instant};
use tympan_db::Db;
use tympan_db::contact::{
    ContactEvent, ContactOrder, ContactPayload, ContactQuery, ContactState, Expiry, TimeAxis,
};
use tympan_types::{ContactFlowId, Redacted, WallTime};

const ROUNDS: u64 = 200;

#[allow(clippy::print_stdout, reason = "its output is what it is for")]
fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(50_000, |count| count.parse().expect("a number of contacts"));
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = arguments.next().map_or(scratch.path().to_owned(), Into::into);
    let (db, _) = Db::open(&folder, kinds(), options(1)).expect("a database");
    let began = Instant::now();
    // A folder that was filled before is used again.
    let there = db.read(|reader| reader.contact_count()).expect("a count");
    for step in there.div_ceil(10_000)..count.div_ceil(10_000) {
        put_calls(&db, (step * 10_000..((step + 1) * 10_000).min(count)).map(call));
    }
    println!("{} contacts written in {:.1?}", count.saturating_sub(there), began.elapsed());
    drop(db);
    let began = Instant::now();
    let (db, _) = Db::open(&folder, kinds(), options(2)).expect("a database");
    println!("start {:.1?}, file {} MB", began.elapsed(), bytes(&folder) / 1_000_000);
    let began = Instant::now();
    while !db.index_losses(500).expect("an index") {}
    println!("losses indexed in {:.1?}", began.elapsed());
    day(&db, count);
    for (name, query) in queries(count) {
        let mut times = Vec::new();
        let mut found = 0;
        for round in 0..ROUNDS {
            let query = query(scatter(round) % count);
            let began = Instant::now();
            let page = db.read(|reader| reader.contacts::<Call>(&query, None, 50)).expect("a page");
            times.push(began.elapsed());
            found += page.items.len();
        }
        let [middle, late] = percentiles(&mut times);
        println!("{name:32} p50 {middle:9.2?}  p95 {late:9.2?}  {found} found in {ROUNDS} pages");
    }
    let mut pages = (0, Duration::ZERO);
    let mut after = None;
    loop {
        let began = Instant::now();
        let page =
            db.read(|reader| reader.contacts::<Call>(&ContactQuery::all(), after, 1_000)).expect("a page");
        pages = (pages.0 + page.items.len(), pages.1.max(began.elapsed()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    println!("all pages of 1,000: {} contacts, longest page {:.2?}", pages.0, pages.1);
    let before = WallTime::from_unix_ms(call(count / 10).initiated);
    // Calls go on meanwhile: each begins and ends with a commit of its own.
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let (mut erased, mut longest) = (0, Duration::ZERO);
    let began = Instant::now();
    let mut calls = std::thread::scope(|scope| {
        let caller = scope.spawn(|| calls_until(&db, count, &is_over));
        erase(&db, before, &mut erased, &mut longest);
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        caller.join().expect("calls")
    });
    let step = Instant::now();
    db.empty_log().expect("a checkpoint");
    println!(
        "retention erased {erased} in {:.1?}, longest step of 50 {longest:.2?}, log emptied in {:.2?}",
        began.elapsed(),
        step.elapsed()
    );
    let made = calls.len();
    let [middle, late] = percentiles(&mut calls);
    println!(
        "{made} commits of calls meanwhile: p50 {middle:.2?}, p95 {late:.2?}, longest {:.2?}",
        calls[made - 1]
    );
    println!("memory {} MB at most", peak_memory_kb() / 1_000);
}

/// How long it takes to count the contacts of a day, hour by hour.
#[allow(clippy::print_stdout, reason = "its output is what it is for")]
fn day(db: &Db, count: u64) {
    let account = call(0).facts().account;
    let end = WallTime::from_unix_ms(call(count).initiated);
    let mut times = Vec::new();
    let mut counted = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        counted = (0..24)
            .map(|hour| (end.plus_ms((hour - 24) * 3_600_000), end.plus_ms((hour - 23) * 3_600_000)))
            .map(|(from, to)| db.read(|reader| reader.contacts_begun(&account, from, to)).expect("a count"))
            .sum();
        times.push(began.elapsed());
    }
    let [middle, late] = percentiles(&mut times);
    println!("{:32} p50 {middle:9.2?}  p95 {late:9.2?}  {counted} counted", "hours of a day");
}

/// As the server does it: few at a time, so that others get between.
fn erase(db: &Db, before: WallTime, erased: &mut usize, longest: &mut Duration) {
    const STEP: usize = 50;
    for n in 0..4 {
        loop {
            let step = Instant::now();
            let some = db.expire_contacts(Expiry::Instance(instance(n), before), STEP).expect("an expiry");
            *longest = (*longest).max(step.elapsed());
            *erased += some;
            if some < STEP {
                break;
            }
        }
    }
}

/// How long each commit of a call takes, one after the other.
fn calls_until(db: &Db, from: u64, is_over: &std::sync::atomic::AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    for n in from.. {
        let one = call(n);
        for event in [ContactEvent::Opened, ContactEvent::Closed] {
            let (began, one) = (Instant::now(), one.clone());
            db.write(move |tx| tx.put_contact(&one, event, None)).expect("a commit");
            times.push(began.elapsed());
        }
        if is_over.load(std::sync::atomic::Ordering::Relaxed) {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    times
}

type Query = Box<dyn Fn(u64) -> ContactQuery>;

fn queries(count: u64) -> Vec<(&'static str, Query)> {
    let number = |n: u64, from: usize, to: usize| {
        let number = call(n).number.expect("a number");
        Some(Redacted::new(number[from..to].to_owned()))
    };
    let all = ContactQuery::all;
    let named = move |name: &'static str| {
        move |n: u64| {
            let value = Redacted::new(call(n).attributes[name].clone());
            ContactQuery { attribute: Some((name.to_owned(), value)), ..all() }
        }
    };
    vec![
        ("newest", Box::new(move |_| all()) as Query),
        (
            "an hour",
            Box::new(move |n| {
                let to = WallTime::from_unix_ms(call(n).initiated);
                ContactQuery { from: to.plus_ms(-3_600_000), to, ..all() }
            }),
        ),
        ("whole number", Box::new(move |n| ContactQuery { number_part: number(n, 1, 12), ..all() })),
        ("last 6 digits", Box::new(move |n| ContactQuery { number_part: number(n, 6, 12), ..all() })),
        ("last 4 digits", Box::new(move |n| ContactQuery { number_part: number(n, 8, 12), ..all() })),
        ("3 digits", Box::new(move |n| ContactQuery { number_part: number(n, 6, 9), ..all() })),
        ("2 digits", Box::new(move |n| ContactQuery { number_part: number(n, 6, 8), ..all() })),
        ("prefix 1206 and 3 more", Box::new(move |n| ContactQuery { number_part: number(n, 1, 8), ..all() })),
        ("attribute of one contact", Box::new(named("order"))),
        ("attribute of a third", Box::new(named("language"))),
        (
            "attribute of a third, with number",
            Box::new(move |n| ContactQuery { number_part: number(n, 8, 12), ..named("language")(n) }),
        ),
        ("flow", Box::new(move |n| ContactQuery { flow: call(n).flow, ..all() })),
        (
            "flow that is not there",
            Box::new(move |_| ContactQuery { flow: Some(ContactFlowId::from_random([99; 16])), ..all() }),
        ),
        ("agent", Box::new(move |_| ContactQuery { agent: Some("agent-3".to_owned()), ..all() })),
        ("queue", Box::new(move |_| ContactQuery { queue: Some("queue-3".to_owned()), ..all() })),
        ("losses", Box::new(move |_| ContactQuery { has_losses: Some(true), ..all() })),
        (
            "losses, oldest first, of a flow",
            Box::new(move |n| ContactQuery {
                has_losses: Some(true),
                order: ContactOrder::OldestFirst,
                flow: call(n).flow,
                ..all()
            }),
        ),
        ("oldest", Box::new(move |_| ContactQuery { order: ContactOrder::OldestFirst, ..all() })),
        ("live", Box::new(move |_| ContactQuery { state: Some(ContactState::Live), ..all() })),
        (
            "flow without a stream that has one",
            Box::new(move |n| {
                let flow = call(n - n % 2).flow;
                ContactQuery { flow, has_stream: Some(false), ..all() }
            }),
        ),
        (
            "instance by end, from the middle",
            Box::new(move |_| ContactQuery {
                axis: TimeAxis::Disconnect,
                instance: Some(instance(1)),
                to: WallTime::from_unix_ms(call(count / 2).initiated),
                ..all()
            }),
        ),
    ]
}

fn percentiles(times: &mut [Duration]) -> [Duration; 2] {
    times.sort_unstable();
    [times[times.len() / 2], times[times.len() * 95 / 100]]
}

fn bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("the folder");
    entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum()
}

fn peak_memory_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
