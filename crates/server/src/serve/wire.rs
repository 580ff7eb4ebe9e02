//! Builds everything and connects it. No decision on business data is made here.

use super::admission_task::AdmissionTask;
use super::doctor::RunningDoctor;
use super::health::{Beginning, KeyHealth, RunningHealth};
use super::limits::Limits;
use super::line_files::LineFiles;
use super::listening::{bind, check_reach, tls, web_rules};
use super::options::{
    admission_options, connect_options, kvs_options, media_options, sip_options, stream_rest,
};
use super::ready_file::Addresses;
use super::reset::OwnFiles;
use super::settings::RunningSettings;
use super::{Dev, access, interrupted, provision, record_sinks, usable};
use crate::audit::{Audit, AuditTrailFiles};
use crate::call::{Admission, CallRegistry, Dialling};
use crate::centre::{self, Centre, CentreParts};
use crate::clock::{ServiceClock, SystemClock};
use crate::config::{self, Config};
use crate::http::{
    Answer, ConsoleParts, Listener, OwnAddress, Readiness, Router, Services, SignInCode, Users, serve_console,
};
use crate::kms::Keys;
use crate::lambda::Lambda;
use crate::lex::Bots;
use crate::lines::{LineWriters, Rotation};
use crate::media::MediaPlane;
use crate::metrics::{Metrics, Sources};
use crate::persist::{DeadLetters, RecordWays, Remembered, Rotations, StoreSteps};
use crate::sink::{CaptureQueue, LocalDirectory, LocalSink};
use crate::sip::{Invitation, SipCalls, SipEndpoint, SipStats};
use crate::sound::{ListenerPlaces, StoredSounds};
use crate::speech::Speech;
use crate::upkeep::{self, Backups, Kept};
use crate::waveform::StoredWaveforms;
use anyhow::Context;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tympan_admin::{AccessParts, AdminParts, AdminService, EventReaders, KeyUses, Sessions};
use tympan_capture::{Leases, StreamDirectory};
use tympan_connect::{ConnectService, Ids};
use tympan_db::{Db, Revision};
use tympan_emulator::{
    Emulator, EmulatorParts, Faults, FaultyDirectory, FaultyKeys, Generation, ResetRequest,
};
use tympan_kms::KeyProvider;
use tympan_kvs::{Companded, KvsService};
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions};
use tympan_store::{BodyCodec, MediaStore, StoreOptions};
use tympan_types::{AccountId, Caller, Region};

/// How long HTTP connections may take to end after their uploads and bodies were told to.
const HTTP_STOP_LIMIT: Duration = Duration::from_secs(10);

/// Readers of events that may be connected at once.
const EVENT_READERS: u64 = 256;

/// Listeners to calls that may be connected at once.
const LISTENERS: usize = 128;

/// A server that runs.
pub(super) struct Running {
    addresses: Addresses,
    readiness: Readiness,
    pub(super) sip: SipEndpoint,
    /// Gone only while a reset is under way, or after one that failed.
    pub(super) life: Option<Life>,
    pub(super) site: Site,
    http: JoinHandle<std::io::Result<()>>,
    console: Option<JoinHandle<std::io::Result<()>>>,
    drain_timeout: Duration,
    /// What keeps every client from using it.
    pub(super) lacks: Vec<&'static str>,
    /// Only under `--dev`.
    pub(super) emulation: Option<Emulation>,
}

/// What stays the same from the start of the process to its end.
pub(super) struct Site {
    pub(super) account: AccountId,
    pub(super) region: Region,
    /// Where the server listens, whatever clients call it.
    url: String,
    pub(super) local_port: u16,
    pub(super) clock: ServiceClock,
    pub(super) readiness: Readiness,
    /// What unknown peers may take.
    pub(super) limits: Limits,
    /// What the SIP side counts.
    pub(super) sip_stats: Arc<SipStats>,
    /// What the server runs by, to be shown.
    settings: Arc<RunningSettings>,
    /// Who may sign in to the console.
    pub(super) users: Users,
    /// The code that signs in once.
    pub(super) code: Arc<SignInCode>,
    /// Some under `--dev`: the fault rules.
    pub(super) faults: Option<Faults>,
    pub(super) http_shutdown: CancellationToken,
}

/// What a reset ends and begins anew.
pub(super) struct Life {
    pub(super) calls: CallRegistry,
    pub(super) queue: Arc<CaptureQueue>,
    pub(super) store: MediaStore,
    pub(super) line_files: LineFiles,
    pub(super) keys: Keys,
    pub(super) admission_task: AdmissionTask,
    /// Ends this life's uploads and its upkeep.
    pub(super) shutdown: CancellationToken,
}

/// What `--dev` adds.
pub(super) struct Emulation {
    pub(super) emulator: Arc<Emulator<Router>>,
    pub(super) resets: mpsc::Receiver<ResetRequest>,
    pub(super) own_files: OwnFiles,
}

/// What is kept, and under which keys.
pub(super) struct Stored {
    keys: Keys,
    store: MediaStore,
    backend: Arc<EmbeddedBackend>,
    remembered: Remembered,
    writers: LineWriters,
}

/// The services, before anybody asks them.
pub(super) struct Furnished {
    pub(super) calls: CallRegistry,
    pub(super) queue: Arc<CaptureQueue>,
    pub(super) store: MediaStore,
    pub(super) line_files: LineFiles,
    pub(super) keys: Keys,
    pub(super) shutdown: CancellationToken,
    pub(super) admission: Admission,
    pub(super) centre_task: CentreTask,
    pub(super) services: Services,
}

/// What keeps queues and agents, before calls are taken.
pub(super) struct CentreTask {
    db: Db,
    changes: watch::Receiver<Revision>,
    shutdown: CancellationToken,
}

impl CentreTask {
    /// Calls can be placed and agents' telephones are followed from now on, and calls are taken.
    pub(super) fn begin(
        self,
        admission: Admission,
        sip: &SipCalls,
        invitations: mpsc::Receiver<Invitation>,
    ) -> AdmissionTask {
        let Self { db, changes, shutdown } = self;
        admission.dialling.begin(sip.clone());
        admission.centre.begin_telephones(sip.clone());
        tokio::spawn(admission.centre.clone().keep(db, changes, shutdown));
        // Held by the task that takes calls: with it the API and callbacks place no more.
        let admission = Arc::new(admission);
        admission.centre.begin_calls(&admission);
        admission.registry.begin_calls(&admission);
        AdmissionTask::open(admission, invitations)
    }
}

/// Starts everything that `config` asks for.
pub(super) async fn start(
    config: &Config,
    settings: RunningSettings,
    dev: Option<Dev>,
) -> anyhow::Result<Running> {
    let account = config.account.id.clone();
    let region = config.account.region.clone();
    create_private_folder(&config.data_dir)?;
    let own_files = OwnFiles::of(&config.data_dir)?;
    let clock = ServiceClock::default();
    let faults = dev.is_some().then(Faults::default);

    // The store first: its lock keeps a second server out of the folder.
    let stored = open_store(config, &account, &region, &clock, faults.as_ref())?;
    let listener = bind("http", "HTTP", &config.http.listen).await?;
    let bound = listener.local_addr()?;
    check_reach("http.listen", bound, dev)?;
    let console = match &config.console.listen {
        Some(address) => Some(bind("console", "the console", address).await?),
        None => None,
    };
    let console_bound = console.as_ref().map(TcpListener::local_addr).transpose()?;
    if let Some(bound) = console_bound {
        check_reach("console.listen", bound, dev)?;
    }
    let tls = tls(config)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{bound}");
    let console_url = console_bound.map(|bound| format!("{scheme}://{bound}"));
    let local_port = bound.port();
    let (readiness, http_shutdown) = (Readiness::default(), CancellationToken::new());
    let limits = Limits::new(config, faults.is_some())?;
    let site = Site {
        account,
        region,
        url,
        local_port,
        clock,
        readiness,
        limits,
        sip_stats: Arc::default(),
        settings: Arc::new(settings),
        users: Users::default(),
        code: Arc::default(),
        faults,
        http_shutdown,
    };
    let furnished = furnish(config, &site, stored).await?;
    let Furnished { calls, queue, store, line_files, keys, shutdown, admission, centre_task, services } =
        furnished;
    let lacks = usable::lacks(config, &services.connect);
    let (sip, invitations) = SipEndpoint::bind(sip_options(config, &site)?, site.sip_stats.clone()).await?;
    site.limits.begin(config, &site.http_shutdown)?;

    if let Some(tls) = &tls {
        tokio::spawn(tls.clone().watch(site.http_shutdown.clone()));
    }
    let console = console.zip(console_bound).map(|(socket, bound)| {
        let listener = site.limits.console_listener(socket, tls.clone(), config);
        (listener, site.console(config, dev, bound))
    });
    let web = web_rules(&config.http, dev, bound);
    let listener = site.limits.listener(listener, tls, web, config);
    let serve = Serve { listener, console, shutdown: site.http_shutdown.clone() };
    let (tasks, emulation) = match &site.faults {
        None => {
            let router = Router::new(services, site.local_port, site.http_shutdown.clone());
            (serve.spawn(Arc::new(router)), None)
        }
        Some(faults) => {
            let (sender, resets) = mpsc::channel(1);
            let parts = EmulatorParts {
                clock: Arc::new(site.clock.clone()),
                faults: faults.clone(),
                resets: sender,
                account: site.account.clone(),
                region: site.region.clone(),
            };
            let emulator = Emulator::new(parts, site.generation(services, &store, &calls, &shutdown));
            (serve.spawn(emulator.clone()), Some(Emulation { emulator, resets, own_files }))
        }
    };
    let admission_task = centre_task.begin(admission, sip.calls(), invitations);
    site.readiness.set(true);
    Ok(Running {
        addresses: Addresses {
            http: site.url.clone(),
            sip: sip.address().to_string(),
            console: console_url,
            console_sign_in: None,
            pid: std::process::id(),
        },
        readiness: site.readiness.clone(),
        sip,
        life: Some(Life { calls, queue, store, line_files, keys, admission_task, shutdown }),
        site,
        http: tasks.http,
        console: tasks.console,
        lacks,
        drain_timeout: Duration::from_millis(config.http.drain_timeout_ms),
        emulation,
    })
}

/// The listeners of HTTP, before anything is answered.
struct Serve {
    listener: Listener,
    console: Option<(Listener, ConsoleParts)>,
    shutdown: CancellationToken,
}

/// What serves them.
struct ServeTasks {
    http: JoinHandle<std::io::Result<()>>,
    console: Option<JoinHandle<std::io::Result<()>>>,
}

impl Serve {
    /// Has them answered by the services, or by what stands before these.
    fn spawn(self, services: Arc<impl Answer>) -> ServeTasks {
        let Self { listener, console, shutdown } = self;
        let console = console.map(|(listener, parts)| {
            tokio::spawn(serve_console(listener, parts, services.clone(), shutdown.clone()))
        });
        ServeTasks { http: tokio::spawn(listener.serve(services, shutdown)), console }
    }
}

impl Site {
    /// What the console works with.
    fn console(&self, config: &Config, dev: Option<Dev>, bound: SocketAddr) -> ConsoleParts {
        ConsoleParts {
            users: self.users.clone(),
            code: self.code.clone(),
            own_address: OwnAddress::new(&config.http),
            web: web_rules(&config.http, dev, bound),
            is_open: dev.is_some_and(|dev| dev.listens_anywhere),
            region: self.region.clone(),
            clock: self.clock.clone(),
            unproven: self.limits.unproven.clone(),
            why_not_here: tympan_emulator::why_not_here,
        }
    }

    /// The services from here to the next reset.
    pub(super) fn generation(
        &self,
        services: Services,
        store: &MediaStore,
        calls: &CallRegistry,
        shutdown: &CancellationToken,
    ) -> Generation<Router> {
        let router = Router::new(services, self.local_port, shutdown.clone());
        let calls = calls.clone();
        Generation::new(router, store.clone(), move || calls.len())
    }
}

/// Builds the services around a store, with what the configuration declares in them.
pub(super) async fn furnish(config: &Config, site: &Site, stored: Stored) -> anyhow::Result<Furnished> {
    let Site { account, clock, .. } = site;
    let Stored { keys, store, backend, remembered, writers } = stored;
    let shutdown = site.http_shutdown.child_token();
    let kvs = KvsService::new(store.clone(), kvs_options(config, &site.url, clock));

    let Remembered { db, settings, history, flow_log, interrupted, damage } = remembered;
    let calls = CallRegistry::default();
    let connect = ConnectService::open(
        settings,
        history.clone(),
        Arc::new(calls.clone()),
        Arc::new(RandomIds),
        connect_options(config, site),
    )?;
    // Before the first record: those of interrupted calls go to all sinks, too.
    history.send_records(record_sinks::ways(config, site, &connect, &writers)?);
    interrupted::close(&*history, &store, interrupted).await;
    let steps = StoreSteps { store: store.clone(), runtime: tokio::runtime::Handle::current() };
    history.outbox().begin(Arc::new(steps));
    match db.refuses() {
        None => provision::ensure(&connect, &config.connect.instances)?,
        // What it says instead of the database's own rows would be in the way of their return.
        Some(_) => {
            tracing::error!("instances of the configuration are not set up: control.db is not available")
        }
    }

    let centre = Centre::new(CentreParts {
        clock: clock.clone(),
        calls: calls.clone(),
        history: history.clone(),
        options: config.centre.routing(),
    });
    centre.begin(Arc::new(connect.clone()), &db);
    connect.begin_centre(Arc::new(centre.asked()));

    let event_readers = EventReaders::new(EVENT_READERS);
    let listeners = ListenerPlaces::new(LISTENERS);
    let queue = CaptureQueue::start(config.capture.backlog_limit_bytes, tokio::runtime::Handle::current())?;
    let media = Arc::new(MediaPlane::start(&media_options(config, config.sip.listen.ip()), &queue)?);
    let metrics = Arc::new(Metrics::default());
    let audit = audit(config, &writers)?;
    let uploads = Arc::new(connect.clone());
    let descriptors = site.limits.descriptors.clone();
    let speech = Arc::new(Speech::new(&config.speech, &config.account.region, descriptors, uploads)?);
    let lambda =
        Arc::new(Lambda::new(&config.lambda, &config.account.region, site.limits.descriptors.clone())?);
    let asks_bots =
        Caller { account: account.clone(), region: site.region.clone(), access_key_id: String::new() };
    let descriptors = site.limits.descriptors.clone();
    let bots = Bots::new(&config.lex, asks_bots, clock.clone(), lambda.clone(), descriptors)?;
    let bots = Arc::new(bots);
    let line_files = LineFiles { audit: audit.clone(), history: history.clone(), writers };
    metrics.attach(Sources {
        media: media.stats().clone(),
        queue: queue.clone(),
        store: store.clone(),
        kvs: kvs.clone(),
        audit: audit.clone(),
        contacts: history.clone(),
        flow_log: flow_log.clone(),
        calls: calls.clone(),
        centre: centre.clone(),
        speech: speech.clone(),
        bots: bots.clone(),
        descriptors: site.limits.descriptors.clone(),
        unproven: site.limits.unproven.clone(),
        sign_ins: site.users.sign_ins(),
        connections: site.limits.listeners(),
        sip: site.sip_stats.clone(),
        db: db.clone(),
        event_readers: event_readers.clone(),
        listeners: listeners.clone(),
        damaged: [
            ("control", damage.len()),
            ("catalogue", backend.report().catalogue.len() + backend.report().missing_chunks.len()),
        ],
    });
    let admission = Admission {
        connect: connect.clone(),
        history: history.clone(),
        registry: calls.clone(),
        audit: audit.clone(),
        dialling: Dialling::default(),
        centre,
        media,
        leases: Leases::new(leased_streams(&kvs, site), stream_rest(config)),
        sink: Arc::new(LocalSink::new(kvs.clone(), queue.clone())),
        flow_log,
        speech,
        lambda,
        bots: bots.clone(),
        descriptors: site.limits.descriptors.clone(),
        metrics: metrics.clone(),
        clock: clock.clone(),
        options: admission_options(config),
    };
    let identities = Arc::new(access::identities(config, account)?);
    let key_uses = KeyUses::new(identities.keys().into_iter().map(|(key, _)| key.id()));
    let sessions =
        Sessions::open(db.clone()).context("which sessions of the console were ended cannot be read")?;
    let access = AccessParts {
        identities: identities.clone(),
        key_uses: key_uses.clone(),
        sessions: sessions.clone(),
        configuration: site.settings.clone(),
        audit: Arc::new(audit_trail(config, clock)),
    };
    let health = RunningHealth {
        data_dir: config.data_dir.clone(),
        calls: calls.clone(),
        calls_max: config.sip.calls_max,
        leases: admission.leases.clone(),
        streams_max: kvs.streams_max(),
        kvs: kvs.clone(),
        event_readers: event_readers.clone(),
        keys: KeyHealth::of(&keys, &connect),
        history: history.clone(),
        flow_log: admission.flow_log.clone(),
        audit: audit.clone(),
        media: admission.media.stats().clone(),
        queue: queue.clone(),
        store: store.clone(),
        db: db.clone(),
        metrics: metrics.clone(),
        began: Beginning::now(&config.data_dir),
    };
    let admin = AdminService::new(AdminParts {
        contacts: history.clone(),
        live: Arc::new(calls.clone()),
        connect: connect.clone(),
        waveforms: Arc::new(StoredWaveforms(store.clone())),
        sounds: Arc::new(StoredSounds {
            store: store.clone(),
            clock: clock.clone(),
            calls: calls.clone(),
            places: listeners,
        }),
        prompt_sounds: admission.speech.clone(),
        db: db.clone(),
        event_readers,
        store: store.clone(),
        kvs: kvs.clone(),
        backups: Arc::new(Backups::new(backend, config.keyring_dir())),
        doctor: Arc::new(RunningDoctor::new(config, &site.url)),
        health: Arc::new(health),
        access,
        version: env!("CARGO_PKG_VERSION"),
        started: SystemClock.wall_now(),
    });
    let (moved, changes) = watch::channel(db.revision());
    db.on_change(move |revision| {
        moved.send_replace(revision);
    });
    let centre_task = CentreTask { db: db.clone(), changes: changes.clone(), shutdown: shutdown.clone() };
    site.users.set(identities.clone(), audit.clone(), sessions);
    let services = Services {
        kvs,
        own_address: OwnAddress::new(&config.http),
        kms: keys.service.clone(),
        connect,
        admin,
        lex: bots.service().clone(),
        changes,
        clock: clock.clone(),
        identities,
        audit: audit.clone(),
        key_uses,
        clock_skew_s: config.auth.clock_skew_s,
        explains: site.faults.is_some(),
        body_limit_bytes: config.http.body_limit_bytes,
        unproven: site.limits.unproven.clone(),
        readiness: site.readiness.clone(),
        descriptors: site.limits.descriptors.clone(),
        metrics,
        store: store.clone(),
        why_not_here: tympan_emulator::why_not_here,
    };
    if config.store.scrub_interval_s > 0 {
        let interval = Duration::from_secs(config.store.scrub_interval_s);
        let bytes_per_s = config.store.scrub_bytes_per_s;
        tokio::spawn(upkeep::scrub(store.clone(), interval, bytes_per_s, shutdown.clone()));
    }
    tokio::spawn(centre::tell_of_agents(
        admission.centre.clone(),
        services.connect.clone(),
        history.clone(),
        shutdown.clone(),
    ));
    let kept = Kept { days: config.connect.contacts_kept_days, of: kept_by_instance(config) };
    tokio::spawn(upkeep::keep_control(
        db.clone(),
        services.connect.clone(),
        store.clone(),
        kept,
        shutdown.clone(),
    ));
    let dead_letters = DeadLetters::of(&config.data_dir);
    for way in history.record_ways().into_iter().flat_map(RecordWays::ways) {
        let (db, dead, store) = (db.clone(), dead_letters.clone(), store.clone());
        tokio::spawn(way.clone().keep(db, dead, store, shutdown.clone()));
    }
    let kept_days = config.contact_records.kept_days;
    tokio::spawn(upkeep::keep_dead_letters(dead_letters, kept_days, shutdown.clone()));
    tokio::spawn(upkeep::keep_outbox(history, store.clone(), shutdown.clone()));
    Ok(Furnished { calls, queue, store, line_files, keys, shutdown, admission, centre_task, services })
}

/// Instances whose contacts are kept for another time than those of the others.
fn kept_by_instance(config: &Config) -> Vec<(String, u32)> {
    let instances = config.connect.instances.iter();
    instances.filter_map(|instance| Some((instance.alias.clone(), instance.contacts_kept_days?))).collect()
}

impl Running {
    pub(super) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// Drains: new calls are refused, those that are up may end by themselves until the limit, every open fragment is
    /// sealed and made durable, every record closed.
    pub(super) async fn stop(self) {
        self.readiness.set(false);
        self.sip.drain();
        if let Some(Life { calls, .. }) = &self.life {
            tracing::info!(calls = calls.len(), "draining");
            calls.drain(self.drain_timeout);
            // Calls end themselves at the limit, and then wait for their last acknowledgement.
            if tokio::time::timeout(self.drain_timeout * 2, calls.emptied()).await.is_err() {
                tracing::error!(
                    calls = calls.len(),
                    "calls did not end; their records are closed at the next start"
                );
            }
        }
        self.sip.shutdown().await;
        self.site.http_shutdown.cancel();
        let served = async {
            let _ = self.http.await;
            if let Some(console) = self.console {
                let _ = console.await;
            }
        };
        if tokio::time::timeout(HTTP_STOP_LIMIT, served).await.is_err() {
            tracing::warn!("some HTTP connections did not end by themselves and are cut off");
        }
        if let Some(Life { queue, store, line_files, .. }) = self.life {
            queue.close();
            store.shutdown().await;
            line_files.close().await;
        }
        tracing::info!("stopped");
    }
}

/// The socket that `[SECTION] listen` asks for.
struct RandomIds;

impl Ids for RandomIds {
    fn random(&self) -> [u8; 16] {
        uuid::Uuid::new_v4().into_bytes()
    }
}

/// The store of a site, in its folder.
pub(super) fn reopen_store(config: &Config, site: &Site) -> anyhow::Result<Stored> {
    open_store(config, &site.account, &site.region, &site.clock, site.faults.as_ref())
}

fn open_store(
    config: &Config,
    account: &AccountId,
    region: &Region,
    clock: &ServiceClock,
    faults: Option<&Faults>,
) -> anyhow::Result<Stored> {
    let backend = Arc::new(EmbeddedBackend::open(&config.data_dir, EmbeddedOptions::default())?);
    let writers = LineWriters::default();
    let config::ContactRecords { file_limit_bytes: limit_bytes, files_kept: kept, kept_days, .. } =
        config.contact_records;
    let records = Rotation { limit_bytes, kept, kept_for: Rotation::days(kept_days) };
    let config::FlowLog { file_limit_bytes: limit_bytes, files_kept: kept, kept_days, .. } = config.flow_log;
    let flow_log = Rotation { limit_bytes, kept, kept_for: Rotation::days(kept_days) };
    let rotations = Rotations { records, flow_log };
    let remembered = Remembered::open(&config.data_dir, backend.epoch(), &writers, &rotations)?;
    let mut keys = Keys::open(config, account, region, clock, &backend.wrapped_keys()?)?;
    let provider: Arc<dyn KeyProvider> = match faults {
        Some(faults) => Arc::new(FaultyKeys::new(keys.provider.clone(), faults.clone())),
        None => keys.provider.clone(),
    };
    let sweep_ms = i64::try_from(config.store.sweep_interval_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let body_codec: Option<Arc<dyn BodyCodec>> = Some(Arc::new(Companded));
    let options = StoreOptions { sweep_ms, body_codec, ..StoreOptions::default() };
    let store = MediaStore::open(backend.clone(), provider, Arc::new(clock.clone()), options)?;
    keys.begin_upkeep(&store);
    Ok(Stored { keys, store, backend, remembered, writers })
}

fn leased_streams(kvs: &KvsService, site: &Site) -> Arc<dyn StreamDirectory> {
    let streams = Arc::new(LocalDirectory::new(kvs.clone(), site.account.clone(), site.region.clone()));
    match &site.faults {
        Some(faults) => Arc::new(FaultyDirectory::new(streams, faults.clone())),
        None => streams,
    }
}

fn audit(config: &Config, writers: &LineWriters) -> anyhow::Result<Audit> {
    let config::Audit { file_limit_bytes, files_kept, .. } = &config.audit;
    let Some(path) = audit_file(config) else { return Ok(Audit::default()) };
    let rotation = Rotation { limit_bytes: *file_limit_bytes, kept: *files_kept, kept_for: None };
    Audit::open(writers, path.clone(), rotation)
        .with_context(|| format!("audit.file: cannot write {}", path.display()))
}

fn audit_trail(config: &Config, clock: &ServiceClock) -> AuditTrailFiles {
    AuditTrailFiles { path: audit_file(config), kept: config.audit.files_kept, clock: clock.clone() }
}

/// Where the audit file is; `None` where none is written.
fn audit_file(config: &Config) -> Option<PathBuf> {
    let config::Audit { enabled, file, .. } = &config.audit;
    enabled.then(|| file.clone().unwrap_or_else(|| config.data_dir.join("audit.jsonl")))
}

/// Creates the data folder for this user alone: it holds audio, numbers and, by default, keys.
fn create_private_folder(path: &Path) -> anyhow::Result<()> {
    let created = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.with_context(|| format!("cannot create the data folder {}", path.display()))?;
    let mode = std::fs::metadata(path)?.permissions().mode() & 0o077;
    if mode != 0 {
        tracing::warn!(folder = %path.display(), "others can look into the data folder: chmod 700 is advised");
    }
    Ok(())
}
