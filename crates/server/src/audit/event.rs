use crate::clock::SystemClock;
use serde::Serialize;
use std::net::IpAddr;

/// Of what kind something is that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EventKind {
    /// Media is handed out from now on.
    MediaRead,
    /// That has ended.
    MediaReadEnd,
    /// Media is taken in.
    MediaWrite,
    /// The values of a contact's attributes are read on their own.
    AttributesRead,
    /// A key is used.
    KeyUse,
    /// A supervisor hears a conversation, or is heard in it; a listener hears a call that is up.
    Listening,
    /// A listener hears it no more.
    ListeningEnd,
    /// Something is made, changed or removed.
    Administration,
    /// A policy does not allow a request.
    Denial,
    /// Lines about refused requests of an access key were left out.
    RefusalsLeftOut,
    /// Lines could not be written.
    Lost,
}

/// What is written down of a request: names, never contents.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Event<'a> {
    pub time: String,
    pub event: EventKind,
    /// The ARN of who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<&'a str>,
    /// Of a session: the long-term key that it was begun with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_of: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<&'a str>,
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// Bytes of media that were handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How long that took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// Samples that a listener was sent, of all tracks together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// Places at which samples are missing between those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holes: Option<u64>,
    /// Why listening ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// How many lines were lost or left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
}

impl<'a> Event<'a> {
    pub(super) fn refusals_left_out(access_key_id: &'a str, lines: u64) -> Self {
        Self {
            access_key_id: Some(access_key_id),
            lines: Some(lines),
            ..Self::new(EventKind::RefusalsLeftOut)
        }
    }
}

impl Event<'_> {
    /// Of this kind, now.
    pub(crate) fn new(kind: EventKind) -> Self {
        Self {
            time: SystemClock.wall_now().rfc3339_ms(),
            event: kind,
            principal: None,
            access_key_id: None,
            session_of: None,
            source_ip: None,
            action: None,
            resource: None,
            status: None,
            error: None,
            request_id: None,
            bytes: None,
            took_ms: None,
            samples: None,
            holes: None,
            reason: None,
            lines: None,
        }
    }

    pub(super) fn lost(lines: u64) -> Self {
        Self { lines: Some(lines), ..Self::new(EventKind::Lost) }
    }

    /// One line, with its end.
    pub(super) fn to_line(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_else(|error| {
            tracing::error!(%error, "an audit line cannot be written as JSON");
            String::new()
        });
        let mut line = one_line(&json);
        line.push('\n');
        line
    }
}

/// The same JSON, of which no reader makes two lines: JSON allows separators such as U+2028 and controls such as U+0085 in its
/// texts, and some readers end a line there.
fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            // All of them are in the first plane.
            line.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            line.push(c);
        }
    }
    line
}

/// Of what kind an action is; `None` for one that only looks, which is not written down.
pub(crate) fn kind_of(action: &str) -> Option<EventKind> {
    const LOOKS: [&str; 6] = ["Describe", "Get", "List", "Search", "Simulate", "Watch"];
    let (service, operation) = action.split_once(':')?;
    match (service, operation) {
        (
            "kinesisvideo",
            "GetMedia"
            | "GetMediaForFragmentList"
            | "GetClip"
            | "GetImages"
            | "GetHLSStreamingSessionURL"
            | "GetDASHStreamingSessionURL",
        ) => Some(EventKind::MediaRead),
        ("tympan", "GetAudio") => Some(EventKind::MediaRead),
        ("tympan", "ListenContact") => Some(EventKind::Listening),
        ("connect", "GetContactAttributes") => Some(EventKind::AttributesRead),
        ("kinesisvideo", "PutMedia") => Some(EventKind::MediaWrite),
        // Credentials are made.
        ("sts", "GetSessionToken") => Some(EventKind::Administration),
        ("kms", operation)
            if ["Encrypt", "Decrypt", "ReEncrypt", "Generate", "Sign", "Verify"]
                .iter()
                .any(|use_of_key| operation.starts_with(use_of_key)) =>
        {
            Some(EventKind::KeyUse)
        }
        (_, operation) if LOOKS.iter().any(|look| operation.starts_with(look)) => None,
        _ => Some(EventKind::Administration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_for_every_reader() {
        let resource: String = (0..=0x2029).filter_map(char::from_u32).chain("é\u{1f4de}".chars()).collect();
        let event = Event { resource: Some(&resource), ..Event::new(EventKind::Denial) };
        let line = event.to_line();
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        assert_eq!(line.find(breaks), Some(line.len() - 1));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["resource"], resource.as_str());
    }

    #[test]
    fn what_only_looks_is_not_written_down() {
        for (action, kind) in [
            ("kinesisvideo:GetMedia", Some(EventKind::MediaRead)),
            ("kinesisvideo:GetMediaForFragmentList", Some(EventKind::MediaRead)),
            ("kinesisvideo:PutMedia", Some(EventKind::MediaWrite)),
            ("kinesisvideo:GetDataEndpoint", None),
            ("kinesisvideo:ListFragments", None),
            ("kinesisvideo:DeleteStream", Some(EventKind::Administration)),
            ("connect:SearchAvailablePhoneNumbers", None),
            ("connect:GetContactAttributes", Some(EventKind::AttributesRead)),
            ("connect:DescribeContact", None),
            ("connect:ClaimPhoneNumber", Some(EventKind::Administration)),
            ("kms:GenerateDataKey", Some(EventKind::KeyUse)),
            ("kms:ScheduleKeyDeletion", Some(EventKind::Administration)),
            ("sts:GetCallerIdentity", None),
            ("sts:GetSessionToken", Some(EventKind::Administration)),
            ("tympan:ListContacts", None),
            ("tympan:WatchEvents", None),
            ("tympan:GetWaveform", None),
            ("tympan:GetAudio", Some(EventKind::MediaRead)),
            ("tympan:ListenContact", Some(EventKind::Listening)),
            ("tympan:SimulatePolicy", None),
            ("tympan:DeleteContact", Some(EventKind::Administration)),
            ("tympan:Reset", Some(EventKind::Administration)),
        ] {
            assert_eq!(kind_of(action), kind, "{action}");
        }
    }
}
