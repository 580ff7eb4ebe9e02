//! Functions of flows: what they are sent, how often they are tried, and what they may answer.
//!
//! Source: Amazon Connect Administrator Guide, "Invoke AWS Lambda functions".
//!
//! | state | a transient error | any other result | the deadline |
//! |---|---|---|---|
//! | attempt 1 or 2 is under way | the next attempt | over | over: failed |
//! | attempt 3 is under way | over: failed | over | over: failed |
//!
//! Attempts follow each other without a pause: the caller hears silence meanwhile. The deadline is the block's limit, or eight seconds in
//! all; sixty where no block waits. A result of an attempt that is not under way changes nothing, and what a function answers that no
//! block waits for is not looked at.

mod attempt;
mod event;
mod response;

pub use attempt::AttemptError;
pub use event::event;
pub use response::{ResponseError, response};

use crate::{Effect, Now};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use tympan_types::{InvocationId, Mono, Redacted};

/// One attempt and its retries.
pub const ATTEMPTS_MAX: u32 = 3;
/// All attempts together take no longer, whatever the block's limit says.
pub const LIMIT_MS: u32 = 8_000;
/// The same where no block waits.
pub const UNAWAITED_LIMIT_MS: u32 = 60_000;

/// One invocation of a function, from its first attempt to its answer.
pub(crate) struct Invocation {
    invoked: Invoked,
    deadline: Mono,
    attempt: u32,
}

/// What is invoked, with what.
pub(crate) struct Invoked {
    pub(crate) id: InvocationId,
    pub(crate) function_arn: String,
    pub(crate) event: Redacted<Arc<[u8]>>,
    /// Whether a block waits for the answer.
    pub(crate) is_awaited: bool,
}

/// What a function returned, or why it did not, for the flow log.
pub(crate) type Outcome = Result<Value, String>;

impl Invocation {
    /// Makes the first attempt. `limit_ms` is the block's.
    pub(crate) fn begin(now: Now, invoked: Invoked, limit_ms: u32, effects: &mut VecDeque<Effect>) -> Self {
        let most_ms = if invoked.is_awaited { LIMIT_MS } else { UNAWAITED_LIMIT_MS };
        let deadline = now.mono.plus_ms(limit_ms.min(most_ms).into());
        let mut invocation = Self { invoked, deadline, attempt: 0 };
        invocation.try_again(now, effects);
        invocation
    }

    pub(crate) fn id(&self) -> InvocationId {
        self.invoked.id
    }

    /// An attempt is over. Gives the outcome where the invocation is.
    pub(crate) fn attempted(
        &mut self,
        now: Now,
        which: InvocationId,
        attempt: u32,
        result: Result<Redacted<Vec<u8>>, AttemptError>,
        effects: &mut VecDeque<Effect>,
    ) -> Option<Outcome> {
        if (which, attempt) != (self.invoked.id, self.attempt) {
            return None;
        }
        match result {
            Ok(_) if !self.invoked.is_awaited => Some(Ok(Value::Null)),
            Ok(body) => Some(response(body.expose()).map_err(|error| error.to_string())),
            Err(AttemptError::Transient { .. })
                if self.attempt < ATTEMPTS_MAX && now.mono < self.deadline =>
            {
                self.try_again(now, effects);
                None
            }
            Err(error) => Some(Err(error.to_string())),
        }
    }

    /// Gives the outcome where the time is over.
    pub(crate) fn time_passed(&self, now: Now) -> Option<Outcome> {
        (self.deadline <= now.mono)
            .then(|| Err("the function did not answer within the block's time limit".to_owned()))
    }

    pub(crate) fn deadline(&self) -> Mono {
        self.deadline
    }

    fn try_again(&mut self, now: Now, effects: &mut VecDeque<Effect>) {
        self.attempt += 1;
        let left_ms = u32::try_from(self.deadline.ms_since(now.mono)).unwrap_or(LIMIT_MS);
        effects.push_back(Effect::Invoke {
            invocation: self.invoked.id,
            attempt: self.attempt,
            function_arn: self.invoked.function_arn.clone(),
            event: self.invoked.event.clone(),
            is_awaited: self.invoked.is_awaited,
            limit_ms: left_ms.max(1),
        });
    }
}

#[cfg(test)]
mod tests;
