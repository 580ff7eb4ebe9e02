//! What producers and consumers see of a disk that is full or fails: an ERROR ack for what is lost, nothing else lost, and
//! the next upload as if nothing had been.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use support::{acks, bench, events, relative, three_fragments, whole};
use tympan_kvs::{BodyEnd, ErrorId};
use tympan_store::memory::Fault;

#[tokio::test]
async fn a_fragment_that_the_disk_refuses_is_an_error_ack_and_the_next_upload_succeeds() {
    assert_eq!(ErrorId::Archival.id(), 5001);
    for fault in [Fault::Refuse, Fault::WriteHalf, Fault::FailSync] {
        let bench = bench();
        bench.create("s", 24).await;
        assert_eq!(persisted(&bench.produce("s", relative(0), &three_fragments()).await), 3);

        // Enough for each fragment in a group of its own, and for the second try of each.
        bench.disk.faults().script_commits(vec![Some(fault); 12]);
        let mut session = bench.put("s", relative(10_000)).await;
        session.push(&three_fragments());
        session.finish(BodyEnd::Ended);
        let refused = acks(&mut session).await;
        let told = events(&refused);
        assert_eq!(persisted(&refused), 0, "{told:?}");
        assert!(told.contains(&"ERROR 5001".to_owned()), "{told:?}");

        // Whatever the script has left over would fail the next one.
        bench.disk.faults().clear_commits();
        let recovered = bench.produce("s", relative(20_000), &three_fragments()).await;
        assert_eq!(persisted(&recovered), 3, "{:?}", events(&recovered));
        assert_eq!(bench.stored_soon("s", 6).await, 6, "what was persisted and nothing else");
        let body = whole(bench.get("s", serde_json::json!({"StartSelectorType": "EARLIEST"})).await).await;
        let text = String::from_utf8_lossy(&body);
        assert_eq!(text.matches("AWS_KINESISVIDEO_FRAGMENT_NUMBER").count(), 6);
        assert!(!text.contains("AWS_KINESISVIDEO_ERROR"), "reading goes on");
    }
}

fn persisted(acks: &[tympan_kvs::Ack]) -> usize {
    events(acks).iter().filter(|event| *event == "PERSISTED").count()
}
