//! The Connect service: one value that answers the API and tells calls where they go.

use crate::directory::{Directory, Edit};
use crate::error::{ConnectError, ErrorCode};
use crate::flows::FlowReference;
use crate::hours::TimeZone;
use crate::instances::Instance;
use crate::live_calls::LiveCalls;
use crate::live_centre::{LiveCentre, NoCentre};
use crate::operations::WITHIN_PROCESS;
use crate::phone_numbers::{DialledNumber, NumberRange};
use crate::settings::{Settings, SettingsError, Write};
use http::request::Parts;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::task::{Context, Poll, Waker};
use tympan_aws::{Attempt, Invocation, Stage};
use tympan_contact::routing::Routing;
use tympan_contact::{History, Now, RoutedFlow};
use tympan_flow::ResourceRef;
use tympan_types::{AccountId, Caller, InstanceId, Region, WallTime};

/// The Amazon Connect service. Cheap to clone; every clone is the same service.
///
/// All functions are synchronous. Reads take a snapshot and never wait for the disk; changes run one after
/// another, and return when [`Settings::write`] has made them durable.
#[derive(Clone)]
pub struct ConnectService(Arc<Inner>);

struct Inner {
    directory: RwLock<Arc<Directory>>,
    /// Held over a whole change, from the look at the directory to the publication of the new one.
    changing: Mutex<()>,
    settings: Arc<dyn Settings>,
    history: Arc<dyn History>,
    live: Arc<dyn LiveCalls>,
    /// Set once: routing needs the service before it can be one.
    centre: OnceLock<Arc<dyn LiveCentre>>,
    ids: Arc<dyn Ids>,
    options: Options,
}

/// The source of randomness: a core has none of its own.
pub trait Ids: Send + Sync {
    /// Sixteen random bytes for a new id.
    fn random(&self) -> [u8; 16];
}

/// How the service is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The account of what [`ConnectService::ensure`] creates.
    pub account: AccountId,
    /// The region of what [`ConnectService::ensure`] creates.
    pub region: Region,
    /// The numbers that SearchAvailablePhoneNumbers offers.
    pub number_ranges: Vec<NumberRange>,
    /// Whether a flow may only invoke functions that were associated with its instance.
    pub require_lambda_association: bool,
    /// ARNs of functions that need no association.
    pub unassociated_functions: BTreeSet<String>,
    /// The `InstanceAccessUrl` that is shown: the page of this server, where there is one.
    pub access_url: Option<String>,
    /// Whether instances begin with the resources that the service gives them.
    pub default_resources: bool,
    /// The time zone of the hours that they begin with.
    pub time_zone: TimeZone,
    /// How much may be configured.
    pub limits: Limits,
}

impl Options {
    /// The defaults for an account and region.
    pub fn new(account: AccountId, region: Region) -> Self {
        Self {
            account,
            region,
            number_ranges: vec![NumberRange::default()],
            require_lambda_association: true,
            unassociated_functions: BTreeSet::new(),
            access_url: None,
            default_resources: true,
            time_zone: TimeZone::utc(),
            limits: Limits::default(),
        }
    }
}

/// How much may be configured: bounds on memory, well above what AWS grants by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Instances of all accounts together.
    pub instances: usize,
    /// Flows of one instance.
    pub flows_per_instance: usize,
    /// Lambda functions of one instance.
    pub lambda_functions_per_instance: usize,
    /// Phone numbers of all instances together.
    pub phone_numbers: usize,
    /// Queues of one instance, and as many of every other kind of named resource.
    pub resources_per_instance: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instances: 100,
            flows_per_instance: 1000,
            lambda_functions_per_instance: 1000,
            phone_numbers: 10_000,
            resources_per_instance: 1000,
        }
    }
}

/// Where a dialled number leads.
#[derive(Clone)]
pub struct Routed {
    /// The instance that the number is claimed to.
    pub instance: Arc<Instance>,
    /// The flow that answers.
    pub flow: RoutedFlow,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Instances.
    pub instances: usize,
    /// Claimed phone numbers.
    pub phone_numbers: usize,
}

impl ConnectService {
    /// Reads the settings and opens the service.
    ///
    /// Errors: the settings cannot be read. Documents that cannot be read are left out of them.
    pub fn open(
        settings: Arc<dyn Settings>,
        history: Arc<dyn History>,
        live: Arc<dyn LiveCalls>,
        ids: Arc<dyn Ids>,
        options: Options,
    ) -> Result<Self, OpenError> {
        let (directory, orphans) = Directory::load(settings.load()?);
        if settings.is_whole()
            && let Err(error) = write(settings.as_ref(), &orphans)
        {
            tracing::error!(%error, "what belonged to deleted instances is not removed; the next start tries again");
        }
        Ok(Self(Arc::new(Inner {
            directory: RwLock::new(Arc::new(directory)),
            changing: Mutex::new(()),
            settings,
            history,
            live,
            centre: OnceLock::new(),
            ids,
            options,
        })))
    }

    /// From now on the API asks this of queues and agents. The first one stays.
    pub fn begin_centre(&self, centre: Arc<dyn LiveCentre>) {
        drop(self.0.centre.set(centre));
    }

    /// Answers a request without asking any policy: for callers within the process. The body of the answer may be empty.
    ///
    /// # Errors
    /// The operation's own.
    pub fn call(
        &self,
        now: WallTime,
        caller: &Caller,
        head: &Parts,
        body: &[u8],
    ) -> Result<Vec<u8>, ConnectError> {
        let output = self.attempt(head, body, &Invocation::within_process(caller, now)).result?;
        Ok(output.into_json().unwrap_or_default())
    }

    /// The same under the policies of an invocation.
    pub(crate) fn attempt(
        &self,
        head: &Parts,
        body: &[u8],
        invocation: &Invocation<'_>,
    ) -> Attempt<ConnectError> {
        let mut attempt = WITHIN_PROCESS.attempt(self, head, body, invocation);
        match attempt.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(attempt) => attempt,
            Poll::Pending => {
                let result = Err(ConnectError::internal(&"an operation waits that may only block"));
                Attempt { stage: Stage::Unread, asks: Vec::new(), result }
            }
        }
    }

    /// The instance and flow that answer a dialled number.
    ///
    /// `dialled` is an E.164 number, with or without its plus, or the user part of a SIP address. `None`
    /// refuses the call: nobody claimed the number, it has no published flow, or its instance takes no calls.
    pub fn route_number(&self, dialled: &str) -> Option<Routed> {
        let directory = self.directory();
        let exact = DialledNumber::sip_user(dialled).ok();
        let with_plus = DialledNumber::e164(&format!("+{dialled}")).ok();
        let number = [exact, with_plus].iter().flatten().find_map(|number| directory.dialled(number))?;
        let instance = directory.instance(number.instance).filter(|instance| instance.inbound_calls)?;
        let reference = FlowReference { id: number.flow, arn: None, qualifier: None };
        let flow = directory.flow(instance, &reference)?.runnable(instance)?;
        Some(Routed { instance: instance.clone(), flow })
    }

    /// A flow that another flow of the same instance goes on to; only what is published. Where there is none of its id, the name
    /// decides.
    pub fn flow(&self, instance: InstanceId, flow: &ResourceRef) -> Option<RoutedFlow> {
        let directory = self.directory();
        let instance = directory.instance(instance)?;
        let by_id = directory.flow(instance, &FlowReference::parse(&flow.id));
        let by_name = || {
            let name = flow.name.as_deref()?;
            directory.flows_of(instance.id).find(|flow| flow.name == name)
        };
        by_id.or_else(by_name)?.runnable(instance)
    }

    /// An instance as it is configured now.
    pub fn instance(&self, id: InstanceId) -> Option<Arc<Instance>> {
        self.directory().instance(id).cloned()
    }

    /// The master keys that instances name for their streams, each once.
    pub fn stream_keys(&self) -> BTreeSet<String> {
        let directory = self.directory();
        let storages = directory.instances().filter_map(|instance| instance.media_streams.as_ref());
        storages.map(|storage| storage.key_id.clone()).collect()
    }

    /// Whether flows of an instance may invoke a function.
    pub fn may_invoke(&self, instance: InstanceId, function_arn: &str) -> bool {
        let options = &self.0.options;
        !options.require_lambda_association
            || options.unassociated_functions.contains(function_arn)
            || self
                .directory()
                .instance(instance)
                .is_some_and(|instance| instance.has_lambda_function(function_arn))
    }

    /// How much of what takes calls there is, over all accounts.
    pub fn counts(&self) -> Counts {
        let directory = self.directory();
        Counts { instances: directory.instance_count(), phone_numbers: directory.phone_number_count() }
    }

    /// How the service was set up.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn directory(&self) -> Arc<Directory> {
        self.0.directory.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn settings(&self) -> &dyn Settings {
        self.0.settings.as_ref()
    }

    pub(crate) fn history(&self) -> &dyn History {
        self.0.history.as_ref()
    }

    pub(crate) fn live(&self) -> &dyn LiveCalls {
        self.0.live.as_ref()
    }

    fn centre(&self) -> &dyn LiveCentre {
        self.0.centre.get().map_or(&NoCentre, |centre| &**centre)
    }

    /// Whether contacts are routed to agents here.
    pub(crate) fn routes(&self) -> bool {
        self.centre().is_offered()
    }

    /// Looks at queues and agents. Nothing else waits for this but routing.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Routing, Now) -> T) -> Option<T> {
        let (mut look, mut seen) = (Some(look), None);
        self.centre().look(&mut |routing, now| seen = look.take().map(|look| look(routing, now)));
        seen
    }

    /// Changes something about queues and agents; `None` where nothing is routed.
    pub(crate) fn reroute<T>(&self, change: impl FnOnce(&mut Routing, Now) -> T) -> Option<T> {
        if !self.routes() {
            return None;
        }
        let (mut change, mut done) = (Some(change), None);
        self.centre().change(&mut |routing, now| done = change.take().map(|change| change(routing, now)));
        done
    }

    pub(crate) fn random(&self) -> [u8; 16] {
        self.0.ids.random()
    }

    /// A new id for a storage association: 64 hexadecimal digits, as in the service.
    pub(crate) fn new_association_id(&self) -> String {
        [self.random(), self.random()].iter().flatten().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Makes one change: all of it is durable and visible when this returns, or none of it is visible.
    pub(crate) fn change<R>(
        &self,
        edit: impl FnOnce(&mut Edit) -> Result<R, ConnectError>,
    ) -> Result<R, ConnectError> {
        // A panic inside an edit leaves the published directory as it was, so a poisoned lock is harmless.
        let _changing = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut draft = Edit { directory: (*self.directory()).clone(), writes: Vec::new() };
        draft.directory.revision += 1;
        let result = edit(&mut draft)?;
        write(self.0.settings.as_ref(), &draft.writes).map_err(|error| ConnectError::internal(&error))?;
        *self.0.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(draft.directory);
        Ok(result)
    }
}

fn write(settings: &dyn Settings, writes: &[Write]) -> Result<(), SettingsError> {
    if writes.is_empty() { Ok(()) } else { settings.write(writes) }
}

/// Why the service did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings could not be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Limits {
    /// Refuses one more when `count` has reached `limit`.
    pub(crate) fn check(count: usize, limit: usize, code: ErrorCode, what: &str) -> Result<(), ConnectError> {
        if count < limit {
            return Ok(());
        }
        Err(ConnectError::new(
            code,
            format!("the limit of {limit} {what} is reached; delete some, or raise it"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, NOW, head};
    use crate::live_calls::NoCalls;
    use crate::prompts::UploadedSound;
    use crate::settings::{Document, MemorySettings};
    use serde_json::{Value, json};
    use std::sync::atomic::{AtomicBool, Ordering};
    use tympan_contact::MemoryHistory;
    use tympan_types::ResourceId;

    #[derive(Default)]
    struct FullDisk {
        settings: MemorySettings,
        full: AtomicBool,
    }

    impl Settings for FullDisk {
        fn load(&self) -> Result<Vec<Document>, SettingsError> {
            self.settings.load()
        }

        fn write(&self, writes: &[Write]) -> Result<(), SettingsError> {
            if self.full.load(Ordering::Relaxed) {
                return Err(SettingsError("no space left".into()));
            }
            self.settings.write(writes)
        }

        fn sound(&self, prompt: ResourceId) -> Result<Option<UploadedSound>, SettingsError> {
            self.settings.sound(prompt)
        }
    }

    struct Sevens;

    impl Ids for Sevens {
        fn random(&self) -> [u8; 16] {
            [7; 16]
        }
    }

    fn open(settings: Arc<dyn Settings>) -> Result<ConnectService, OpenError> {
        let Options { account, region, .. } = Bench::new().service.options().clone();
        let history = Arc::new(MemoryHistory::default());
        ConnectService::open(
            settings,
            history,
            Arc::new(NoCalls),
            Arc::new(Sevens),
            Options::new(account, region),
        )
    }

    #[test]
    fn what_could_not_be_written_is_not_there() {
        let bench = Bench::new();
        let disk = Arc::new(FullDisk::default());
        let service = open(disk.clone()).unwrap();
        let body = json!({ "IdentityManagementType": "SAML", "InstanceAlias": "demo",
            "InboundCallsEnabled": true, "OutboundCallsEnabled": true })
        .to_string();
        let create = head("PUT", "/instance").unwrap();
        disk.full.store(true, Ordering::Relaxed);
        let error = service.call(NOW, &bench.caller, &create, body.as_bytes()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InternalService);
        assert!(!error.message().contains("space"), "the cause is for the log");
        let list = head("GET", "/instance").unwrap();
        let listed = service.call(NOW, &bench.caller, &list, b"").unwrap();
        let listed: Value = serde_json::from_slice(&listed).unwrap();
        assert_eq!(listed["InstanceSummaryList"], json!([]));
        disk.full.store(false, Ordering::Relaxed);
        assert!(service.call(NOW, &bench.caller, &create, body.as_bytes()).is_ok());
    }

    #[test]
    fn of_two_changes_at_once_one_sees_the_other() {
        let bench = Bench::new();
        let created: usize = std::thread::scope(|scope| {
            let create = || {
                let body = json!({ "IdentityManagementType": "SAML", "InstanceAlias": "demo",
                    "InboundCallsEnabled": true, "OutboundCallsEnabled": true });
                usize::from(bench.call("PUT", "/instance", body).is_ok())
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(create)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(created, 1);
        let listed = bench.reopened().call("GET", "/instance", Value::Null).unwrap();
        assert_eq!(listed["InstanceSummaryList"].as_array().unwrap().len(), 1);
    }
}
