use super::list_contacts::ANSWER;
use super::records::{self, MOST};
use crate::documentation::{Documentation, Documented, Field, Kind, always, maybe};
use crate::error::AdminError;
use crate::paging::Page;
use crate::service::{AdminService, Context};
use crate::times;
use serde::Deserialize;
use tympan_aws::{Operation, Output, constraint};
use tympan_db::contact::{ContactCursor, ContactOrder, ContactQuery, ContactState, TimeAxis};
use tympan_types::{ContactFlowId, InstanceId, Redacted};

/// Lists the contacts that meet all of some conditions, newest first unless told otherwise.
pub(crate) struct SearchContacts;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    time_range: Option<TimeRange>,
    number_part: Option<Redacted<String>>,
    attribute: Option<Attribute>,
    instance_id: Option<String>,
    contact_flow_id: Option<String>,
    queue: Option<String>,
    agent: Option<String>,
    state: Option<String>,
    has_stream: Option<bool>,
    has_losses: Option<bool>,
    order: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TimeRange {
    axis: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Attribute {
    name: String,
    value: Redacted<String>,
}

const AXES: &[(&str, TimeAxis)] = &[
    ("INITIATION", TimeAxis::Initiation),
    ("CONNECTED_TO_SYSTEM", TimeAxis::Connected),
    ("DISCONNECT", TimeAxis::Disconnect),
];
const STATES: &[(&str, ContactState)] = &[("LIVE", ContactState::Live), ("ENDED", ContactState::Ended)];
const ORDERS: &[(&str, ContactOrder)] =
    &[("NEWEST_FIRST", ContactOrder::NewestFirst), ("OLDEST_FIRST", ContactOrder::OldestFirst)];
/// Longer than any number, attribute value or name.
const TEXT_CHARS: usize = 32_767;

const RANGE: &[Field] = &[
    maybe(
        "Axis",
        Kind::OneOf(&["INITIATION", "CONNECTED_TO_SYSTEM", "DISCONNECT"]),
        "which of a contact's times; INITIATION unless given",
    ),
    maybe("From", Kind::Time, "the earliest time, inclusive"),
    maybe("To", Kind::Time, "the latest time, inclusive"),
];
const ATTRIBUTE: &[Field] =
    &[always("Name", Kind::Text, "the attribute's name"), always("Value", Kind::Text, "its whole value")];

impl Documented for SearchContacts {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists the contacts that meet all conditions, in the order of one of their times. A page may be short, or empty, and have a next one.",
        query: &[],
        body: &[
            maybe("TimeRange", Kind::Object(RANGE), "when"),
            maybe("NumberPart", Kind::Text, "digits that the customer's number holds one after the other"),
            maybe("Attribute", Kind::Object(ATTRIBUTE), "an attribute and its value"),
            maybe("InstanceId", Kind::Text, "the instance"),
            maybe("ContactFlowId", Kind::Text, "the flow that the contact began in"),
            maybe(
                "Queue",
                Kind::Text,
                "the queue that the contact waited in, by its id or ARN; of an agent's own, the agent's",
            ),
            maybe("Agent", Kind::Text, "the agent whom the contact met, by the id or ARN of the user"),
            maybe("State", Kind::OneOf(&["LIVE", "ENDED"]), "whether the contact has ended"),
            maybe("HasStream", Kind::Boolean, "whether audio was captured"),
            maybe(
                "HasLosses",
                Kind::Boolean,
                "whether audio was sent that its captures do not hold (lost, late, excess, break); known when a capture has ended",
            ),
            maybe(
                "Order",
                Kind::OneOf(&["NEWEST_FIRST", "OLDEST_FIRST"]),
                "by the Axis of TimeRange; NEWEST_FIRST unless given",
            ),
            maybe("MaxResults", Kind::Integer, "contacts of a page: 1 to 1000, 100 unless given"),
            maybe("NextToken", Kind::Text, "NextToken of the page before; good for the same conditions only"),
        ],
        answer: ANSWER,
        errors: &[],
    };
}

impl Operation for SearchContacts {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "SearchContacts";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        let query = input.query(cx)?;
        // Everything that is asked for is in this text, so that a token is good for the same question only.
        let question = format!("{:?}", bound(&query));
        let Input { max_results, next_token, .. } = input;
        let members = [question.as_str()];
        let page = Page::of(cx, members, next_token.as_deref(), max_results, MOST, ContactCursor::parse)?;
        records::list(cx, &query, &page)
    }
}

/// What of a query tells it from another one, with the values that do not print.
fn bound(query: &ContactQuery) -> (&ContactQuery, Option<&str>, Option<&str>) {
    let part = query.number_part.as_ref().map(|part| part.expose().as_str());
    (query, part, query.attribute.as_ref().map(|(_, value)| value.expose().as_str()))
}

impl Input {
    fn query(&self, cx: &Context<'_>) -> Result<ContactQuery, AdminError> {
        let mut query = ContactQuery { account: Some(cx.caller.account.clone()), ..ContactQuery::all() };
        if let Some(range) = &self.time_range {
            let axis = range.axis.as_deref();
            let axis = axis.map(|axis| constraint::one_of(axis, "timeRange.axis", AXES)).transpose()?;
            query.axis = axis.unwrap_or(query.axis);
            query.from = times::member(range.from.as_deref(), "TimeRange.From")?.unwrap_or(query.from);
            query.to = times::member(range.to.as_deref(), "TimeRange.To")?.unwrap_or(query.to);
        }
        if let Some(part) = &self.number_part {
            constraint::length(part.expose(), "numberPart", 1, 64)?;
            query.number_part = Some(part.clone());
        }
        if let Some(Attribute { name, value }) = &self.attribute {
            constraint::length(name, "attribute.name", 1, TEXT_CHARS)?;
            query.attribute = Some((name.clone(), value.clone()));
        }
        let no_id = |member: &str| AdminError::validation(format!("{member} is no id: a UUID with hyphens."));
        if let Some(id) = &self.instance_id {
            query.instance = Some(InstanceId::parse(id).map_err(|_| no_id("InstanceId"))?);
        }
        if let Some(id) = &self.contact_flow_id {
            query.flow = Some(ContactFlowId::parse(id).map_err(|_| no_id("ContactFlowId"))?);
        }
        if let Some(queue) = &self.queue {
            constraint::length(queue, "queue", 1, 256)?;
            query.queue = Some(id_of(queue));
        }
        if let Some(agent) = &self.agent {
            constraint::length(agent, "agent", 1, 256)?;
            query.agent = Some(id_of(agent));
        }
        let state = self.state.as_deref();
        query.state = state.map(|state| constraint::one_of(state, "state", STATES)).transpose()?;
        query.has_stream = self.has_stream;
        query.has_losses = self.has_losses;
        let order = self.order.as_deref();
        let order = order.map(|order| constraint::one_of(order, "order", ORDERS)).transpose()?;
        query.order = order.unwrap_or(query.order);
        Ok(query)
    }
}

/// An id, as it is or at the end of an ARN.
fn id_of(text: &str) -> String {
    text.rsplit('/').next().unwrap_or(text).to_lowercase()
}
