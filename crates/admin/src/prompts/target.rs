use crate::error::{AdminError, ErrorCode};
use crate::flows::instance;
use crate::service::Context;
use std::sync::Arc;
use tympan_aws::{Asks, Resource, Target};
use tympan_connect::instances::Instance;
use tympan_connect::prompts::KnownPrompt;

/// A prompt of an instance. A text that is no id or ARN of one names the instance alone.
pub(crate) struct PromptTarget {
    resource: Resource,
    found: Option<(Arc<Instance>, KnownPrompt)>,
}

impl PromptTarget {
    /// By ids or ARNs.
    pub(crate) fn of(cx: &Context<'_>, named_instance: &str, prompt: &str) -> Self {
        let Some((root, found)) = instance(cx, named_instance) else {
            return Self { resource: Resource::any(), found: None };
        };
        let id = prompt.strip_prefix(&format!("{root}/prompt/")).unwrap_or(prompt);
        let resource = match tympan_types::ResourceId::parse(id) {
            Ok(id) => format!("{root}/prompt/{id}"),
            Err(_) => root,
        };
        let known = found.and_then(|instance| {
            let known = cx.service.parts().connect.known_prompt(instance.id, id)?;
            Some((instance, known))
        });
        Self { resource: Resource::new(resource), found: known }
    }

    /// The instance and the prompt.
    pub(super) fn known(self) -> Result<(Arc<Instance>, KnownPrompt), AdminError> {
        self.found
            .ok_or_else(|| AdminError::new(ErrorCode::NotFound, "There is no such prompt in the instance."))
    }
}

impl Target for PromptTarget {
    fn asks(&self, asks: &mut Asks) {
        asks.on(self.resource.clone());
    }
}
