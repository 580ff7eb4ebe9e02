use super::page::Paging;
use super::{ApiRequest, MAX_BODY_BYTES, Operation, reference};
use crate::directory::Directory;
use crate::error::ConnectError;
use crate::flows::{ContactFlow, FlowReference};
use crate::instance::Instance;
use crate::phone_number::PhoneNumber;
use crate::service::ConnectService;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tympan_types::{Caller, ContactId, PageToken, WallTime};

/// One request on its way through an operation: who asks what, when, of which service.
pub(super) struct Invocation<'a> {
    pub(super) service: &'a ConnectService,
    pub(super) now: WallTime,
    pub(super) caller: &'a Caller,
    operation: Operation,
    query: Vec<(String, String)>,
    body: &'a [u8],
}

impl<'a> Invocation<'a> {
    pub(super) fn new(
        service: &'a ConnectService,
        now: WallTime,
        caller: &'a Caller,
        operation: Operation,
        request: &ApiRequest<'a>,
    ) -> Self {
        Self { service, now, caller, operation, query: query_pairs(request.query), body: request.body }
    }

    /// The body as this operation's input; members that it does not know are ignored, as the service does.
    pub(super) fn input<T: DeserializeOwned>(&self) -> Result<T, ConnectError> {
        if self.body.len() > MAX_BODY_BYTES {
            return Err(ConnectError::request(format!("the body is larger than {MAX_BODY_BYTES} bytes")));
        }
        let body = if self.body.is_empty() { b"{}" } else { self.body };
        serde_json::from_slice(body).map_err(|error| {
            ConnectError::request(format!("the body is not what {} takes: {error}", self.operation.name()))
        })
    }

    /// A label of the path. Empty for a label that the path of this operation does not have.
    pub(super) fn label(&self, name: &str) -> &str {
        self.operation.label(name).unwrap_or_default()
    }

    /// The first value of a query parameter.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(its_name, _)| its_name == name).map(|(_, value)| value.as_str())
    }

    /// All values of a query parameter that may be repeated.
    pub(super) fn query_all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> + 's {
        self.query.iter().filter(move |(its_name, _)| its_name == name).map(|(_, value)| value.as_str())
    }

    /// The paging tokens of this request: of its path and query, and of these members of its body.
    pub(super) fn tokens<'t>(&'t self, members: impl IntoIterator<Item = &'t str>) -> PageToken {
        let asker = [self.operation.name(), self.caller.account.as_str(), self.caller.region.as_str()];
        let asked = self.query.iter().filter(|(name, _)| name != "nextToken" && name != "maxResults");
        let asked = asked.flat_map(|(name, value)| [name.as_str(), value]);
        PageToken::of(asker.into_iter().chain(self.operation.labels()).chain(asked).chain(members))
    }

    /// `nextToken` and `maxResults` of the query.
    pub(super) fn query_paging(&self, most: usize) -> Result<Paging, ConnectError> {
        let max_results = match self.query("maxResults") {
            None => None,
            Some(text) => {
                Some(text.parse().map_err(|_| ConnectError::parameter("maxResults must be a whole number"))?)
            }
        };
        Paging::new(self.tokens([]), self.query("nextToken"), max_results, most)
    }

    /// The instance that the path names.
    pub(super) fn instance(&self) -> Result<Arc<Instance>, ConnectError> {
        self.instance_in(&self.service.directory(), self.label("InstanceId"))
    }

    /// An instance of the caller's by id or ARN.
    pub(super) fn instance_in(
        &self,
        directory: &Directory,
        id_or_arn: &str,
    ) -> Result<Arc<Instance>, ConnectError> {
        reference::instance(self.caller, id_or_arn)
            .and_then(|id| directory.instance(id))
            .filter(|instance| instance.belongs_to(self.caller))
            .cloned()
            .ok_or_else(|| {
                let Caller { account, region, .. } = self.caller;
                ConnectError::not_found(format!(
                    "there is no instance {} in account {account}, region {region}",
                    shown(id_or_arn)
                ))
            })
    }

    /// The instance that a body names by `TargetArn` or `InstanceId`, if it does.
    pub(super) fn target(
        &self,
        directory: &Directory,
        target_arn: Option<&str>,
        instance_id: Option<&str>,
    ) -> Result<Option<Arc<Instance>>, ConnectError> {
        if target_arn.is_some_and(|arn| arn.contains("traffic-distribution-group")) {
            return Err(ConnectError::parameter(
                "TargetArn must be that of an instance: there are no traffic distribution groups here",
            ));
        }
        target_arn.or(instance_id).map(|text| self.instance_in(directory, text)).transpose()
    }

    /// The flow that a path or body names, with the reference taken apart.
    pub(super) fn flow_in<'t>(
        &self,
        directory: &Directory,
        instance: &Instance,
        id_or_arn: &'t str,
    ) -> Result<(Arc<ContactFlow>, FlowReference<'t>), ConnectError> {
        reference::flow(self.caller, instance.id, id_or_arn)
            .and_then(|reference| Some((directory.flow(instance, &reference)?.clone(), reference)))
            .ok_or_else(|| {
                ConnectError::not_found(format!(
                    "there is no flow {} in instance {}",
                    shown(id_or_arn),
                    instance.id
                ))
            })
    }

    /// The number that the path names, by id or ARN.
    pub(super) fn phone_number_in(&self, directory: &Directory) -> Result<Arc<PhoneNumber>, ConnectError> {
        let id = self.label("PhoneNumberId");
        reference::phone_number(self.caller, id)
            .and_then(|id| directory.phone_number(id))
            .filter(|number| number.account == self.caller.account && number.region == self.caller.region)
            .cloned()
            .ok_or_else(|| ConnectError::not_found(format!("there is no phone number {}", shown(id))))
    }

    /// A contact of an instance, by id or ARN.
    pub(super) fn contact_id(&self, instance: &Instance, text: &str) -> Option<ContactId> {
        reference::contact(self.caller, instance.id, text)
    }
}

/// Names and values of a query, decoded.
pub(super) fn query_pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (decoded(name), decoded(value))
    };
    query.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

/// What a request named, short enough for a message.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 120;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
