//! Which queues and routing profiles a request for metrics is about.

use crate::error::ConnectError;
use crate::named::{Scene, Spec};
use crate::queues::Queue;
use crate::routing_profiles::RoutingProfile;
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_types::ResourceId;

/// The most queues or routing profiles of a request.
const MOST: usize = 100;

/// `Filters`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filters {
    #[serde(default)]
    queues: Vec<String>,
    #[serde(default)]
    routing_profiles: Vec<String>,
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    routing_step_expressions: Vec<String>,
    #[serde(default)]
    agent_statuses: Vec<String>,
    #[serde(default)]
    subtypes: Vec<String>,
    #[serde(default)]
    validation_test_types: Vec<String>,
}

/// What a request is about: queues, or routing profiles.
pub(super) struct Scope {
    pub(super) queues: Vec<ResourceId>,
    pub(super) profiles: Vec<ResourceId>,
    /// Whether voice is asked for: nothing else is here.
    pub(super) has_voice: bool,
}

impl Filters {
    /// What they name.
    ///
    /// # Errors
    /// InvalidParameter, ResourceNotFound.
    pub(super) fn scope(&self, scene: &Scene<'_>) -> Result<Scope, ConnectError> {
        let is_one = self.queues.is_empty() != self.routing_profiles.is_empty();
        if !is_one || self.queues.len() > MOST || self.routing_profiles.len() > MOST {
            return Err(ConnectError::parameter("Filters has 1 to 100 Queues, or as many RoutingProfiles"));
        }
        let others = [
            &self.routing_step_expressions,
            &self.agent_statuses,
            &self.subtypes,
            &self.validation_test_types,
        ];
        if others.iter().any(|list| !list.is_empty()) {
            return Err(ConnectError::parameter("Filters are by Queues, RoutingProfiles and Channels here"));
        }
        if let Some(channel) = self
            .channels
            .iter()
            .find(|channel| !["VOICE", "CHAT", "TASK", "EMAIL"].contains(&channel.as_str()))
        {
            return Err(ConnectError::parameter(format!("there is no channel {channel:?}")));
        }
        Ok(Scope {
            queues: found::<Queue>(scene, &self.queues)?,
            profiles: found::<RoutingProfile>(scene, &self.routing_profiles)?,
            has_voice: self.channels.is_empty() || self.channels.iter().any(|channel| channel == "VOICE"),
        })
    }
}

/// Each one once.
pub(super) fn found<S: Spec>(scene: &Scene<'_>, named: &[String]) -> Result<Vec<ResourceId>, ConnectError> {
    let mut ids = Vec::new();
    for text in named {
        let id = scene.find::<S>(text)?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// `{Id, Arn}`.
pub(super) fn reference<S: Spec>(scene: &Scene<'_>, id: ResourceId) -> Value {
    json!({ "Id": id, "Arn": scene.arn::<S>(id) })
}
