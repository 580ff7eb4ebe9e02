//! Uploads that break off, over real sockets, and go on as the C SDK does: a reader that comes later gets each frame once
//! and in order, save whole fragments whose acknowledgement the cut swallowed.

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tympan_e2e::control;
use tympan_e2e::desk::Peer;
use tympan_e2e::until;
use tympan_testkit::TestServer;

/// As many as `rollback.py` puts into a fragment.
const FRAMES: usize = 5;

/// A server, and a producer that loses it.
struct Scene {
    server: TestServer,
    producer: Peer,
    /// Where the server keeps its data, before and after a restart.
    folder: TempDir,
}

impl Scene {
    fn open(relative: bool) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = start(&folder)?;
        let producer = Peer::new("rollback.py", &server)?;
        let mut scene = Self { server, producer, folder };
        scene.ask("begin", json!({ "relative": relative }))?;
        Ok(scene)
    }

    fn ask(&mut self, order: &str, arguments: Value) -> anyhow::Result<Value> {
        ask(&mut self.producer, order, arguments)
    }

    /// Begins an upload, which the producer goes on with from that fragment.
    fn connect(&mut self, from: u64) -> anyhow::Result<()> {
        let begun = self.ask("connect", json!({}))?;
        ensure!(begun == from, "the producer goes on from {begun}, and not from {from}");
        Ok(())
    }

    /// So many whole fragments, and so many frames of the one behind them; waits until they are told.
    fn send(&mut self, whole: u64, frames: u64) -> anyhow::Result<()> {
        self.ask("send", json!({ "whole": whole, "frames": frames })).map(drop)
    }

    /// The end of the upload; `told` is what was told of its last fragment.
    fn over(&mut self, told: &[&str]) -> anyhow::Result<()> {
        let acks = self.ask("over", json!({}))?;
        ensure!(acks == json!(told), "of the last fragment the producer was told {acks}, and not {told:?}");
        Ok(())
    }

    /// Breaks the connection; the cut swallows all acks but those of the first `heard` fragments.
    fn cut(&mut self, heard: u64, within_frame: bool) -> anyhow::Result<()> {
        let acks = self.ask("cut", json!({ "heard": heard, "within_frame": within_frame }))?;
        ensure!(acks == json!(["BUFFERING"]), "of the part the producer was told {acks}");
        Ok(())
    }

    /// A number that the server shows.
    fn metric(&self, name: &str) -> anyhow::Result<u64> {
        let page = control::page(&self.server, "/metrics")?;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("no {name} in {page}"))?.parse()?)
    }

    /// Until so many cut-off fragments wait.
    fn until_waiting(&self, count: u64) -> anyhow::Result<()> {
        let waiting = || self.metric("tympan_cut_fragments_waiting");
        until("cut-off fragments to wait, or to wait no more", || Ok((waiting()? == count).then_some(())))
    }

    /// The server has been asked to stop: waits until it has, and starts another in its place.
    fn stopped(self) -> anyhow::Result<Self> {
        let Self { mut server, producer, folder } = self;
        server.wait()?;
        Self::again(producer, folder)
    }

    /// SIGKILL, and another server in its place.
    fn killed(self) -> anyhow::Result<Self> {
        let Self { server, mut producer, folder } = self;
        server.kill_9()?;
        let acks = ask(&mut producer, "over", json!({}))?;
        ensure!(acks == json!(["BUFFERING"]), "of the part the producer was told {acks}");
        Self::again(producer, folder)
    }

    /// The producer is refused before there is a server again.
    fn again(mut producer: Peer, folder: TempDir) -> anyhow::Result<Self> {
        let refused = ask(&mut producer, "connect", json!({}))?;
        ensure!(refused.is_null(), "there is no server, and yet the producer goes on from {refused}");
        let server = start(&folder)?;
        ask(&mut producer, "point_at", json!({ "endpoint": server.http() }))?;
        Ok(Self { server, producer, folder })
    }

    /// Ends the upload, and reads: `fragments` whole ones, each frame once and in order, but those `again`, twice.
    fn ends_with(mut self, fragments: usize, again: &[usize]) -> anyhow::Result<()> {
        let told = self.ask("finish", json!({}))?;
        ensure!(told == json!(["BUFFERING", "RECEIVED", "PERSISTED"]), "of the last fragment: {told}");
        let read = self.ask("read", json!({}))?;
        ensure!(read["numbers"] == read["listed"], "GetMedia and ListFragments differ: {read}");
        let mut entries: Vec<Value> = read["frames"].as_array().context("no frames")?.clone();
        let whole = |place: usize| {
            json!((0..FRAMES).map(|frame| format!("{place}:{frame}")).collect::<Vec<String>>())
        };
        for &place in again {
            let last = entries.iter().rposition(|entry| *entry == whole(place));
            entries.remove(last.context("a fragment whose ack was swallowed is there again")?);
        }
        let expected: Vec<Value> = (0..fragments).map(whole).collect();
        ensure!(entries == expected, "a later reader got {entries:?}");
        Ok(())
    }
}

fn start(folder: &TempDir) -> anyhow::Result<TestServer> {
    let data_dir = folder.path().join("data");
    TestServer::builder().data_dir(data_dir).env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 500).start()
}

fn ask(producer: &mut Peer, order: &str, arguments: Value) -> anyhow::Result<Value> {
    let before = producer.printed().len();
    producer.order(&json!({ "do": order, "with": arguments }))?;
    let mut answer = until(order, || Ok(producer.printed().get(before).cloned()))?;
    match answer.get("error") {
        Some(error) => bail!("{order}: {error}"),
        None => Ok(answer["ok"].take()),
    }
}

#[test]
fn a_fragment_that_is_cut_off_is_continued_when_it_is_sent_again() -> anyhow::Result<()> {
    for relative in [false, true] {
        let mut scene = Scene::open(relative)?;
        scene.connect(0)?;
        scene.send(2, 3)?;
        scene.cut(2, true)?;
        scene.connect(2)?;
        scene.send(1, 2)?;
        scene.cut(1, false)?;
        scene.until_waiting(1)?;
        scene.connect(3)?;
        scene.send(2, 0)?;
        scene.until_waiting(0)?;
        ensure!(scene.metric("tympan_cut_fragments_waiting_bytes")? == 0);
        ensure!(scene.metric("tympan_cut_fragments_resumed_total")? == 2);
        ensure!(scene.metric("tympan_cut_fragments_sealed_total")? == 0);
        scene.ends_with(5, &[])?;
    }
    Ok(())
}

#[test]
fn only_whole_fragments_whose_acks_the_cut_swallowed_are_there_twice() -> anyhow::Result<()> {
    for relative in [false, true] {
        let mut scene = Scene::open(relative)?;
        scene.connect(0)?;
        scene.send(3, 3)?;
        scene.cut(1, true)?;
        scene.connect(1)?;
        scene.send(4, 0)?;
        scene.ends_with(5, &[1, 2])?;
    }
    Ok(())
}

#[test]
fn a_lost_connection_that_still_looks_alive_adds_nothing_to_what_is_sent_again() -> anyhow::Result<()> {
    for relative in [false, true] {
        let mut scene = Scene::open(relative)?;
        scene.connect(0)?;
        scene.send(0, 3)?;
        scene.ask("leave", json!({}))?;
        scene.connect(0)?;
        scene.send(2, 0)?;
        let told = scene.ask("wake", json!({}))?;
        ensure!(told == json!(["BUFFERING"]), "on the lost connection the producer was told {told}");
        scene.ends_with(2, &[])?;
    }
    Ok(())
}

#[test]
fn a_server_that_stops_lets_the_open_fragment_end() -> anyhow::Result<()> {
    for relative in [false, true] {
        let mut scene = Scene::open(relative)?;
        scene.connect(0)?;
        scene.send(1, 3)?;
        scene.server.terminate()?;
        scene.ask("rest", json!({}))?;
        scene.over(&["BUFFERING", "RECEIVED", "PERSISTED", "ERROR"])?;
        let mut scene = scene.stopped()?;
        scene.connect(2)?;
        scene.send(2, 0)?;
        scene.ends_with(4, &[])?;
    }
    Ok(())
}

#[test]
fn a_server_that_stops_takes_back_a_fragment_that_does_not_end() -> anyhow::Result<()> {
    let mut scene = Scene::open(true)?;
    scene.connect(0)?;
    scene.send(1, 3)?;
    scene.server.terminate()?;
    // The producer says nothing until the server waits no longer.
    scene.over(&["BUFFERING"])?;
    let mut scene = scene.stopped()?;
    scene.connect(1)?;
    scene.send(2, 0)?;
    scene.ends_with(3, &[])
}

#[test]
fn a_server_that_is_killed_gets_the_open_fragment_whole_when_it_is_back() -> anyhow::Result<()> {
    for relative in [false, true] {
        let mut scene = Scene::open(relative)?;
        scene.connect(0)?;
        scene.send(2, 3)?;
        let mut scene = scene.killed()?;
        scene.connect(2)?;
        scene.send(2, 0)?;
        scene.ends_with(4, &[])?;
    }
    Ok(())
}
