//! Builds everything and connects it. No decision on business data is made here.

use super::kvs_limits::kvs_limits;
use super::ready_file::Addresses;
use super::{access, interrupted, provision};
use crate::audit::{Audit, AuditOptions};
use crate::call::{CallRegistry, Desk, DeskOptions, FlowLog};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::http::{self, Readiness, Services, Tls};
use crate::kms::Keys;
use crate::lambda::Lambda;
use crate::media::{MediaPlane, MediaPlaneOptions};
use crate::metrics::{Metrics, Sources};
use crate::persist::{FileHistory, SqliteSettings};
use crate::sink::{CaptureQueue, LocalDirectory, LocalSink};
use crate::sip::SipEndpoint;
use crate::speech::Speech;
use crate::upkeep::{self, Backups};
use anyhow::{Context, bail};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tympan_connect::call::CallOptions;
use tympan_connect::capture::{Leases, TrackProfile};
use tympan_connect::{ConnectService, Ids, Options};
use tympan_kms::KeyProvider;
use tympan_kvs::{Companded, KvsOptions, KvsService};
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions};
use tympan_store::{BodyCodec, MediaStore, StoreOptions};
use tympan_types::{AccountId, Region};

/// How long HTTP connections may take to end after their uploads and bodies were told to.
const HTTP_STOP_LIMIT: Duration = Duration::from_secs(10);

/// A server that runs.
pub(super) struct Running {
    addresses: Addresses,
    readiness: Readiness,
    sip: SipEndpoint,
    calls: CallRegistry,
    queue: Arc<CaptureQueue>,
    store: MediaStore,
    audit: Audit,
    _keys: Keys,
    http: JoinHandle<std::io::Result<()>>,
    http_shutdown: CancellationToken,
    drain_timeout: Duration,
}

/// Starts everything that `config` asks for.
pub(super) async fn start(config: &Config, dev: bool) -> anyhow::Result<Running> {
    let account = AccountId::parse(&config.account.id).context("account.id")?;
    let region = Region::parse(&config.account.region).context("account.region")?;
    create_private_folder(&config.data_dir)?;

    // The keys and the store first: the store's lock keeps a second server out of the folder.
    let keys = Keys::open(config, &account, &region)?;
    let (store, backend) = open_store(config, keys.provider.clone())?;
    let listener = TcpListener::bind(&config.http.listen).await.with_context(|| {
        format!("cannot listen for HTTP on {}: is another server on that port?", config.http.listen)
    })?;
    let tls = tls(config)?;
    let url = match config.http.public_url.as_str() {
        "" => {
            let scheme = if tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{}", listener.local_addr()?)
        }
        url => url.trim_end_matches('/').to_owned(),
    };
    let kvs = KvsService::new(store.clone(), kvs_options(config, &url)?);

    let (history, cut_off) = FileHistory::open(&config.data_dir)?;
    let history = Arc::new(history);
    interrupted::close(&*history, &store, cut_off).await?;
    let calls = CallRegistry::default();
    let connect = ConnectService::open(
        Arc::new(SqliteSettings::open(&config.data_dir.join("settings.db"))?),
        history.clone(),
        Arc::new(calls.clone()),
        Arc::new(RandomIds),
        Options::new(account.clone(), region.clone()),
    )?;
    provision::ensure(&connect, &config.connect.instances)?;

    let sip_listen: SocketAddr = config.sip.listen.parse().context("sip.listen is not ADDRESS:PORT")?;
    let public_address = parse_address(&config.sip.public_address)?;
    let queue = CaptureQueue::start(config.capture.backlog_limit_bytes, tokio::runtime::Handle::current())?;
    let media = Arc::new(MediaPlane::start(&media_options(config, sip_listen.ip()), &queue)?);
    let metrics = Arc::new(Metrics::default());
    let audit = audit(config)?;
    metrics.attach(Sources {
        media: media.stats().clone(),
        queue: queue.clone(),
        store: store.clone(),
        audit: audit.clone(),
    });
    let desk = Desk {
        connect: connect.clone(),
        history: history.clone(),
        registry: calls.clone(),
        media,
        leases: Leases::new(Arc::new(LocalDirectory::new(kvs.clone(), account.clone(), region))),
        sink: Arc::new(LocalSink::new(kvs.clone(), queue.clone())),
        speech: Arc::new(Speech::new(&config.speech)),
        lambda: Arc::new(Lambda::new(&config.lambda, &config.account.region)?),
        flow_log: Arc::new(FlowLog::open(&config.data_dir.join("flow-logs.jsonl"))?),
        metrics: metrics.clone(),
        options: desk_options(config, public_address)?,
    };
    let (sip, invitations) = SipEndpoint::bind(sip_listen, public_address).await?;
    tokio::spawn(desk.serve(invitations));

    let readiness = Readiness::default();
    let services = Services {
        kvs,
        kms: keys.service.clone(),
        connect,
        contacts: history,
        calls: Arc::new(calls.clone()),
        identities: Arc::new(access::identities(config, &account)?),
        audit: audit.clone(),
        tls,
        clock_skew_s: config.auth.clock_skew_s,
        explains: dev,
        body_limit_bytes: config.http.body_limit_bytes,
        write_timeout: Duration::from_millis(config.http.write_timeout_ms),
        readiness: readiness.clone(),
        metrics,
        backups: Backups::new(backend, config.keyring_dir()),
    };
    let http_shutdown = CancellationToken::new();
    if config.store.scrub_interval_s > 0 {
        let interval = Duration::from_secs(config.store.scrub_interval_s);
        let bytes_per_s = config.store.scrub_bytes_per_s;
        tokio::spawn(upkeep::scrub(store.clone(), interval, bytes_per_s, http_shutdown.clone()));
    }
    let http = tokio::spawn(http::serve(listener, services, http_shutdown.clone()));
    readiness.set(true);
    Ok(Running {
        addresses: Addresses { http: url, sip: sip.address().to_string(), pid: std::process::id() },
        readiness,
        sip,
        calls,
        queue,
        store,
        audit,
        _keys: keys,
        http,
        http_shutdown,
        drain_timeout: Duration::from_millis(config.http.drain_timeout_ms),
    })
}

impl Running {
    pub(super) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// Drains: new calls are refused, those that are up may end by themselves until the limit, every open fragment is
    /// sealed and made durable, every record closed.
    pub(super) async fn stop(self) {
        tracing::info!(calls = self.calls.len(), "draining");
        self.readiness.set(false);
        self.sip.drain();
        let limit_ms = i64::try_from(self.drain_timeout.as_millis()).unwrap_or(i64::MAX);
        self.calls.drain(SystemClock.wall_now().plus_ms(limit_ms));
        // Calls end themselves at the limit, and then wait for their last acknowledgement.
        if tokio::time::timeout(self.drain_timeout * 2, self.calls.emptied()).await.is_err() {
            tracing::error!(
                calls = self.calls.len(),
                "calls did not end; their records are closed at the next start"
            );
        }
        self.sip.shutdown();
        self.http_shutdown.cancel();
        if tokio::time::timeout(HTTP_STOP_LIMIT, self.http).await.is_err() {
            tracing::warn!("some HTTP connections did not end by themselves and are cut off");
        }
        self.queue.close();
        self.store.shutdown().await;
        self.audit.close();
        tracing::info!("stopped");
    }
}

struct RandomIds;

impl Ids for RandomIds {
    fn random(&self) -> [u8; 16] {
        uuid::Uuid::new_v4().into_bytes()
    }
}

fn open_store(
    config: &Config,
    keys: Arc<dyn KeyProvider>,
) -> anyhow::Result<(MediaStore, Arc<EmbeddedBackend>)> {
    let backend = Arc::new(EmbeddedBackend::open(&config.data_dir, EmbeddedOptions::default())?);
    let sweep_ms = i64::try_from(config.store.sweep_interval_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let body_codec: Option<Arc<dyn BodyCodec>> = Some(Arc::new(Companded));
    let options = StoreOptions { sweep_ms, body_codec, ..StoreOptions::default() };
    let store = MediaStore::open(backend.clone(), keys, Arc::new(SystemClock), options)?;
    Ok((store, backend))
}

fn kvs_options(config: &Config, url: &str) -> anyhow::Result<KvsOptions> {
    let close_after = Duration::from_millis(config.kvs.put_media_idle_ms);
    Ok(KvsOptions {
        limits: kvs_limits(&config.kvs)?,
        status_delay: Duration::from_millis(config.kvs.status_delay_ms),
        put_media_idle_ack: close_after / 6,
        put_media_idle_close: close_after,
        get_media_idle: Duration::from_millis(config.kvs.get_media_idle_ms),
        get_media_lifetime: Duration::from_secs(config.kvs.get_media_lifetime_s),
        get_media_stall: Duration::from_millis(config.kvs.get_media_stall_ms),
        ..KvsOptions::new(url, Arc::new(SystemClock))
    })
}

fn media_options(config: &Config, address: IpAddr) -> MediaPlaneOptions {
    MediaPlaneOptions {
        address,
        ports: (config.rtp.port_first, config.rtp.port_last),
        threads: config.rtp.threads,
        tick: Duration::from_millis(config.rtp.tick_ms.max(1)),
    }
}

fn desk_options(config: &Config, public_address: Option<IpAddr>) -> anyhow::Result<DeskOptions> {
    let limit_ms = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
    let track_profile = match config.capture.track_profile.as_str() {
        "current" => TrackProfile::Current,
        "seed2019" => TrackProfile::Seed2019,
        other => bail!("capture.track_profile is {other:?}; it is \"current\" or \"seed2019\""),
    };
    Ok(DeskOptions {
        calls_max: config.sip.calls_max,
        public_address,
        silence_grace: Duration::from_millis(config.rtp.silence_grace_ms),
        track_profile,
        call: CallOptions {
            start_limit_ms: limit_ms(config.capture.start_timeout_ms),
            stop_limit_ms: limit_ms(config.capture.stop_timeout_ms),
            close_limit_ms: limit_ms(config.capture.stop_timeout_ms),
            prompt_limit_ms: limit_ms(config.speech.timeout_ms),
            ..CallOptions::default()
        },
    })
}

fn audit(config: &Config) -> anyhow::Result<Audit> {
    if !config.audit.enabled {
        return Ok(Audit::default());
    }
    let path = match config.audit.file.as_str() {
        "" => config.data_dir.join("audit.jsonl"),
        file => PathBuf::from(file),
    };
    let options = AuditOptions {
        path: path.clone(),
        limit_bytes: config.audit.file_limit_bytes,
        kept: config.audit.files_kept,
    };
    Audit::open(options).with_context(|| format!("audit.file: cannot write {}", path.display()))
}

fn tls(config: &Config) -> anyhow::Result<Option<Arc<Tls>>> {
    match (config.http.tls_certificate_file.as_str(), config.http.tls_key_file.as_str()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => bail!("http: TLS needs both tls_certificate_file and tls_key_file"),
        (certificate, key) => Ok(Some(Arc::new(Tls::open(certificate, key)?))),
    }
}

fn parse_address(text: &str) -> anyhow::Result<Option<IpAddr>> {
    match text {
        "" => Ok(None),
        text => Ok(Some(
            text.parse()
                .with_context(|| format!("sip.public_address is {text:?}, which is no IP address"))?,
        )),
    }
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
