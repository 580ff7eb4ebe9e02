//! What `/metrics` shows. Labels are bounded: never a contact, a number or a stream.
//!
//! The shell counts calls and requests itself. All other numbers are read from the parts that keep them, by a collector,
//! whenever the page is asked for.

use crate::audit::Audit;
use crate::call::{CallRegistry, FlowLog};
use crate::centre::Centre;
use crate::connections::Connections;
use crate::descriptors::DescriptorBudget;
use crate::http::{SignIns, UnprovenBytes};
use crate::lex::Bots;
use crate::media::MediaStats;
use crate::persist::{ContactHistory, RecordWays};
use crate::sink::CaptureQueue;
use crate::sip::{Refusal, SipStats};
use crate::sound::ListenerPlaces;
use crate::speech::Speech;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use tympan_admin::EventReaders;
use tympan_db::Db;
use tympan_kvs::KvsService;
use tympan_store::MediaStore;

/// Counters of the shell, and the page.
pub(crate) struct Metrics {
    registry: Registry,
    calls_taken: Counter,
    calls_refused: Family<Reason, Counter>,
    calls_active: Gauge,
    call_task_panics: Counter,
    captures_failed: Counter,
    legs: Family<LegKind, Gauge>,
    dials: Family<Outcome, Counter>,
    http_requests: Family<HttpRequest, Counter>,
    attached: Attached,
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
    pub contacts: Arc<ContactHistory>,
    /// The flow log.
    pub flow_log: Arc<FlowLog>,
    /// The calls that are up.
    pub calls: CallRegistry,
    /// Queues and agents.
    pub centre: Centre,
    /// The voice.
    pub speech: Arc<Speech>,
    /// The bots.
    pub bots: Arc<Bots>,
    /// What the process has open.
    pub descriptors: DescriptorBudget,
    /// Bodies whose senders have not proven who they are.
    pub unproven: Arc<UnprovenBytes>,
    /// Sign-ins to the console.
    pub sign_ins: Arc<SignIns>,
    /// The listeners' connections, by the listener's name.
    pub connections: [(&'static str, Arc<Connections>); 3],
    /// What the SIP side counts.
    pub sip: Arc<SipStats>,
    /// The control database.
    pub db: Db,
    /// Who follows live events.
    pub event_readers: EventReaders,
    /// Who listens to calls.
    pub listeners: ListenerPlaces,
    /// What the start found damaged, by database.
    pub damaged: [(&'static str, usize); 2],
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LegKind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
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

/// Who began a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegBegan {
    /// The far end.
    Invited,
    /// The server.
    Dialled,
}

/// What became of a telephone that was to be rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialled {
    /// It answered.
    Answered,
    /// It refused: busy, declined, not found.
    Refused,
    /// It did not answer before the call gave it up, or failed.
    Ended,
    /// There was no way to it, or no room.
    NotPlaced,
}

/// A call or a leg that is up, as the gauge counts it.
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
        let legs = Family::default();
        registry.register("call_legs", "Legs of the calls that are up, by who began them", legs.clone());
        let dials = Family::default();
        registry.register("dials", "Telephones that were to be rung, by what became of it", dials.clone());
        let http_requests = Family::default();
        registry.register(
            "http_requests",
            "Requests answered, by service, operation and status",
            http_requests.clone(),
        );
        let attached = Attached::default();
        registry.register_collector(Box::new(attached.clone()));
        Self {
            registry,
            calls_taken,
            calls_refused,
            calls_active,
            call_task_panics,
            captures_failed,
            legs,
            dials,
            http_requests,
            attached,
        }
    }
}

impl Metrics {
    /// Adds the numbers of the running parts; once.
    pub(crate) fn attach(&self, sources: Sources) {
        // A second attachment would be a mistake of the wiring, and changes nothing.
        let _ = self.attached.0.set(sources);
    }

    /// Counts a call, which is up until the returned value is dropped.
    pub(crate) fn call_taken(&self) -> ActiveCall {
        self.calls_taken.inc();
        self.calls_active.inc();
        ActiveCall(self.calls_active.clone())
    }

    /// Counts a leg, which is there until the returned value is dropped.
    pub(crate) fn leg(&self, kind: LegBegan) -> ActiveCall {
        let kind = match kind {
            LegBegan::Invited => "invited",
            LegBegan::Dialled => "dialled",
        };
        let gauge = self.legs.get_or_create(&LegKind { kind }).clone();
        gauge.inc();
        ActiveCall(gauge)
    }

    /// Counts a telephone that was to be rung.
    pub(crate) fn dialled(&self, outcome: Dialled) {
        let outcome = match outcome {
            Dialled::Answered => "answered",
            Dialled::Refused => "refused",
            Dialled::Ended => "ended",
            Dialled::NotPlaced => "not_placed",
        };
        self.dials.get_or_create(&Outcome { outcome }).inc();
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
            Refusal::NoSuchCall => "no_such_call",
            Refusal::NotAvailable => "not_available",
        };
        self.calls_refused.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn capture_failed(&self) {
        self.captures_failed.inc();
    }

    /// Start blocks that got no stream.
    pub(crate) fn captures_failed(&self) -> u64 {
        self.captures_failed.get()
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
        page
    }
}

/// The numbers of the running parts, once they run.
#[derive(Clone, Default)]
struct Attached(Arc<OnceLock<Sources>>);

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached").finish_non_exhaustive()
    }
}

impl Collector for Attached {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(sources) = self.0.get() else { return Ok(()) };
        sources.collect(&mut Page::new(encoder))
    }
}

impl Sources {
    fn collect(&self, page: &mut Page<'_>) -> fmt::Result {
        for (name, value) in self.media.values() {
            page.counter(&format!("media_{name}"), "Counted by the media threads", value)?;
        }
        let queue = self.queue.stats();
        page.counter(
            "capture_written_bytes",
            "Captured Matroska handed to the store",
            queue.written_bytes.load(Relaxed),
        )?;
        page.counter(
            "capture_refused_bytes",
            "Captured Matroska that a slow store refused",
            queue.refused_bytes.load(Relaxed),
        )?;
        page.counter(
            "captures_cut_off",
            "Captures that a slow store ended",
            queue.cut_off_uploads.load(Relaxed),
        )?;
        let store = self.store.stats();
        page.counter(
            "store_groups_committed",
            "Groups made durable, one fdatasync each",
            store.groups_committed,
        )?;
        page.counter("store_fragments_committed", "Fragments made durable", store.fragments_committed)?;
        page.counter("store_bytes_committed", "Bytes made durable", store.bytes_committed)?;
        page.counter("store_fragments_failed", "Fragments that the disk refused", store.fragments_failed)?;
        page.counter("store_chunks_published", "Chunks made", store.chunks_published)?;
        page.counter(
            "audit_lost_lines",
            "Lines of the audit file that a slow or full disk refused",
            self.audit.lost(),
        )?;
        page.counter(
            "flow_log_lost_lines",
            "Lines of the flow log that a slow or full disk refused",
            self.flow_log.lost(),
        )?;
        page.counter(
            "attribute_changes_refused",
            "Changes of attributes that were refused, because too many of one call waited",
            self.calls.refused_changes(),
        )?;
        page.counter(
            "contacts_lost",
            "States of contacts that neither the disk nor memory had room for",
            self.contacts.lost(),
        )?;
        let speech = self.speech.stats();
        for (name, help, count) in [
            ("speech_spoken", "Pieces of prompts that a voice has spoken", &speech.spoken),
            ("speech_cached", "Pieces and recordings that were spoken or fetched before", &speech.cached),
            (
                "speech_failed",
                "Pieces that no voice could speak, and recordings that could not be had",
                &speech.failed,
            ),
            ("speech_refused", "Of them, those for which too many waited", &speech.refused),
            ("speech_fetched", "Recordings that were fetched by their URI", &speech.fetched),
        ] {
            page.counter(name, help, count.load(Relaxed))?;
        }
        page.gauge(
            "speech_cache_bytes",
            "Memory of what was spoken and fetched",
            u64::try_from(self.speech.cache_bytes()).unwrap_or(u64::MAX),
        )?;
        let (asked, served) = (self.bots.stats(), self.bots.service().stats());
        for (name, help, count) in [
            ("lex_answered", "Questions of flows that a bot answered", asked.answered.load(Relaxed)),
            (
                "lex_failed",
                "Questions of flows that no bot answered in time, or in a way that can be used",
                asked.failed.load(Relaxed),
            ),
            ("lex_recognitions", "Inputs that bots of this server answered", served.recognitions),
            (
                "lex_refused_sessions",
                "Inputs refused, because there are too many sessions",
                served.refused_sessions,
            ),
            ("lex_failed_speech", "Utterances that were not turned into text", served.failed_speech),
            ("lex_failed_functions", "Functions of bots that failed", served.failed_functions),
        ] {
            page.counter(name, help, count)?;
        }
        page.gauge("lex_sessions", "Sessions of bots of this server", served.sessions)?;
        let records = self.contacts.record_ways().map(RecordWays::stats).unwrap_or_default();
        page.counter(
            "contact_records_sent",
            "Contact records that a sink beside the file has taken",
            records.sent,
        )?;
        page.counter("contact_records_refused", "Attempts that such a sink refused", records.refused)?;
        page.counter("contact_records_dead", "Contact records that went to dead-letter", records.dead)?;
        page.gauge("contact_record_sinks_away", "Such sinks that cannot be reached", records.away)?;
        centre(page, &self.centre)?;
        page.counter(
            "call_requests_refused",
            "Orders, news of the routing and legs for calls whose task did not read",
            self.calls.refused_requests(),
        )?;
        let events = self.contacts.record_ways().map(RecordWays::event_stats).unwrap_or_default();
        page.counter("contact_events_sent", "Contact and agent events that a sink has taken", events.sent)?;
        page.counter("contact_events_refused", "Attempts that such a sink refused", events.refused)?;
        page.counter("contact_events_dead", "Events that went to dead-letter", events.dead)?;
        page.gauge("contact_event_sinks_away", "Such sinks that cannot be reached", events.away)?;
        let outbox = self.contacts.outbox().stats();
        page.counter("outbox_done", "Steps outside of control.db that were done", outbox.done)?;
        page.counter(
            "outbox_put_off",
            "Attempts at such steps that failed and are made again",
            outbox.put_off,
        )?;
        page.counter("outbox_not_known", "Looks at steps of another version, which stay", outbox.not_known)?;
        let cut = self.kvs.cut_fragments();
        page.counter(
            "cut_fragments_resumed",
            "Cut-off fragments that a later upload went on with",
            cut.resumed,
        )?;
        page.counter("cut_fragments_sealed", "Cut-off fragments that were sealed as they stood", cut.sealed)?;
        page.counter(
            "cut_fragments_taken_back",
            "Cut-off fragments that their producers will send again",
            cut.taken_back,
        )?;
        page.counter(
            "cut_fragments_refused",
            "Cut-off fragments that were sealed at once, because too much waited",
            cut.refused,
        )?;
        page.counter("store_scrub_passes", "Passes of the scrub that were finished", store.scrub_passes)?;
        page.counter("store_scrub_fragments", "Fragments that the scrub has read", store.scrub_fragments)?;
        page.counter("store_scrub_bytes", "Bytes that the scrub has read", store.scrub_bytes)?;
        page.counter(
            "http_bodies_displaced",
            "Bodies of unproven senders that gave way to others",
            self.unproven.displaced(),
        )?;
        page.gauge(
            "outbox_waiting",
            "Steps outside of control.db that are to be done",
            self.contacts.outbox().waiting(),
        )?;
        page.gauge(
            "contacts_waiting",
            "Contacts that wait for room on the disk",
            u64::try_from(self.contacts.waiting()).unwrap_or(u64::MAX),
        )?;
        page.gauge("cut_fragments_waiting", "Cut-off fragments that wait to be gone on with", cut.waiting)?;
        page.gauge(
            "cut_fragments_waiting_bytes",
            "Bytes of the cut-off fragments that wait",
            cut.waiting_bytes,
        )?;
        page.gauge("store_writers", "Sessions of writing that are open", store.writers)?;
        page.gauge("store_live_bytes", "Bytes in memory for live readers", store.live_bytes)?;
        page.gauge("store_commit_queue_bytes", "Bytes that wait for the disk", store.commit_queue_bytes)?;
        page.gauge(
            "store_fragments_in_journal",
            "Durable fragments that are in no chunk yet",
            store.fragments_in_journal,
        )?;
        let doubt = self.store.clock_doubt().map_or(0, |doubt| doubt.ahead_ms.unsigned_abs() / 1_000);
        page.gauge(
            "store_clock_doubt_seconds",
            "How far the clock is ahead of what the store believes; 0 when it is believed",
            doubt,
        )?;
        page.gauge(
            "store_scrub_damaged",
            "Damage that the newest pass of the scrub has found",
            store.scrub_damaged,
        )?;
        for (database, findings) in self.damaged {
            let help = "Findings of the start that are not as they were written; the log says which";
            page.gauge(&format!("{database}_damaged"), help, findings as u64)?;
        }
        let unreadable = self.db.unreadable();
        page.gauge(
            "control_unreadable_rows",
            "Rows of control.db that were met, could not be read and were left out",
            u64::try_from(unreadable.rows.len()).unwrap_or(u64::MAX).saturating_add(unreadable.beside),
        )?;
        let events = self.event_readers.counts();
        page.gauge("event_readers", "Readers of live events that are connected", events.open)?;
        page.counter("event_readers_refused", "Readers of live events that found no place", events.refused)?;
        page.counter(
            "event_readers_slow",
            "Readers of live events that took nothing and were cut off",
            events.slow,
        )?;
        page.counter("events_sent", "Live events that were handed to readers", events.sent)?;
        let listeners = self.listeners.counts();
        page.gauge("listeners", "Listeners to calls that are connected", listeners.open)?;
        page.counter("listeners_refused", "Listeners to calls that found no place", listeners.refused)?;
        page.counter(
            "listeners_slow",
            "Listeners to calls that were too slow and were cut off",
            listeners.slow,
        )?;
        page.counter(
            "listener_frames_sent",
            "Frames of sound that were handed to listeners",
            listeners.sent,
        )?;
        let readers = self.kvs.reader_counts();
        page.gauge("get_media_readers", "Readers of streams that are listed", readers.listed)?;
        page.counter(
            "get_media_readers_unlisted",
            "Readers of streams that found the list full",
            readers.unlisted,
        )?;
        let descriptors = self.descriptors.counted();
        page.gauge("descriptors_open", "File descriptors that are open", descriptors.open)?;
        page.gauge("descriptors_limit", "File descriptors that may be open", descriptors.limit)?;
        page.gauge(
            "http_unproven_bytes",
            "Bytes that are held of bodies whose senders are not proven yet",
            self.unproven.held_bytes(),
        )?;
        refusals_left_out(page, &self.audit)?;
        lines_waiting(page, self)?;
        let help = "Attempts to sign in to the console, by what became of them";
        page.counters("console_sign_ins", help, "outcome", self.sign_ins.values())?;
        connections(page, &self.connections)?;
        self.sip.collect(page)
    }
}

/// Queues and agents. Which queue and which agent it is the API says: those would be labels without a bound.
fn centre(page: &mut Page<'_>, centre: &Centre) -> fmt::Result {
    let stats = centre.stats();
    page.gauge("queue_contacts", "Contacts that wait in queues", stats.waiting)?;
    page.gauge("queue_scheduled", "Callbacks whose time has not come", stats.scheduled)?;
    page.gauge("queue_oldest_milliseconds", "The age of the contact that waits longest", stats.oldest_ms)?;
    page.gauges("agents", "Agents by state", "state", stats.agents)?;
    page.gauge("agent_parts", "Agents' parts in contacts, those that are rung among them", stats.parts)?;
    let help = "Offers to agents, by what became of them";
    page.counters(
        "offers",
        help,
        "outcome",
        stats.offers.map(|(outcome, count)| (outcome.to_owned(), count)),
    )?;
    page.counter("queue_refused", "Contacts that a queue had no place for", stats.routing.at_capacity)?;
    page.counter(
        "routing_limit",
        "Contacts beyond the limits of the server or a queue",
        stats.routing.over_limit,
    )?;
    page.counter("routing_untold", "News of the routing that a call did not take", stats.untold)
}

/// By long-term access key: the configuration lists them, so that there are not many.
fn refusals_left_out(page: &mut Page<'_>, audit: &Audit) -> fmt::Result {
    let help = "Lines about refused requests that an access key had beyond its quota";
    let left_out = audit.refusals_left_out();
    page.counters("audit_refusals_left_out", help, "access_key_id", left_out)
}

/// Lines on their way to their files.
fn lines_waiting(page: &mut Page<'_>, sources: &Sources) -> fmt::Result {
    let waiting = [
        ("audit", sources.audit.waiting()),
        ("contact_records", sources.contacts.undelivered()),
        ("flow_log", sources.flow_log.waiting()),
    ];
    let waiting = waiting.map(|(file, lines)| (file, u64::try_from(lines).unwrap_or(u64::MAX)));
    page.gauges("lines_waiting", "Lines that wait for their file", "file", waiting)
}

/// What is known of the listeners' connections.
fn connections(page: &mut Page<'_>, listeners: &[(&'static str, Arc<Connections>)]) -> fmt::Result {
    let each = |value: fn(&Connections) -> u64| {
        listeners.iter().map(move |(listener, connections)| (*listener, value(connections)))
    };
    let (open, evicted, refused) =
        (each(|c| c.counts().open), each(|c| c.counts().evicted), each(|c| c.counts().refused));
    page.gauges("connections", "Connections that are open, by listener", "listener", open)?;
    let help = "Connections that were closed while they waited, to make room";
    page.counters("connections_evicted", help, "listener", evicted)?;
    let help = "Connections that were closed at once, because all others worked";
    page.counters("connections_refused", help, "listener", refused)
}

/// A page of metrics on its way out, of numbers that are read now.
pub(crate) struct Page<'a>(DescriptorEncoder<'a>);

impl<'a> Page<'a> {
    /// A page whose numbers have the encoder's prefix.
    pub(crate) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// One number that only grows.
    pub(crate) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.describe(name, help, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// One number that goes up and down.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.describe(name, help, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// Numbers that only grow, by one label.
    pub(crate) fn counters<L: EncodeLabelValue>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.describe(name, help, MetricType::Counter)?;
        for (of, value) in values {
            let labels = [(label, of)];
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// Numbers that go up and down, by one label.
    pub(crate) fn gauges<L: EncodeLabelValue>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.describe(name, help, MetricType::Gauge)?;
        for (of, value) in values {
            let labels = [(label, of)];
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn describe<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        // As the registry writes the help of what is registered there.
        self.0.encode_descriptor(name, &format!("{help}."), None, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Numbers;

    impl Collector for Numbers {
        fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let mut page = Page::new(encoder);
            page.counter("taken", "What was taken", 3)?;
            page.gauge("open", "What is open", u64::MAX)?;
            page.counters("left_out", "By key", "key", [("a\"b\\c\nd", 1), ("e", 2)])?;
            page.gauges("none", "Nothing", "of", Vec::<(String, u64)>::new())
        }
    }

    #[test]
    fn numbers_are_read_when_the_page_is_asked_for_and_labels_cannot_break_out_of_it() {
        let mut registry = Registry::with_prefix("tympan");
        registry.register_collector(Box::new(Numbers));
        let mut page = String::new();
        encode(&mut page, &registry).unwrap();
        assert_eq!(
            page,
            "# HELP tympan_taken What was taken.\n# TYPE tympan_taken counter\ntympan_taken_total 3\n\
             # HELP tympan_open What is open.\n# TYPE tympan_open gauge\ntympan_open 18446744073709551615\n\
             # HELP tympan_left_out By key.\n# TYPE tympan_left_out counter\n\
             tympan_left_out_total{key=\"a\\\"b\\\\c\\nd\"} 1\ntympan_left_out_total{key=\"e\"} 2\n\
             # HELP tympan_none Nothing.\n# TYPE tympan_none gauge\n# EOF\n"
        );
    }

    #[test]
    fn a_page_without_running_parts_has_the_numbers_of_the_shell() {
        let metrics = Metrics::default();
        let _call = metrics.call_taken();
        let page = metrics.render();
        assert!(page.contains("tympan_calls_active 1\n") && page.ends_with("# EOF\n"), "{page}");
    }
}
