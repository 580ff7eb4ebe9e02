use super::EventType;

/// Which events a sink gets: as a rule of EventBridge with one list, or with `anything-but`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only these; empty: all.
    pub types: Vec<EventType>,
    /// None of these.
    pub anything_but: Vec<EventType>,
}

impl EventFilter {
    /// Whether an event of a type passes.
    pub fn passes(&self, event_type: EventType) -> bool {
        (self.types.is_empty() || self.types.contains(&event_type))
            && !self.anything_but.contains(&event_type)
    }
}
