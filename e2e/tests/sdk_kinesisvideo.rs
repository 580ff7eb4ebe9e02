//! Kinesis Video Streams: boto3, and PutMedia by hand.

use tympan_e2e::python;
use tympan_testkit::TestServer;

/// Bodies of GetMedia end soon, so that a test that reads many of them does too.
fn impatient() -> anyhow::Result<TestServer> {
    TestServer::builder().env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 500).start()
}

#[test]
fn streams_are_created_described_listed_tagged_changed_and_deleted() -> anyhow::Result<()> {
    python::run(&TestServer::start()?, "sdk_kinesisvideo.py", &[]);
    Ok(())
}

#[test]
fn the_quota_of_streams_is_kept() -> anyhow::Result<()> {
    let server = TestServer::builder().env("TYMPAN_KVS__STREAMS_PER_ACCOUNT", 3).start()?;
    python::run(&server, "sdk_quota.py", &[]);
    Ok(())
}

#[test]
fn uploads_are_acknowledged_and_kept() -> anyhow::Result<()> {
    python::run(&impatient()?, "sdk_put_media.py", &[]);
    Ok(())
}

#[test]
fn silent_uploads_are_told_and_closed() -> anyhow::Result<()> {
    let server = TestServer::builder()
        .env("TYMPAN_KVS__PUT_MEDIA_IDLE_MS", 3_000)
        .env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 500)
        .start()?;
    python::run(&server, "sdk_idle.py", &[]);
    Ok(())
}

#[test]
fn media_is_read_from_anywhere_and_while_it_arrives() -> anyhow::Result<()> {
    python::run(&impatient()?, "sdk_get_media.py", &[]);
    Ok(())
}

#[test]
fn with_default_settings_a_body_ends_long_before_a_consumer_gives_up() -> anyhow::Result<()> {
    let check = "a_body_ends_by_itself_when_the_stream_is_quiet";
    python::run(&TestServer::start()?, "sdk_get_media.py", &[check]);
    Ok(())
}

#[test]
fn archived_media_is_listed_and_read() -> anyhow::Result<()> {
    python::run(&impatient()?, "sdk_archived_media.py", &[]);
    Ok(())
}
