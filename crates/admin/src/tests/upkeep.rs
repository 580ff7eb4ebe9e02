use super::bench::Bench;
use crate::ErrorCode;
use serde_json::{Value, json};

#[tokio::test]
async fn one_backup_is_made_at_a_time_and_asked_after() {
    let bench = Bench::new();
    assert_eq!(bench.call("GET /tympan/backup", Value::Null).await.unwrap(), json!({ "Status": "NONE" }));
    let relative = bench.call("POST /tympan/backup", json!({ "Directory": "x" })).await.unwrap_err();
    assert_eq!(relative.code(), ErrorCode::Validation);
    let unknown =
        bench.call("POST /tympan/backup", json!({ "Directory": "/x", "Keys": true })).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::Validation);
    let begun = bench.call("POST /tympan/backup", json!({ "Directory": "/x" })).await.unwrap();
    assert_eq!(begun["Status"], "RUNNING");
    let busy = bench.call("POST /tympan/backup", json!({ "Directory": "/x" })).await.unwrap_err();
    assert_eq!(busy.code(), ErrorCode::InUse);
    assert_eq!(bench.call("GET /tympan/backup", Value::Null).await.unwrap()["Directory"], "/x");
}

#[tokio::test]
async fn expiry_doctor_health_and_version_are_told() {
    let bench = Bench::new();
    let expiry = bench.call("GET /tympan/expiry", Value::Null).await.unwrap();
    assert_eq!(expiry["Status"], "RUNNING");
    assert_eq!(bench.call("POST /tympan/expiry/clock", Value::Null).await.unwrap(), expiry);
    let findings = bench.call("POST /tympan/doctor", Value::Null).await.unwrap();
    assert_eq!(findings["Findings"][0]["check"], "clock");
    let health = bench.call("GET /tympan/health", Value::Null).await.unwrap();
    assert_eq!(
        (&health["Streams"]["Kept"], &health["Time"]),
        (&json!(0), &json!(super::bench::NOW.rfc3339_ms()))
    );
    assert_eq!(bench.call("GET /tympan/version", Value::Null).await.unwrap()["Version"], "0.0.0");
}
