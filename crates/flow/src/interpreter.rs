//! Runs a flow for one contact. Sans-IO: `handle` an input, drain `poll`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use tympan_types::WallTime;

use crate::actions::ErrorType;
use crate::blocks::{MESSAGES_INTERRUPTED, ModuleResult, Outcome, Step};
use crate::effect::Effect;
use crate::flow_type::FlowType;
use crate::graph::{Flow, FlowBlock, Target};
use crate::input::Input;
use crate::log::LogEntry;
use crate::memory::{CallMemory, Memory, Scene};
use crate::pace::{CALLS_MAX, Pace, TURNS_MAX, Turn};
use crate::reference::Reference;
use crate::trace::{self, Beginning, Reads, Recorder, TraceEntry};
use crate::validate::shortened;

/// What the flow can look up about its contact.
///
/// The interpreter itself answers `$.External`, `$.FlowAttributes`, `$.Lex`, `$.Metrics`, `$.Modules` and `$.StoredCustomerInput`.
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

/// A flow or module, ready to run.
#[derive(Clone)]
pub struct RoutedFlow {
    /// The parsed flow.
    pub flow: Arc<Flow>,
    /// Its ARN and name, for the flow log.
    pub identity: FlowIdentity,
    /// What it is for.
    pub flow_type: FlowType,
}

/// By content and name.
impl PartialEq for RoutedFlow {
    fn eq(&self, other: &Self) -> bool {
        (self.flow.sha256(), &self.identity, self.flow_type)
            == (other.flow.sha256(), &other.identity, other.flow_type)
    }
}

impl fmt::Debug for RoutedFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoutedFlow({:?}, {})", self.identity.name, self.flow_type)
    }
}

/// What a flow gives out.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Something for the call to do.
    Effect(Effect),
    /// A line of the flow log.
    Log(LogEntry),
    /// One input and what came of it; last of its outputs.
    Trace(TraceEntry),
}

/// One contact's way through its flow.
///
/// A flow invokes modules, which return to it: each runs in a frame of its own, with a memory of its own.
///
/// Law: after each [`Interpreter::handle`], drain [`Interpreter::poll`]. At most one effect is under way; an
/// input that answers nothing is ignored.
pub struct Interpreter {
    /// The flow, and the modules that run in it, innermost last. Never empty.
    frames: Vec<Frame>,
    state: State,
    /// What the flow is for, which its modules share.
    flow_type: FlowType,
    memory: CallMemory,
    pace: Pace,
    outputs: VecDeque<Output>,
    trace: Option<Recorder>,
}

/// One flow or module that runs.
struct Frame {
    flow: Arc<Flow>,
    identity: FlowIdentity,
    memory: Memory,
    /// The loop of prompts that gave the flow its turn.
    interrupted: Option<usize>,
    /// The block in the frame below that invoked this module, and what its log entry says.
    invoked_by: Option<(usize, Vec<Value>)>,
}

impl Frame {
    fn new(
        flow: Arc<Flow>,
        identity: FlowIdentity,
        memory: Memory,
        invoked_by: Option<(usize, Vec<Value>)>,
    ) -> Self {
        Self { flow, identity, memory, interrupted: None, invoked_by }
    }
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
    /// An interpreter at the beginning of a flow that answers calls, its log off until the flow turns it on.
    pub fn new(flow: Arc<Flow>, identity: FlowIdentity) -> Self {
        let frame = Frame::new(flow, identity, Memory::default(), None);
        Self {
            frames: vec![frame],
            state: State::Fresh,
            flow_type: FlowType::ContactFlow,
            memory: CallMemory::default(),
            pace: Pace::default(),
            outputs: VecDeque::new(),
            trace: None,
        }
    }

    /// The same with its log on or off from the beginning.
    #[must_use]
    pub fn with_logging(mut self, on: bool) -> Self {
        self.memory.logging = on;
        self
    }

    /// The same for a flow of this type: what its end means, and which blocks its modules may have.
    #[must_use]
    pub fn with_flow_type(mut self, flow_type: FlowType) -> Self {
        self.flow_type = flow_type;
        self
    }

    /// The same in a call in which a flow ran before.
    #[must_use]
    pub fn with_call_memory(mut self, memory: CallMemory) -> Self {
        self.memory = memory;
        self
    }

    /// What a flow that begins after this one in the same call begins with.
    pub fn call_memory(&self) -> &CallMemory {
        &self.memory
    }

    /// The same with a trace: after each input, an [`Output::Trace`] says what it was, what the flow read meanwhile, and what it did.
    #[must_use]
    pub fn with_trace(self) -> Self {
        self.with_trace_of(0)
    }

    /// The same for a flow that is not the first of its contact: a number that no other of its flows has.
    #[must_use]
    pub fn with_trace_of(mut self, run: u32) -> Self {
        self.trace = Some(Recorder::of(run));
        self
    }

    /// Moves the flow on until it waits for an effect or is over.
    pub fn handle(&mut self, now: WallTime, input: Input, contact: &dyn ContactView) {
        if self.ignores(&input) {
            return;
        }
        let Some(mut recorder) = self.trace.take() else { return self.take(now, input, contact) };
        let beginning = matches!(self.state, State::Fresh).then(|| Beginning {
            flow: &self.top().flow,
            identity: &self.top().identity,
            flow_type: self.flow_type,
            memory: &self.memory,
        });
        let (recorded, drained) = (trace::input(&input, beginning), self.outputs.len());
        let reads = Reads::of(contact);
        self.take(now, input, &reads);
        let entry = recorder.entry(now, recorded, reads, self.outputs.range(drained..));
        self.outputs.extend(entry.map(Output::Trace));
        self.trace = Some(recorder);
    }

    /// Whether an input answers nothing.
    fn ignores(&self, input: &Input) -> bool {
        match self.state {
            State::Fresh => !matches!(input, Input::Start | Input::Interrupted),
            State::Waiting { .. } => matches!(input, Input::Start),
            State::Finished => true,
        }
    }

    fn take(&mut self, now: WallTime, input: Input, contact: &dyn ContactView) {
        match (std::mem::replace(&mut self.state, State::Finished), input) {
            (State::Fresh, Input::Start) => {
                let first = self.start(now, contact);
                self.run(now, first, contact);
            }
            (State::Waiting { block, parameters }, Input::Interrupted) => {
                let flow = Arc::clone(&self.top().flow);
                if let Some(node) = flow.blocks().get(block) {
                    self.log(now, node, parameters, Some("Interrupted"), None, None);
                }
            }
            (State::Waiting { block, parameters }, input) => {
                self.resume(now, block, parameters, input, contact);
            }
            (State::Finished | State::Fresh, _) => {}
        }
    }

    /// The next output, oldest first.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the flow is over: it hung up, ended, or was interrupted.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished)
    }

    /// Which flow or module is running.
    pub fn identity(&self) -> &FlowIdentity {
        &self.top().identity
    }

    /// The identifier of the block that waits for an effect.
    pub fn waiting_block(&self) -> Option<&str> {
        match self.state {
            State::Waiting { block, .. } => self.top().flow.blocks().get(block).map(FlowBlock::identifier),
            State::Fresh | State::Finished => None,
        }
    }

    /// Whether the flow log is on.
    pub fn is_logging(&self) -> bool {
        self.memory.logging
    }

    fn top(&self) -> &Frame {
        // There is always the flow itself.
        self.frames.last().unwrap_or_else(|| unreachable!("the last frame is never taken"))
    }

    /// The first block of the flow or module that was entered.
    fn start(&mut self, now: WallTime, contact: &dyn ContactView) -> Option<usize> {
        let flow = Arc::clone(&self.top().flow);
        match flow.start_target() {
            Target { index: Some(start), .. } => Some(*start),
            Target { to, .. } => {
                let to = shortened(to);
                self.stuck(now, format!("the flow begins with block {to:?}, which it does not have"), contact)
            }
        }
    }

    fn run(&mut self, now: WallTime, first: Option<usize>, contact: &dyn ContactView) {
        let mut next = first;
        while let Some(index) = next {
            let flow = Arc::clone(&self.top().flow);
            let Some(node) = flow.blocks().get(index) else { return };
            match self.pace.turn() {
                Turn::Goes => {}
                Turn::TooMany => {
                    let outcome = Outcome::failed(format!(
                        "the flow ran {TURNS_MAX} blocks and its caller heard nothing; put a prompt or an input \
                         into its loop"
                    ));
                    next = self.leave(now, index, vec![json!({})], outcome, None, contact);
                    continue;
                }
                Turn::Over => {
                    let reason = format!(
                        "the flow ran {TURNS_MAX} blocks and its caller heard nothing, and went on after that"
                    );
                    return self.give_up(now, &reason);
                }
            }
            if let Some(reason) = self.misplaced(node) {
                let outcome = Outcome::failed(reason);
                next = self.leave(now, index, vec![json!({})], outcome, None, contact);
                continue;
            }
            let is_resumed = self.top().interrupted == Some(index);
            let mut scene = self.scene(node, contact);
            scene.is_resumed = is_resumed;
            let entered = node.run.enter(&mut scene);
            let external_results = scene.external_results.take();
            next = match entered.step {
                Step::Perform(effect) if effect.reaches_out() && !self.pace.call() => {
                    let what = if effect.calls_a_function() { "functions" } else { "others" };
                    let outcome = Outcome::failed(format!(
                        "the flow called {CALLS_MAX} {what} in a row and its caller heard nothing"
                    ));
                    self.leave(now, index, entered.parameters, outcome, None, contact)
                }
                Step::Perform(effect) => {
                    if effect.is_heard() {
                        self.pace.waits(now);
                    }
                    if matches!(effect, Effect::PlayInLoop(_))
                        && let Some(frame) = self.frames.last_mut()
                    {
                        frame.interrupted = None;
                    }
                    self.outputs.push_back(Output::Effect(effect));
                    self.state = State::Waiting { block: index, parameters: entered.parameters };
                    return;
                }
                Step::Finish(effect) => {
                    self.log(now, node, entered.parameters, None, None, None);
                    match self.interrupted_loop().filter(|_| effect == Effect::End) {
                        Some(index) => Some(index),
                        None => {
                            self.outputs.push_back(Output::Effect(effect));
                            return;
                        }
                    }
                }
                Step::Leave(outcome) => {
                    self.leave(now, index, entered.parameters, outcome, external_results, contact)
                }
                Step::Return(result) => self.return_with(now, index, entered.parameters, result, contact),
            };
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
        self.pace.goes_on(now);
        let flow = Arc::clone(&self.top().flow);
        let Some(node) = flow.blocks().get(index) else { return };
        let mut scene = self.scene(node, contact);
        let outcome = node.run.resume(&mut scene, input);
        let external_results = scene.external_results.take();
        let next = self.leave(now, index, parameters, outcome, external_results, contact);
        self.run(now, next, contact);
    }

    /// Logs how a block ended and gives the block to go on with, in the frame that is on top then; `None` once the flow is over.
    fn leave(
        &mut self,
        now: WallTime,
        index: usize,
        parameters: Vec<Value>,
        outcome: Outcome,
        external_results: Option<Value>,
        contact: &dyn ContactView,
    ) -> Option<usize> {
        let flow = Arc::clone(&self.top().flow);
        let node = flow.blocks().get(index)?;
        let route = match outcome {
            Outcome::GoTo(to) => {
                self.log(now, node, parameters, Some(SUCCESS), external_results, None);
                return self.go_to(now, to, contact);
            }
            Outcome::Call(..) if self.frames.len() > MODULES_MAX => {
                let reason = format!("modules that invoke modules may be {MODULES_MAX} deep");
                Route::of_error(node, ErrorType::NoMatchingError, Some(reason))
            }
            Outcome::Call(module, input) => {
                let memory = Memory::of_module(input);
                let invoked_by = Some((index, parameters));
                self.frames.push(Frame::new(module.flow, module.identity, memory, invoked_by));
                return self.start(now, contact);
            }
            Outcome::Over(reason) => {
                let kind = ErrorType::NoMatchingError.log_word();
                let results = if reason.is_some() { kind } else { SUCCESS };
                self.log(now, node, parameters, Some(results), external_results, reason);
                return None;
            }
            Outcome::LoopInterrupted => {
                let frame = self.frames.last_mut()?;
                frame.interrupted = Some(index);
                let route = Route::of_result(node, Some(MESSAGES_INTERRUPTED), &self.scene(node, contact));
                if route.target.is_none() {
                    // Nothing is to be done: the loop goes on.
                    return Some(index);
                }
                route
            }
            Outcome::Success => {
                Route { results: SUCCESS.to_owned(), target: node.exits.next.as_ref(), reason: None }
            }
            Outcome::Result(result) => Route::of_result(node, result.as_deref(), &self.scene(node, contact)),
            Outcome::Error(kind, reason) => Route::of_error(node, kind, reason),
        };
        let dead_end = match route.target {
            Some(Target { index: Some(next), .. }) => {
                let next = *next;
                self.log(now, node, parameters, Some(&route.results), external_results, route.reason);
                return Some(next);
            }
            Some(Target { to, .. }) => {
                format!("the branch leads to block {:?}, which the flow does not have", shortened(to))
            }
            None => "no branch of the block is for this".to_owned(),
        };
        let dead_end = route.reason.map_or(dead_end.clone(), |reason| format!("{reason}; {dead_end}"));
        if self.frames.len() > 1 {
            self.log(now, node, parameters, Some(&route.results), external_results, Some(dead_end.clone()));
            return self.module_stuck(now, dead_end, contact);
        }
        let (effect, what) = self.dead_end();
        let reason = format!("{dead_end}: {what}");
        self.log(now, node, parameters, Some(&route.results), external_results, Some(reason));
        self.outputs.push_back(Output::Effect(effect));
        None
    }

    /// What becomes of the call where a flow cannot go on, and what the log says of that.
    fn dead_end(&self) -> (Effect, &'static str) {
        if self.flow_type.leaves_the_call() {
            (Effect::End, "the flow is over")
        } else {
            (Effect::Disconnect, "the call is ended")
        }
    }

    /// Why a block may not run in a module that this flow invoked.
    fn misplaced(&self, node: &FlowBlock) -> Option<String> {
        let row = node.action().filter(|_| self.frames.len() > 1)?;
        let types = row.flow_types();
        let is_allowed = types.contains(self.flow_type) || types.are_modules_alone();
        (!is_allowed).then(|| format!("the block may not run in a flow of type {}", self.flow_type))
    }

    /// The loop of prompts to which the flow goes back; the modules that it invoked meanwhile are over.
    fn interrupted_loop(&mut self) -> Option<usize> {
        let at = self.frames.iter().rposition(|frame| frame.interrupted.is_some())?;
        self.frames.truncate(at + 1);
        self.top().interrupted
    }

    /// Goes on at the beginning of another flow. Modules that ran are over with the flow that invoked them.
    fn go_to(&mut self, now: WallTime, to: RoutedFlow, contact: &dyn ContactView) -> Option<usize> {
        self.frames.truncate(1);
        if let Some(frame) = self.frames.last_mut() {
            frame.memory.leave_flow();
            frame.interrupted = None;
            frame.flow = to.flow;
            frame.identity = to.identity;
        }
        self.flow_type = to.flow_type;
        self.start(now, contact)
    }

    /// A module is over: the block that invoked it goes on.
    fn return_with(
        &mut self,
        now: WallTime,
        index: usize,
        parameters: Vec<Value>,
        result: ModuleResult,
        contact: &dyn ContactView,
    ) -> Option<usize> {
        let flow = Arc::clone(&self.top().flow);
        let node = flow.blocks().get(index)?;
        let Some((invoking, its_parameters)) = self.leave_module_after(now, node, parameters) else {
            self.give_up(now, "a flow that no flow invoked returns as a module does");
            return None;
        };
        let caller = Arc::clone(&self.top().flow);
        let node = caller.blocks().get(invoking)?;
        let outcome = node.run.returned(&mut self.scene(node, contact), result);
        self.leave(now, invoking, its_parameters, outcome, None, contact)
    }

    fn leave_module_after(
        &mut self,
        now: WallTime,
        node: &FlowBlock,
        parameters: Vec<Value>,
    ) -> Option<(usize, Vec<Value>)> {
        if self.frames.len() > 1 {
            self.log(now, node, parameters, None, None, None);
        }
        self.leave_module()
    }

    fn leave_module(&mut self) -> Option<(usize, Vec<Value>)> {
        let invoked_by = self.frames.last_mut()?.invoked_by.take()?;
        self.frames.pop();
        Some(invoked_by)
    }

    /// A flow or module cannot go on: the call is ended, or the block that invoked the module fails.
    fn stuck(&mut self, now: WallTime, reason: String, contact: &dyn ContactView) -> Option<usize> {
        if self.frames.len() > 1 {
            return self.module_stuck(now, reason, contact);
        }
        self.give_up(now, &reason);
        None
    }

    fn module_stuck(&mut self, now: WallTime, reason: String, contact: &dyn ContactView) -> Option<usize> {
        let (invoking, parameters) = self.leave_module()?;
        let outcome = Outcome::failed(format!("the module could not go on: {reason}"));
        self.leave(now, invoking, parameters, outcome, None, contact)
    }

    /// Ends the flow for a reason that no single block has.
    fn give_up(&mut self, now: WallTime, reason: &str) {
        let (effect, what) = self.dead_end();
        let identity = &self.top().identity;
        let entry = LogEntry {
            results: Some(ErrorType::NoMatchingError.log_word().to_owned()),
            contact_flow_id: identity.arn.clone(),
            contact_flow_name: identity.name.clone(),
            contact_flow_module_type: "Disconnect".to_owned(),
            identifier: String::new(),
            timestamp: now,
            parameters: json!({}),
            external_results: None,
            module_execution_stack: self.module_stack(),
            reason: Some(format!("{reason}: {what}")),
            always: true,
        };
        self.outputs.push_back(Output::Log(entry));
        self.outputs.push_back(Output::Effect(effect));
    }

    fn scene<'a>(&'a mut self, node: &'a FlowBlock, contact: &'a dyn ContactView) -> Scene<'a> {
        let frame = self.frames.last_mut().unwrap_or_else(|| unreachable!("the last frame is never taken"));
        Scene {
            flow: &frame.identity.arn,
            block: node.identifier(),
            memory: &mut frame.memory,
            loops: &mut self.memory.loops,
            contact,
            is_resumed: false,
            logging: &mut self.memory.logging,
            external_results: None,
        }
    }

    /// The modules that run, innermost first, and the flow that invoked them; empty outside of modules.
    fn module_stack(&self) -> Vec<String> {
        let frames = if self.frames.len() > 1 { self.frames.as_slice() } else { &[] };
        frames.iter().rev().map(|frame| frame.identity.arn.clone()).collect()
    }

    fn log(
        &mut self,
        now: WallTime,
        node: &FlowBlock,
        parameters: Vec<Value>,
        results: Option<&str>,
        external_results: Option<Value>,
        reason: Option<String>,
    ) {
        let always = reason.is_some();
        if !self.memory.logging && !always {
            return;
        }
        self.pace.spend(parameters.len().saturating_sub(1));
        let module_execution_stack = self.module_stack();
        let FlowIdentity { arn, name } = self.top().identity.clone();
        for parameters in parameters {
            self.outputs.push_back(Output::Log(LogEntry {
                results: results.map(str::to_owned),
                contact_flow_id: arn.clone(),
                contact_flow_name: name.clone(),
                contact_flow_module_type: shortened(node.module_type()).to_owned(),
                identifier: shortened(node.identifier()).to_owned(),
                timestamp: now,
                parameters,
                external_results: external_results.clone(),
                module_execution_stack: module_execution_stack.clone(),
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
    /// That of the first condition which the result meets.
    fn of_result(node: &'a FlowBlock, result: Option<&str>, scene: &Scene<'_>) -> Self {
        let met = node.exits.conditions.iter().find_map(|exit| {
            let condition = exit.condition.as_ref()?;
            condition
                .holds(result, |reference| scene.value(reference))
                .then(|| (condition.operand.literal().unwrap_or("Match"), &exit.target))
        });
        match met {
            Some((operand, target)) => {
                Self { results: shortened(operand).to_owned(), target: Some(target), reason: None }
            }
            None => Self::of_error(node, ErrorType::NoMatchingCondition, None),
        }
    }

    fn of_error(node: &'a FlowBlock, kind: ErrorType, reason: Option<String>) -> Self {
        Self { results: kind.log_word().to_owned(), target: node.exits.after(kind), reason }
    }
}

impl fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interpreter")
            .field("flow", &self.identity().name)
            .field("waiting_block", &self.waiting_block())
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

const SUCCESS: &str = "Success";
/// How deep modules may invoke modules.
const MODULES_MAX: usize = 5;
