//! Runs a flow for one contact. Sans-IO: `handle` an input, drain `poll`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use tympan_types::{Redacted, WallTime};

use crate::blocks::{Block, Outcome, Step};
use crate::effect::Effect;
use crate::graph::{Flow, FlowBlock, Target};
use crate::log::LogEntry;
use crate::memory::{Memory, Scene};
use crate::reference::Reference;
use crate::validate::shortened;

/// What the flow can look up about its contact.
///
/// The interpreter itself answers `$.External`, `$.FlowAttributes` and `$.StoredCustomerInput`.
pub trait ContactView {
    /// The value of a reference; `None` where it is unset, which is never an error.
    fn value(&self, reference: &Reference) -> Option<String>;
}

/// Which flow this is, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowIdentity {
    /// The flow's ARN.
    pub arn: String,
    /// The flow's name.
    pub name: String,
}

/// What moves a flow on. `Debug` never prints what a caller typed or a function returned.
#[derive(Clone, PartialEq)]
pub enum Input {
    /// Begin.
    Start,
    /// The effect was performed.
    Done,
    /// The effect could not be performed: the block takes its error branch.
    Failed {
        /// Why, for the flow log.
        reason: String,
    },
    /// What the caller entered.
    Input(CollectedInput),
    /// What the Lambda function returned, whatever it is.
    LambdaReturned(Value),
    /// The caller is gone, or the contact was stopped: the flow ends without another effect.
    Interrupted,
}

/// The end of a collection of digits.
#[derive(Clone, PartialEq, Eq)]
pub enum CollectedInput {
    /// The keys, without the terminator; empty where the caller pressed only that.
    Digits(String),
    /// No key within the time limit.
    TimedOut,
    /// Something that cannot be what was asked for.
    Invalid,
}

/// What a flow gives out.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "outputs are drained at once, never kept")]
pub enum Output {
    /// Something for the call to do.
    Effect(Effect),
    /// A line of the flow log.
    Log(LogEntry),
}

/// One contact's way through its flow.
///
/// Law: after each [`Interpreter::handle`] and [`Interpreter::transfer`], drain [`Interpreter::poll`]. At
/// most one effect is under way; an input that answers nothing is ignored.
pub struct Interpreter {
    flow: Arc<Flow>,
    identity: FlowIdentity,
    state: State,
    memory: Memory,
    logging: bool,
    pace: Pace,
    outputs: VecDeque<Output>,
}

enum State {
    /// Nothing has run.
    Fresh,
    /// A block has asked for an effect.
    Waiting { block: usize, parameters: Vec<Value> },
    /// Nothing will run.
    Finished,
}

impl Interpreter {
    /// An interpreter at the beginning of a flow, its log off until the flow turns it on.
    pub fn new(flow: Arc<Flow>, identity: FlowIdentity) -> Self {
        Self {
            flow,
            identity,
            state: State::Fresh,
            memory: Memory::default(),
            logging: false,
            pace: Pace::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The same with its log on or off from the beginning.
    #[must_use]
    pub fn with_logging(mut self, on: bool) -> Self {
        self.logging = on;
        self
    }

    /// Moves the flow on until it waits for an effect or is over.
    pub fn handle(&mut self, now: WallTime, input: Input, contact: &dyn ContactView) {
        match (std::mem::replace(&mut self.state, State::Finished), input) {
            (State::Fresh, Input::Start) => {
                let flow = Arc::clone(&self.flow);
                match flow.start_target() {
                    Target { index: Some(start), .. } => self.run(now, *start, contact),
                    Target { to, .. } => {
                        self.give_up(
                            now,
                            format!("the flow begins with block {:?}, which it does not have", shortened(to)),
                        );
                    }
                }
            }
            (State::Waiting { block, parameters }, Input::Interrupted) => {
                let flow = Arc::clone(&self.flow);
                if let Some(node) = flow.blocks().get(block) {
                    self.log(now, node, parameters, Some("Interrupted".to_owned()), None, None);
                }
            }
            (State::Waiting { block, parameters }, input) if input != Input::Start => {
                self.resume(now, block, parameters, input, contact);
            }
            (State::Finished, _) | (State::Fresh, Input::Interrupted) => {}
            (waiting, _) => self.state = waiting,
        }
    }

    /// The next output, oldest first.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Goes on at the beginning of another flow: the answer to [`Effect::TransferToFlow`].
    ///
    /// The last Lambda response, the stored input and the log setting go along; flow attributes and loop
    /// counts end with the flow that had them. Without effect where the flow is over.
    pub fn transfer(
        &mut self,
        now: WallTime,
        flow: Arc<Flow>,
        identity: FlowIdentity,
        contact: &dyn ContactView,
    ) {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Finished => return,
            State::Fresh => {}
            State::Waiting { block, parameters } => {
                let left = Arc::clone(&self.flow);
                if let Some(node) = left.blocks().get(block) {
                    self.log(now, node, parameters, Some(SUCCESS.to_owned()), None, None);
                }
            }
        }
        self.flow = flow;
        self.identity = identity;
        self.memory.leave_flow();
        self.state = State::Fresh;
        self.handle(now, Input::Start, contact);
    }

    /// Whether the flow is over: it hung up, ended, or was interrupted.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished)
    }

    /// Which flow is running.
    pub fn identity(&self) -> &FlowIdentity {
        &self.identity
    }

    /// The identifier of the block that waits for an effect.
    pub fn waiting_block(&self) -> Option<&str> {
        match self.state {
            State::Waiting { block, .. } => self.flow.blocks().get(block).map(FlowBlock::identifier),
            State::Fresh | State::Finished => None,
        }
    }

    /// Whether the flow log is on.
    pub fn is_logging(&self) -> bool {
        self.logging
    }

    fn run(&mut self, now: WallTime, first: usize, contact: &dyn ContactView) {
        let flow = Arc::clone(&self.flow);
        let mut next = Some(first);
        while let Some((index, node)) = next.and_then(|index| Some((index, flow.blocks().get(index)?))) {
            if !self.pace.allows_another_block(now) {
                self.give_up(now, format!(
                    "the flow ran {BLOCKS_PER_SECOND} blocks within a second without waiting for anything; \
                     put a prompt or an input into its loop"
                ));
                return;
            }
            let entered = node.block.enter(&mut self.scene(index, contact));
            match entered.step {
                Step::Perform(effect) => {
                    self.outputs.push_back(Output::Effect(effect));
                    self.state = State::Waiting { block: index, parameters: entered.parameters };
                    return;
                }
                Step::Finish(effect) => {
                    self.log(now, node, entered.parameters, None, None, None);
                    self.outputs.push_back(Output::Effect(effect));
                    return;
                }
                Step::Leave(outcome) => {
                    next = self.leave(now, index, node, entered.parameters, outcome, contact);
                }
            }
        }
    }

    fn resume(
        &mut self,
        now: WallTime,
        index: usize,
        parameters: Vec<Value>,
        input: Input,
        contact: &dyn ContactView,
    ) {
        let flow = Arc::clone(&self.flow);
        let Some(node) = flow.blocks().get(index) else { return };
        let outcome = node.block.resume(&mut self.scene(index, contact), input);
        match (&node.block, &outcome) {
            (Block::UpdateFlowLoggingBehavior(block), Outcome::Success) => self.logging = block.enabled,
            (Block::TransferToFlow(_), Outcome::Success) => {
                // Whoever said Done runs the other flow in an interpreter of its own.
                self.log(now, node, parameters, Some(SUCCESS.to_owned()), None, None);
                return;
            }
            _ => {}
        }
        if let Some(next) = self.leave(now, index, node, parameters, outcome, contact) {
            self.run(now, next, contact);
        }
    }

    /// Logs how a block ended and gives the block to go on with; `None` once the flow is over.
    fn leave(
        &mut self,
        now: WallTime,
        index: usize,
        node: &FlowBlock,
        parameters: Vec<Value>,
        outcome: Outcome,
        contact: &dyn ContactView,
    ) -> Option<usize> {
        let returned = matches!((&node.block, &outcome), (Block::InvokeLambdaFunction(_), Outcome::Success));
        let external_results = returned.then(|| self.memory.external.clone());
        let route = Route::choose(node, outcome, &self.scene(index, contact));
        let dead_end = match route.target {
            None => Some("no branch of the block is for this".to_owned()),
            Some(Target { to, index: None }) => {
                Some(format!("the branch leads to block {:?}, which the flow does not have", shortened(to)))
            }
            Some(Target { index: Some(_), .. }) => None,
        };
        let over = dead_end.is_some();
        let reason = match (route.reason, dead_end) {
            (Some(reason), Some(dead_end)) => Some(format!("{reason}; {dead_end}: the call is ended")),
            (None, Some(dead_end)) => Some(format!("{dead_end}: the call is ended")),
            (reason, None) => reason,
        };
        self.log(now, node, parameters, Some(route.results), external_results, reason);
        if over {
            self.outputs.push_back(Output::Effect(Effect::Disconnect));
        }
        route.target.and_then(|target| target.index)
    }

    /// Ends the flow for a reason that no single block has.
    fn give_up(&mut self, now: WallTime, reason: String) {
        self.outputs.push_back(Output::Log(LogEntry {
            results: Some(ERROR.to_owned()),
            contact_flow_id: self.identity.arn.clone(),
            contact_flow_name: self.identity.name.clone(),
            contact_flow_module_type: "Disconnect".to_owned(),
            identifier: String::new(),
            timestamp: now,
            parameters: json!({}),
            external_results: None,
            reason: Some(format!("{reason}: the call is ended")),
            always: true,
        }));
        self.outputs.push_back(Output::Effect(Effect::Disconnect));
    }

    fn scene<'a>(&'a mut self, block: usize, contact: &'a dyn ContactView) -> Scene<'a> {
        Scene { block, memory: &mut self.memory, contact }
    }

    fn log(
        &mut self,
        now: WallTime,
        node: &FlowBlock,
        parameters: Vec<Value>,
        results: Option<String>,
        external_results: Option<Value>,
        reason: Option<String>,
    ) {
        let always = reason.is_some();
        if !self.logging && !always {
            return;
        }
        self.pace.spend(parameters.len().saturating_sub(1));
        for parameters in parameters {
            self.outputs.push_back(Output::Log(LogEntry {
                results: results.clone(),
                contact_flow_id: self.identity.arn.clone(),
                contact_flow_name: self.identity.name.clone(),
                contact_flow_module_type: shortened(node.module_type()).to_owned(),
                identifier: shortened(node.identifier()).to_owned(),
                timestamp: now,
                parameters,
                external_results: external_results.clone(),
                reason: reason.clone(),
                always,
            }));
        }
    }
}

/// The branch that a block takes.
struct Route<'a> {
    /// `Results` of the log.
    results: String,
    target: Option<&'a Target>,
    reason: Option<String>,
}

impl<'a> Route<'a> {
    fn choose(node: &'a FlowBlock, outcome: Outcome, scene: &Scene<'_>) -> Self {
        let exits = &node.exits;
        let next = exits.next.as_ref();
        let error = |kind: &str| exits.error(kind);
        let named = |results: &str, target| Self { results: results.to_owned(), target, reason: None };
        match outcome {
            Outcome::Success => named(SUCCESS, next),
            Outcome::SuccessBut { reason } => Self { reason: Some(reason), ..named(SUCCESS, next) },
            Outcome::Result(result) => {
                let met = exits.conditions.iter().find_map(|exit| {
                    let condition = exit.condition.as_ref()?;
                    condition
                        .holds(result.as_deref(), |reference| scene.value(reference))
                        .then(|| (condition.operand.literal().unwrap_or("Match"), &exit.target))
                });
                match met {
                    Some((operand, target)) => named(shortened(operand), Some(target)),
                    None => {
                        let target =
                            error("NoMatchingCondition").or(next).or_else(|| error(NO_MATCHING_ERROR));
                        named("NoMatch", target)
                    }
                }
            }
            Outcome::TimedOut => {
                let target = error("InputTimeLimitExceeded")
                    .or_else(|| error(NO_MATCHING_ERROR))
                    .or_else(|| error("NoMatchingCondition"))
                    .or(next);
                named("Timeout", target)
            }
            Outcome::InvalidPhoneNumber => {
                named("InvalidNumber", error("InvalidPhoneNumber").or_else(|| error(NO_MATCHING_ERROR)))
            }
            Outcome::Failed { reason } => {
                let quietly = if node.block.may_fail_quietly() { next } else { None };
                let target = error(NO_MATCHING_ERROR).or(quietly);
                Self { reason: Some(reason), ..named(ERROR, target) }
            }
            Outcome::NotPerformed { reason } => {
                let any = exits.errors.first().map(|(_, target)| target);
                let target = error(NO_MATCHING_ERROR).or(next).or(any);
                Self { reason: Some(reason), ..named(ERROR, target) }
            }
        }
    }
}

/// Keeps a flow that waits for nothing from spinning: counts blocks against the caller's time, so that
/// effects that end at once cannot keep it going either.
#[derive(Default)]
struct Pace {
    second_began: Option<WallTime>,
    blocks: u32,
}

impl Pace {
    fn allows_another_block(&mut self, now: WallTime) -> bool {
        let elapsed_ms = self.second_began.map_or(i64::MAX, |began| now.ms_since(began));
        if elapsed_ms >= 1000 {
            *self = Self { second_began: Some(now), blocks: 0 };
        } else if elapsed_ms < 0 {
            // The clock was set back: the count goes on in a second of its own.
            self.second_began = Some(now);
        }
        self.spend(1);
        self.blocks <= BLOCKS_PER_SECOND
    }

    /// Counts a block that is as much work as several.
    fn spend(&mut self, blocks: usize) {
        self.blocks = self.blocks.saturating_add(u32::try_from(blocks).unwrap_or(u32::MAX));
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("Start"),
            Self::Done => f.write_str("Done"),
            Self::Failed { reason } => f.debug_struct("Failed").field("reason", reason).finish(),
            Self::Input(input) => f.debug_tuple("Input").field(input).finish(),
            Self::LambdaReturned(value) => {
                f.debug_tuple("LambdaReturned").field(&Redacted::new(value)).finish()
            }
            Self::Interrupted => f.write_str("Interrupted"),
        }
    }
}

impl fmt::Debug for CollectedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits(digits) => f.debug_tuple("Digits").field(&Redacted::new(digits)).finish(),
            Self::TimedOut => f.write_str("TimedOut"),
            Self::Invalid => f.write_str("Invalid"),
        }
    }
}

impl fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interpreter")
            .field("flow", &self.identity.name)
            .field("waiting_block", &self.waiting_block())
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

const SUCCESS: &str = "Success";
const ERROR: &str = "Error";
const NO_MATCHING_ERROR: &str = "NoMatchingError";

/// More than any real flow runs between two prompts, few enough to be nothing.
const BLOCKS_PER_SECOND: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> WallTime {
        WallTime::from_unix_ms(ms)
    }

    #[test]
    fn the_pace_is_a_thousand_blocks_in_a_second() {
        let mut pace = Pace::default();
        assert!((0..1000).all(|_| pace.allows_another_block(at(0))));
        assert!(!pace.allows_another_block(at(999)));
        assert!(pace.allows_another_block(at(1000)));
    }

    #[test]
    fn a_clock_set_back_does_not_free_the_pace() {
        let mut pace = Pace::default();
        assert!((0..1000).all(|_| pace.allows_another_block(at(5000))));
        assert!(!pace.allows_another_block(at(0)));
        assert!(!pace.allows_another_block(at(500)));
        assert!(pace.allows_another_block(at(1000)));
    }

    #[test]
    fn debug_prints_neither_digits_nor_responses() {
        let typed = format!("{:?}", Input::Input(CollectedInput::Digits("4111".into())));
        let returned = format!("{:?}", Input::LambdaReturned(json!({ "card": "4111" })));
        assert!(!typed.contains("4111") && !returned.contains("4111"), "{typed} {returned}");
    }
}
