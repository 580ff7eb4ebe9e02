//! What must hold once a world has come to rest.

use super::outcome::{Tally, Violation};
use super::schedule::later;
use super::user::User;
use super::world::World;
use tympan_sip::agent::Agent;
use tympan_sip::wire::Status;
use tympan_types::{LegId, Mono};

/// From hanging up to the end of the leg: a transaction without an answer, then another (CANCEL after an INVITE, BYE after an
/// unacknowledged 2xx), of 32 s each.
const HANG_UP_BOUND_MS: u64 = 72_000;
/// From the end of one leg to the end of the other, where only the session timer ends it.
const SESSION_BOUND_MS: u64 = 2 * 180_000 + 72_000;
/// What a script needs to come about on a calm network.
const CALM_MS: i64 = 5_000;
/// What one digit needs, by segments of a few bytes over two proxies.
const CALM_DIGIT_MS: i64 = 4_000;
/// What an agent may hold once it is quiet: tables that keep their room, sources and nonces.
const QUIET_BYTES_MAX: i64 = 64 * 1_024;

impl World {
    pub(crate) fn finish(&self) -> Result<(), Violation> {
        for endpoint in &self.endpoints {
            for (leg, user) in &endpoint.users {
                let fault = self.leg_fault(*leg, user);
                fault.map_or(Ok(()), |what| Err(self.violation(Some(user.name.clone()), what)))?;
            }
            let name = || Some(endpoint.name.clone());
            endpoint.watch.finish(endpoint.withheld).map_err(|what| self.violation(name(), what))?;
            let (legs, transactions) = (endpoint.agent.legs(), endpoint.agent.transactions());
            if legs > 0 || transactions > 0 || !endpoint.agent.is_quiet() {
                let what = format!(
                    "no leg is left and agents are quiet at the end: {legs} legs, {transactions} transactions"
                );
                return Err(self.violation(name(), what));
            }
        }
        if self.conditions.is_calm { self.finish_calm() } else { Ok(()) }
    }

    /// Every leg ends within its bound.
    fn leg_fault(&self, leg: LegId, user: &User) -> Option<String> {
        let Some((ended, _)) = &user.ended else { return Some("the leg never ended".to_owned()) };
        let bound = match (user.script.hang_up_ms, self.caller_ended(leg, user)) {
            (Some(ms), _) => later(user.began, ms + HANG_UP_BOUND_MS),
            (None, Some(caller)) => later(caller, SESSION_BOUND_MS),
            (None, None) => return None,
        };
        (*ended > bound).then(|| format!("the leg ended only {} ms after its bound", ended.ms_since(bound)))
    }

    /// When the caller of an invited leg ended.
    fn caller_ended(&self, leg: LegId, user: &User) -> Option<Mono> {
        let call = self.calls.iter().find(|call| {
            call.invited.iter().any(|(index, invited)| {
                *invited == leg
                    && self.endpoints[*index].users.get(&leg).is_some_and(|other| other.name == user.name)
            })
        })?;
        self.endpoints[call.caller].users.get(&call.leg?)?.ended.as_ref().map(|(at, _)| *at)
    }

    /// On a network without faults, calls go as their scripts say.
    fn finish_calm(&self) -> Result<(), Violation> {
        for call in &self.calls {
            let caller = call.leg.and_then(|leg| self.endpoints[call.caller].users.get(&leg));
            let Some(caller) = caller else { continue };
            let invited =
                call.invited.iter().filter_map(|(index, leg)| self.endpoints[*index].users.get(leg));
            for user in invited.chain([caller]) {
                // A late offer whose caller hung up, or took another branch of a fork, is acknowledged without an answer.
                let is_alone = caller.confirmed.is_some() && call.invited.len() == 1;
                // A request that crosses a BYE is answered 481.
                let crosses = user
                    .ended
                    .as_ref()
                    .is_some_and(|(_, ended)| ended.status == Some(Status::CALL_DOES_NOT_EXIST));
                if user.has_failed() && (user.is_caller || is_alone) && !crosses {
                    let what = format!("nothing fails on a calm network: {:?}", user.ended);
                    return Err(self.violation(Some(user.name.clone()), what));
                }
            }
            let [(index, leg)] = call.invited.as_slice() else { continue };
            let Some(callee) = self.endpoints[*index].users.get(leg) else { continue };
            for (one, other) in [(caller, callee), (callee, caller)] {
                self.digits_are_whole(one, other)?;
            }
            if callee.confirmed.is_some() != caller.confirmed.is_some() {
                let lasted = |user: &User| user.hung_up.or(user.ended.as_ref().map(|(at, _)| *at));
                let (Some(one), Some(two)) = (lasted(caller), lasted(callee)) else { continue };
                let up = caller.confirmed.or(callee.confirmed).unwrap_or(one);
                if one.min(two).ms_since(up) > CALM_MS {
                    return Err(
                        self.violation(Some(callee.name.clone()), "only one side is confirmed".into())
                    );
                }
            }
        }
        Ok(())
    }

    /// Digits that were sent well before either side ended were all delivered.
    fn digits_are_whole(&self, sender: &User, receiver: &User) -> Result<(), Violation> {
        let over = |user: &User| user.hung_up.or(user.ended.as_ref().map(|(at, _)| *at));
        let (Some(one), Some(two)) = (over(sender), over(receiver)) else { return Ok(()) };
        let over = one.min(two);
        // They go one after another, each after the answer to the one before.
        let needs_ms = CALM_MS + CALM_DIGIT_MS * i64::try_from(sender.digits_sent.len()).unwrap_or_default();
        let due = sender.digits_sent.iter().filter(|at| over.ms_since(**at) > needs_ms).count();
        if (receiver.digits_taken as usize) < due {
            let what = format!("{} of {due} digits of {} were delivered", receiver.digits_taken, sender.name);
            return Err(self.violation(Some(receiver.name.clone()), what));
        }
        Ok(())
    }

    pub(crate) fn count(&self, tally: &mut Tally) {
        tally.worlds = 1;
        tally.simulated_ms = self.now().as_millis();
        for user in self.endpoints.iter().flat_map(|endpoint| endpoint.users.values()) {
            tally.confirmed += u64::from(!user.is_caller && user.confirmed.is_some());
            tally.digits += u64::from(user.digits_taken);
            tally.failed += u64::from(user.has_failed());
        }
    }

    /// What agents still hold.
    pub(crate) fn weigh(&mut self, weigh: fn(Agent) -> i64, tally: &mut Tally) -> Option<Violation> {
        for endpoint in std::mem::take(&mut self.endpoints) {
            let freed = weigh(endpoint.agent);
            tally.quiet_bytes_max = tally.quiet_bytes_max.max(u64::try_from(freed).unwrap_or_default());
            if freed > QUIET_BYTES_MAX {
                return Some(
                    self.violation(Some(endpoint.name), format!("a quiet agent holds {freed} bytes")),
                );
            }
        }
        None
    }
}
