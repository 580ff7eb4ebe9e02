use crate::error::ConnectError;
use crate::paging;
use crate::target::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tympan_aws::Page;

/// The members of a request, under their wire names and not read yet.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Members(Map<String, Value>);

impl Members {
    /// A member that is a text; empty where it is not there, which names nothing.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.0.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// The members that are named resources of an instance, with what they name.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(member, value)| Some((member.as_str(), value.as_str()?)))
    }

    /// The instance that is named.
    pub(crate) fn instance(&self) -> &str {
        self.text("InstanceId")
    }

    /// The page of a list that is asked for in the query.
    ///
    /// # Errors
    /// InvalidParameter.
    pub(crate) fn page(&self, cx: &Context<'_>, most: usize) -> Result<Page, ConnectError> {
        let text = |member| self.0.get(member).and_then(Value::as_str);
        paging::of_query(cx, text("nextToken"), text("maxResults"), most)
    }

    /// Reads the members that an operation has of its own. What is null was not sent.
    ///
    /// # Errors
    /// InvalidRequest, under the code that the operation declares.
    pub(crate) fn read<T: DeserializeOwned>(self, cx: &Context<'_>) -> Result<T, ConnectError> {
        let mut members = self.0;
        members.retain(|_, value| !value.is_null());
        serde_json::from_value(Value::Object(members)).map_err(|error| {
            ConnectError::request(format!("the body is not what {} takes: {error}", cx.operation))
        })
    }

    /// Takes out a member.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn take<T: DeserializeOwned>(
        &mut self,
        cx: &Context<'_>,
        member: &str,
    ) -> Result<Option<T>, ConnectError> {
        let Some(value) = self.0.remove(member).filter(|value| !value.is_null()) else { return Ok(None) };
        let read = serde_json::from_value(value);
        read.map(Some).map_err(|error| {
            ConnectError::request(format!("the body is not what {} takes: {member}: {error}", cx.operation))
        })
    }
}
