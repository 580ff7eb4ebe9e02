//! Samples that a capture hands on companded: readers, and the store, have the bytes of Matroska that they stand for.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use serde_json::json;
use support::{acks, bench, events, head, request, tag, whole};
use tympan_kvs::{BodyEnd, G711, MediaBody, PutMediaRequest, PutMediaSession, TimecodeType};
use tympan_mkv::fragment::{FragmentReader, FragmentSink};
use tympan_mkv::{Limits, write};

/// What one upload pushes.
enum Push {
    Mkv(Vec<u8>),
    Codes(G711, Vec<u8>),
}

fn expanded(law: G711, codes: &[u8]) -> Vec<u8> {
    let mut samples = Vec::new();
    law.expand_into(codes, &mut samples);
    samples
}

/// Three fragments of 50 blocks: mu-law, A-law, and silence as it is.
fn capture() -> Vec<Push> {
    let mut pushes = vec![Push::Mkv(head(&["AUDIO_FROM_CUSTOMER"]))];
    for (fragment, law) in [Some(G711::Mu), Some(G711::A), None].into_iter().enumerate() {
        let mut mkv = Vec::new();
        write::cluster_start(&mut mkv, 1_700_000_000_000 + 1_000 * fragment as u64);
        for block in 0..50i16 {
            match law {
                Some(law) => {
                    write::simple_block_header(&mut mkv, 1, 20 * block, 0, 320);
                    pushes.push(Push::Mkv(std::mem::take(&mut mkv)));
                    pushes.push(Push::Codes(law, (0..160u8).map(|code| code.wrapping_mul(3)).collect()));
                }
                None => write::simple_block(&mut mkv, 1, 20 * block, 0, &[0; 320]),
            }
        }
        mkv.extend(tag("Events", "[]"));
        pushes.push(Push::Mkv(mkv));
    }
    pushes
}

fn push(session: &mut PutMediaSession, pushes: &[Push], keeps_codes: bool) {
    for push in pushes {
        match push {
            Push::Mkv(mkv) => session.push(mkv),
            Push::Codes(law, codes) if keeps_codes => session.push_codes(*law, codes),
            Push::Codes(law, codes) => session.push(&expanded(*law, codes)),
        }
    }
}

/// The bytes of Clusters of a body, without the service's own tags.
#[derive(Default)]
struct Clusters(Vec<u8>);

impl FragmentSink for Clusters {
    fn cluster_bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

async fn clusters(body: MediaBody) -> Vec<u8> {
    let mut clusters = Clusters::default();
    FragmentReader::new(Limits::default()).push(&whole(body).await, &mut clusters).unwrap();
    clusters.0
}

fn of_capture(name: &str) -> PutMediaRequest {
    PutMediaRequest { resumes: false, idle_close: false, ..request(name, TimecodeType::Absolute) }
}

#[tokio::test]
async fn readers_and_the_store_have_the_bytes_that_the_codes_stand_for() {
    let bench = bench();
    let mut seen = Vec::new();
    for (name, keeps_codes) in [("plain", false), ("codes", true)] {
        bench.create(name, 24).await;
        let mut session = bench.service.put_media(&support::caller(), of_capture(name)).await.unwrap();
        // One follows it live, from its middle on; one comes when all is stored.
        let pushes = capture();
        push(&mut session, &pushes[..60], keeps_codes);
        let live = bench.get(name, json!({ "StartSelectorType": "EARLIEST" })).await;
        let live = tokio::spawn(clusters(live));
        tokio::task::yield_now().await;
        push(&mut session, &pushes[60..], keeps_codes);
        session.finish(BodyEnd::Finished);
        let told = events(&acks(&mut session).await);
        assert_eq!(bench.stored_soon(name, 3).await, 3);
        let late = bench.get(name, json!({ "StartSelectorType": "EARLIEST" })).await;
        seen.push((told, live.await.unwrap(), clusters(late).await, bench.stored(name).await));
    }
    let [plain, codes] = seen.try_into().unwrap();
    assert!(plain.1.len() > 3 * 50 * 320, "{} bytes", plain.1.len());
    assert_eq!(codes.0.len(), plain.0.len());
    assert!(codes.1 == plain.1, "live");
    assert!(codes.2 == plain.2, "replayed");
    assert!(codes.3 == plain.3, "stored");
}

#[tokio::test]
async fn codes_that_are_not_the_samples_of_the_block_at_hand_are_bytes_like_any_other() {
    let bench = bench();
    let mut bodies = Vec::new();
    for (name, keeps_codes) in [("plain", false), ("codes", true)] {
        bench.create(name, 24).await;
        let mut session = bench.service.put_media(&support::caller(), of_capture(name)).await.unwrap();
        let mut mkv = head(&["AUDIO_FROM_CUSTOMER"]);
        write::cluster_start(&mut mkv, 1_700_000_000_000);
        // The block's samples come in two pieces, of which neither is all of them.
        write::simple_block_header(&mut mkv, 1, 0, 0, 320);
        let halves = [Push::Codes(G711::Mu, vec![7; 80]), Push::Codes(G711::A, vec![9; 80])];
        session.push(&mkv);
        push(&mut session, &halves, keeps_codes);
        session.finish(BodyEnd::Finished);
        acks(&mut session).await;
        bench.stored_soon(name, 1).await;
        bodies.push(bench.stored(name).await);
    }
    assert!(bodies[0] == bodies[1]);
    assert_eq!(bodies[0].len(), 1);
}

#[tokio::test]
async fn an_upload_that_is_cut_off_amidst_companded_blocks_is_sealed_as_far_as_it_came() {
    let bench = bench();
    let mut bodies = Vec::new();
    for (name, keeps_codes) in [("plain", false), ("codes", true)] {
        bench.create(name, 24).await;
        let mut session = bench.service.put_media(&support::caller(), of_capture(name)).await.unwrap();
        push(&mut session, &capture()[..60], keeps_codes);
        drop(session);
        bench.stored_soon(name, 1).await;
        bodies.push(bench.stored(name).await);
    }
    assert!(bodies[0] == bodies[1]);
}
