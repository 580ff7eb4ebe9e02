//! What the companded form costs and saves for one second of a captured call: `cargo run --release -p tympan-kvs --example
//! companded_cost`. CPU time of one thread; with `valgrind --tool=callgrind` the instructions.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for developers")]

#[path = "../tests/store_formats/contents.rs"]
mod contents;

use std::hint::black_box;
use std::time::Instant;
use tympan_kvs::Companded;
use tympan_mkv::write;
use tympan_store::BodyCodec;

/// A second in the shape in which calls are captured; the codes are those of a voice: small ones are frequent.
fn second(expand: fn(u8) -> i16, times: i16) -> Vec<u8> {
    let mut body = Vec::new();
    write::cluster_start(&mut body, 1_700_000_000_000);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for block in 0..50i16 {
        let mut pcm = Vec::with_capacity(320);
        for _ in 0..160 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let loudness = (random >> 8) % 64 * ((random >> 16) % 64) / 64;
            let code = 0xff ^ loudness as u8 ^ (random as u8 & 0x80);
            pcm.extend((expand(code) * times).to_le_bytes());
        }
        write::simple_block(&mut body, 1, block * 20, if block == 0 { 0x80 } else { 0 }, &pcm);
    }
    let id = "17a1f2b8-4f0c-4cb8-a4b4-3b51a7bd2f0e";
    let named = [("ContactId", id), ("InstanceId", id), ("MimeType", "audio/L16;rate=8000;channels=1;")];
    for (name, value) in named.into_iter().chain([("AUDIO_FROM_CUSTOMER", "1"), ("Events", "[]")]) {
        write::user_tag(&mut body, name, value);
    }
    body
}

fn time(what: &str, bytes: usize, mut work: impl FnMut()) {
    const ROUNDS: u32 = 20_000;
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    println!("{what:32} {:8.2} us  {bytes:6} bytes", begin.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
}

fn main() {
    let head = contents::head();
    println!("document head of each fragment: {} bytes, kept as it is", head.len());
    for (law, body) in [
        ("mu-law", second(contents::expand_mu, 1)),
        ("A-law", second(contents::expand_a, 1)),
        // Odd multiples of mu-law's samples are no samples of either law, most often.
        ("neither", second(contents::expand_mu, 3)),
    ] {
        let mut stored = Vec::new();
        let smaller = Companded.encode(&body, &mut stored);
        time(&format!("{law}: copy of the body"), body.len(), || drop(black_box(body.to_vec())));
        time(
            &format!("{law}: encode, smaller: {smaller}"),
            if smaller { stored.len() } else { body.len() },
            || {
                let mut out = Vec::with_capacity(body.len());
                black_box(Companded.encode(black_box(&body), &mut out));
            },
        );
        if smaller {
            let mut plain = Vec::with_capacity(body.len());
            time(&format!("{law}: decode"), body.len(), || {
                plain.clear();
                assert!(Companded.decode(black_box(&stored), body.len(), black_box(&mut plain)));
            });
        }
    }
}
