//! `UpdateContactRoutingBehavior` ("Change routing priority / age") and `UpdateContactRoutingCriteria` ("Set routing criteria").
//!
//! Units: the adjustment of age in seconds, which may be negative; priority 1 is the best.

use serde_json::{Value, json};

use super::{Entered, Run};
use crate::effect::{ContactChange, Routing};
use crate::memory::Scene;
use crate::parameters::{DataTemplate, Misconfigured, Parameters};

/// Changes how soon a queue gives the contact to an agent.
#[derive(Debug)]
pub(crate) struct UpdateContactRoutingBehavior {
    routing: Routing,
}

impl UpdateContactRoutingBehavior {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let (priority, age) = ("QueuePriority", "QueueTimeAdjustmentSeconds");
        if parameters.has(priority) && parameters.has(age) {
            parameters.note(age, "cannot be used together with QueuePriority");
        }
        let routing = Routing {
            priority: parameters.text(priority).and_then(|number| number.trim().parse().ok()),
            age_adjustment_s: parameters.text(age).and_then(|number| number.trim().parse().ok()),
            criteria: None,
        };
        if routing == Routing::default() && !parameters.has("RoutingProficiencies") {
            return Err(parameters.refuse("", "change neither priority nor age"));
        }
        Ok(Self { routing })
    }
}

impl Run for UpdateContactRoutingBehavior {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        let mut log = json!({});
        if let Some(priority) = self.routing.priority {
            log["AbsolutePosition"] = priority.to_string().into();
        }
        if let Some(age) = self.routing.age_adjustment_s {
            log["TimeOffset"] = age.to_string().into();
        }
        Entered::change(log, ContactChange::Routing(self.routing.clone()))
    }
}

/// Says which agents the contact is for.
#[derive(Debug)]
pub(crate) struct UpdateContactRoutingCriteria {
    criteria: DataTemplate,
}

impl UpdateContactRoutingCriteria {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self { criteria: parameters.data("RoutingCriteria") })
    }
}

impl Run for UpdateContactRoutingCriteria {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        match self.criteria.resolve(scene) {
            Ok(Value::Null) => Entered::failed(json!({}), "RoutingCriteria is missing"),
            Ok(criteria) => {
                let routing = Routing { criteria: Some(criteria), ..Routing::default() };
                Entered::change(json!({}), ContactChange::Routing(routing))
            }
            Err(reason) => Entered::failed(json!({}), reason),
        }
    }
}
