use super::{AgentKey, RoutingCriteria, RoutingStep, STEP_AGENTS_MAX, STEPS_MAX, StepStatus};
use tympan_types::Mono;

impl RoutingCriteria {
    /// Whether it keeps its limits.
    pub(super) fn fits(&self) -> bool {
        self.steps.len() <= STEPS_MAX && self.steps.iter().all(|step| step.agents.len() <= STEP_AGENTS_MAX)
    }
}

/// Routing criteria of a queued contact, as they run: step by step.
#[derive(Default)]
pub(super) struct RunningCriteria {
    steps: Vec<RoutingStep>,
    /// The step whose turn it is; past the last one, any agent of the queue may have the contact.
    current: usize,
    /// When that one expires; `None` where it does not, or has not begun.
    pub(super) deadline: Option<Mono>,
    has_begun: bool,
}

impl RunningCriteria {
    pub(super) fn new(criteria: RoutingCriteria) -> Self {
        Self { steps: criteria.steps, ..Self::default() }
    }

    /// The agents who may have the contact; `None`: any agent of the queue.
    pub(super) fn only(&self) -> Option<&[AgentKey]> {
        self.steps.get(self.current).map(|step| step.agents.as_slice())
    }

    /// The step whose turn it is, where one is.
    pub(super) fn current(&self) -> Option<usize> {
        (self.current < self.steps.len()).then_some(self.current)
    }

    /// The first step begins, where it has not. Gives its deadline.
    pub(super) fn begin(&mut self, now: Mono) -> Option<Mono> {
        if !self.has_begun {
            self.has_begun = true;
            self.start(now);
        }
        self.deadline
    }

    /// The current step has expired; the next one begins. Gives its deadline.
    pub(super) fn advance(&mut self, now: Mono) -> Option<Mono> {
        self.current = self.current.saturating_add(1).min(self.steps.len());
        self.start(now);
        self.deadline
    }

    /// The steps that are left.
    pub(super) fn rest(&self) -> RoutingCriteria {
        RoutingCriteria { steps: self.steps.get(self.current..).unwrap_or_default().to_vec() }
    }

    pub(super) fn statuses(&self) -> Vec<StepStatus> {
        let status = |step: usize| match step.cmp(&self.current) {
            std::cmp::Ordering::Less => StepStatus::Expired,
            std::cmp::Ordering::Equal if self.has_begun => StepStatus::Active,
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => StepStatus::Inactive,
        };
        (0..self.steps.len()).map(status).collect()
    }

    fn start(&mut self, now: Mono) {
        let expiry = self.steps.get(self.current).and_then(|step| step.expires_after_s);
        self.deadline = expiry.map(|seconds| now.plus_ms(i64::from(seconds).saturating_mul(1000)));
    }
}
