//! How requests name resources: by id, or by ARN.
//!
//! Ids are UUIDs in either case. An ARN is one of the caller's account and region, written as the service writes it. Any
//! other text names nothing.

use crate::flows::FlowReference;
use crate::instances::Instance;
use std::str::FromStr;
use tympan_types::{
    AccountId, Caller, ContactFlowId, ContactId, InstanceId, PhoneNumberId, Region, ResourceId,
};

/// What all ARNs of a caller begin with.
pub(crate) fn root(caller: &Caller) -> String {
    root_of(&caller.region, &caller.account)
}

fn root_of(region: &Region, account: &AccountId) -> String {
    format!("arn:aws:connect:{region}:{account}:")
}

/// An instance.
pub(crate) fn instance(caller: &Caller, text: &str) -> Option<InstanceId> {
    id(caller, "instance/", text)
}

/// A claimed number.
pub(crate) fn phone_number(caller: &Caller, text: &str) -> Option<PhoneNumberId> {
    id(caller, "phone-number/", text)
}

/// A contact of an instance.
pub(crate) fn contact(caller: &Caller, instance: InstanceId, text: &str) -> Option<ContactId> {
    id_within(caller, instance, "contact", text)
}

/// A named resource of an instance, by the word of its kind in ARNs.
pub(crate) fn resource_of(
    caller: &Caller,
    instance: InstanceId,
    word: &str,
    text: &str,
) -> Option<ResourceId> {
    id_within(caller, instance, word, text)
}

/// The same of an instance whose account and region are known.
pub(crate) fn resource(instance: &Instance, word: &str, text: &str) -> Option<ResourceId> {
    within(&root_of(&instance.region, &instance.account), instance.id, word, text)
}

/// A flow of an instance whose account and region are known; not which content of it.
pub(crate) fn flow_of(instance: &Instance, text: &str) -> Option<ContactFlowId> {
    within(&root_of(&instance.region, &instance.account), instance.id, "contact-flow", text)
}

/// A number of an instance whose account and region are known.
pub(crate) fn phone_number_of(instance: &Instance, text: &str) -> Option<PhoneNumberId> {
    let root = format!("{}phone-number/", root_of(&instance.region, &instance.account));
    text.strip_prefix(&root).unwrap_or(text).parse().ok()
}

/// A flow of an instance, and which content of it.
pub(crate) fn flow<'t>(caller: &Caller, instance: InstanceId, text: &'t str) -> Option<FlowReference<'t>> {
    let reference = FlowReference::parse(text);
    let name = match reference.qualifier {
        Some(qualifier) => &text[..text.len() - qualifier.len() - 1],
        None => text,
    };
    let id: ContactFlowId = id_within(caller, instance, "contact-flow", name)?;
    Some(FlowReference { id: Some(id), arn: None, ..reference })
}

fn id<T: FromStr>(caller: &Caller, kind: &str, text: &str) -> Option<T> {
    let id = match text.strip_prefix(&root(caller)) {
        Some(resource) => resource.strip_prefix(kind)?,
        None => text,
    };
    id.parse().ok()
}

/// The id of something that belongs to an instance; its ARN names the instance, too.
fn id_within<T: FromStr>(caller: &Caller, instance: InstanceId, kind: &str, text: &str) -> Option<T> {
    within(&root(caller), instance, kind, text)
}

fn within<T: FromStr>(root: &str, instance: InstanceId, kind: &str, text: &str) -> Option<T> {
    let Some(resource) = text.strip_prefix(root) else { return text.parse().ok() };
    let (owner, id) = resource.strip_prefix("instance/")?.split_once('/')?;
    let is_of_instance = InstanceId::parse(owner).is_ok_and(|owner| owner == instance);
    id.strip_prefix(kind)?.strip_prefix('/')?.parse().ok().filter(|_| is_of_instance)
}

/// An id or ARN, and what follows it after a colon.
pub(crate) fn qualified(text: &str) -> (&str, Option<&str>) {
    let id_starts_at = text.rfind('/').map_or(0, |slash| slash + 1);
    match text[id_starts_at..].split_once(':') {
        Some((id, qualifier)) => (&text[..id_starts_at + id.len()], Some(qualifier)),
        None => (text, None),
    }
}

/// What a request named, short enough for a message.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 120;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_types::{AccountId, Region};

    const ID: &str = "4a573372-1f28-4e26-b97b-0123456789ab";
    const OTHER: &str = "99999999-9999-4999-8999-999999999999";
    const ROOT: &str = "arn:aws:connect:us-west-2:111122223333:";

    fn caller() -> Caller {
        Caller {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            access_key_id: "TYMPANDEV".into(),
        }
    }

    #[test]
    fn an_id_and_an_arn_name_the_same_in_either_case() {
        let (caller, id) = (caller(), InstanceId::parse(ID).unwrap());
        for text in [ID.to_owned(), ID.to_uppercase(), format!("{ROOT}instance/{}", ID.to_uppercase())] {
            assert_eq!(instance(&caller, &text), Some(id), "{text}");
        }
        for text in [ID.to_owned(), format!("{ROOT}instance/{}/contact/{}", ID.to_uppercase(), ID)] {
            assert_eq!(contact(&caller, id, &text), ContactId::parse(ID).ok(), "{text}");
        }
        let arn = format!("{ROOT}instance/{ID}/contact-flow/{}:$SAVED", ID.to_uppercase());
        let found = flow(&caller, id, &arn).unwrap();
        assert_eq!((found.id, found.is_saved()), (ContactFlowId::parse(ID).ok(), true));
        let arn = format!("{ROOT}phone-number/{}", ID.to_uppercase());
        assert_eq!(phone_number(&caller, &arn), PhoneNumberId::parse(ID).ok());
    }

    #[test]
    fn any_other_text_names_nothing() {
        let (caller, id) = (caller(), InstanceId::parse(ID).unwrap());
        for text in [
            String::new(),
            format!("{{{ID}}}"),
            ID.replace('-', ""),
            format!("{ID}/"),
            format!("x/{ID}"),
            format!("instance/{ID}"),
            format!("{ROOT}contact/{ID}"),
            format!("{ROOT}instance/{ID}/"),
            format!("ARN:AWS:{}instance/{ID}", &ROOT[8..]),
            format!("arn:aws:connect:eu-west-1:111122223333:instance/{ID}"),
            format!("arn:aws:connect:us-west-2:444455556666:instance/{ID}"),
        ] {
            assert_eq!(instance(&caller, &text), None, "{text}");
            assert_eq!(contact(&caller, id, &text), None, "{text}");
            assert_eq!(flow(&caller, id, &text), None, "{text}");
        }
        let of_another = format!("{ROOT}instance/{OTHER}/contact/{ID}");
        assert_eq!(contact(&caller, id, &of_another), None);
        assert_eq!(phone_number(&caller, "+18005550100"), None);
    }
}
