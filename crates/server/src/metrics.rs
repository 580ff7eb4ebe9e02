//! What `/metrics` shows. Labels are bounded: never a contact, a number or a stream.

use crate::audit::Audit;
use crate::call::{CallRegistry, FlowLog};
use crate::connections::Connections;
use crate::descriptors::DescriptorBudget;
use crate::http::UnprovenBytes;
use crate::media::MediaStats;
use crate::persist::FileHistory;
use crate::sink::CaptureQueue;
use crate::sip::{Refusal, SipStats};
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use tympan_kvs::KvsService;
use tympan_store::MediaStore;

/// Counters of the shell; those of the media plane, the queue and the store are read when they are asked for.
pub(crate) struct Metrics {
    registry: Registry,
    calls_taken: Counter,
    calls_refused: Family<Reason, Counter>,
    calls_active: Gauge,
    call_task_panics: Counter,
    captures_failed: Counter,
    http_requests: Family<HttpRequest, Counter>,
    sources: OnceLock<Sources>,
}

/// Where the other numbers come from.
pub(crate) struct Sources {
    /// The media plane's counters.
    pub media: Arc<MediaStats>,
    /// The queue between media plane and store.
    pub queue: Arc<CaptureQueue>,
    /// The store.
    pub store: MediaStore,
    /// Uploads, and what became of those that broke off.
    pub kvs: KvsService,
    /// The audit file.
    pub audit: Audit,
    /// The contacts.
    pub contacts: Arc<FileHistory>,
    /// The flow log.
    pub flow_log: Arc<FlowLog>,
    /// The calls that are up.
    pub calls: CallRegistry,
    /// What the process has open.
    pub descriptors: DescriptorBudget,
    /// Bodies whose senders have not proven who they are.
    pub unproven: Arc<UnprovenBytes>,
    /// The listeners' connections, by the listener's name.
    pub connections: [(&'static str, Arc<Connections>); 2],
    /// What the SIP side counts.
    pub sip: Arc<SipStats>,
    /// What the start found damaged, by database.
    pub damaged: [(&'static str, usize); 3],
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HttpRequest {
    service: &'static str,
    operation: &'static str,
    status: u16,
}

/// Which operation of which service a request asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// By the name that its signature has.
    pub service: &'static str,
    /// Such as `GetMedia`.
    pub operation: &'static str,
}

/// A call that is up, as the gauge counts it.
#[must_use]
pub(crate) struct ActiveCall(Gauge);

impl Drop for ActiveCall {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tympan");
        let calls_taken = Counter::default();
        registry.register("calls_taken", "Calls that were let in", calls_taken.clone());
        let calls_refused = Family::default();
        registry.register("calls_refused", "Calls that were refused, by reason", calls_refused.clone());
        let calls_active = Gauge::default();
        registry.register("calls_active", "Calls that are up", calls_active.clone());
        let call_task_panics = Counter::default();
        registry.register(
            "call_task_panics",
            "Calls that were ended because their task panicked",
            call_task_panics.clone(),
        );
        let captures_failed = Counter::default();
        registry.register("captures_failed", "Start blocks that got no stream", captures_failed.clone());
        let http_requests = Family::default();
        registry.register(
            "http_requests",
            "Requests answered, by service, operation and status",
            http_requests.clone(),
        );
        Self {
            registry,
            calls_taken,
            calls_refused,
            calls_active,
            call_task_panics,
            captures_failed,
            http_requests,
            sources: OnceLock::new(),
        }
    }
}

impl Metrics {
    /// Adds the numbers of the running parts; once.
    pub(crate) fn attach(&self, sources: Sources) {
        // A second attachment would be a mistake of the wiring, and changes nothing.
        let _ = self.sources.set(sources);
    }

    /// Counts a call, which is up until the returned value is dropped.
    pub(crate) fn call_taken(&self) -> ActiveCall {
        self.calls_taken.inc();
        self.calls_active.inc();
        ActiveCall(self.calls_active.clone())
    }

    pub(crate) fn call_task_panicked(&self) {
        self.call_task_panics.inc();
    }

    pub(crate) fn call_refused(&self, refusal: Refusal) {
        let reason = match refusal {
            Refusal::UnknownNumber => "unknown_number",
            Refusal::NotAcceptable => "not_acceptable",
            Refusal::Overloaded => "overloaded",
            Refusal::OutOfDescriptors => "descriptors",
        };
        self.calls_refused.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn capture_failed(&self) {
        self.captures_failed.inc();
    }

    pub(crate) fn http_request(&self, asked: Asked, status: u16) {
        let Asked { service, operation } = asked;
        self.http_requests.get_or_create(&HttpRequest { service, operation, status }).inc();
    }

    /// The page, in OpenMetrics text.
    pub(crate) fn render(&self) -> String {
        let mut page = String::new();
        if let Err(error) = encode(&mut page, &self.registry) {
            tracing::error!(%error, "metrics cannot be written");
        }
        let Some(sources) = self.sources.get() else { return page };
        // The encoder ends the page; what follows is put before that mark.
        let mut page = page.trim_end().trim_end_matches("# EOF").to_owned();
        let mut counter = |name: &str, help: &str, value: u64| {
            // Writing to a String cannot fail.
            let _ = writeln!(
                page,
                "# HELP tympan_{name} {help}.\n# TYPE tympan_{name} counter\ntympan_{name}_total {value}"
            );
        };
        for (name, value) in sources.media.values() {
            counter(&format!("media_{name}"), "Counted by the media threads", value);
        }
        let queue = sources.queue.stats();
        counter(
            "capture_written_bytes",
            "Captured Matroska handed to the store",
            queue.written_bytes.load(Relaxed),
        );
        counter(
            "capture_refused_bytes",
            "Captured Matroska that a slow store refused",
            queue.refused_bytes.load(Relaxed),
        );
        counter("captures_cut_off", "Captures that a slow store ended", queue.cut_off_uploads.load(Relaxed));
        let store = sources.store.stats();
        counter("store_groups_committed", "Groups made durable, one fdatasync each", store.groups_committed);
        counter("store_fragments_committed", "Fragments made durable", store.fragments_committed);
        counter("store_bytes_committed", "Bytes made durable", store.bytes_committed);
        counter("store_fragments_failed", "Fragments that the disk refused", store.fragments_failed);
        counter("store_chunks_published", "Chunks made", store.chunks_published);
        counter(
            "audit_lost_lines",
            "Lines of the audit file that a slow or full disk refused",
            sources.audit.lost(),
        );
        counter(
            "flow_log_lost_lines",
            "Lines of the flow log that a slow or full disk refused",
            sources.flow_log.lost(),
        );
        counter(
            "attribute_changes_refused",
            "Changes of attributes that were refused, because too many of one call waited",
            sources.calls.refused_changes(),
        );
        counter(
            "contacts_lost",
            "States of contacts that neither the disk nor memory had room for",
            sources.contacts.lost(),
        );
        let cut = sources.kvs.cut_fragments();
        counter("cut_fragments_resumed", "Cut-off fragments that a later upload went on with", cut.resumed);
        counter("cut_fragments_sealed", "Cut-off fragments that were sealed as they stood", cut.sealed);
        counter(
            "cut_fragments_taken_back",
            "Cut-off fragments that their producers will send again",
            cut.taken_back,
        );
        counter(
            "cut_fragments_refused",
            "Cut-off fragments that were sealed at once, because too much waited",
            cut.refused,
        );
        counter("store_scrub_passes", "Passes of the scrub that were finished", store.scrub_passes);
        counter("store_scrub_fragments", "Fragments that the scrub has read", store.scrub_fragments);
        counter("store_scrub_bytes", "Bytes that the scrub has read", store.scrub_bytes);
        counter(
            "http_bodies_displaced",
            "Bodies of unproven senders that gave way to others",
            sources.unproven.displaced(),
        );
        let mut gauge = |name: &str, help: &str, value: u64| {
            let _ = writeln!(
                page,
                "# HELP tympan_{name} {help}.\n# TYPE tympan_{name} gauge\ntympan_{name} {value}"
            );
        };
        gauge(
            "contacts_waiting",
            "Contacts that wait for room on the disk",
            u64::try_from(sources.contacts.waiting()).unwrap_or(u64::MAX),
        );
        gauge("cut_fragments_waiting", "Cut-off fragments that wait to be gone on with", cut.waiting);
        gauge("cut_fragments_waiting_bytes", "Bytes of the cut-off fragments that wait", cut.waiting_bytes);
        gauge("store_writers", "Sessions of writing that are open", store.writers);
        gauge("store_live_bytes", "Bytes in memory for live readers", store.live_bytes);
        gauge("store_commit_queue_bytes", "Bytes that wait for the disk", store.commit_queue_bytes);
        gauge(
            "store_fragments_in_journal",
            "Durable fragments that are in no chunk yet",
            store.fragments_in_journal,
        );
        let doubt = sources.store.clock_doubt().map_or(0, |doubt| doubt.ahead_ms.unsigned_abs() / 1_000);
        gauge(
            "store_clock_doubt_seconds",
            "How far the clock is ahead of what the store believes; 0 when it is believed",
            doubt,
        );
        gauge(
            "store_scrub_damaged",
            "Damage that the newest pass of the scrub has found",
            store.scrub_damaged,
        );
        for (database, findings) in sources.damaged {
            let help = "Findings of the start that are not as they were written; the log says which";
            gauge(&format!("{database}_damaged"), help, findings as u64);
        }
        let descriptors = sources.descriptors.counted();
        gauge("descriptors_open", "File descriptors that are open", descriptors.open);
        gauge("descriptors_limit", "File descriptors that may be open", descriptors.limit);
        gauge(
            "http_unproven_bytes",
            "Bytes that are held of bodies whose senders are not proven yet",
            sources.unproven.held_bytes(),
        );
        page.push_str(&refusals_left_out(&sources.audit));
        lines_waiting(&mut page, sources);
        connections(&mut page, &sources.connections);
        sources.sip.render(&mut page);
        page.push_str("# EOF\n");
        page
    }
}

/// By long-term access key: the configuration lists them, so that there are not many.
fn refusals_left_out(audit: &Audit) -> String {
    const NAME: &str = "tympan_audit_refusals_left_out";
    let mut lines = format!(
        "# HELP {NAME} Lines about refused requests that an access key had beyond its quota.\n# TYPE {NAME} counter\n"
    );
    for (key, left_out) in audit.refusals_left_out() {
        let key = key.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        lines.push_str(&format!("{NAME}_total{{access_key_id=\"{key}\"}} {left_out}\n"));
    }
    lines
}

/// Lines on their way to their files.
fn lines_waiting(page: &mut String, sources: &Sources) {
    const NAME: &str = "tympan_lines_waiting";
    let _ = writeln!(page, "# HELP {NAME} Lines that wait for their file.\n# TYPE {NAME} gauge");
    for (file, waiting) in [
        ("audit", sources.audit.waiting()),
        ("contact_records", sources.contacts.undelivered()),
        ("flow_log", sources.flow_log.waiting()),
    ] {
        let _ = writeln!(page, "{NAME}{{file=\"{file}\"}} {waiting}");
    }
}

/// What is known of the listeners' connections.
fn connections(page: &mut String, listeners: &[(&'static str, Arc<Connections>)]) {
    let mut family = |name: &str, help: &str, kind: &str, suffix: &str, value: fn(&Connections) -> u64| {
        let _ = writeln!(page, "# HELP tympan_{name} {help}.\n# TYPE tympan_{name} {kind}");
        for (listener, connections) in listeners {
            let value = value(connections);
            let _ = writeln!(page, "tympan_{name}{suffix}{{listener=\"{listener}\"}} {value}");
        }
    };
    family("connections", "Connections that are open, by listener", "gauge", "", |c| c.counts().open);
    family(
        "connections_evicted",
        "Connections that were closed while they waited, to make room",
        "counter",
        "_total",
        |connections| connections.counts().evicted,
    );
    family(
        "connections_refused",
        "Connections that were closed at once, because all others worked",
        "counter",
        "_total",
        |connections| connections.counts().refused,
    );
}
