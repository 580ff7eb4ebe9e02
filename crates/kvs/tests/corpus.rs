//! The corpora of the fuzz targets `kvs_put_media` and `kvs_request`, through the same checks.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use std::path::Path;
use support::{acks, bench, caller, whole};
use tympan_kvs::{AckEvent, BodyEnd, Operation, TimecodeType};
use tympan_mkv::fragment::{FragmentReader, FragmentSink};

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| {
            let path = file.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())
        })
        .collect()
}

#[derive(Default)]
struct Documents(usize);

impl FragmentSink for Documents {
    fn document(&mut self) {
        self.0 += 1;
    }
}

#[tokio::test]
async fn put_media_bodies_are_acked_once_and_read_back() {
    for (file, input) in corpus("kvs_put_media") {
        let Some((size, body)) = input.split_first() else { continue };
        let bench = bench();
        bench.create("s", 1).await;
        let mut session = bench.put("s", TimecodeType::Absolute).await;
        for piece in body.chunks(usize::from(*size) + 1) {
            session.push(piece);
        }
        session.finish(BodyEnd::Finished);
        let acks = acks(&mut session).await;
        let received = acks.iter().filter(|ack| ack.event == AckEvent::Received).count();
        let errors = acks.iter().filter(|ack| matches!(ack.event, AckEvent::Error(_))).count();
        assert!(errors <= 1, "{file}");
        assert_eq!(errors == 0, file.starts_with("good"), "{file}: {:?}", support::events(&acks));
        if received == 0 || errors > 0 {
            continue;
        }
        let selector = serde_json::json!({"StartSelectorType": "EARLIEST"});
        let media = whole(bench.get("s", selector).await).await;
        let (mut reader, mut documents) = (FragmentReader::new(Default::default()), Documents::default());
        reader.push(&media, &mut documents).unwrap();
        assert_eq!(documents.0, received, "{file}");
    }
}

#[tokio::test]
async fn requests_are_answered_or_refused_and_never_fail_inside() {
    for (file, input) in corpus("kvs_request") {
        let mut lines = input.splitn(2, |byte| *byte == b'\n');
        let (path, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let Some(operation) = Operation::from_path(&String::from_utf8_lossy(path)) else { continue };
        let bench = bench();
        bench.create("s", 1).await;
        let refused = match operation {
            Operation::GetMedia => bench.service.get_media(&caller(), body).await.err(),
            Operation::GetMediaForFragmentList => {
                bench.service.get_media_for_fragment_list(&caller(), body).await.err()
            }
            json => bench.service.call(&caller(), json, body).await.err(),
        };
        assert!(!bench.asks(operation, body).await.asks.is_empty(), "{file}");
        assert!(refused.as_ref().is_none_or(|error| error.status() != 500), "{file}");
    }
}
