//! What must hold for any text that is said to be a policy. The fuzz target and an ordinary test of `tympan-auth` run the
//! same checks.

use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_auth::{Facts, Permissions, Policy, Principal, RefusalCause};
use tympan_types::{AccountId, WallTime};

const ACTIONS: [&str; 3] = ["kinesisvideo:GetMedia", "connect:ListInstances", "kms:Decrypt"];
const RESOURCES: [&str; 3] = [
    "*",
    "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-1/1598784211076",
    "arn:aws:kinesisvideo:us-west-2:111122223333:stream/\u{e9}*?/*",
];

/// Panics if reading or asking misbehaves on this input.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(Policy::parse_session(text).is_err(), "a session policy is a policy: {error}");
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    // White space and the way in which characters are escaped mean nothing.
    let value: serde_json::Value = serde_json::from_str(text).expect("a policy is JSON");
    for again in [value.to_string(), format!("{value:#}")] {
        assert_eq!(Policy::parse(&again).as_ref(), Ok(&policy), "{again}");
    }
    let policy = Arc::new(policy);
    let deny = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let deny = Arc::new(Policy::parse(deny).expect("a policy"));
    let none = principal(Permissions::default());
    let given = principal(Permissions::new(vec![policy.clone()]));
    let narrowed = principal(Permissions::default().narrowed(vec![policy.clone()]));
    let denied = principal(Permissions::new(vec![policy, deny]));
    let tags = BTreeMap::from([("team".to_owned(), "care".to_owned())]);
    for facts in [facts(None), facts(Some(&tags))] {
        for (action, resource) in
            ACTIONS.iter().flat_map(|action| RESOURCES.map(|resource| (*action, resource)))
        {
            assert!(none.may(action, resource, facts).is_err(), "nothing is allowed by nobody");
            assert!(narrowed.may(action, resource, facts).is_err(), "narrowing allows nothing");
            let refusal = denied.may(action, resource, facts).expect_err("an explicit deny wins");
            assert_eq!(refusal.cause, RefusalCause::ExplicitDeny { in_session: false });
            assert_eq!(given.may(action, resource, facts), given.may(action, resource, facts));
            let upper = action.to_ascii_uppercase();
            let (same, other) = (given.may(action, resource, facts), given.may(&upper, resource, facts));
            assert_eq!(same.is_ok(), other.is_ok(), "actions do not tell case apart");
        }
    }
}

fn principal(permissions: Permissions) -> Principal {
    let account = AccountId::parse("111122223333").expect("twelve digits");
    Principal::user("reader", account).with_permissions(permissions)
}

fn facts(tags: Option<&BTreeMap<String, String>>) -> Facts<'_> {
    Facts {
        now: WallTime::from_unix_ms(1_706_270_400_000),
        source_ip: tags.map(|_| [10, 1, 2, 3].into()),
        secure_transport: tags.is_some(),
        region: "us-west-2",
        resource_tags: tags,
    }
}
