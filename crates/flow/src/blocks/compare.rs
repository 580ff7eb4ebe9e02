//! `Compare` ("Check contact attributes").

use serde_json::json;

use super::{Entered, Outcome, Run};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// Takes the branch of the first condition that a value meets; an unset value meets none.
#[derive(Debug)]
pub(crate) struct Compare {
    value: Template,
}

impl Compare {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let value = parameters.required_template("ComparisonValue")?;
        if value.literal().is_some() {
            parameters.note("ComparisonValue", "must be a JSONPath reference such as $.Attributes.name");
        }
        Ok(Self { value })
    }
}

impl Run for Compare {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let value = scene.resolve_optional(&self.value);
        Entered::leave(json!({ "Value": value }), Outcome::Result(value))
    }
}
