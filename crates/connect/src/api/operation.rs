use super::catalogue::OPERATIONS;
use super::handler;
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

    /// The ARNs that a policy's `Resource` is compared with: the resource that the path names, else those that the body
    /// names, else `*`. Whoever may not do it to one of them may not do it.
    ///
    /// # Errors
    /// `InvalidRequestException` for a body in which the resource is looked for and that cannot be read, or has a member
    /// twice. It must not reach the operation, which might read more of it than this did.
    pub fn resources(&self, caller: &Caller, body: &[u8]) -> Result<Vec<String>, ConnectError> {
        let last_part = |label: &str| self.label(label).map(|text| last(text).to_owned());
        let root = format!("arn:aws:connect:{}:{}", caller.region, caller.account);
        if let Some(number) = last_part("PhoneNumberId") {
            return Ok(vec![format!("{root}:phone-number/{number}")]);
        }
        let Some(instance) = last_part("InstanceId") else { return resources_in_body(&root, body) };
        let flow = last_part("ContactFlowId").map(|flow| flow.split(':').next().unwrap_or(&flow).to_owned());
        let contact = last_part("ContactId").or_else(|| last_part("InitialContactId"));
        Ok(vec![match (flow, contact) {
            (Some(flow), _) => format!("{root}:instance/{instance}/contact-flow/{flow}"),
            (None, Some(contact)) => format!("{root}:instance/{instance}/contact/{contact}"),
            (None, None) => format!("{root}:instance/{instance}"),
        }])
    }
}

/// Every resource that a body names, whichever of them the operation reads.
fn resources_in_body(root: &str, body: &[u8]) -> Result<Vec<String>, ConnectError> {
    let body = if body.is_empty() { b"{}" } else { body };
    // A list would be read by position, and each operation has its own.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(ConnectError::request("the body must be a JSON object"));
    }
    let members: Members = serde_json::from_slice(body)
        .map_err(|error| ConnectError::request(format!("the body cannot be read: {error}")))?;
    let contacts: Vec<String> = [members.contact, members.initial_contact].into_iter().flatten().collect();
    let mut resources = Vec::new();
    for instance in [members.target, members.instance].into_iter().flatten() {
        let instance = format!("{root}:instance/{}", last(&instance));
        match contacts.as_slice() {
            [] => resources.push(instance),
            contacts => resources
                .extend(contacts.iter().map(|contact| format!("{instance}/contact/{}", last(contact)))),
        }
    }
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    Ok(resources)
}

/// The members by which bodies name their resource.
#[derive(serde::Deserialize)]
struct Members {
    #[serde(rename = "TargetArn")]
    target: Option<String>,
    #[serde(rename = "InstanceId")]
    instance: Option<String>,
    #[serde(rename = "ContactId")]
    contact: Option<String>,
    #[serde(rename = "InitialContactId")]
    initial_contact: Option<String>,
}

/// The id at the end of an ARN, or the id itself.
fn last(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
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

    fn only(operation: &Operation) -> String {
        operation.resources(&caller(), b"").unwrap().remove(0)
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
        let path =
            "/contact-flows/I/arn%3Aaws%3Aconnect%3Ar%3Aa%3Ainstance%2FI%2Fcontact-flow%2FF%3A%24SAVED";
        let found = Operation::of("GET", path).unwrap();
        assert_eq!(
            found.label("ContactFlowId"),
            Some("arn:aws:connect:r:a:instance/I/contact-flow/F:$SAVED")
        );
        assert_eq!(only(&found), "arn:aws:connect:us-west-2:111122223333:instance/I/contact-flow/F");
    }

    #[test]
    fn actions_and_resources_are_those_of_iam() {
        let found = Operation::of("PUT", "/phone-number/N/contact-flow").unwrap();
        assert_eq!(found.action(), "connect:AssociatePhoneNumberContactFlow");
        assert_eq!(only(&found), "arn:aws:connect:us-west-2:111122223333:phone-number/N");
        assert_eq!(only(&Operation::of("PUT", "/instance").unwrap()), "*");
        let found = Operation::of("GET", "/contacts/I/C").unwrap();
        assert_eq!(only(&found), "arn:aws:connect:us-west-2:111122223333:instance/I/contact/C");
    }

    #[test]
    fn resources_are_read_from_bodies_where_paths_name_none() {
        const INSTANCE: &str = "arn:aws:connect:us-west-2:111122223333:instance/I";
        let contact = |id: &str| format!("{INSTANCE}/contact/{id}");
        for (method, path, body, expected) in [
            ("POST", "/contact/stop", r#"{"InstanceId":"I","ContactId":"C"}"#, vec![contact("C")]),
            (
                "POST",
                "/contact/attributes",
                r#"{"InstanceId":"I","InitialContactId":"C","ContactId":"D"}"#,
                vec![contact("D"), contact("C")],
            ),
            ("POST", "/phone-number/claim", r#"{"TargetArn":"a:instance/I"}"#, vec![INSTANCE.to_owned()]),
            (
                "POST",
                "/phone-number/claim",
                r#"{"TargetArn":"a:instance/J","InstanceId":"I"}"#,
                vec![INSTANCE.replace("/I", "/J"), INSTANCE.to_owned()],
            ),
            ("POST", "/phone-number/list", "", vec!["*".to_owned()]),
            ("PUT", "/instance", r#"{"InstanceAlias":"x"}"#, vec!["*".to_owned()]),
        ] {
            let found = Operation::of(method, path).unwrap();
            assert_eq!(found.resources(&caller(), body.as_bytes()).unwrap(), expected, "{path} {body}");
        }
        let found = Operation::of("POST", "/phone-number/claim").unwrap();
        for body in
            [r#"{"InstanceId":"I","InstanceId":"J"}"#, r#"{"TargetArn":5}"#, r#"["C","I"]"#, "nonsense"]
        {
            assert!(found.resources(&caller(), body.as_bytes()).is_err(), "{body}");
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
