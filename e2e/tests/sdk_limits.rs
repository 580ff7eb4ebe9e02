//! Limits and statuses of Kinesis Video Streams, and what ffprobe makes of its media.

use tympan_e2e::python;
use tympan_testkit::TestServer;

#[test]
fn the_aws_profile_refuses_what_aws_refuses() -> anyhow::Result<()> {
    let server = TestServer::builder()
        .env("TYMPAN_KVS__LIMITS", "aws")
        .env("TYMPAN_KVS__PUT_MEDIA_LIFETIME_S", 2)
        .env("TYMPAN_KVS__PUT_MEDIA_OVERLAP_MS", 500)
        .start()?;
    python::run(&server, "sdk_limits.py", &[]);
    Ok(())
}

#[test]
fn statuses_take_their_time_where_they_are_told_to() -> anyhow::Result<()> {
    let server = TestServer::builder().env("TYMPAN_KVS__STATUS_DELAY_MS", 1_000).start()?;
    python::run(&server, "sdk_statuses.py", &[]);
    Ok(())
}

#[test]
fn media_is_read_by_a_program_that_has_never_heard_of_it() -> anyhow::Result<()> {
    let server = TestServer::builder().env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 500).start()?;
    python::run(&server, "sdk_ffprobe.py", &[]);
    Ok(())
}
