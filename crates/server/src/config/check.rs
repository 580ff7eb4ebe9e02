//! Rules between keys, and forms that only another crate knows. Nothing is read from disk here.

use super::access::{Credential, NamedPolicy};
use super::choices::KeyKeeper;
use super::error::Wrong;
use super::lambda::LambdaFunction;
use super::lex;
use super::sections::Config;
use super::{phone, trunk};
use tympan_auth::Policy;
use tympan_connect::events::EventType;

/// The first rule that a configuration breaks.
pub(super) fn check(config: &Config) -> Result<(), Wrong> {
    let tls = (config.http.tls_certificate_file.is_some(), config.http.tls_key_file.is_some());
    match tls {
        (true, false) => {
            Err(Wrong::new("http.tls_key_file", "TLS needs it beside http.tls_certificate_file"))
        }
        (false, true) => {
            Err(Wrong::new("http.tls_certificate_file", "TLS needs it beside http.tls_key_file"))
        }
        _ => Ok(()),
    }?;
    if config.rtp.port_first > config.rtp.port_last {
        return Err(Wrong::new("rtp.port_last", "it is below rtp.port_first"));
    }
    for (index, credential) in config.credentials.iter().enumerate() {
        check_credential(credential).map_err(|wrong| wrong.within(&format!("credentials[{index}]")))?;
    }
    for (index, policy) in config.policies.iter().enumerate() {
        check_policy(policy).map_err(|wrong| wrong.within(&format!("policies[{index}]")))?;
    }
    for (index, function) in config.lambda.functions.iter().enumerate() {
        check_function(function).map_err(|wrong| wrong.within(&format!("lambda.functions[{index}]")))?;
    }
    lex::check(&config.lex)?;
    let records = &config.contact_records;
    if !records.push_command.is_empty() && records.push_url.is_some() {
        return Err(Wrong::new("contact_records.push_command", "push_url is set too: keep one of them"));
    }
    if !records.stream_arn.is_empty() && !is_stream_arn(&records.stream_arn) {
        return Err(Wrong::new("contact_records.stream_arn", "it is no ARN of a data stream"));
    }
    let events = &config.contact_events;
    for (key, words) in [("types", &events.types), ("anything_but", &events.anything_but)] {
        if let Some(word) = words.iter().find(|word| EventType::parse(word).is_none()) {
            let known: Vec<&str> = EventType::ALL.into_iter().map(EventType::word).collect();
            let message = format!("there is no event {word:?}: {}", known.join(", "));
            return Err(Wrong::new(format!("contact_events.{key}"), message));
        }
    }
    if !events.stream_arn.is_empty() && !is_stream_arn(&events.stream_arn) {
        return Err(Wrong::new("contact_events.stream_arn", "it is no ARN of a data stream"));
    }
    let kms = &config.kms;
    let has_secret = !kms.secret_access_key.is_empty() || kms.secret_access_key_file.is_some();
    if kms.provider == KeyKeeper::External && (kms.access_key_id.is_empty() || !has_secret) {
        return Err(Wrong::new(
            "kms.provider",
            "it needs kms.access_key_id and kms.secret_access_key or kms.secret_access_key_file",
        ));
    }
    trunk::check(&config.sip.trunks)?;
    phone::check(&config.sip)
}

/// `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`.
fn is_stream_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", _, "kinesis", _, _, name] if name.starts_with("stream/"))
}

fn check_credential(credential: &Credential) -> Result<(), Wrong> {
    let Credential { access_key_id, secret_access_key, secret_access_key_file, .. } = credential;
    if access_key_id.is_empty() {
        return Err(Wrong::new("access_key_id", "an access key needs an id"));
    }
    let id = format!("access key {access_key_id}");
    match (!secret_access_key.is_empty(), secret_access_key_file.is_some()) {
        (true, true) => Err(Wrong::new(
            "secret_access_key_file",
            format!("secret_access_key is set too: keep one of them ({id})"),
        )),
        (false, false) => {
            Err(Wrong::new("secret_access_key", format!("it or secret_access_key_file is needed ({id})")))
        }
        _ => Ok(()),
    }
}

fn check_policy(policy: &NamedPolicy) -> Result<(), Wrong> {
    let NamedPolicy { name, document, document_file } = policy;
    match (document.as_str(), document_file) {
        ("", None) => Err(Wrong::new("document", format!("it or document_file is needed (policy {name:?})"))),
        ("", Some(_)) => Ok(()),
        (_, Some(_)) => Err(Wrong::new(
            "document_file",
            format!("document is set too: keep one of them (policy {name:?})"),
        )),
        (document, None) => match Policy::parse(document) {
            Ok(_) => Ok(()),
            Err(error) => Err(Wrong::new("document", format!("{error} (policy {name:?})"))),
        },
    }
}

fn check_function(function: &LambdaFunction) -> Result<(), Wrong> {
    let LambdaFunction { arn, command, url } = function;
    match (command.is_empty(), url) {
        (true, None) => Err(Wrong::new("command", format!("it or url is needed (function {arn})"))),
        (false, Some(_)) => {
            Err(Wrong::new("url", format!("command is set too: keep one of them (function {arn})")))
        }
        _ => Ok(()),
    }
}
