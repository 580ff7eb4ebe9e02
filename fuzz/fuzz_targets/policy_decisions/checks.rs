//! What policies decide is what the slow reference decides. The fuzz target and an ordinary test of `tympan-auth` run the
//! same checks: the bytes choose policies, who asks, and for what.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tympan_auth::reference::{Asker, Condition, Decision, Key, Order, Policy, Statement, Test, Wish, decide};
use tympan_auth::{Facts, Permissions, Principal, RefusalCause};
use tympan_types::{AccountId, WallTime};

const ACTIONS: [&str; 4] =
    ["kinesisvideo:GetMedia", "kinesisvideo:PutMedia", "kms:Decrypt", "connect:ListInstances"];
const RESOURCES: [&str; 7] = [
    "*",
    "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-1/159",
    "arn:aws:kinesisvideo:us-west-2:111122223333:stream/Demo-1/159",
    "arn:aws:kms:us-west-2:111122223333:key/0b6a-ff",
    "arn:aws:kms:us-west-2:111122223333:alias/Calls",
    "arn:aws:connect:us-west-2:111122223333:instance/0b6a-ff",
    "arn:aws:kinesisvideo:eu-west-1:111122223333:stream/\u{e9}t\u{e9}/*",
];
const NAMES: [&str; 5] = ["reader", "Reader", "writer", "\u{e9}t\u{e9}", "a*b"];
const REGIONS: [&str; 2] = ["us-west-2", "eu-west-1"];
const SECONDS: [i64; 3] = [1_706_270_399, 1_706_270_400, 1_706_270_401];

/// Panics where the two differ; tells what they decided.
pub(crate) fn check(input: &[u8]) -> Decision {
    let bytes = &mut Bytes(input);
    let asker = asker(bytes);
    let wish = wish(bytes);
    let layers: Vec<Vec<Policy>> = (0..1 + bytes.below(2)).map(|_| layer(bytes, &wish)).collect();
    let expected = decide(&layers, &asker, &wish);

    let account = AccountId::parse(&asker.account).expect("twelve digits");
    let principal = match &asker.role {
        None => Principal::user(&asker.user, account),
        Some(role) => Principal::assumed_role(role, &asker.user, account),
    };
    let principal = principal.with_permissions(permissions(&layers));
    let facts = Facts {
        now: WallTime::from_unix_ms(asker.now_ms),
        source_ip: asker.address.map(Into::into),
        secure_transport: asker.secure,
        region: &asker.region,
        resource_tags: (!wish.tags.is_empty()).then_some(&wish.tags),
    };
    let decided = match principal.may(&wish.action, &wish.resource, facts).map_err(|refusal| refusal.cause) {
        Ok(()) => Decision::Allowed,
        Err(RefusalCause::ExplicitDeny { in_session }) => Decision::Denied(usize::from(in_session)),
        Err(RefusalCause::NoAllow { in_session }) => Decision::NotAllowed(usize::from(in_session)),
    };
    assert_eq!(decided, expected, "{layers:#?}\n{asker:?}\n{wish:?}");
    expected
}

fn permissions(layers: &[Vec<Policy>]) -> Permissions {
    let read = |policies: &Vec<Policy>| {
        let one = |policy: &Policy| {
            let text = policy.to_json();
            Arc::new(tympan_auth::Policy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}")))
        };
        policies.iter().map(one).collect()
    };
    let permissions = Permissions::new(layers.first().map(read).unwrap_or_default());
    match layers.get(1) {
        Some(session) => permissions.narrowed(read(session)),
        None => permissions,
    }
}

/// The input as choices; past its end always the first one.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn below(&mut self, bound: u8) -> usize {
        usize::from(self.next() % bound.max(1))
    }

    fn one_of<'t, T: ?Sized>(&mut self, all: &[&'t T]) -> &'t T {
        let at = self.below(u8::try_from(all.len()).unwrap_or(u8::MAX));
        all[at]
    }

    fn truth(&mut self) -> bool {
        self.below(2) == 1
    }

    /// One or two.
    fn some<T>(&mut self, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..1 + self.below(2)).map(|_| one(self)).collect()
    }
}

fn asker(bytes: &mut Bytes<'_>) -> Asker {
    Asker {
        user: bytes.one_of(&NAMES).to_owned(),
        role: bytes.truth().then(|| bytes.one_of(&NAMES).to_owned()),
        address: (bytes.below(4) > 0).then(|| address(bytes)),
        secure: bytes.truth(),
        region: bytes.one_of(&REGIONS).to_owned(),
        now_ms: SECONDS[bytes.below(3)] * 1_000 + [0, 1, 999][bytes.below(3)],
        ..Asker::default()
    }
}

fn address(bytes: &mut Bytes<'_>) -> Ipv4Addr {
    Ipv4Addr::new([10, 192][bytes.below(2)], bytes.next() & 0x81, 0, bytes.next() & 3)
}

fn wish(bytes: &mut Bytes<'_>) -> Wish {
    let (action, resource) = (bytes.one_of(&ACTIONS).to_owned(), bytes.one_of(&RESOURCES).to_owned());
    let tags = (0..bytes.below(3)).map(|_| {
        (bytes.one_of(&["team", "Team", "x"]).to_owned(), bytes.one_of(&["care", "Care", "sales"]).to_owned())
    });
    let tags: BTreeMap<String, String> = tags.collect();
    Wish { action, resource, tags }
}

fn layer(bytes: &mut Bytes<'_>, wish: &Wish) -> Vec<Policy> {
    (0..bytes.below(3))
        .map(|_| Policy((0..1 + bytes.below(3)).map(|_| statement(bytes, wish)).collect()))
        .collect()
}

fn statement(bytes: &mut Bytes<'_>, wish: &Wish) -> Statement {
    let mut conditions: Vec<Condition> = Vec::new();
    for _ in 0..bytes.below(3) {
        let condition = condition(bytes);
        let is_same =
            |known: &Condition| (known.operator(), &known.key) == (condition.operator(), &condition.key);
        if !conditions.iter().any(is_same) {
            conditions.push(condition);
        }
    }
    Statement {
        allows: bytes.below(3) > 0,
        actions: bytes.some(|bytes| action(bytes, wish)),
        not_actions: bytes.below(6) == 5,
        resources: bytes.some(|bytes| resource(bytes, wish)),
        not_resources: bytes.below(6) == 5,
        conditions,
    }
}

fn action(bytes: &mut Bytes<'_>, wish: &Wish) -> String {
    let of = if bytes.below(3) < 2 { wish.action.as_str() } else { bytes.one_of(&ACTIONS) };
    let Some((service, name)) = of.split_once(':') else { return "*".to_owned() };
    match bytes.below(4) {
        0 => "*".to_owned(),
        1 => format!("{}:{}", bytes.one_of(&["*", service]), pattern(bytes, name)),
        2 => of.to_ascii_uppercase(),
        _ => of.to_owned(),
    }
}

fn resource(bytes: &mut Bytes<'_>, wish: &Wish) -> String {
    let of = if bytes.below(3) < 2 { wish.resource.as_str() } else { bytes.one_of(&RESOURCES) };
    match (bytes.below(4), of.strip_prefix("arn:aws:")) {
        (0, _) | (_, None) => "*".to_owned(),
        (1, _) => of.to_owned(),
        (_, Some(rest)) => format!("arn:aws:{}", pattern(bytes, rest)),
    }
}

/// A text with some of it changed: stars and question marks, the case, a character gone.
fn pattern(bytes: &mut Bytes<'_>, text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..bytes.below(4) {
        let at = usize::from(bytes.next()) % characters.len().max(1);
        let most = characters.len() - at.min(characters.len());
        let run = usize::from(bytes.next()) % (most + 1);
        let put: &[char] = match bytes.below(4) {
            0 => &['*'],
            1 => &['?'],
            2 => &['*', '?', '*'],
            _ => &[],
        };
        if put.is_empty() {
            characters[at..at + run].iter_mut().for_each(|c| *c = c.to_ascii_uppercase());
        } else {
            characters.splice(at..at + run, put.iter().copied());
        }
        characters.truncate(80);
    }
    characters.into_iter().collect()
}

fn condition(bytes: &mut Bytes<'_>) -> Condition {
    let key = match bytes.below(9) {
        0 => Key::SourceIp,
        1 => Key::SecureTransport,
        2 => Key::CurrentTime,
        3 => Key::EpochTime,
        4 => Key::UserName,
        5 => Key::PrincipalArn,
        6 => Key::PrincipalAccount,
        7 => Key::RequestedRegion,
        _ => Key::ResourceTag(bytes.one_of(&["team", "TEAM", "none"]).to_owned()),
    };
    let is_null = bytes.below(5) == 4;
    let test = match &key {
        _ if is_null => Test::Null(bytes.some(Bytes::truth)),
        Key::SourceIp => Test::Network(bytes.some(|bytes| (address(bytes), bytes.next() % 33))),
        Key::SecureTransport => Test::Bool(bytes.some(Bytes::truth)),
        Key::CurrentTime | Key::EpochTime => {
            let orders =
                [Order::Equal, Order::Less, Order::LessOrEqual, Order::Greater, Order::GreaterOrEqual];
            let order = orders[bytes.below(5)];
            Test::Time(order, bytes.some(|bytes| SECONDS[bytes.below(3)]))
        }
        key => {
            let arn = *key == Key::PrincipalArn && bytes.truth();
            let values = bytes.some(|bytes| value(bytes, key));
            match bytes.below(3) {
                _ if arn => Test::Arn(values),
                0 => Test::Equals(values),
                1 => Test::EqualsIgnoreCase(values),
                _ => Test::Like(values),
            }
        }
    };
    let can_be_negated = match &test {
        Test::Time(Order::Equal, _) => true,
        Test::Time(..) | Test::Bool(_) | Test::Null(_) => false,
        _ => true,
    };
    let negated = can_be_negated && bytes.below(3) == 2;
    Condition { key, test, negated, if_exists: !is_null && bytes.below(4) == 3 }
}

fn value(bytes: &mut Bytes<'_>, key: &Key) -> String {
    let name = bytes.one_of(&NAMES);
    match key {
        Key::PrincipalArn => {
            // Six parts, whatever becomes of the last one.
            let place = bytes.one_of(&[
                "arn:aws:iam::111122223333:",
                "arn:aws:sts::*:",
                "arn:*:?am::1*3:",
                "*:*:*:*:*:",
            ]);
            let rest = bytes.one_of(&["user/", "assumed-role/reader/", "*/"]);
            format!("{place}{}", pattern(bytes, &format!("{rest}{name}")))
        }
        Key::PrincipalAccount => pattern(bytes, "111122223333"),
        Key::RequestedRegion => {
            let region = bytes.one_of(&REGIONS);
            pattern(bytes, region)
        }
        Key::ResourceTag(_) => {
            let value = bytes.one_of(&["care", "Care", "sales", ""]);
            pattern(bytes, value)
        }
        _ => pattern(bytes, name),
    }
}
