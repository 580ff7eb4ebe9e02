//! Producers that upload until their server dies.

use super::content::{cluster, head, timecode_ms};
use super::{Counts, Told, stream_ref};
use anyhow::ensure;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tympan_client::kvs::{AckEvent, Kvs, PutMediaStart};
use tympan_types::{ProducerTime, StreamName};

/// At most so many fragments of an upload wait for their acknowledgement: the disk decides the pace.
const IN_FLIGHT: u64 = 8;
/// How long the last acknowledgements of a dead server may be on their way.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A producer for each stream.
pub(super) struct Load {
    producers: Vec<JoinHandle<Told>>,
    persisted: Counts,
}

/// Starts them.
pub(super) fn start(kvs: &Kvs, names: &[StreamName], run: u32) -> Load {
    let persisted: Counts = Arc::new(names.iter().map(|_| AtomicU64::new(0)).collect());
    let producers = names
        .iter()
        .enumerate()
        .map(|(stream, name)| {
            tokio::spawn(produce(kvs.clone(), name.clone(), stream, run, persisted.clone()))
        })
        .collect();
    Load { producers, persisted }
}

impl Load {
    /// Waits until each of them has got something persisted.
    pub(super) async fn every_one_is_acknowledged(&self, patience: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.persisted.iter().any(|count| count.load(Ordering::Relaxed) == 0) {
            ensure!(begun.elapsed() < patience, "waited {patience:?} in vain");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// The server is dead: what they were told.
    pub(super) async fn finish(self) -> anyhow::Result<Vec<Told>> {
        let mut told = Vec::new();
        for producer in self.producers {
            told.push(tokio::time::timeout(LAST_WORDS, producer).await??);
        }
        Ok(told)
    }
}

async fn produce(kvs: Kvs, name: StreamName, stream: usize, run: u32, persisted: Counts) -> Told {
    let mut told = Told { stream, acks: Vec::new() };
    let start = PutMediaStart::Absolute(ProducerTime::from_unix_ms(1_700_000_000_000));
    // A server that dies in between refuses the connection, and then there is nothing to tell.
    let Ok((upload, mut acks)) = kvs.put_media(&stream_ref(&name), start).await else { return told };
    let counts = persisted.clone();
    let sending = tokio::spawn(async move {
        let mut alive = upload.send(head()).await;
        let mut fragment = 0;
        while alive {
            if fragment >= counts[stream].load(Ordering::Relaxed) + IN_FLIGHT {
                tokio::time::sleep(Duration::from_millis(1)).await;
                alive = !upload.is_closed();
                continue;
            }
            alive = upload.send(cluster(stream, timecode_ms(run, fragment))).await;
            fragment += 1;
        }
    });
    while let Ok(Some(ack)) = acks.next().await {
        if ack.event == AckEvent::Persisted {
            persisted[stream].fetch_add(1, Ordering::Relaxed);
        }
        told.acks.push(ack);
    }
    sending.abort();
    told
}
