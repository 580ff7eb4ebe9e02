//! `EndFlowModuleExecution` ("Return"): the module is over, the block that invoked it goes on.

use serde_json::json;

use super::{Entered, ModuleResult, Run, Step};
use crate::memory::Scene;
use crate::parameters::{DataTemplate, Misconfigured, Parameters};

/// Returns from the module.
#[derive(Debug)]
pub(crate) struct EndFlowModuleExecution {
    branch: Option<String>,
    data: DataTemplate,
}

impl EndFlowModuleExecution {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let branch = parameters.text("Result").filter(|branch| !branch.is_empty());
        Ok(Self { branch, data: parameters.data("ResultData") })
    }
}

impl Run for EndFlowModuleExecution {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let log = self.branch.as_ref().map_or_else(|| json!({}), |branch| json!({ "Result": branch }));
        match self.data.resolve(scene) {
            Ok(data) => {
                let result = ModuleResult { branch: self.branch.clone(), data };
                Entered { parameters: vec![log], step: Step::Return(result) }
            }
            Err(reason) => Entered::failed(log, reason),
        }
    }
}
