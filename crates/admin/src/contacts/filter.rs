//! Whether a contact meets a search: of contacts that are in memory, by the rules of the database.

use tympan_contact::Contact;
use tympan_db::contact::{ContactQuery, ContactState, TimeAxis};

/// Whether a contact meets all conditions of a query.
pub fn meets(query: &ContactQuery, contact: &Contact) -> bool {
    let at = match query.axis {
        TimeAxis::Initiation => Some(contact.initiation_timestamp),
        TimeAxis::Connected => contact.connected_to_system_timestamp,
        TimeAxis::Disconnect => contact.disconnect_timestamp,
    };
    let is_live = contact.disconnect_timestamp.is_none();
    at.is_some_and(|at| (query.from..=query.to).contains(&at))
        && query.account.as_ref().is_none_or(|account| *account == contact.instance.account)
        && query.instance.is_none_or(|instance| instance == contact.instance.id)
        && query.flow.is_none_or(|flow| contact.initial_flow == Some(flow))
        && query.queue.as_ref().is_none_or(|queue| {
            let stay = contact.queue.as_ref();
            stay.is_some_and(|stay| stay.queue.arn.rsplit('/').next() == Some(queue))
        })
        && query.agent.as_ref().is_none_or(|agent| {
            contact.agent.as_ref().is_some_and(|part| part.agent.id.to_string() == *agent)
        })
        && query.state.is_none_or(|state| (state == ContactState::Live) == is_live)
        && query.has_stream.is_none_or(|has| has != contact.captures.is_empty())
        && query.has_losses.is_none_or(|has| has == contact.has_losses())
        && query.number_part.as_ref().is_none_or(|part| has_part(contact, part.expose()))
        && query
            .attribute
            .as_ref()
            .is_none_or(|(name, value)| contact.attributes.value(name) == Some(value.expose().as_str()))
}

fn has_part(contact: &Contact, part: &str) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let endpoint = contact.customer_endpoint.as_ref();
    endpoint.is_some_and(|endpoint| digits(endpoint.address.expose()).contains(&digits(part)))
}
