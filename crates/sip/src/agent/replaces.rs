//! Replaces (RFC 3891): a call that takes the place of another.

use super::agent::Agent;
use super::leg::{Leg, Phase};
use super::outside::Stranger;
use crate::dialog::Tag;
use crate::wire::{Name, Request, Status};
use std::sync::Arc;
use tympan_types::LegId;

/// The dialog that a Replaces names, seen by the one who receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replaces {
    pub(super) call_id: String,
    /// The receiver's own tag.
    pub(super) to_tag: String,
    /// The tag of the receiver's peer.
    pub(super) from_tag: String,
    pub(super) early_only: bool,
}

impl Replaces {
    /// Reads a value; `None` where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut params = text.split(';').map(str::trim);
        let call_id = params.next().filter(|call_id| !call_id.is_empty())?.to_owned();
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        for param in params {
            let (name, value) = param.split_once('=').unwrap_or((param, ""));
            let slot = match name.trim() {
                name if name.eq_ignore_ascii_case("to-tag") => &mut to_tag,
                name if name.eq_ignore_ascii_case("from-tag") => &mut from_tag,
                name if name.eq_ignore_ascii_case("early-only") => {
                    early_only = true;
                    continue;
                }
                _ => continue,
            };
            // Exactly one of each (RFC 3891 section 6.1).
            if slot.replace(value.trim().to_owned()).is_some() {
                return None;
            }
        }
        Some(Self { call_id, to_tag: to_tag?, from_tag: from_tag?, early_only })
    }
}

impl Leg {
    /// The value that names this leg's dialog to its peer; `None` while there is none, and once it is over.
    pub(super) fn replaces_value(&self) -> Option<String> {
        let id = &self.main.dialog.id;
        let has_dialog = !self.is_over() && !id.remote_tag.is_empty();
        has_dialog.then(|| format!("{};to-tag={};from-tag={}", id.call_id, id.remote_tag, id.local_tag))
    }
}

impl Agent {
    /// The leg whose dialog this names.
    pub(super) fn leg_replaced(&self, replaces: &Replaces) -> Option<&Leg> {
        let leg = self.leg_tagged(Tag::parse(&replaces.to_tag)?)?;
        let id = &leg.main.dialog.id;
        // "0" names a peer of RFC 2543, which has no tag.
        let is_remote =
            *id.remote_tag == *replaces.from_tag || (replaces.from_tag == "0" && id.remote_tag.is_empty());
        (*id.call_id == *replaces.call_id && is_remote).then_some(leg)
    }

    /// The leg that an INVITE replaces; an error is the status and reason of its refusal.
    pub(super) fn replaced_by_invite(
        &self,
        stranger: &Stranger<'_>,
        user: Option<&Arc<str>>,
    ) -> Result<Option<LegId>, (Status, Option<&'static str>)> {
        let message = &stranger.request.message;
        let mut values = message.values(Name::Replaces);
        let Some(value) = values.next().filter(|_| self.core.config.takes_transfers) else { return Ok(None) };
        if values.next().is_some() || message.extension("Join").is_some() {
            return Err((Status::BAD_REQUEST, Some("Several Calls To Replace")));
        }
        let replaces = Replaces::parse(message.text_of(value).as_str())
            .ok_or((Status::BAD_REQUEST, Some("Bad Replaces")))?;
        let leg = self.leg_replaced(&replaces).ok_or((Status::CALL_DOES_NOT_EXIST, None))?;
        match leg.phase {
            Phase::Over => return Err((Status::DECLINE, None)),
            // An early dialog may be replaced only by the side that began it (RFC 3891 section 3).
            Phase::Invited => return Err((Status::CALL_DOES_NOT_EXIST, None)),
            Phase::Accepted | Phase::Answering | Phase::Up if replaces.early_only => {
                return Err((Status::BUSY_HERE, None));
            }
            Phase::Dialling | Phase::Accepted | Phase::Answering | Phase::Up => {}
        }
        // Who knows the tags was in the call, or has them from one who was; beyond that, a telephone proved its name, and a peer comes by
        // the trunk of the call.
        if user.is_none() && leg.trunk.id != stranger.trunk.id {
            return Err((Status::FORBIDDEN, Some("Not A Party Of That Call")));
        }
        Ok(Some(leg.id))
    }
}

/// True where a request other than INVITE has Replaces, which RFC 3891 section 3 refuses 400.
pub(super) fn is_misplaced(request: &Request) -> bool {
    request.method != crate::wire::Method::Invite && request.message.value(Name::Replaces).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaces_is_read_whole_and_a_broken_one_is_none() {
        let read = Replaces::parse("a@b;from-tag=f;to-tag=t;early-only;x=y").unwrap();
        let expected = Replaces {
            call_id: "a@b".to_owned(),
            to_tag: "t".to_owned(),
            from_tag: "f".to_owned(),
            early_only: true,
        };
        assert_eq!(read, expected);
        for text in
            ["", ";to-tag=t;from-tag=f", "a;to-tag=t", "a;from-tag=f", "a;to-tag=t;to-tag=u;from-tag=f"]
        {
            assert_eq!(Replaces::parse(text), None, "{text}");
        }
    }
}
