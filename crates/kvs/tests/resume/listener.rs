//! What readers of the stream are given: documents with their numbers and frames.

use super::producer::Entry;
use super::support::{Bench, caller};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tympan_kvs::MediaBody;
use tympan_mkv::Limits;
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink};

/// One document of a GetMedia body.
#[derive(Debug, Default)]
pub struct Heard {
    pub number: String,
    pub entry: Option<Entry>,
    /// The service's last tags came.
    pub whole: bool,
}

#[derive(Default)]
struct Listener {
    heard: Vec<Heard>,
}

impl FragmentSink for Listener {
    fn document(&mut self) {
        self.heard.push(Heard { entry: Some(Entry { frames: Vec::new() }), ..Heard::default() });
    }

    fn block(&mut self, block: BlockHeader, payload: &[u8], _last: bool) {
        let Some(entry) = self.heard.last_mut().and_then(|heard| heard.entry.as_mut()) else { return };
        if block.first {
            entry.frames.push(Vec::new());
        }
        entry.frames.last_mut().unwrap().extend_from_slice(payload);
    }

    fn tag(&mut self, name: &str, value: &str) {
        let Some(heard) = self.heard.last_mut() else { return };
        match name {
            "AWS_KINESISVIDEO_FRAGMENT_NUMBER" => heard.number = value.to_owned(),
            "AWS_KINESISVIDEO_CONTINUATION_TOKEN" => heard.whole = true,
            "AWS_KINESISVIDEO_END_OF_FRAGMENT" => panic!("the producer's word reached a reader"),
            _ => {}
        }
    }
}

/// Everything that a body gives.
pub async fn listen(mut body: MediaBody) -> Vec<Heard> {
    let (mut reader, mut listener) = (FragmentReader::new(Limits::default()), Listener::default());
    while let Some(chunk) = body.next().await {
        reader.push(&chunk, &mut listener).expect("a reader can read it");
    }
    listener.heard
}

/// How many fragments there are once the producer is done.
#[derive(Clone, Default)]
pub struct Done(Arc<AtomicUsize>);

impl Done {
    pub fn with(&self, fragments: usize) {
        self.0.store(fragments, Ordering::SeqCst);
    }

    /// Whether the producer is done and so many were heard.
    fn is_heard(&self, heard: usize) -> bool {
        let all = self.0.load(Ordering::SeqCst);
        all > 0 && heard >= all
    }
}

/// A reader that is there from the start. A body that ends because its fragment was taken back is followed by another,
/// behind the last whole one.
pub fn live(bench: &Bench, done: &Done) -> tokio::task::JoinHandle<Vec<Heard>> {
    let (service, done) = (bench.service.clone(), done.clone());
    tokio::spawn(async move {
        let mut heard: Vec<Heard> = Vec::new();
        loop {
            let start = match heard.last() {
                None => json!({"StartSelectorType": "EARLIEST"}),
                Some(last) => {
                    json!({"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": last.number})
                }
            };
            let request = json!({"StreamName": "s", "StartSelector": start}).to_string();
            heard.extend(listen(service.get_media(&caller(), request.as_bytes()).await.unwrap()).await);
            heard.retain(|heard| heard.whole);
            if done.is_heard(heard.len()) {
                return heard;
            }
        }
    })
}

/// What a reader that comes later is given.
pub async fn later(bench: &Bench) -> Vec<Heard> {
    listen(bench.get("s", json!({"StartSelectorType": "EARLIEST"})).await).await
}

/// The whole documents.
pub fn entries(heard: &[Heard]) -> Vec<Entry> {
    heard.iter().filter(|heard| heard.whole).filter_map(|heard| heard.entry.clone()).collect()
}
