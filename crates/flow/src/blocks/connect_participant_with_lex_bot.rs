//! `ConnectParticipantWithLexBot` ("Get customer input", Amazon Lex): lets the caller talk to a bot and takes the branch of the intent.
//!
//! Shape: `LexV2Bot{AliasArn}` or `LexBot{Name, Region, Alias}`; one prompt, or `LexInitializationData{InitialMessage}`;
//! `LexSessionAttributes{name: value}`. `LexTimeoutSeconds` is for chat. Fills `$.Lex`.

use serde_json::{Value, json};

use super::prompt::{self, PromptTemplate};
use super::{Entered, Outcome, Run, failure};
use crate::effect::{BotRef, BotSpec, Effect};
use crate::input::Input;
use crate::memory::{Namespace, Scene};
use crate::parameters::{Misconfigured, Parameters, TemplateMap};
use crate::template::Template;

/// Lets the caller talk to a bot.
#[derive(Debug)]
pub(crate) struct ConnectParticipantWithLexBot {
    bot: BotTemplate,
    prompt: Option<PromptTemplate>,
    initial_message: Option<Template>,
    session_attributes: TemplateMap,
    intents: Vec<String>,
}

#[derive(Debug)]
enum BotTemplate {
    V2 { alias_arn: Template },
    V1 { name: Template, region: Template, alias: Template },
}

impl ConnectParticipantWithLexBot {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        if parameters.has("LexV2Bot") && parameters.has("LexBot") {
            parameters.note("LexBot", "cannot be used together with LexV2Bot");
        }
        let bot = if parameters.has("LexV2Bot") {
            BotTemplate::V2 { alias_arn: parameters.required_template("LexV2Bot.AliasArn")? }
        } else if parameters.has("LexBot") {
            let empty = || Template::parse("");
            BotTemplate::V1 {
                name: parameters.required_template("LexBot.Name")?,
                region: parameters.template("LexBot.Region").unwrap_or_else(empty),
                alias: parameters.template("LexBot.Alias").unwrap_or_else(empty),
            }
        } else {
            return Err(parameters.refuse("", "have neither LexV2Bot nor LexBot"));
        };
        let prompt = PromptTemplate::read(parameters)?;
        let initial_message = parameters.template("LexInitializationData.InitialMessage");
        if initial_message.as_ref().and_then(Template::literal).is_some_and(is_too_long) {
            let message = format!("must have at most {INITIAL_MESSAGE_MAX} characters");
            parameters.note("LexInitializationData.InitialMessage", message);
        }
        match (&prompt, &initial_message) {
            (None, None) => {
                parameters.note("", "have none of Text, SSML, PromptId, Media and LexInitializationData");
            }
            (Some(_), Some(_)) => {
                parameters.note("LexInitializationData", "cannot be used together with a prompt");
            }
            _ => {}
        }
        let conditions = parameters.transitions().conditions.iter();
        let intents =
            conditions.filter_map(|branch| branch.condition().ok()?.equals().map(str::to_owned)).collect();
        Ok(Self {
            bot,
            prompt,
            initial_message,
            session_attributes: parameters.template_map("LexSessionAttributes"),
            intents,
        })
    }
}

impl BotTemplate {
    /// The bot, which is also put into the block's log entry.
    ///
    /// Errors: a reference that is unset, as a reason for the log.
    fn resolve(&self, scene: &Scene<'_>, log: &mut Value) -> Result<BotRef, &'static str> {
        match self {
            Self::V2 { alias_arn } => {
                let alias_arn = scene.resolve(alias_arn);
                log["BotAliasArn"] = alias_arn.as_str().into();
                if alias_arn.is_empty() {
                    return Err("LexV2Bot.AliasArn resolves to nothing");
                }
                Ok(BotRef::V2 { alias_arn })
            }
            Self::V1 { name, region, alias } => {
                let [name, region, alias] = [name, region, alias].map(|part| scene.resolve(part));
                log["BotName"] = name.as_str().into();
                log["BotRegion"] = region.as_str().into();
                log["BotAlias"] = alias.as_str().into();
                if name.is_empty() {
                    return Err("LexBot.Name resolves to nothing");
                }
                Ok(BotRef::V1 { name, region, alias })
            }
        }
    }

    /// Everything that the block asks for.
    fn spec(
        &self,
        scene: &Scene<'_>,
        block: &ConnectParticipantWithLexBot,
        log: &mut Value,
    ) -> Result<BotSpec, String> {
        let prompt = block.prompt.as_ref().map(|prompt| prompt.resolve(scene));
        if let Some(prompt) = &prompt {
            *log = prompt::log_parameters(prompt);
        }
        let bot = self.resolve(scene, log)?;
        if let Some(reason) = prompt.as_ref().and_then(|prompt| prompt.fault()) {
            return Err(reason);
        }
        let initial_message = block.initial_message.as_ref().map(|message| scene.resolve(message));
        if initial_message.as_deref().is_some_and(is_too_long) {
            return Err(format!("the initial message has more than {INITIAL_MESSAGE_MAX} characters"));
        }
        Ok(BotSpec {
            bot,
            prompt,
            initial_message: initial_message.filter(|message| !message.is_empty()),
            session_attributes: block.session_attributes.resolve(|template| scene.resolve(template))?,
            intents: block.intents.clone(),
        })
    }
}

impl Run for ConnectParticipantWithLexBot {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let mut log = json!({});
        match self.bot.spec(scene, self, &mut log) {
            Ok(spec) => Entered::perform(log, Effect::ConnectBot(Box::new(spec))),
            Err(reason) => Entered::failed(log, reason),
        }
    }

    fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Bot(outcome) => {
                scene.memory.put(Namespace::Lex, outcome.to_namespace());
                Outcome::Result(outcome.intent.filter(|intent| !intent.is_empty()))
            }
            other => failure(other),
        }
    }
}

fn is_too_long(message: &str) -> bool {
    message.chars().count() > INITIAL_MESSAGE_MAX
}

const INITIAL_MESSAGE_MAX: usize = 1_024;
