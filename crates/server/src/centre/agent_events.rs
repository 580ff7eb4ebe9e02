//! Agent events: each agent of an instance that wants them is looked at whenever the routing has changed.

use super::Centre;
use crate::persist::ContactHistory;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tympan_connect::ConnectService;
use tympan_connect::agent_events::{AFTER_LOGOUT_MS, AgentSnapshot, between};
use tympan_contact::routing::{AgentKey, UserData};
use tympan_types::WallTime;

/// How often it is asked whether the routing has changed.
const PAUSE: Duration = Duration::from_millis(250);
/// After so many pauses without a change each agent is looked at all the same: heartbeats are due.
const IDLE_PAUSES: u32 = 40;

/// What was told of an agent.
struct Told {
    snapshot: AgentSnapshot,
    /// The last event.
    at: Option<WallTime>,
    /// Since when the agent is offline.
    offline_since: Option<WallTime>,
}

/// Tells what happens to agents until the server goes down.
pub(crate) async fn tell_of_agents(
    centre: Centre,
    service: ConnectService,
    history: Arc<ContactHistory>,
    shutdown: CancellationToken,
) {
    let mut told: HashMap<AgentKey, Told> = HashMap::new();
    let (mut revision, mut idle) = (None, 0);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        let now = centre.now().wall;
        let data: Vec<UserData> = {
            let state = centre.state();
            let current = (state.revision, state.routing.revision());
            idle += 1;
            if revision == Some(current) && idle < IDLE_PAUSES {
                continue;
            }
            (revision, idle) = (Some(current), 0);
            let instances = state.plans.keys().filter(|instance| history.takes_agent_events(**instance));
            let agents = instances.flat_map(|instance| state.routing.agents(*instance));
            agents.filter_map(|agent| state.routing.user_data(agent)).collect()
        };
        if data.is_empty() {
            continue;
        }
        let (service, history) = (service.clone(), history.clone());
        let told_before = std::mem::take(&mut told);
        let looked = tokio::task::spawn_blocking(move || look(&service, &history, told_before, &data, now));
        // The log has the panic; all agents are looked at as for the first time.
        told = looked.await.unwrap_or_default();
    }
}

/// Blocks: events are durable when this returns.
fn look(
    service: &ConnectService,
    history: &ContactHistory,
    mut before: HashMap<AgentKey, Told>,
    data: &[UserData],
    now: WallTime,
) -> HashMap<AgentKey, Told> {
    let snapshots = data.iter().filter_map(|data| service.agent_snapshot(data));
    let looked = snapshots.map(|snapshot| {
        let known = before.remove(&snapshot.agent);
        let offline_since = match &known {
            _ if snapshot.is_online => None,
            Some(known) => known.offline_since.or(Some(now)),
            None => None,
        };
        let rests = offline_since.is_some_and(|since| now.ms_since(since) >= AFTER_LOGOUT_MS);
        let last = known.as_ref().and_then(|known| known.at).filter(|_| !rests);
        let previous = known.as_ref().map(|known| &known.snapshot);
        let mut at = known.as_ref().and_then(|known| known.at);
        if let Some(event) = between(service, previous, &snapshot, last, now) {
            match history.tell_of_agent(event) {
                Ok(()) => at = Some(now),
                Err(error) => {
                    tracing::warn!(user = %snapshot.agent.user, %error, "an agent event could not be written");
                }
            }
        }
        (snapshot.agent, Told { snapshot, at, offline_since })
    });
    looked.collect()
}
