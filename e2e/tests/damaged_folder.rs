//! A data folder that something has happened to: the server serves what is intact and says what is not, or it refuses
//! and says what to do; nothing that has not expired is ever removed.
//!
//! `TYMPAN_DAMAGE=all` goes through every file and directory instead of a sample, and takes an hour;
//! `TYMPAN_DAMAGE_FLIPS` is how many bits of each file are flipped then, 3 unless it is set.

#![allow(clippy::print_stderr, reason = "a run over all of it says how far it is")]

use anyhow::{Context, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use tympan_e2e::damage::{Damage, Deed, deeds, paths};
use tympan_e2e::desk::Desk;
use tympan_e2e::folder::{Folder, Holdings, contacts, copy, files, holdings, remove, server};
use tympan_testkit::{TestServer, binary};

/// What a person can do about a refusal: each refusal names one of these.
const ADVICE: [&str; 6] = ["restore", "rebuild", "backup", "put the newest copy", "chmod", "Mount"];
/// Files that help, or that are made anew: without them everything is served, and there is nothing to tell.
const EXPENDABLE: [&str; 9] = [
    "CONTROL",
    "LOCK",
    "RESERVE",
    "session.key",
    "audit.jsonl",
    "flow-logs.jsonl",
    "contact-records.jsonl",
    "catalog.db-shm",
    "control.db-shm",
];

/// What came of a damage; printed.
enum Verdict {
    /// It changed nothing.
    Nothing,
    /// Everything is served.
    Served,
    /// What is intact is served, and so many fragments are not; the log says so.
    Told(usize),
    /// The server does not start; with the damage undone everything is served. The reason.
    Refused(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no change"),
            Self::Served => f.write_str("all is served"),
            Self::Told(missing) => write!(f, "told, {missing} fragments are not served"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
        }
    }
}

#[test]
fn whatever_happens_to_a_file_or_a_directory_is_told_and_costs_nothing_else() -> anyhow::Result<()> {
    let all = is_all();
    let mut judge = Judge::new(Folder::build(if all { 3 } else { 1 })?)?;
    let data = judge.folder.data();
    let mut damages: Vec<Damage> = paths(&data)?.iter().flat_map(|path| deeds(path)).collect();
    if !all {
        let mut random = Random::fresh();
        let always = [
            "catalog.db",
            "catalog.db-wal",
            "keyring/keyring.json",
            "FORMAT",
            "chunks",
            "streams",
            "control.db",
        ];
        // One deed to each of the files that matter most, and to some others.
        let mut sample: Vec<Damage> = Vec::new();
        for path in always.iter().filter(|path| data.join(path).exists()) {
            let of_path: Vec<&Damage> =
                damages.iter().filter(|damage| damage.path == Path::new(path)).collect();
            sample.push(random.of(&of_path).to_owned().clone());
        }
        sample.extend((0..2).map(|_| random.of(&damages).clone()));
        damages = sample;
    }
    judge.all(&damages)
}

#[test]
fn a_bit_that_flips_in_any_file_is_told_and_costs_nothing_else() -> anyhow::Result<()> {
    let all = is_all();
    let mut judge = Judge::new(Folder::build(if all { 3 } else { 1 })?)?;
    let data = judge.folder.data();
    let mut random = Random::fresh();
    let mut damages = Vec::new();
    for file in files(&data)?.into_iter().filter(|file| file.metadata().is_ok_and(|file| file.len() > 0)) {
        let count =
            std::env::var("TYMPAN_DAMAGE_FLIPS").ok().and_then(|count| count.parse().ok()).unwrap_or(3);
        for _ in 0..count {
            let deed = Deed::Flipped { at: random.below(file.metadata()?.len()), bit: random.below(8) as u8 };
            damages.push(Damage { path: file.strip_prefix(&data)?.to_owned(), deed });
        }
    }
    if !all {
        let database = |damage: &&Damage| damage.path.extension().is_some_and(|extension| extension == "db");
        let databases: Vec<Damage> = damages.iter().filter(database).cloned().collect();
        let mut sample: Vec<Damage> = (0..3).map(|_| random.of(&databases).clone()).collect();
        sample.extend((0..5).map(|_| random.of(&damages).clone()));
        damages = sample;
    }
    judge.all(&damages)
}

#[test]
fn a_folder_whose_catalogue_is_gone_is_brought_back_exactly_by_a_rebuild() -> anyhow::Result<()> {
    let folder = Folder::build(1)?;
    let work = folder.work();
    copy(&folder.data(), &work)?;
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        remove(&work.join(name))?;
    }
    let refusal = server(&work).start().err().context("it started without a catalogue")?;
    ensure!(format!("{refusal:#}").contains("tympan streams rebuild"), "{refusal:#}");
    let output = Command::new(binary()?).args(["streams", "rebuild"]).arg(&work).output()?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let running = server(&work).start().context(said)?;
    let mut desk = Desk::new(&running)?;
    let held = holdings(&mut desk)?;
    ensure!(held == folder.reference, "{}", difference(&folder.reference, &held));
    Ok(())
}

fn is_all() -> bool {
    std::env::var("TYMPAN_DAMAGE").is_ok_and(|what| what == "all")
}

/// Looks at one damage after the other.
struct Judge {
    folder: Folder,
    desk: Desk,
    /// In which files the record of each fragment is.
    places: BTreeMap<String, BTreeSet<PathBuf>>,
}

impl Judge {
    fn new(folder: Folder) -> anyhow::Result<Self> {
        let idle = TestServer::start()?;
        let desk = Desk::new(&idle)?;
        let mut places: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
        for (path, numbers) in records(&folder.data())? {
            for number in numbers {
                places.entry(number).or_default().insert(path.clone());
            }
        }
        for number in folder.reference.values().flat_map(BTreeMap::keys) {
            ensure!(places.contains_key(number), "the record of {number} is in no file");
        }
        Ok(Self { folder, desk, places })
    }

    /// All of them are judged, also behind one that went wrong.
    fn all(&mut self, damages: &[Damage]) -> anyhow::Result<()> {
        let mut wrong = Vec::new();
        for (at, damage) in damages.iter().enumerate() {
            let verdict = self.one(damage);
            let count = damages.len();
            match verdict {
                Ok(verdict) => eprintln!("{}/{count} {damage}: {verdict}", at + 1),
                Err(error) => {
                    eprintln!("{}/{count} {damage}: WRONG: {error:#}", at + 1);
                    wrong.push(format!("{damage}: {error:#}"));
                }
            }
        }
        ensure!(wrong.is_empty(), "{} of {} went wrong:\n{}", wrong.len(), damages.len(), wrong.join("\n"));
        Ok(())
    }

    fn one(&mut self, damage: &Damage) -> anyhow::Result<Verdict> {
        let work = self.folder.work();
        remove(&work)?;
        copy(&self.folder.data(), &work)?;
        if !damage.apply(&self.folder, &work)? {
            return Ok(Verdict::Nothing);
        }
        match server(&work).start() {
            Ok(running) => self.served(damage, &work, running),
            Err(refusal) => self.refused(damage, &work, &format!("{refusal:#}")),
        }
    }

    /// With the damage undone everything is there: the refusal has cost nothing.
    fn refused(&mut self, damage: &Damage, work: &Path, said: &str) -> anyhow::Result<Verdict> {
        ensure!(said.contains("tympan ended at its start"), "no end and no start: {said}");
        ensure!(!said.contains("panicked"), "{said}");
        let reason = said
            .lines()
            .rfind(|line| line.starts_with("Error:") || line.starts_with("tympan: "))
            .unwrap_or(said);
        ensure!(ADVICE.iter().any(|advice| said.contains(advice)), "what is to be done? {reason}");
        damage.undo(&self.folder, work)?;
        let running = server(work).start().context("with the damage undone")?;
        self.desk.point_at(&running)?;
        let held = holdings(&mut self.desk)?;
        running.kill_9()?;
        ensure!(
            held == self.folder.reference,
            "with the damage undone: {}",
            difference(&self.folder.reference, &held)
        );
        Ok(Verdict::Refused(reason.chars().take(300).collect()))
    }

    fn served(&mut self, damage: &Damage, work: &Path, running: TestServer) -> anyhow::Result<Verdict> {
        self.desk.point_at(&running)?;
        let held = holdings(&mut self.desk)?;
        let listed = contacts(&mut self.desk)?;
        let log = running.log();
        running.kill_9()?;
        ensure!(!log.contains("panicked"), "{log}");
        let (known, of) = (self.folder.reference.clone(), difference);
        let missing = missing(&known, &held).with_context(|| of(&known, &held))?;
        let told = log.lines().filter(|line| line.contains("ERROR") || line.contains("WARN")).count()
            > self.warnings(&log);
        let expendable = EXPENDABLE.iter().any(|path| damage.path == Path::new(path));
        if expendable {
            ensure!(
                missing.is_empty() && listed == self.folder.contacts,
                "{} fragments are missing",
                missing.len()
            );
            return Ok(Verdict::Served);
        }
        // What the damage did not touch is there; the log names what it did touch.
        let touched = damage.touched();
        let apart = |place: &&PathBuf| !touched.iter().any(|path| place.starts_with(path));
        let intact: Vec<&String> = missing
            .iter()
            .filter(|number| self.places[**number].iter().any(|place| apart(&place)))
            .copied()
            .collect();
        ensure!(told || missing.is_empty(), "{} fragments are missing, and nothing is said", missing.len());
        let is = |names: &[&str]| names.iter().any(|name| damage.path == Path::new(name));
        let records = is(&["control.db"]);
        // Within one life a database that is whole says nothing of its time.
        let of_another_time = matches!(damage.deed, Deed::Removed | Deed::Emptied | Deed::BeforeRestart);
        ensure!(told || !(records && of_another_time), "another database, and nothing is said");
        ensure!(
            told || listed == self.folder.contacts
                || damage.deed == Deed::BeforeKill
                || is(&["control.db-wal"]),
            "contacts are missing, and nothing is said"
        );
        if !intact.is_empty() {
            self.come_back(damage, work, &intact)?;
        }
        Ok(if told { Verdict::Told(missing.len()) } else { Verdict::Served })
    }

    /// Fragments of which a record was untouched are served once the damage is undone: the start has removed none.
    fn come_back(&mut self, damage: &Damage, work: &Path, numbers: &[&String]) -> anyhow::Result<()> {
        damage.undo(&self.folder, work)?;
        let running = server(work).start().context("with the damage undone")?;
        self.desk.point_at(&running)?;
        let held = holdings(&mut self.desk)?;
        running.kill_9()?;
        for number in numbers {
            let served = held.values().any(|fragments| fragments.contains_key(*number));
            ensure!(served, "a record of {number} was untouched, and it is gone");
        }
        Ok(())
    }

    /// Lines of every start of this folder: the contact that was open is closed.
    fn warnings(&self, log: &str) -> usize {
        log.lines().filter(|line| line.contains("a contact was cut off when the server stopped")).count()
    }
}

/// The fragments that are not served. Others than those that are known, and other bytes, are an error.
fn missing<'a>(known: &'a Holdings, held: &Holdings) -> anyhow::Result<Vec<&'a String>> {
    for (stream, fragments) in held {
        for (number, fragment) in fragments {
            match known.get(stream).and_then(|known| known.get(number)) {
                Some(known) if known == fragment => {}
                Some(_) => bail!("{number} of {stream} is not what it was"),
                None => bail!("{number} of {stream} had expired or was deleted, and is served"),
            }
        }
    }
    let served =
        |stream: &String, number: &String| held.get(stream).is_some_and(|held| held.contains_key(number));
    Ok(known
        .iter()
        .flat_map(|(stream, fragments)| fragments.keys().filter(move |number| !served(stream, number)))
        .collect())
}

fn difference(known: &Holdings, held: &Holdings) -> String {
    let streams = known.keys().chain(held.keys()).collect::<BTreeSet<_>>();
    let of = |stream: &&&String| known.get(**stream) != held.get(**stream);
    let count = |holdings: &Holdings, stream: &String| holdings.get(stream).map(BTreeMap::len);
    let differ: Vec<String> = streams
        .iter()
        .filter(of)
        .map(|stream| format!("{stream}: {:?} -> {:?}", count(known, stream), count(held, stream)))
        .collect();
    differ.join(", ")
}

/// The numbers of the records in each file below `chunks`, `journal` and `lost+found`, found by their magic.
fn records(data: &Path) -> anyhow::Result<BTreeMap<PathBuf, BTreeSet<String>>> {
    let mut found: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for file in files(data)? {
        let bytes = std::fs::read(&file)?;
        let path = file.strip_prefix(data)?.to_owned();
        let starts = bytes.windows(4).enumerate().filter(|(_, window)| *window == b"TYMF");
        let numbers = starts.filter_map(|(at, _)| bytes.get(at + 32..at + 52)).map(decimal);
        found.insert(path, numbers.collect());
    }
    Ok(found)
}

/// A number of any length, big-endian, in digits.
fn decimal(bytes: &[u8]) -> String {
    let mut digits = vec![0_u8];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) * 256;
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

/// A seed that is printed, so that a sample can be had again by `TYMPAN_DAMAGE_SEED`.
struct Random(u64);

impl Random {
    fn fresh() -> Self {
        let given = std::env::var("TYMPAN_DAMAGE_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64);
        let seed = given.unwrap_or(now);
        eprintln!("TYMPAN_DAMAGE_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % limit.max(1)
    }

    fn of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}
