//! Queues and agents of the running server: the routing machine, its time, and what goes between it, the calls and the telephones.
//!
//! Calls ask by [`Centre::ask`] and hear by their inputs. One task ([`Centre::keep`]) passes time, tells calls what the routing
//! has decided, keeps agents' statuses in `control.db`, and follows the configuration and the registrations of telephones.

mod agent_events;
mod instances;
mod kept;
mod live;
mod offers;
mod outputs;
mod requests;
mod stats;
mod telephones;
#[cfg(test)]
mod tests;

pub(crate) use agent_events::tell_of_agents;
pub(crate) use instances::{Instances, agent_key};
pub(crate) use kept::kinds;
pub(crate) use telephones::RungTelephone;

use crate::call::{Admission, CallRegistry};
use crate::clock::{ServiceClock, mono_now};
use crate::sip::SipCalls;
use kept::Kept;
use offers::Offers;
use stats::Counts;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;
use telephones::People;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tympan_contact::routing::{AgentKey, InstancePlan, Output, Routing, RoutingOptions};
use tympan_contact::{History, Now};
use tympan_db::{Db, Revision};
use tympan_types::{ContactId, InstanceId, WallTime};

/// How often the configuration is compared with what the routing knows, at most, and how often statuses are written.
const PAUSE: Duration = Duration::from_millis(250);

/// Queues and agents. Clones share them.
#[derive(Clone)]
pub(crate) struct Centre(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// The task has something to do.
    woken: Notify,
    clock: ServiceClock,
    calls: CallRegistry,
    history: Arc<dyn History>,
    instances: OnceLock<Arc<dyn Instances>>,
    sip: OnceLock<SipCalls>,
    /// Begins the calls of callbacks, while calls are taken.
    admission: OnceLock<Weak<Admission>>,
    counts: Counts,
}

struct State {
    routing: Routing,
    plans: BTreeMap<InstanceId, Arc<InstancePlan>>,
    offers: Offers,
    /// Agents who are at a telephone, as the routing was told.
    online: BTreeSet<AgentKey>,
    /// Work after a contact that has ended while the contact's call is still up: its record is not changed under the call.
    late_work: HashMap<ContactId, AfterContactWork>,
    /// Of the configuration that the routing knows.
    revision: Option<u64>,
    people: People,
}

#[derive(Debug, Clone, Copy)]
struct AfterContactWork {
    began: WallTime,
    ended: WallTime,
}

/// What a centre begins with.
pub(crate) struct CentreParts {
    /// The time.
    pub clock: ServiceClock,
    /// The calls that are told.
    pub calls: CallRegistry,
    /// Where contacts are remembered.
    pub history: Arc<dyn History>,
    /// Waits and limits.
    pub options: RoutingOptions,
}

impl Centre {
    /// Without an instance.
    pub(crate) fn new(parts: CentreParts) -> Self {
        let CentreParts { clock, calls, history, options } = parts;
        let state = State {
            routing: Routing::new(options),
            plans: BTreeMap::new(),
            offers: Offers::default(),
            online: BTreeSet::new(),
            late_work: HashMap::new(),
            revision: None,
            people: People::default(),
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            woken: Notify::new(),
            clock,
            calls,
            history,
            instances: OnceLock::new(),
            sip: OnceLock::new(),
            admission: OnceLock::new(),
            counts: Counts::default(),
        }))
    }

    /// Takes the instances up, and what was kept of their agents.
    pub(crate) fn begin(&self, instances: Arc<dyn Instances>, db: &Db) {
        // Once, by the wiring.
        drop(self.0.instances.set(instances));
        self.configure();
        let state = kept::load(db);
        let now = self.now();
        self.state().routing.restore(now, state);
        self.wake();
    }

    /// From now on callbacks can be made.
    pub(crate) fn begin_calls(&self, admission: &Arc<Admission>) {
        drop(self.0.admission.set(Arc::downgrade(admission)));
    }

    fn calls_to_begin(&self) -> Option<Arc<Admission>> {
        self.0.admission.get()?.upgrade()
    }

    /// From now on telephones can be reached.
    pub(crate) fn begin_telephones(&self, sip: SipCalls) {
        drop(self.0.sip.set(sip));
        self.follow_telephones();
    }

    /// Passes time until the server goes down.
    pub(crate) async fn keep(
        self,
        db: Db,
        mut changes: watch::Receiver<Revision>,
        shutdown: CancellationToken,
    ) {
        let mut kept = Kept::new(db);
        let mut telephones = self.0.sip.get().map(|sip| sip.locations().changes());
        // Nothing was compared yet.
        let (mut configuration_moved, mut telephones_moved) = (true, true);
        loop {
            let deadline = self.state().routing.next_deadline();
            let due = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep(deadline.since(mono_now())).await,
                    None => std::future::pending().await,
                }
            };
            let moved = async {
                match &mut telephones {
                    Some(telephones) => telephones.changed().await,
                    None => std::future::pending().await,
                }
            };
            let is_behind = configuration_moved || telephones_moved || kept.is_behind(&self.state().routing);
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = due => {}
                () = self.0.woken.notified() => {}
                Ok(()) = changes.changed() => configuration_moved = true,
                Ok(()) = moved => telephones_moved = true,
                () = tokio::time::sleep(PAUSE), if is_behind => {
                    if std::mem::take(&mut configuration_moved) {
                        self.configure();
                    }
                    if std::mem::take(&mut telephones_moved) {
                        self.follow_telephones();
                    }
                    self.write(&mut kept).await;
                }
            }
            self.pass_time();
        }
        self.write(&mut kept).await;
    }

    async fn write(&self, kept: &mut Kept) {
        let now = self.now();
        let (state, revision) = {
            let state = self.state();
            if !kept.is_behind(&state.routing) {
                return;
            }
            (state.routing.state(now), state.routing.revision())
        };
        kept.write(state, revision).await;
    }

    /// Does what is due, and what the routing has decided.
    fn pass_time(&self) {
        let now = self.now();
        let outputs: Vec<Output> = {
            let mut state = self.state();
            if state.routing.next_deadline().is_some_and(|deadline| deadline <= now.mono) {
                state.routing.time_passed(now);
            }
            std::iter::from_fn(|| state.routing.poll()).collect()
        };
        for output in outputs {
            self.output(output);
        }
    }

    /// Tells the routing what instances are now, where they have changed.
    fn configure(&self) {
        let Some(instances) = self.0.instances.get() else { return };
        let revision = instances.revision();
        if self.state().revision == Some(revision) {
            return;
        }
        let (plans, people) = (instances.plans(), People::new(instances.telephones()));
        let now = self.now();
        let mut state = self.state();
        (state.revision, state.people) = (Some(revision), people);
        let State { routing, plans: known, .. } = &mut *state;
        let gone: Vec<InstanceId> =
            known.keys().filter(|id| !plans.iter().any(|plan| plan.instance == **id)).copied().collect();
        for instance in gone {
            known.remove(&instance);
            routing.forget(now, instance);
        }
        for plan in plans {
            if known.get(&plan.instance).is_none_or(|known| **known != plan) {
                known.insert(plan.instance, Arc::new(plan.clone()));
                routing.configure(now, plan);
            }
        }
        drop(state);
        self.follow_telephones();
        self.wake();
    }

    fn wake(&self) {
        self.0.woken.notify_one();
    }

    fn now(&self) -> Now {
        Now { mono: mono_now(), wall: self.0.clock.wall_now() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
