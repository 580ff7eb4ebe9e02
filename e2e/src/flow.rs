//! Contact flows, put together block by block, in the language of 2019-10-30.

use serde_json::{Value, json};

/// A flow whose blocks follow each other in the order given, unless a branch says otherwise.
///
/// A block's error branch leads to the block called `failed`, which is there by itself, says so in the attribute
/// `outcome`, and hangs up.
#[derive(Default)]
pub struct Flow {
    blocks: Vec<(String, Block)>,
}

/// One block.
pub struct Block {
    kind: &'static str,
    parameters: Value,
    errors: Vec<(&'static str, Option<String>)>,
    conditions: Vec<(&'static str, String, String)>,
    /// `Some(None)`: nothing follows.
    next: Option<Option<String>>,
}

impl Flow {
    /// An empty flow.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps so many keys in the attribute `keys`, and hangs up.
    pub fn of_keys(keys: usize) -> Self {
        Self::new()
            .then("keys", store_keys("press", keys))
            .then("keep", set_attributes(&[("keys", "$.StoredCustomerInput")]))
            .then("hang up", hang_up())
    }

    /// Captures until the caller hangs up.
    pub fn of_capture() -> Self {
        Self::new()
            .then("start", start_streaming())
            .then("listen", listen("go on", 120))
            .then("hang up", hang_up())
    }

    /// Adds a block.
    #[must_use]
    pub fn then(mut self, name: &str, block: Block) -> Self {
        self.blocks.push((name.to_owned(), block));
        self
    }

    /// The document.
    pub fn content(self) -> String {
        let end =
            [("failed".to_owned(), set_attributes(&[("outcome", "failed")])), ("over".to_owned(), hang_up())];
        let start = self.blocks[0].0.clone();
        let blocks: Vec<(String, Block)> = self.blocks.into_iter().chain(end).collect();
        let names: Vec<String> = blocks.iter().map(|(name, _)| name.clone()).collect();
        let action = |(index, (name, block)): (usize, (String, Block))| {
            let following = || names.get(index + 1).cloned();
            let next = block.next.clone().unwrap_or_else(following);
            let last_resort = if name == "failed" { "over" } else { "failed" };
            let errors = block.errors.iter().map(|(error, target)| {
                let target = target.clone().unwrap_or_else(|| match *error {
                    "NoMatchingError" => last_resort.to_owned(),
                    _ => next.clone().unwrap_or_default(),
                });
                json!({ "ErrorType": error, "NextAction": target })
            });
            let conditions = block.conditions.iter().map(|(operator, operand, target)| {
                json!({ "NextAction": target, "Condition": { "Operator": operator, "Operands": [operand] } })
            });
            let mut transitions = json!({
                "Errors": errors.collect::<Vec<_>>(),
                "Conditions": conditions.collect::<Vec<_>>(),
            });
            if let Some(next) = next {
                transitions["NextAction"] = next.into();
            }
            json!({
                "Identifier": name,
                "Type": block.kind,
                "Parameters": block.parameters,
                "Transitions": transitions,
            })
        };
        let actions: Vec<Value> = blocks.into_iter().enumerate().map(action).collect();
        json!({ "Version": "2019-10-30", "StartAction": start, "Metadata": {}, "Actions": actions })
            .to_string()
    }
}

impl Block {
    fn new(kind: &'static str, parameters: Value, errors: &[&'static str]) -> Self {
        let errors = errors.iter().map(|error| (*error, None)).collect();
        Self { kind, parameters, errors, conditions: Vec::new(), next: None }
    }

    /// Where to go when the block fails.
    #[must_use]
    pub fn or_else(self, target: &str) -> Self {
        self.on("NoMatchingError", target)
    }

    /// Where an error branch leads.
    #[must_use]
    pub fn on(mut self, error: &'static str, target: &str) -> Self {
        self.errors.retain(|(known, _)| *known != error);
        self.errors.push((error, Some(target.to_owned())));
        self
    }

    /// Where a condition leads, such as `Equals`, `1`.
    #[must_use]
    pub fn when(mut self, operator: &'static str, operand: &str, target: &str) -> Self {
        self.conditions.push((operator, operand.to_owned(), target.to_owned()));
        self
    }

    /// What follows, instead of the next block.
    #[must_use]
    pub fn to(mut self, target: &str) -> Self {
        self.next = Some(Some(target.to_owned()));
        self
    }
}

/// Start media streaming, the customer's direction.
pub fn start_streaming() -> Block {
    streaming("Enabled")
}

/// Start media streaming, both directions.
pub fn start_streaming_both() -> Block {
    let customer = json!({ "ParticipantType": "Customer", "MediaDirections": ["From", "To"] });
    let parameters =
        json!({ "MediaStreamingState": "Enabled", "MediaStreamType": "Audio", "Participants": [customer] });
    Block::new("UpdateContactMediaStreamingBehavior", parameters, &["NoMatchingError"])
}

/// Lets the caller talk to a bot; each of these intents goes on with the next block, as any other does.
pub fn bot(alias_arn: &str, text: &str) -> Block {
    let parameters = json!({ "Text": text, "LexV2Bot": { "AliasArn": alias_arn } });
    Block::new("ConnectParticipantWithLexBot", parameters, &["NoMatchingCondition", "NoMatchingError"])
}

/// Stop media streaming.
pub fn stop_streaming() -> Block {
    streaming("Disabled")
}

fn streaming(state: &str) -> Block {
    let customer = json!({ "ParticipantType": "Customer", "MediaDirections": ["From"] });
    let parameters =
        json!({ "MediaStreamingState": state, "MediaStreamType": "Audio", "Participants": [customer] });
    Block::new("UpdateContactMediaStreamingBehavior", parameters, &["NoMatchingError"])
}

/// Plays `text`, then waits so long for a key; any key, or none, leads on.
pub fn listen(text: &str, seconds: u32) -> Block {
    let parameters =
        json!({ "Text": text, "InputTimeLimitSeconds": seconds.to_string(), "StoreInput": "False" });
    let errors = ["InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError"];
    Block::new("GetParticipantInput", parameters, &errors)
}

/// Plays `text`, then keeps up to so many keys as `$.StoredCustomerInput`.
pub fn store_keys(text: &str, keys: usize) -> Block {
    let parameters = json!({
        "Text": text, "InputTimeLimitSeconds": "30", "StoreInput": "True",
        "InputValidation": { "CustomValidation": { "MaximumLength": keys.to_string() } },
    });
    Block::new("GetParticipantInput", parameters, &["NoMatchingError"])
}

/// The same, to be kept encrypted.
pub fn encrypt_keys(text: &str, keys: usize) -> Block {
    let parameters = json!({
        "Text": text, "InputTimeLimitSeconds": "5", "StoreInput": "True",
        "InputValidation": { "CustomValidation": { "MaximumLength": keys.to_string() } },
        "InputEncryption": { "EncryptionKeyId": "payments", "Key": "-----BEGIN CERTIFICATE-----" },
    });
    Block::new("GetParticipantInput", parameters, &["NoMatchingError"])
}

/// Plays a recording.
pub fn play(prompt_id: &str) -> Block {
    Block::new("MessageParticipant", json!({ "PromptId": prompt_id }), &["NoMatchingError"])
}

/// Plays `text`.
pub fn say(text: &str) -> Block {
    Block::new("MessageParticipant", json!({ "Text": text }), &["NoMatchingError"])
}

/// Sets attributes.
pub fn set_attributes(attributes: &[(&str, &str)]) -> Block {
    let attributes: serde_json::Map<String, Value> =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    Block::new("UpdateContactAttributes", json!({ "Attributes": attributes }), &["NoMatchingError"])
}

/// Compares a reference; without a match it leads to `otherwise`.
pub fn compare(reference: &str, otherwise: &str) -> Block {
    Block::new("Compare", json!({ "ComparisonValue": reference }), &[]).on("NoMatchingCondition", otherwise)
}

/// Invokes a function with parameters.
pub fn invoke(function_arn: &str, parameters: &[(&str, &str)]) -> Block {
    let attributes: serde_json::Map<String, Value> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let parameters = json!({
        "LambdaFunctionARN": function_arn,
        "InvocationTimeLimitSeconds": "8",
        "LambdaInvocationAttributes": attributes,
        "ResponseValidation": { "ResponseType": "STRING_MAP" },
    });
    Block::new("InvokeLambdaFunction", parameters, &["NoMatchingError"])
}

/// Goes on in another flow.
pub fn transfer(flow_arn: &str) -> Block {
    Block::new("TransferToFlow", json!({ "ContactFlowId": flow_arn }), &["NoMatchingError"])
}

/// Sets the queue that the contact is meant for.
pub fn set_queue(queue_arn: &str) -> Block {
    Block::new("UpdateContactTargetQueue", json!({ "QueueId": queue_arn }), &["NoMatchingError"])
}

/// Puts the contact into the queue that was set.
pub fn to_queue() -> Block {
    Block::new("TransferContactToQueue", json!({}), &["NoMatchingError", "QueueAtCapacity"])
}

/// Hangs up.
pub fn hang_up() -> Block {
    let block = Block::new("DisconnectParticipant", json!({}), &[]);
    Block { next: Some(None), ..block }
}
