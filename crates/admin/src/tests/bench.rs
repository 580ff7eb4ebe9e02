use crate::access::{
    AccessParts, AuditTrail, AuditWalk, Configuration, KeyUses, Sessions, Setting, SettingSource, Visit,
};
use crate::contacts::{
    AxisPart, ContactIndex, ContactPage, FlowLogLines, IndexError, Intervals, SoundError, SoundTrack, Sounds,
    WantedSound, WaveformError, Waveforms,
};
use crate::{
    AdminError, AdminParts, AdminService, BackupRefusal, Backups, Doctor, EventFeed, EventReaders, Health,
    NewBackup, PromptSounds, operations,
};
use http::Request;
use serde_json::{Value, json};
use std::any::Any;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tympan_auth::{Credentials, Identities, Policy, Role, SessionSeal};
use tympan_aws::{Attempt, BoxFuture, Invocation, Operations, Output, Permit, Unrestricted};
use tympan_connect::live_calls::NoCalls;
use tympan_connect::settings::MemorySettings;
use tympan_connect::{ConnectService, Ids, Options};
use tympan_contact::{CapturedAudio, Contact, Erased, History, MemoryHistory, Recording, fixtures};
use tympan_db::contact::{ContactCursor, ContactEvent, ContactFacts, ContactPayload, ContactQuery};
use tympan_db::{Db, Kinds, OpenOptions, RowError, StartId};
use tympan_kms::Keyring;
use tympan_kvs::{KvsOptions, KvsService};
use tympan_store::memory::{MemoryBackend, MemoryDisk};
use tympan_store::{Clock, MediaStore, StoreOptions};
use tympan_telephony::audio::wav;
use tympan_types::{AccountId, Caller, ContactId, Mono, Region, WallTime};

pub(super) const NOW: WallTime = WallTime::from_unix_ms(1_706_238_600_000);

/// Changes that are kept.
pub(super) const CHANGES: u64 = 80;

/// It stands still.
pub(super) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> WallTime {
        NOW
    }

    fn mono(&self) -> Mono {
        Mono::from_millis(0)
    }
}

/// Contacts in memory, of which some cannot be read.
#[derive(Default)]
pub(super) struct Contacts {
    pub(super) kept: MemoryHistory,
    pub(super) unreadable: Mutex<HashSet<ContactId>>,
    pub(super) is_away: AtomicBool,
    pub(super) erased: Mutex<Vec<(ContactId, CapturedAudio)>>,
    pub(super) flow_lines: Mutex<Vec<String>>,
}

impl ContactIndex for Contacts {
    fn find(&self, id: ContactId) -> Result<Option<Contact>, IndexError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(IndexError::Unavailable("the disk of +15555550123".to_owned()));
        }
        if self.unreadable.lock().unwrap().contains(&id) {
            return Err(IndexError::Unreadable("its checksum does not fit".to_owned()));
        }
        ContactIndex::find(&self.kept, id)
    }

    fn search(
        &self,
        query: &ContactQuery,
        after: Option<ContactCursor>,
        limit: usize,
    ) -> Result<ContactPage, IndexError> {
        // Short pages, as a database gives them where few rows meet a condition.
        let mut page = self.kept.search(query, after, limit.min(2))?;
        page.unreadable = usize::from(after.is_none() && !self.unreadable.lock().unwrap().is_empty());
        Ok(page)
    }

    fn count(&self, account: &AccountId, intervals: &Intervals) -> Result<Vec<u64>, IndexError> {
        self.kept.count(account, intervals)
    }

    fn flow_log(&self, contact: &Contact) -> Result<FlowLogLines, IndexError> {
        Ok(FlowLogLines { lines: vec![json!({ "ContactId": contact.id })], is_complete: true })
    }

    fn flow_log_lines(
        &self,
        about: &str,
        _: WallTime,
        take: &mut dyn FnMut(&str),
    ) -> Result<bool, IndexError> {
        let lines = self.flow_lines.lock().unwrap();
        lines.iter().filter(|line| line.contains(about)).for_each(|line| take(line));
        Ok(true)
    }

    fn erase(&self, id: ContactId, audio: CapturedAudio) -> Result<Option<Erased>, IndexError> {
        self.erased.lock().unwrap().push((id, audio));
        match self.unreadable.lock().unwrap().remove(&id) {
            true => Ok(Some(Erased::default())),
            false => ContactIndex::erase(&self.kept, id, audio),
        }
    }
}

/// Draws nothing but what it was asked for.
struct Drawn;

impl Waveforms for Drawn {
    fn draw<'a>(
        &'a self,
        contact: &'a Contact,
        columns: usize,
        part: AxisPart,
    ) -> BoxFuture<'a, Result<Value, WaveformError>> {
        let drawn = match contact.sip_headers.is_empty() {
            true => Ok(json!({
                "StartTimestamp": null, "SampleRateHz": 8000, "Samples": columns, "Captures": [], "Tracks": [],
                "FromMilliseconds": part.from_ms.unwrap_or(0), "ToMilliseconds": part.to_ms.unwrap_or(0),
            })),
            false => Err(WaveformError::Key("the key is disabled".to_owned())),
        };
        Box::pin(std::future::ready(drawn))
    }
}

/// Gives what it was asked for.
struct Sound;

impl Sounds for Sound {
    fn read<'a>(
        &'a self,
        contact: &'a Contact,
        wanted: WantedSound,
    ) -> BoxFuture<'a, Result<Output, SoundError>> {
        let read = match contact.sip_headers.is_empty() {
            true => Ok(Output::stream("audio/wav", wanted)),
            false => Err(SoundError::Key("the key is disabled".to_owned())),
        };
        Box::pin(std::future::ready(read))
    }

    fn listen<'a>(
        &'a self,
        contact: &'a Contact,
        tracks: Vec<SoundTrack>,
    ) -> BoxFuture<'a, Result<Output, SoundError>> {
        let heard = match contact.disconnect_timestamp {
            None => Ok(Output::stream("application/json", tracks)),
            Some(_) => Err(SoundError::Ended),
        };
        Box::pin(std::future::ready(heard))
    }

    fn listeners(&self) -> u64 {
        0
    }
}

/// Plays what the program or the instance has, and fetches nothing.
struct Played(ConnectService);

impl PromptSounds for Played {
    fn read(&self, recording: Recording) -> BoxFuture<'_, Result<Arc<[i16]>, String>> {
        let file = match recording {
            Recording::Wav(file) => Ok(file),
            Recording::Uri(uri) => Err(format!("{uri} is not fetched")),
            Recording::Uploaded { prompt, .. } => Ok(self.0.uploaded_sound(prompt).unwrap().unwrap()),
        };
        let samples = file.map(|file| wav::read(&file).unwrap().into());
        Box::pin(std::future::ready(samples))
    }
}

#[derive(Default)]
struct OneBackup(Mutex<Option<NewBackup>>);

impl Backups for OneBackup {
    fn start(&self, new: NewBackup) -> Result<(), BackupRefusal> {
        if !new.directory.is_absolute() {
            return Err(BackupRefusal::Relative);
        }
        match self.0.lock().unwrap().replace(new) {
            None => Ok(()),
            Some(_) => Err(BackupRefusal::Busy),
        }
    }

    fn newest(&self) -> Value {
        match &*self.0.lock().unwrap() {
            None => json!({ "Status": "NONE" }),
            Some(new) => json!({ "Status": "RUNNING", "Directory": new.directory }),
        }
    }
}

struct Healthy;

impl Doctor for Healthy {
    fn examine(&self) -> BoxFuture<'_, Value> {
        let findings =
            json!([{ "check": "clock", "state": "ok", "what": "it is kept", "why": "", "do": "" }]);
        Box::pin(std::future::ready(findings))
    }
}

impl Health for Healthy {
    fn look(&self) -> BoxFuture<'_, Value> {
        let health = json!({
            "Calls": { "Live": 0, "Limit": 1 }, "Streams": { "InUse": 0, "Limit": null }, "Listeners": 0, "EventReaders": 0,
            "Disk": null, "KeyProvider": "LOCAL", "Keys": [], "Sinks": [], "Capture": {}, "Errors": [],
        });
        Box::pin(std::future::ready(health))
    }
}

/// They differ.
#[derive(Default)]
struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn random(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

/// Settings as a server has them: one of its own, one that is a secret.
struct Settings;

impl Configuration for Settings {
    fn settings(&self) -> Vec<Setting> {
        let setting = |key: &str, value: Option<&str>, source, place: Option<&str>| Setting {
            key: key.to_owned(),
            value: value.map(str::to_owned),
            is_secret: value.is_none(),
            source,
            place: place.map(str::to_owned),
        };
        vec![
            setting("sip.listen", Some("0.0.0.0:5060"), SettingSource::Default, None),
            setting("kms.secret_access_key", None, SettingSource::File, Some("/etc/tympan.toml:7")),
        ]
    }

    fn policy_place(&self, name: &str) -> Option<String> {
        POLICIES.iter().any(|(known, _)| *known == name).then(|| format!("/etc/{name}.json"))
    }
}

/// Lines in memory, oldest first; a walk reads so many at once.
#[derive(Default)]
pub(super) struct Trail {
    pub(super) lines: Mutex<Vec<String>>,
    pub(super) at_once: Option<usize>,
}

impl AuditTrail for Trail {
    fn is_written(&self) -> bool {
        true
    }

    fn machine_time(&self, at: WallTime) -> WallTime {
        at
    }

    fn walk(
        &self,
        _: WallTime,
        _: WallTime,
        after: Option<&str>,
        visit: &mut dyn FnMut(&str) -> Visit,
    ) -> AuditWalk {
        let lines = self.lines.lock().unwrap();
        let end = after.map_or(lines.len(), |after| after.parse().unwrap());
        let ended = |next: usize| {
            let next = Some(next.to_string()).filter(|_| next > 0);
            AuditWalk { next, is_whole: true }
        };
        for (read, index) in (0..end).rev().enumerate() {
            match visit(&lines[index]) {
                Visit::Past => return ended(0),
                Visit::Full => return ended(index),
                Visit::GoOn if self.at_once == Some(read + 1) => return ended(index),
                Visit::GoOn => {}
            }
        }
        ended(0)
    }
}

/// Policies of the configuration.
pub(super) const POLICIES: &[(&str, &str)] = &[
    (
        "demo",
        r#"{"Version":"2012-10-17","Statement":[
            {"Sid":"Streams","Effect":"Allow","Action":"kinesisvideo:*","Resource":"arn:aws:kinesisvideo:*:*:stream/demo-*/*"},
            {"Sid":"Never","Effect":"Deny","Action":"kinesisvideo:DeleteStream","Resource":"*"}]}"#,
    ),
    (
        "conditions",
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"connect:List*","Resource":"*","Condition":{
            "IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Bool":{"aws:SecureTransport":"true"},
            "StringEquals":{"aws:RequestedRegion":"eu-west-1"},"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}}}"#,
    ),
    (
        "care",
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kinesisvideo:Get*","Resource":"*",
            "Condition":{"StringEquals":{"aws:ResourceTag/team":"care"}}}}"#,
    ),
];

/// Access keys: id, user, policies.
const KEYS: &[(&str, &str, &[&str])] = &[
    ("AKIDADMIN", "admin", &["full-access"]),
    ("AKIDCARE", "care", &["care", "conditions"]),
    ("AKIDDEMO1", "demo", &["demo"]),
    ("AKIDDEMO2", "demo", &["demo"]),
    ("AKIDNOTHING", "nothing", &[]),
    ("AKIDTWO1", "two", &["producer"]),
    ("AKIDTWO2", "two", &["consumer"]),
];

fn identities(account: &AccountId) -> Identities {
    let mut identities = Identities::new(account.clone(), SessionSeal::new(&[7; 32]));
    for (name, text) in POLICIES {
        identities.add_policy(name, Policy::parse(text).unwrap()).unwrap();
    }
    for (id, user, policies) in KEYS {
        let policies: Vec<String> = policies.iter().map(|name| (*name).to_owned()).collect();
        identities.add_key(Credentials::new(*id, SECRET), user, &policies).unwrap();
    }
    let role = Role {
        name: "transcriber".to_owned(),
        policies: vec!["consumer".to_owned()],
        assumed_by: vec!["AKIDNOTHING".to_owned()],
        session_max_s: 3_600,
    };
    identities.add_role(role).unwrap();
    identities
}

/// The secret of all keys.
pub(super) const SECRET: &str = "a secret of these tests";

/// The row of a contact: what changes need of it.
pub(super) struct Row(pub(super) Contact);

impl ContactPayload for Row {
    const FORMAT: u16 = 1;

    fn facts(&self) -> ContactFacts {
        let Self(contact) = self;
        ContactFacts {
            id: contact.id,
            account: contact.instance.account.clone(),
            instance: contact.instance.id,
            initiated: contact.initiation_timestamp,
            connected: None,
            disconnected: contact.disconnect_timestamp,
            number: None,
            flow: None,
            queue: None,
            agent: None,
            has_stream: false,
            has_losses: false,
            attributes: Vec::new(),
        }
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        serde_json::to_vec(&self.0).map_err(|error| RowError(error.to_string()))
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        serde_json::from_slice(bytes).map(Self).map_err(|error| RowError(error.to_string()))
    }
}

pub(super) struct Bench {
    pub(super) service: AdminService,
    operations: Operations<AdminService>,
    pub(super) contacts: Arc<Contacts>,
    pub(super) connect: ConnectService,
    pub(super) db: Db,
    pub(super) store: MediaStore,
    pub(super) kvs: KvsService,
    pub(super) readers: EventReaders,
    pub(super) caller: Caller,
    pub(super) identities: Arc<Identities>,
    pub(super) key_uses: KeyUses,
    pub(super) trail: Arc<Trail>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Trail::default())
    }

    pub(super) fn with(trail: Trail) -> Self {
        let backend = Arc::new(MemoryBackend::open(&MemoryDisk::new()));
        let options = StoreOptions { housekeeping_ms: 0, ..StoreOptions::default() };
        let clock = Arc::new(StoppedClock);
        let store =
            MediaStore::open(backend, Arc::new(Keyring::in_memory()), clock.clone(), options).unwrap();
        let kvs = KvsService::new(store.clone(), KvsOptions::new("http://127.0.0.1:8600", clock));
        let contacts = Arc::<Contacts>::default();
        let db = Db::in_memory(
            Kinds::default(),
            OpenOptions { changes: CHANGES, ..OpenOptions::new(StartId([7; 16])) },
        );
        let db = db.unwrap();
        let readers = EventReaders::new(2);
        let caller = Caller {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            access_key_id: "AKIDADMIN".into(),
        };
        let (identities, trail) = (Arc::new(identities(&caller.account)), Arc::new(trail));
        let key_uses = KeyUses::new(KEYS.iter().map(|(id, ..)| *id));
        let access = AccessParts {
            identities: identities.clone(),
            key_uses: key_uses.clone(),
            sessions: Sessions::default(),
            configuration: Arc::new(Settings),
            audit: trail.clone(),
        };
        let connect = ConnectService::open(
            Arc::new(MemorySettings::default()),
            Arc::new(MemoryHistory::default()),
            Arc::new(NoCalls),
            Arc::new(CountedIds::default()),
            Options::new(caller.account.clone(), caller.region.clone()),
        )
        .unwrap();
        let service = AdminService::new(AdminParts {
            contacts: contacts.clone(),
            live: Arc::new(NoCalls),
            connect: connect.clone(),
            waveforms: Arc::new(Drawn),
            sounds: Arc::new(Sound),
            prompt_sounds: Arc::new(Played(connect.clone())),
            db: db.clone(),
            event_readers: readers.clone(),
            store: store.clone(),
            kvs: kvs.clone(),
            backups: Arc::new(OneBackup::default()),
            doctor: Arc::new(Healthy),
            health: Arc::new(Healthy),
            access,
            version: "0.0.0",
            started: NOW,
        });
        Self {
            service,
            operations: operations(),
            contacts,
            connect,
            db,
            store,
            kvs,
            readers,
            caller,
            identities,
            key_uses,
            trail,
        }
    }

    /// Another account of the same server.
    pub(super) fn stranger(&self) -> Caller {
        Caller { account: AccountId::parse("444455556666").unwrap(), ..self.caller.clone() }
    }

    pub(super) async fn attempt(
        &self,
        caller: &Caller,
        permit: &dyn Permit,
        request: &str,
        body: Value,
    ) -> Attempt<AdminError> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.attempt_media(caller, permit, request, &body).await
    }

    /// As [`Self::attempt`], with any bytes.
    pub(super) async fn attempt_media(
        &self,
        caller: &Caller,
        permit: &dyn Permit,
        request: &str,
        body: &[u8],
    ) -> Attempt<AdminError> {
        let (method, path) = request.split_once(' ').unwrap();
        let head = Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0;
        let invocation = Invocation { permit, ..Invocation::within_process(caller, NOW) };
        self.operations.attempt(&self.service, &head, body, &invocation).await
    }

    pub(super) async fn call_as(
        &self,
        caller: &Caller,
        request: &str,
        body: Value,
    ) -> Result<Value, AdminError> {
        let output = self.attempt(caller, &Unrestricted, request, body).await.result?;
        Ok(serde_json::from_slice(&output.into_json().unwrap()).unwrap())
    }

    /// `GET /tympan/version`, with a body or null.
    pub(super) async fn call(&self, request: &str, body: Value) -> Result<Value, AdminError> {
        self.call_as(&self.caller, request, body).await
    }

    /// Asks Connect.
    pub(super) fn connect(&self, request: &str, body: &Value) -> Value {
        let (method, path) = request.split_once(' ').unwrap();
        let head = Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0;
        let answer = self.connect.call(NOW, &self.caller, &head, body.to_string().as_bytes()).unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    /// Makes an instance; its id.
    pub(super) fn instance(&self) -> String {
        let new = json!({ "IdentityManagementType": "CONNECT_MANAGED", "InstanceAlias": "demo",
            "InboundCallsEnabled": true, "OutboundCallsEnabled": false });
        self.connect("PUT /instance", &new)["Id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn watch_as(&self, caller: &Caller, query: &str) -> Result<EventFeed, AdminError> {
        let request = format!("GET /tympan/events{query}");
        let output = self.attempt(caller, &Unrestricted, &request, Value::Null).await.result?;
        Ok(output.into_stream().unwrap().downcast::<EventFeed>().unwrap())
    }

    /// What a body or a socket is to be made of.
    pub(super) async fn stream<T: Any>(&self, request: &str) -> Result<T, AdminError> {
        let output = self.attempt(&self.caller, &Unrestricted, request, Value::Null).await.result?;
        Ok(output.into_stream().unwrap().downcast::<T>().unwrap())
    }

    /// Keeps a contact, and tells of it.
    pub(super) fn keep(&self, contact: &Contact) {
        self.contacts.kept.update(contact).unwrap();
        let row = Row(contact.clone());
        self.db.write(move |tx| tx.put_contact(&row, ContactEvent::Opened, None)).unwrap();
    }
}

/// A contact that began `n` seconds after the first one.
pub(super) fn contact(n: u8) -> Contact {
    let mut contact = fixtures::contact();
    contact.id = ContactId::from_random([n; 16]);
    contact.initiation_timestamp = contact.initiation_timestamp.plus_ms(i64::from(n) * 1_000);
    contact
}
