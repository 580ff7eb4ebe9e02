use super::catalogue::OPERATIONS;
use super::handler;
use super::invocation::query_pairs;
use super::reference::Resources;
use super::storage_config::StorageConfig;
use crate::error::ConnectError;
use percent_encoding::percent_decode_str;
use std::fmt;
use tympan_types::Caller;

/// An operation of the Connect API, with the labels of one request's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    name: &'static str,
    labels: Vec<(&'static str, String)>,
}

impl Operation {
    /// The operation that a method and a percent-encoded path name.
    ///
    /// Where two paths fit, the one with more literal segments is meant.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let fitting = OPERATIONS.iter().filter(|(its_method, _, _)| *its_method == method);
        let (literals, name, template) = fitting
            .filter_map(|(_, template, name)| {
                Some((literals_of_match(template, &segments)?, *name, *template))
            })
            .max_by_key(|(literals, _, _)| *literals)?;
        debug_assert!(literals > 0, "every operation has a literal segment");
        let labels = template[1..]
            .split('/')
            .zip(&segments)
            .filter_map(|(part, segment)| {
                Some((label(part)?, percent_decode_str(segment).decode_utf8_lossy().into()))
            })
            .collect();
        Some(Self { name, labels })
    }

    /// Its name, such as `CreateInstance`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The word for it in policies and in the audit log: `connect:CreateInstance`.
    pub fn action(&self) -> String {
        format!("connect:{}", self.name)
    }

    /// Whether this server has it.
    pub fn is_implemented(&self) -> bool {
        handler(self.name).is_some()
    }

    /// A label of the path, decoded; `None` when the path of this operation has no such label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| value.as_str())
    }

    /// The values of all labels, in the order of the path.
    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|(_, value)| value.as_str())
    }

    /// The ARNs that a policy's `Resource` is compared with: the innermost resource of an instance that the path names; where it
    /// names no instance, all that the query and the body name; `*` where nothing is named. The request is denied if any one
    /// of them is denied.
    ///
    /// # Errors
    /// `InvalidRequestException` for a body in which resources are looked for and that cannot be read, or has a member
    /// twice. It must not reach the operation, which might read more of it than this did.
    pub fn resources(&self, caller: &Caller, query: &str, body: &[u8]) -> Result<Vec<String>, ConnectError> {
        let mut resources = Resources::new(caller);
        if let Some(number) = self.label("PhoneNumberId") {
            resources.phone_number(number);
        }
        match self.label("InstanceId") {
            Some(instance) => {
                let labels = |names: &[&str]| -> Vec<&str> {
                    names.iter().filter_map(|name| self.label(name)).collect()
                };
                let contacts = labels(&["ContactId", "InitialContactId"]);
                resources.of_instance(instance, &labels(&["ContactFlowId"]), &contacts);
            }
            None => {
                for (_, instance) in query_pairs(query).iter().filter(|(name, _)| name == "instanceId") {
                    resources.of_instance(instance, &[], &[]);
                }
                Members::read(body)?.add_to(&mut resources);
            }
        }
        Ok(resources.into_arns())
    }
}

impl Operation {
    /// The master key that a request would have streams encrypted under; `None` where it names none.
    ///
    /// # Errors
    /// `InvalidRequestException` for a body that the operation would not read either.
    pub fn master_key(&self, body: &[u8]) -> Result<Option<String>, ConnectError> {
        #[derive(serde::Deserialize)]
        struct Members {
            #[serde(rename = "StorageConfig")]
            config: Option<StorageConfig>,
        }
        if !matches!(self.name, "AssociateInstanceStorageConfig" | "UpdateInstanceStorageConfig")
            || body.is_empty()
        {
            return Ok(None);
        }
        let Members { config } = serde_json::from_slice(body)
            .map_err(|error| ConnectError::request(format!("the body cannot be read: {error}")))?;
        Ok(config.and_then(StorageConfig::into_key))
    }
}

/// The members by which bodies name resources.
#[derive(serde::Deserialize)]
struct Members {
    #[serde(rename = "TargetArn")]
    target: Option<String>,
    #[serde(rename = "InstanceId")]
    instance: Option<String>,
    #[serde(rename = "ContactFlowId")]
    flow: Option<String>,
    #[serde(rename = "ContactId")]
    contact: Option<String>,
    #[serde(rename = "InitialContactId")]
    initial_contact: Option<String>,
}

impl Members {
    fn read(body: &[u8]) -> Result<Self, ConnectError> {
        let body = if body.is_empty() { b"{}" } else { body };
        // A list would be read by position, and each operation has its own.
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(ConnectError::request("the body must be a JSON object"));
        }
        serde_json::from_slice(body)
            .map_err(|error| ConnectError::request(format!("the body cannot be read: {error}")))
    }

    /// Adds every resource that is named, whichever of them the operation reads.
    fn add_to(&self, resources: &mut Resources<'_>) {
        let flows: Vec<&str> = self.flow.as_deref().into_iter().collect();
        let contacts: Vec<&str> =
            [&self.contact, &self.initial_contact].into_iter().flatten().map(String::as_str).collect();
        for instance in [&self.target, &self.instance].into_iter().flatten() {
            resources.of_instance(instance, &flows, &contacts);
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// How many segments of a template are literals, if the segments fit it. A label takes no empty segment.
fn literals_of_match(template: &'static str, segments: &[&str]) -> Option<usize> {
    let parts = template[1..].split('/');
    if parts.clone().count() != segments.len() {
        return None;
    }
    let mut literals = 0;
    for (part, segment) in parts.zip(segments) {
        match label(part) {
            Some(_) if !segment.is_empty() => {}
            None if part == *segment => literals += 1,
            _ => return None,
        }
    }
    Some(literals)
}

fn label(part: &'static str) -> Option<&'static str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_types::{AccountId, Region};

    fn caller() -> Caller {
        Caller {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            access_key_id: "TYMPANDEV".into(),
        }
    }

    const I: &str = "11111111-1111-4111-8111-111111111111";
    const J: &str = "22222222-2222-4222-8222-222222222222";
    const C: &str = "33333333-3333-4333-8333-33333333333c";
    const D: &str = "44444444-4444-4444-8444-44444444444d";
    const ROOT: &str = "arn:aws:connect:us-west-2:111122223333";

    fn resources(method: &str, target: &str, body: &str) -> Result<Vec<String>, ConnectError> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Operation::of(method, path).unwrap().resources(&caller(), query, body.as_bytes())
    }

    fn only(method: &str, target: &str) -> String {
        resources(method, target, "").unwrap().remove(0)
    }

    #[test]
    fn every_operation_is_found_by_its_own_path() {
        for (method, template, name) in OPERATIONS {
            let path = template.replace(['{', '}'], "_");
            assert_eq!(Operation::of(method, &path).map(|found| found.name()), Some(*name));
        }
    }

    #[test]
    fn a_literal_is_preferred_to_a_label() {
        let found = Operation::of("PUT", "/attached-files/I/files").unwrap();
        assert_eq!(found.name(), "CreateAttachedFile");
    }

    #[test]
    fn labels_are_decoded_and_may_hold_slashes() {
        let arn = format!("{ROOT}:instance/{I}/contact-flow/{C}:$SAVED");
        let encoded = arn.replace(':', "%3A").replace('/', "%2F").replace('$', "%24");
        let path = format!("/contact-flows/{I}/{encoded}");
        assert_eq!(Operation::of("GET", &path).unwrap().label("ContactFlowId"), Some(arn.as_str()));
        assert_eq!(only("GET", &path), format!("{ROOT}:instance/{I}/contact-flow/{C}"));
    }

    #[test]
    fn actions_and_resources_are_those_of_iam() {
        let found = Operation::of("PUT", "/phone-number/N/contact-flow").unwrap();
        assert_eq!(found.action(), "connect:AssociatePhoneNumberContactFlow");
        assert_eq!(
            only("PUT", &format!("/phone-number/{C}/contact-flow")),
            format!("{ROOT}:phone-number/{C}")
        );
        assert_eq!(only("PUT", "/instance"), "*");
        assert_eq!(only("GET", &format!("/contacts/{I}/{C}")), format!("{ROOT}:instance/{I}/contact/{C}"));
    }

    #[test]
    fn a_resource_is_named_by_its_id_however_the_request_spells_it() {
        let upper = C.to_uppercase();
        let encoded: String = C.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let contact = format!("{ROOT}:instance/{I}/contact/{C}");
        for spelling in
            [&upper, &encoded, &contact.replace('/', "%2F"), &contact.replace(C, &upper).replace('/', "%2f")]
        {
            assert_eq!(only("GET", &format!("/contacts/{I}/{spelling}")), contact, "{spelling}");
        }
        let body = format!(r#"{{"InstanceId":"{}","ContactId":"{upper}"}}"#, I.to_uppercase());
        assert_eq!(resources("POST", "/contact/stop", &body).unwrap(), [contact]);
        // What is no id names nothing, and no operation finds anything by it.
        assert_eq!(only("GET", &format!("/contacts/{I}/{{{C}}}")), format!("{ROOT}:instance/{I}"));
        assert_eq!(only("GET", "/instance/demo"), "*");
    }

    #[test]
    fn resources_are_read_from_queries_and_bodies_where_paths_name_no_instance() {
        let instance = |id: &str| format!("{ROOT}:instance/{id}");
        let contact = |id: &str| format!("{ROOT}:instance/{I}/contact/{id}");
        let number = format!("{ROOT}:phone-number/{C}");
        for (method, target, body, expected) in [
            (
                "POST",
                "/contact/stop",
                format!(r#"{{"InstanceId":"{I}","ContactId":"{C}"}}"#),
                vec![contact(C)],
            ),
            (
                "POST",
                "/contact/attributes",
                format!(r#"{{"InstanceId":"{I}","InitialContactId":"{C}","ContactId":"{D}"}}"#),
                vec![contact(D), contact(C)],
            ),
            (
                "POST",
                "/phone-number/claim",
                format!(r#"{{"TargetArn":"{}"}}"#, instance(I)),
                vec![instance(I)],
            ),
            (
                "POST",
                "/phone-number/claim",
                format!(r#"{{"TargetArn":"{}","InstanceId":"{I}"}}"#, instance(J)),
                vec![instance(J), instance(I)],
            ),
            (
                "PUT",
                &format!("/phone-number/{C}/contact-flow"),
                format!(r#"{{"InstanceId":"{I}","ContactFlowId":"{D}"}}"#),
                vec![number.clone(), format!("{ROOT}:instance/{I}/contact-flow/{D}")],
            ),
            (
                "DELETE",
                &format!("/phone-number/{C}/contact-flow?instanceId={}", I.to_uppercase()),
                String::new(),
                vec![number, instance(I)],
            ),
            ("POST", "/phone-number/list", String::new(), vec!["*".to_owned()]),
            ("PUT", "/instance", r#"{"InstanceAlias":"x"}"#.to_owned(), vec!["*".to_owned()]),
        ] {
            assert_eq!(resources(method, target, &body).unwrap(), expected, "{target} {body}");
        }
        for body in
            [r#"{"InstanceId":"I","InstanceId":"J"}"#, r#"{"TargetArn":5}"#, r#"["C","I"]"#, "nonsense"]
        {
            assert!(resources("POST", "/phone-number/claim", body).is_err(), "{body}");
        }
    }

    #[test]
    fn paths_of_nobody_name_nothing() {
        for path in ["", "/", "instance", "/instance/", "/instance/I/", "//", "/nothing", "/contact-flows//F"]
        {
            assert_eq!(Operation::of("GET", path), None, "{path}");
        }
        assert_eq!(Operation::of("get", "/instance"), None);
    }
}
