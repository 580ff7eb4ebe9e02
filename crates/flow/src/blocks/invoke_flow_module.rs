//! `InvokeFlowModule`: runs a module and comes back with what it returns.
//!
//! Shape: `FlowModuleId` an id or ARN, which may end with `:$LATEST`, an alias or a version; `Input` what the module sees as
//! `$.Modules.Input`. After it `$.Modules.Result` is the branch that the module named, `$.Modules.ResultData` its data.

use serde_json::{Value, json};

use super::{Entered, ModuleResult, Outcome, Run, failure};
use crate::effect::Effect;
use crate::input::Input;
use crate::memory::{Namespace, Scene};
use crate::parameters::{DataTemplate, Misconfigured, Parameters, ResourceTemplate};

/// Runs a module.
#[derive(Debug)]
pub(crate) struct InvokeFlowModule {
    module: ResourceTemplate,
    input: DataTemplate,
    /// Without conditions the branch that the module names leads to the next block.
    has_conditions: bool,
}

impl InvokeFlowModule {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let module = parameters.required_resource("FlowModuleId")?;
        let has_conditions = !parameters.transitions().conditions.is_empty();
        Ok(Self { module, input: parameters.data("Input"), has_conditions })
    }
}

impl Run for InvokeFlowModule {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let module = self.module.resolve(scene);
        let log = json!({ "FlowModuleId": module.id });
        if module.is_unset() {
            return Entered::failed(log, "FlowModuleId resolves to nothing");
        }
        Entered::perform(log, Effect::InvokeModule { module })
    }

    fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Flow(module) => match self.input.resolve(scene) {
                Ok(input) => Outcome::Call(module, input),
                Err(reason) => Outcome::failed(reason),
            },
            other => failure(other),
        }
    }

    fn returned(&self, scene: &mut Scene<'_>, ModuleResult { branch, data }: ModuleResult) -> Outcome {
        let result = branch.clone().map_or(Value::Null, Value::from);
        scene.memory.put_below(Namespace::Modules, "Result", result);
        scene.memory.put_below(Namespace::Modules, "ResultData", data);
        match branch {
            Some(branch) if self.has_conditions => Outcome::Result(Some(branch)),
            _ => Outcome::Success,
        }
    }
}
