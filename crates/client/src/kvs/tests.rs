use super::*;
use crate::media::{Follow, FollowOptions, MediaItem};
use crate::testing::{Asked, Body, client, json, refusal, respond, serve, streamed};
use crate::{ClientError, Exit};
use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;
use tympan_types::{FragmentNumber, ProducerTime, ServerTime};

fn demo() -> StreamRef {
    "demo".parse().unwrap()
}

/// A service whose data endpoint is itself.
async fn kvs<F, A>(answer: F) -> Kvs
where
    F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let data = serve(answer.clone()).await;
    let control = serve(move |asked: Asked| {
        let (data, answer) = (data.clone(), answer.clone());
        async move {
            if asked.path == "/getDataEndpoint" {
                return json(200, &json!({ "DataEndpoint": data.to_string() }));
            }
            answer(asked).await
        }
    })
    .await;
    Kvs::new(client(), control)
}

fn stream_info(name: &str) -> Value {
    let arn = format!("arn:aws:kinesisvideo:us-west-2:111122223333:stream/{name}/1598784211076");
    json!({
        "StreamName": name, "StreamARN": arn, "Status": "ACTIVE", "CreationTime": 1598784211.076,
        "DataRetentionInHours": 24, "Version": "v", "MediaType": "audio/L16",
    })
}

#[tokio::test]
async fn lists_are_read_to_their_last_page() {
    let kvs = kvs(|asked: Asked| async {
        assert_eq!(asked.service, "kinesisvideo");
        match asked.path.as_str() {
            "/listStreams" => {
                let request = asked.json().await;
                assert_eq!(request["StreamNameCondition"]["ComparisonValue"], "de");
                let (name, token) = match request["NextToken"].as_str() {
                    None => ("demo-1", json!("more")),
                    Some(token) => {
                        assert_eq!(token, "more");
                        ("demo-2", Value::Null)
                    }
                };
                json(200, &json!({ "StreamInfoList": [stream_info(name)], "NextToken": token }))
            }
            path => panic!("{path}"),
        }
    })
    .await;
    let names: Vec<String> =
        kvs.list_streams(Some("de")).await.unwrap().iter().map(|info| info.stream_name.to_string()).collect();
    assert_eq!(names, ["demo-1", "demo-2"]);
}

#[tokio::test]
async fn refusals_are_typed() {
    let kvs =
        kvs(|_| async { refusal(404, "ResourceNotFoundException", "The requested stream is not found.") })
            .await;
    let error = kvs.describe_stream(&demo()).await.unwrap_err();
    assert_eq!(error.exit(), Exit::NotFound);
    assert!(
        error
            .to_string()
            .contains("(ResourceNotFoundException, HTTP 404): The requested stream is not found.")
    );
    let error = kvs.get_media(&demo(), StartSelector::Now).await.unwrap_err();
    assert_eq!(error.exit(), Exit::NotFound);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let kvs = Kvs::new(client(), format!("http://{gone}").parse().unwrap());
    let error = kvs.describe_stream(&demo()).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Unavailable);
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(error.advice().unwrap().contains("tympan serve --dev"));
}

#[tokio::test]
async fn fragments_are_asked_for_by_server_time() {
    let kvs = kvs(|asked: Asked| async {
        assert_eq!(asked.path, "/listFragments");
        let request = asked.json().await;
        assert_eq!(
            request["FragmentSelector"]["TimestampRange"],
            json!({ "StartTimestamp": 1.5, "EndTimestamp": 9.0 })
        );
        let fragment = |number: &str| {
            json!({
                "FragmentNumber": number, "FragmentSizeInBytes": 10, "ProducerTimestamp": 2.0,
                "ServerTimestamp": 2.125, "FragmentLengthInMilliseconds": 980,
            })
        };
        json(200, &json!({ "Fragments": [fragment("12"), fragment("7")] }))
    })
    .await;
    let range = FragmentRange { from: ServerTime::from_unix_ms(1_500), to: ServerTime::from_unix_ms(9_000) };
    let fragments = kvs.list_fragments(&demo(), range).await.unwrap();
    let numbers: Vec<String> =
        fragments.iter().map(|fragment| fragment.fragment_number.to_string()).collect();
    assert_eq!(numbers, ["7", "12"]);
    assert_eq!(fragments[0].arrived().unix_ms(), 2_125);
}

#[tokio::test]
async fn a_body_that_breaks_is_taken_up_after_the_last_whole_fragment() {
    use crate::media::tests::{fragment, number};
    let starts: Arc<std::sync::Mutex<Vec<Value>>> = Arc::default();
    let seen = starts.clone();
    let kvs = kvs(move |asked: Asked| {
        let seen = seen.clone();
        async move {
            let start = asked.json().await["StartSelector"].clone();
            let attempt = {
                let mut seen = seen.lock().unwrap();
                seen.push(start);
                seen.len()
            };
            let (body, response) = streamed();
            let second = fragment(2, 20, &[&[2; 320], &[3; 320]]);
            if attempt == 1 {
                body.send(Ok(Bytes::from(fragment(1, 0, &[&[1; 4]])))).unwrap();
                // Into its second frame: 171 bytes of tags follow that.
                body.send(Ok(Bytes::copy_from_slice(&second[..second.len() - 300]))).unwrap();
                // Dropping the connection before the chunks are out would lose them.
                tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    body.send(Err(())).ok();
                });
            } else {
                body.send(Ok(Bytes::from(second))).unwrap();
                body.send(Ok(Bytes::from(fragment(3, 60, &[&[4; 4]])))).unwrap();
            }
            respond(200, response)
        }
    })
    .await;
    let options = FollowOptions { with_documents: false, for_ever: false };
    let mut follow = Follow::open(kvs, demo(), StartSelector::Earliest, options).await.unwrap();
    let (mut frames, mut complete) = (Vec::new(), 0);
    while let Some(item) = follow.next().await.unwrap() {
        match item {
            MediaItem::Frame(frame) => frames.push(frame.data[0]),
            MediaItem::End { complete: true, .. } => complete += 1,
            _ => {}
        }
    }
    assert_eq!((frames, complete), (vec![1, 2, 3, 4], 3));
    let starts = starts.lock().unwrap();
    assert_eq!(starts[0]["StartSelectorType"], "EARLIEST");
    assert_eq!(starts.len(), 2);
    // Whether the first fragment's end was seen before the connection broke is up to the kernel.
    assert!([json!(number(1)), Value::Null].contains(&starts[1]["AfterFragmentNumber"]), "{starts:?}");
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = attempts.clone();
    let kvs = kvs(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async {
            let (body, response) = streamed();
            body.send(Err(())).unwrap();
            respond(200, response)
        }
    })
    .await;
    let options = FollowOptions { with_documents: false, for_ever: false };
    let mut follow = match Follow::open(kvs, demo(), StartSelector::Now, options).await {
        Ok(follow) => follow,
        // The connection broke before the head was out.
        Err(error) => return assert_eq!(error.exit(), Exit::Unavailable),
    };
    let error = follow.next().await.unwrap_err();
    assert!(matches!(error, ClientError::Broken { .. } | ClientError::Unreachable { .. }), "{error:?}");
    assert!(attempts.load(Ordering::Relaxed) >= 2);
    assert!(matches!(follow.next().await, Ok(None)));
}

#[tokio::test]
async fn acknowledgements_come_while_the_body_is_still_being_sent() {
    let (bodies, mut received) = mpsc::unbounded_channel();
    let kvs = kvs(move |asked: Asked| {
        assert_eq!(asked.path, "/putMedia");
        let header = |name: &str| asked.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-amzn-stream-name"), "demo");
        assert_eq!(header("x-amzn-fragment-timecode-type"), "ABSOLUTE");
        assert_eq!(header("x-amzn-producer-start-timestamp"), "1700000000.005");
        assert_eq!(header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
        assert_eq!(header("transfer-encoding"), "chunked");
        let bodies = bodies.clone();
        async move {
            let (acks, response) = streamed();
            let mut body = asked.body;
            tokio::spawn(async move {
                while let Some(Ok(frame)) = body.frame().await {
                    let Ok(chunk) = frame.into_data() else { continue };
                    let line = format!(
                        "{{\"EventType\":\"PERSISTED\",\"FragmentTimecode\":{},\"FragmentNumber\":\"5\"}}\n",
                        chunk.len()
                    );
                    bodies.send(chunk).unwrap();
                    acks.send(Ok(Bytes::from(line))).ok();
                }
            });
            respond(200, response)
        }
    })
    .await;
    let start = PutMediaStart::Absolute(ProducerTime::from_unix_ms(1_700_000_000_005));
    let (upload, mut acks) = kvs.put_media(&demo(), start).await.unwrap();
    for bytes in 1..=3usize {
        assert!(upload.send(Bytes::from(vec![7; bytes])).await);
        assert_eq!(received.recv().await.unwrap().len(), bytes);
        let ack = acks.next().await.unwrap().unwrap();
        let number: Option<FragmentNumber> = Some("5".parse().unwrap());
        assert_eq!(ack, Ack { event: AckEvent::Persisted, timecode: Some(bytes as u64), number });
    }
    drop(upload);
    assert_eq!(acks.next().await.unwrap(), None);
}

#[tokio::test]
async fn contact_records_are_asked_for_as_the_servers_own_service() {
    let endpoint = serve(|asked: Asked| async move {
        assert_eq!(
            (asked.service.as_str(), asked.path.as_str()),
            ("tympan", "/tympan/contacts?maxResults=7")
        );
        json(200, &json!({ "Contacts": [{ "ContactId": "4a573372-1f28-4e26-b97b-0123456789ab" }] }))
    })
    .await;
    let contacts = crate::Contacts::new(client(), endpoint);
    let records = contacts.list(7).await.unwrap();
    assert_eq!((records.len(), records[0].is_live()), (1, true));
}
