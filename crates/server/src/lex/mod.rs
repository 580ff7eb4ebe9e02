//! Bots: those of this server, and the one client that a flow asks bots by, wherever they are.
//!
//! A question goes to a bot of this server where its alias is one, and else to the endpoint. Either way it is the same
//! request and the same answer: what a stub or AWS would see.

mod bots;
mod command;
mod functions;
#[cfg(test)]
mod tests;
mod transcription;
mod wyoming;

pub(crate) use bots::read_bot;

use crate::clock::{ServiceClock, SystemClock};
use crate::config;
use crate::descriptors::DescriptorBudget;
use crate::lambda::Lambda;
use crate::outgoing::{Answer, HttpClient, KeyConfig, SendError, SignedService};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::timeout;
use tympan_aws::{Invocation, ReplyBody, Routes};
use tympan_lex::alias::{BotAlias, Conversation};
use tympan_lex::client::{ANSWER_MAX_BYTES, HEADERS_MAX_BYTES, LexRequest, read};
use tympan_lex::service::{LexService, SCOPE};
use tympan_lex::turn::{Recognition, RecognizeError, Reply};
use tympan_types::Caller;

/// Asks bots. Cheap to share behind an `Arc`.
pub(crate) struct Bots {
    service: LexService,
    routes: Routes,
    endpoint: Option<SignedService>,
    http: HttpClient,
    v1_bots: Vec<config::LexV1Bot>,
    answer_timeout_ms: u32,
    caller: Caller,
    clock: ServiceClock,
    stats: LexClientStats,
}

/// What is counted of questions.
#[derive(Debug, Default)]
pub(crate) struct LexClientStats {
    /// Questions that bots answered.
    pub answered: AtomicU64,
    /// Questions that were not answered, or not in a way that can be used.
    pub failed: AtomicU64,
}

/// A bot as a flow names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BotName<'a> {
    /// `LexV2Bot`
    V2 {
        /// The ARN of its alias.
        alias_arn: &'a str,
    },
    /// `LexBot`: of Lex V1, which ended in 2025.
    V1 { name: &'a str, alias: &'a str, region: &'a str },
}

impl Bots {
    /// Reads the files of the bots, and connects them with functions and a recogniser of speech.
    pub(crate) fn new(
        config: &config::Lex,
        caller: Caller,
        clock: ServiceClock,
        lambda: Arc<Lambda>,
        descriptors: DescriptorBudget,
    ) -> anyhow::Result<Self> {
        let bots = bots::read(&config.bots)?;
        let speech = transcription::of(config, descriptors);
        let functions = Arc::new(functions::LambdaFunctions(lambda));
        let service = LexService::new(bots, speech, Some(functions));
        let key = KeyConfig {
            secret_key: "lex.secret_access_key",
            access_key_id: &config.access_key_id,
            secret: &config.secret_access_key,
            secret_file: config.secret_access_key_file.as_deref(),
        };
        let region = &caller.region;
        let endpoint = config.endpoint.as_ref().map(|url| SignedService::new(url, SCOPE, &key, region));
        let endpoint = endpoint.transpose()?;
        Ok(Self {
            routes: Routes::new().serve(service.clone(), tympan_lex::service::operations()),
            service,
            endpoint,
            http: HttpClient::new(),
            v1_bots: config.v1_bots.clone(),
            answer_timeout_ms: config.answer_timeout_ms,
            caller,
            clock,
            stats: LexClientStats::default(),
        })
    }

    /// The bots of this server, to be served.
    pub(crate) fn service(&self) -> &LexService {
        &self.service
    }

    /// What is counted of questions.
    pub(crate) fn stats(&self) -> &LexClientStats {
        &self.stats
    }
}

impl Bots {
    /// The alias that a flow means.
    ///
    /// # Errors
    /// [`RecognizeError::NotConfigured`], for the flow log.
    pub(crate) fn alias(&self, name: BotName<'_>) -> Result<BotAlias, RecognizeError> {
        let arn = match name {
            BotName::V2 { alias_arn } => alias_arn,
            BotName::V1 { name, alias, region } => {
                let fits = |configured: &str, given: &str| configured.is_empty() || configured == given;
                let bot = self
                    .v1_bots
                    .iter()
                    .find(|bot| bot.name == name && fits(&bot.alias, alias) && fits(&bot.region, region));
                let bot = bot.ok_or_else(|| {
                    let name: String = name.chars().take(80).collect();
                    RecognizeError::NotConfigured(format!(
                        "the bot {name:?} is of Lex V1: map it to an alias in [[lex.v1_bots]]"
                    ))
                })?;
                bot.alias_arn.as_str()
            }
        };
        BotAlias::from_arn(arn).ok_or_else(|| {
            let arn: String = arn.chars().take(120).collect();
            RecognizeError::NotConfigured(format!("{arn:?} is no ARN of a bot alias"))
        })
    }

    /// Asks a bot, and waits no longer than `lex.answer_timeout_ms`.
    pub(crate) async fn recognize(
        &self,
        conversation: &Conversation,
        question: &Recognition,
    ) -> Result<Reply, RecognizeError> {
        let limit_ms = self.answer_timeout_ms;
        let asked = timeout(Duration::from_millis(u64::from(limit_ms)), self.ask(conversation, question));
        let answered = asked.await.unwrap_or(Err(RecognizeError::TimedOut { limit_ms }));
        let counter = if answered.is_ok() { &self.stats.answered } else { &self.stats.failed };
        counter.fetch_add(1, Relaxed);
        answered
    }

    async fn ask(
        &self,
        conversation: &Conversation,
        question: &Recognition,
    ) -> Result<Reply, RecognizeError> {
        let request = LexRequest::new(conversation, question);
        let form = request.answer;
        let (status, headers, body) = if self.service.bot(&conversation.alias).is_some() {
            self.ask_own(&request).await?
        } else {
            self.ask_endpoint(&request).await?
        };
        let length =
            |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len();
        if headers.iter().map(length).sum::<usize>() > HEADERS_MAX_BYTES {
            return Err(RecognizeError::TooLarge { limit_bytes: HEADERS_MAX_BYTES });
        }
        // Unpacking and resampling take some milliseconds for a long reply.
        let read = tokio::task::spawn_blocking(move || read(form, status, &headers, &body)).await;
        read.unwrap_or_else(|panic| Err(RecognizeError::Malformed(panic.to_string())))
    }

    async fn ask_endpoint(
        &self,
        request: &LexRequest,
    ) -> Result<(u16, http::HeaderMap, Bytes), RecognizeError> {
        let endpoint = self.endpoint.as_ref().ok_or_else(|| {
            let what = "no bot of this server has this alias, and lex.endpoint is not set";
            RecognizeError::NotConfigured(what.to_owned())
        })?;
        let signed = request.sign(endpoint.url(), endpoint.key(), SystemClock.wall_now());
        let signed = signed.map_err(|error| RecognizeError::NotConfigured(error.to_string()))?;
        let signed = signed.map(|body| http_body_util::Full::new(Bytes::from(body)));
        match self.http.send(signed, ANSWER_MAX_BYTES).await {
            Ok(Answer { status, headers, body }) => Ok((status.as_u16(), headers, body)),
            Err(SendError::TooLarge { limit_bytes }) => Err(RecognizeError::TooLarge { limit_bytes }),
            Err(SendError::Request(why)) => Err(RecognizeError::NotConfigured(why)),
            Err(SendError::Unreachable(why)) => Err(RecognizeError::Unreachable(why)),
        }
    }

    /// The same request to the bots of this server, without a socket between.
    async fn ask_own(&self, request: &LexRequest) -> Result<(u16, http::HeaderMap, Bytes), RecognizeError> {
        let nowhere = |why: &str| RecognizeError::NotConfigured(why.to_owned());
        let mut head = http::Request::post(request.path.as_str());
        for (name, value) in &request.headers {
            head = head.header(*name, value);
        }
        let head = head.body(()).map_err(|error| nowhere(&error.to_string()))?.into_parts().0;
        let found = self.routes.find(SCOPE, &head).ok_or_else(|| nowhere("there is no service of bots"))?;
        let request_id = uuid::Uuid::new_v4().to_string();
        let within = Invocation::within_process(&self.caller, self.clock.wall_now());
        let invocation = Invocation { request_id: &request_id, ..within };
        let run = self.routes.run(found, &head, &request.body, &invocation);
        let reply = run.ok_or_else(|| nowhere("there is no such operation"))?.await.reply;
        let mut headers = http::HeaderMap::new();
        let typed = reply.error_type.map(|error_type| ("x-amzn-errortype", error_type.to_owned()));
        let content_type = ("content-type", reply.content_type.to_owned());
        for (name, value) in reply.headers.into_iter().chain([content_type]).chain(typed) {
            if let Ok(value) = http::HeaderValue::from_str(&value) {
                headers.insert(http::HeaderName::from_static(name), value);
            }
        }
        match reply.body {
            ReplyBody::Whole(body) => Ok((reply.status, headers, body)),
            ReplyBody::Stream(_) => Err(nowhere("the answer is a stream")),
        }
    }
}
