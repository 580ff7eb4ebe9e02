//! A server with something of every kind in it, and the questions that are asked of it.

use super::super::authorize::{Exchange, Peer};
use super::super::body::Incoming;
use super::super::request_body::RequestBody;
use super::super::route::Router;
use super::random::Random;
use super::services::{ROLE, RandomIds, caller, services, verified};
use super::spelling::{ROOT, Spelled, any_case, in_json, in_path, uuid};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tympan_auth::reference::{Asker, Wish};
use tympan_auth::{Permissions, Policy};
use tympan_connect::service::Ids;
use tympan_contact::{Contact, History, InitiationMethod, MemoryHistory, NewContact};
use tympan_types::{ContactId, WallTime};

const FLOW: &str = r#"{"Version":"2019-10-30","StartAction":"end","Actions":[{"Identifier":"end","Type":"DisconnectParticipant","Parameters":{},"Transitions":{}}]}"#;
/// An id that nothing has.
const ABSENT: &str = "abcdefab-9999-4999-8999-abcdefabcdef";
const ALL: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// One request, and what is known of it that it does not say.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) service: &'static str,
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// What it asks for.
    pub(super) wishes: Vec<Wish>,
    /// Whether the answer to one that is allowed is a 200, and which ids it then has to show.
    pub(super) found: Option<Vec<String>>,
    /// A role is assumed unless a policy denies it.
    pub(super) needs_no_allow: bool,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn is_denial(&self) -> bool {
        self.text.contains("is not authorized to perform")
    }
}

struct Stream {
    name: String,
    arn: Option<String>,
    tags: BTreeMap<String, String>,
}

struct Owned {
    id: String,
    /// The instance that it belongs to.
    instance: String,
}

struct Key {
    id: String,
    alias: String,
}

pub(in super::super) struct World {
    router: Arc<Router>,
    streams: Vec<Stream>,
    instances: Vec<String>,
    flows: Vec<Owned>,
    contacts: Vec<Owned>,
    numbers: Vec<Owned>,
    keys: Vec<Key>,
    ciphertexts: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(in super::super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = Arc::new(MemoryHistory::default());
        let router =
            Arc::new(Router::new(services(folder.path(), history.clone()), 8600, CancellationToken::new()));
        let mut world = Self {
            router,
            streams: Vec::new(),
            instances: Vec::new(),
            flows: Vec::new(),
            contacts: Vec::new(),
            numbers: Vec::new(),
            keys: Vec::new(),
            ciphertexts: Vec::new(),
            _folder: folder,
        };
        world.add_streams().await;
        world.add_keys().await;
        for alias in ["one", "two"] {
            world.add_instance(alias, &history).await;
        }
        let absent = |instance: &str| Owned { id: ABSENT.to_owned(), instance: instance.to_owned() };
        let first = world.instances[0].clone();
        world.instances.push(ABSENT.to_owned());
        for owned in [&mut world.flows, &mut world.contacts, &mut world.numbers] {
            owned.push(absent(&first));
            owned.push(absent(ABSENT));
        }
        world
    }

    /// Names that differ in nothing but their case are different streams.
    async fn add_streams(&mut self) {
        for (name, team) in [("calls", Some("care")), ("Calls", None), ("other.stream", Some("sales"))] {
            let tags: BTreeMap<String, String> =
                team.map(|team| ("team".to_owned(), team.to_owned())).into_iter().collect();
            let body = serde_json::json!({ "StreamName": name, "DataRetentionInHours": 1, "Tags": tags });
            let made = self.made("kinesisvideo", "POST", "/createStream", &[], body).await;
            self.streams.push(Stream { name: name.into(), arn: Some(text(&made, "StreamARN")), tags });
        }
        for name in ["CALLS", "absent"] {
            self.streams.push(Stream { name: name.into(), arn: None, tags: BTreeMap::new() });
        }
    }

    async fn add_keys(&mut self) {
        for alias in ["alias/calls", "alias/Calls"] {
            let target = |operation: &str| [("x-amz-target", format!("TrentService.{operation}"))];
            let made = self.made("kms", "POST", "/", &target("CreateKey"), serde_json::json!({})).await;
            let id = text(&made["KeyMetadata"], "KeyId");
            let body = serde_json::json!({ "AliasName": alias, "TargetKeyId": id });
            self.made("kms", "POST", "/", &target("CreateAlias"), body).await;
            let body = serde_json::json!({ "KeyId": id, "Plaintext": "c2VjcmV0" });
            let made = self.made("kms", "POST", "/", &target("Encrypt"), body).await;
            self.ciphertexts.push((id.clone(), text(&made, "CiphertextBlob")));
            self.keys.push(Key { id, alias: alias.to_owned() });
        }
        self.keys.push(Key { id: ABSENT.to_owned(), alias: "alias/CALLS".to_owned() });
    }

    async fn add_instance(&mut self, alias: &str, history: &MemoryHistory) {
        let body = serde_json::json!({ "IdentityManagementType": "CONNECT_MANAGED", "InstanceAlias": alias,
            "InboundCallsEnabled": true, "OutboundCallsEnabled": false });
        let instance = text(&self.made("connect", "PUT", "/instance", &[], body).await, "Id");
        let body = serde_json::json!({ "Name": "a", "Type": "CONTACT_FLOW", "Content": FLOW });
        let made = self.made("connect", "PUT", &format!("/contact-flows/{instance}"), &[], body).await;
        self.flows.push(Owned { id: text(&made, "ContactFlowId"), instance: instance.clone() });
        let number = format!("+1800555010{}", self.instances.len());
        let body = serde_json::json!({ "InstanceId": instance, "PhoneNumber": number });
        let made = self.made("connect", "POST", "/phone-number/claim", &[], body).await;
        self.numbers.push(Owned { id: text(&made, "PhoneNumberId"), instance: instance.clone() });
        let now = WallTime::from_unix_ms(1_700_000_000_000);
        let caller = caller();
        let id = ContactId::from_random(RandomIds.random());
        let mut contact = Contact::new(
            now,
            NewContact {
                id,
                instance: tympan_contact::InstanceRef {
                    id: instance.parse().unwrap(),
                    alias: alias.to_owned(),
                    account: caller.account,
                    region: caller.region,
                },
                initiation_method: InitiationMethod::Inbound,
                customer_number: None,
                system_number: None,
                sip_headers: BTreeMap::new(),
            },
        );
        contact.disconnect_timestamp = Some(now.plus_ms(1));
        history.close(&contact).unwrap();
        self.contacts.push(Owned { id: id.to_string(), instance: instance.clone() });
        self.instances.push(instance);
    }

    /// Sends a request of a user who may do everything.
    async fn made(
        &self,
        service: &'static str,
        method: &'static str,
        target: &str,
        headers: &[(&'static str, String)],
        body: Value,
    ) -> Value {
        let question = Question {
            service,
            method,
            target: target.to_owned(),
            headers: headers.to_vec(),
            body: body.to_string(),
            wishes: Vec::new(),
            found: None,
            needs_no_allow: false,
        };
        let permissions = Permissions::new(vec![Arc::new(Policy::parse(ALL).unwrap())]);
        let asker = Asker {
            user: "admin".into(),
            address: Some([10, 0, 0, 1].into()),
            secure: true,
            ..Asker::default()
        };
        let answer = self.ask(&question, &asker, permissions).await;
        assert_eq!(answer.status, 200, "{question:?}: {answer:?}");
        serde_json::from_str(&answer.text).unwrap_or(Value::Null)
    }

    /// Sends a request as one whose signature was right.
    pub(super) async fn ask(&self, question: &Question, asker: &Asker, permissions: Permissions) -> Answer {
        let verified = verified(question.service, &asker.user, permissions);
        let peer = Peer { ip: asker.address.unwrap().into(), is_secure: asker.secure };
        let exchange = Exchange { request_id: "request".to_owned(), peer: Some(peer) };
        let mut request = Request::builder().method(question.method).uri(&question.target);
        for (name, value) in &question.headers {
            request = request.header(*name, value);
        }
        let (head, ()) =
            request.body(()).unwrap_or_else(|error| panic!("{question:?}: {error}")).into_parts();
        let body = Bytes::from(question.body.clone());
        let response = match question.target.as_str() {
            "/putMedia" => {
                let body = RequestBody::new(
                    Incoming::from(BoxBody::new(Full::new(body).map_err(|never| match never {}))),
                    &head.headers,
                );
                let found = self.router.find(question.service, &head).unwrap();
                self.router.upload(&exchange, &verified, found, head, body).await
            }
            _ => self.router.verified(&exchange, &verified, head, body).await,
        };
        let status = response.status().as_u16();
        // The answer to an upload goes on until the upload ends.
        let text = match (question.target.as_str(), status) {
            ("/putMedia", 200) => String::new(),
            _ => {
                let body = response.into_body().collect().await.unwrap().to_bytes();
                String::from_utf8_lossy(&body).into_owned()
            }
        };
        Answer { status, text }
    }

    pub(in super::super) fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// The ids of the first of everything, and how a list shows them.
    pub(in super::super) fn first_ids(&self) -> Vec<(String, &'static str)> {
        let stream = self.streams[0].arn.clone().unwrap();
        vec![
            (stream, "STREAM"),
            (self.ciphertexts[0].1.clone(), "CIPHERTEXT"),
            (self.instances[0].clone(), "INSTANCE"),
            (self.flows[0].id.clone(), "FLOW"),
            (self.contacts[0].id.clone(), "CONTACT"),
            (self.numbers[0].id.clone(), "NUMBER"),
            (self.keys[0].id.clone(), "KEY"),
        ]
    }

    /// The keys that there are.
    pub(in super::super) fn key_arns(&self) -> Vec<String> {
        self.keys.iter().filter(|key| key.id != ABSENT).map(|key| key_arn(&key.id)).collect()
    }

    /// Every resource that there is, and some that there are not, in the words of policies.
    pub(super) fn resources(&self) -> Vec<String> {
        let mut resources = vec!["*".to_owned(), format!("arn:aws:iam::111122223333:role/{ROLE}")];
        for stream in &self.streams {
            resources.push(stream_arn(stream));
        }
        for instance in &self.instances {
            resources.push(instance_arn(instance));
        }
        for (kind, owned) in [("contact-flow", &self.flows), ("contact", &self.contacts)] {
            resources.extend(owned.iter().map(|o| format!("{}/{kind}/{}", instance_arn(&o.instance), o.id)));
        }
        resources.extend(self.contacts.iter().map(|o| format!("arn:aws:tympan:{ROOT}contact/{}", o.id)));
        resources.extend(self.numbers.iter().map(|o| format!("arn:aws:connect:{ROOT}phone-number/{}", o.id)));
        resources.extend(self.keys.iter().map(|key| key_arn(&key.id)));
        resources.push(format!("arn:aws:kms:{ROOT}alias/CALLS"));
        resources
    }

    /// A question of any service.
    pub(super) fn question(&self, random: &mut Random) -> Question {
        match random.below(20) {
            0..5 => self.about_a_stream(random),
            5..11 => self.about_connect(random),
            11..16 => self.about_a_key(random),
            16..18 => self.about_a_record(random),
            18 => about_a_role(random),
            _ => self.about_an_upload(random),
        }
    }

    fn about_a_stream(&self, random: &mut Random) -> Question {
        let stream = random.one_of(&self.streams);
        let (path, operation, more) = *random.one_of(&[
            ("/describeStream", "DescribeStream", ""),
            ("/listTagsForStream", "ListTagsForStream", ""),
            ("/getDataEndpoint", "GetDataEndpoint", r#","APIName":"GET_MEDIA""#),
            ("/deleteStream", "DeleteStream", r#","CurrentVersion":"none of it""#),
            ("/ListTagsForResource", "ListTagsForResource", ""),
        ]);
        let by_resource = operation == "ListTagsForResource";
        let wish = |resource: String, tags: &BTreeMap<String, String>| Wish {
            action: format!("kinesisvideo:{operation}"),
            resource,
            tags: tags.clone(),
        };
        let (mut members, mut wishes) = (Vec::new(), Vec::new());
        let (by_name, by_arn) = if by_resource { (false, true) } else { *random.one_of(&NAMED) };
        if by_name {
            members.push(format!(r#""StreamName":{}"#, in_json(random, &stream.name)));
            // A member that the operation does not read names nothing: DeleteStream has none of this name.
            if operation != "DeleteStream" {
                wishes.push(wish(stream_arn(stream), &stream.tags));
            }
        }
        let mut is_meant = true;
        if by_arn {
            let (spelled, arn) = self.stream_arn(random, stream);
            let member = if by_resource { "ResourceARN" } else { "StreamARN" };
            members.push(format!(r#""{member}":{}"#, in_json(random, &spelled.text)));
            is_meant = spelled.is_meant;
            if is_meant {
                let is_there = stream.arn.as_ref() == Some(&arn);
                let none = BTreeMap::new();
                wishes.push(wish(arn, if is_there { &stream.tags } else { &none }));
            }
        }
        if wishes.is_empty() {
            wishes.push(wish("*".to_owned(), &BTreeMap::new()));
        }
        let found = match (operation, &stream.arn) {
            ("DescribeStream", Some(arn)) if is_meant => Some(vec![arn.clone()]),
            _ => None,
        };
        let body = format!("{{{}{more}}}", members.join(","));
        Question { body, found, ..Question::new("kinesisvideo", "POST", path.to_owned(), wishes) }
    }

    /// An ARN of a stream as a request may write it, and the ARN that it means.
    fn stream_arn(&self, random: &mut Random, stream: &Stream) -> (Spelled, String) {
        let arn = stream
            .arn
            .clone()
            .unwrap_or_else(|| format!("arn:aws:kinesisvideo:{ROOT}stream/{}/1598784211076", stream.name));
        let (front, created) = arn.rsplit_once('/').unwrap();
        let spelled = match random.below(6) {
            0 => Spelled { text: format!("{front}/000{created}"), is_meant: true },
            1 => Spelled { text: format!("{arn}/"), is_meant: false },
            2 => Spelled { text: arn.replace("arn:aws:", "ARN:AWS:"), is_meant: false },
            _ => Spelled { text: arn.clone(), is_meant: true },
        };
        (spelled, arn)
    }

    fn about_an_upload(&self, random: &mut Random) -> Question {
        let stream = random.one_of(&self.streams);
        let mut headers = vec![("x-amzn-fragment-timecode-type", "ABSOLUTE".to_owned())];
        let mut resource = stream_arn(stream);
        let mut tags = stream.tags.clone();
        if random.percent(50) {
            headers.push(("x-amzn-stream-name", stream.name.clone()));
        } else {
            let (spelled, arn) = self.stream_arn(random, stream);
            headers.push(("x-amzn-stream-arn", spelled.text));
            resource = arn;
            if !spelled.is_meant {
                (resource, tags) = ("*".to_owned(), BTreeMap::new());
            }
        }
        let found = stream.arn.as_ref().filter(|arn| **arn == resource).map(|_| Vec::new());
        let wish = Wish { action: "kinesisvideo:PutMedia".into(), resource, tags };
        let question = Question::new("kinesisvideo", "POST", "/putMedia".to_owned(), vec![wish]);
        Question { headers, found, ..question }
    }

    fn about_connect(&self, random: &mut Random) -> Question {
        match random.below(7) {
            0 => {
                let instance = random.one_of(&self.instances);
                let spelled = uuid(random, instance, &[instance_arn("{}")]);
                let resource = if spelled.is_meant { instance_arn(instance) } else { "*".to_owned() };
                let is_there = instance != ABSENT && spelled.is_meant;
                let target = format!("/instance/{}", in_path(random, &spelled.text));
                let found = is_there.then(|| vec![instance.clone()]);
                Question { found, ..connect("DescribeInstance", "GET", target, vec![resource]) }
            }
            1 => self.of_an_instance(random, "DescribeContactFlow", "contact-flow", &self.flows, |i, f| {
                format!("/contact-flows/{i}/{f}")
            }),
            2 => self.of_an_instance(random, "DescribeContact", "contact", &self.contacts, |i, c| {
                format!("/contacts/{i}/{c}")
            }),
            3 => {
                let of = |i: &str, c: &str| format!("/contact/attributes/{i}/{c}");
                let asked =
                    self.of_an_instance(random, "GetContactAttributes", "contact", &self.contacts, of);
                Question { found: asked.found.map(|_| Vec::new()), ..asked }
            }
            4 => self.by_a_body(random),
            5 => {
                let number = random.one_of(&self.numbers);
                let spelled = uuid(random, &number.id, &[format!("arn:aws:connect:{ROOT}phone-number/{{}}")]);
                let is_there = spelled.is_meant && number.id != ABSENT;
                let resource = match spelled.is_meant {
                    true => format!("arn:aws:connect:{ROOT}phone-number/{}", number.id),
                    false => "*".to_owned(),
                };
                let target = format!("/phone-number/{}", in_path(random, &spelled.text));
                let found = is_there.then(|| vec![number.id.clone()]);
                Question { found, ..connect("DescribePhoneNumber", "GET", target, vec![resource]) }
            }
            _ => self.about_a_numbers_flow(random),
        }
    }

    /// Something of an instance, both in the path.
    fn of_an_instance(
        &self,
        random: &mut Random,
        operation: &str,
        kind: &str,
        all: &[Owned],
        target: impl Fn(&str, &str) -> String,
    ) -> Question {
        let owned = random.one_of(all);
        let instance = uuid(random, &owned.instance, &[instance_arn("{}")]);
        let arn = format!("{}/{kind}/{{}}", instance_arn(&owned.instance));
        let inner = uuid(random, &owned.id, &[arn]);
        let resource = match (instance.is_meant, inner.is_meant) {
            (true, true) => format!("{}/{kind}/{}", instance_arn(&owned.instance), owned.id),
            (true, false) => instance_arn(&owned.instance),
            (false, _) => "*".to_owned(),
        };
        let target = target(&in_path(random, &instance.text), &in_path(random, &inner.text));
        let is_there = instance.is_meant && inner.is_meant && owned.id != ABSENT;
        let found = is_there.then(|| vec![owned.id.clone()]);
        Question { found, ..connect(operation, "GET", target, vec![resource]) }
    }

    /// Instance and contact in a body.
    fn by_a_body(&self, random: &mut Random) -> Question {
        let contact = random.one_of(&self.contacts);
        let instance = uuid(random, &contact.instance, &[instance_arn("{}")]);
        let arn = format!("{}/contact/{{}}", instance_arn(&contact.instance));
        let inner = uuid(random, &contact.id, &[arn]);
        let resource = match (instance.is_meant, inner.is_meant) {
            (true, true) => format!("{}/contact/{}", instance_arn(&contact.instance), contact.id),
            (true, false) => instance_arn(&contact.instance),
            (false, _) => "*".to_owned(),
        };
        let is_there = instance.is_meant && inner.is_meant && contact.id != ABSENT;
        let (i, c) = (in_json(random, &instance.text), in_json(random, &inner.text));
        let (operation, path, body, found) = if random.percent(50) {
            // The call is over: allowed, it is not found.
            ("StopContact", "/contact/stop", format!(r#"{{"InstanceId":{i},"ContactId":{c}}}"#), None)
        } else {
            let body = format!(r#"{{"InstanceId":{i},"InitialContactId":{c},"Attributes":{{}}}}"#);
            ("UpdateContactAttributes", "/contact/attributes", body, is_there.then(Vec::new))
        };
        Question { body, found, ..connect(operation, "POST", path.to_owned(), vec![resource]) }
    }

    /// A number in the path, and beside it an instance and a flow in the body or an instance in the query.
    fn about_a_numbers_flow(&self, random: &mut Random) -> Question {
        let number = random.one_of(&self.numbers[..2]);
        let flow = random.one_of(&self.flows);
        let named = uuid(random, &number.id, &[format!("arn:aws:connect:{ROOT}phone-number/{{}}")]);
        let instance = uuid(random, &flow.instance, &[instance_arn("{}")]);
        let inner = uuid(random, &flow.id, &[format!("{}/contact-flow/{{}}", instance_arn(&flow.instance))]);
        let mut resources = Vec::new();
        if named.is_meant {
            resources.push(format!("arn:aws:connect:{ROOT}phone-number/{}", number.id));
        }
        let path = format!("/phone-number/{}/contact-flow", in_path(random, &named.text));
        let fits = named.is_meant && instance.is_meant && flow.instance == number.instance;
        let by_query = random.percent(50);
        if instance.is_meant {
            resources.push(match inner.is_meant && !by_query {
                true => format!("{}/contact-flow/{}", instance_arn(&flow.instance), flow.id),
                false => instance_arn(&flow.instance),
            });
        }
        if resources.is_empty() {
            resources.push("*".to_owned());
        }
        if by_query {
            let target = format!("{path}?instanceId={}", in_path(random, &instance.text));
            let found = fits.then(Vec::new);
            return Question {
                found,
                ..connect("DisassociatePhoneNumberContactFlow", "DELETE", target, resources)
            };
        }
        let (i, f) = (in_json(random, &instance.text), in_json(random, &inner.text));
        let body = format!(r#"{{"InstanceId":{i},"ContactFlowId":{f}}}"#);
        let found = (fits && inner.is_meant && flow.id != ABSENT).then(Vec::new);
        Question { body, found, ..connect("AssociatePhoneNumberContactFlow", "PUT", path, resources) }
    }

    fn about_a_key(&self, random: &mut Random) -> Question {
        let key = random.one_of(&self.keys);
        let (by_name, by_blob) = *random.one_of(&[(true, false), (true, false), (false, true), (true, true)]);
        let (mut members, mut resources, mut found) = (Vec::new(), Vec::new(), None);
        if by_name {
            let (text, resource) = self.key_name(random, key);
            members.push(format!(r#""KeyId":{}"#, in_json(random, &text)));
            if resource.as_ref().is_some_and(|arn| *arn == key_arn(&key.id)) && key.id != ABSENT {
                found = Some(vec![key.id.clone()]);
            }
            resources.extend(resource);
        }
        if by_blob {
            let (id, blob) = random.one_of(&self.ciphertexts);
            members.push(format!(r#""CiphertextBlob":{}"#, in_json(random, blob)));
            let arn = key_arn(id);
            let is_one = !by_name || resources.contains(&arn);
            found = is_one.then(|| vec![id.clone()]);
            if !resources.contains(&arn) {
                resources.push(arn);
            }
        }
        if resources.is_empty() {
            resources.push("*".to_owned());
        }
        let operation = if by_blob { "Decrypt" } else { "DescribeKey" };
        let wishes = resources
            .into_iter()
            .map(|resource| Wish { action: format!("kms:{operation}"), resource, tags: BTreeMap::new() })
            .collect();
        let headers = vec![("x-amz-target", format!("TrentService.{operation}"))];
        let body = format!("{{{}}}", members.join(","));
        Question { headers, body, found, ..Question::new("kms", "POST", "/".to_owned(), wishes) }
    }

    /// A key as a request may name it, and the ARN that is meant.
    fn key_name(&self, random: &mut Random, key: &Key) -> (String, Option<String>) {
        let is_absent = key.id == ABSENT;
        let by_alias = || match is_absent {
            true => format!("arn:aws:kms:{ROOT}{}", key.alias),
            false => key_arn(&key.id),
        };
        match random.below(8) {
            0 => (key.alias.clone(), Some(by_alias())),
            1 => (format!("arn:aws:kms:{ROOT}{}", key.alias), Some(by_alias())),
            2 => {
                // Another region's: there is no such key here.
                let arn = |id: &str| format!("arn:aws:kms:eu-west-1:111122223333:key/{id}");
                (arn(&any_case(random, &key.id)), Some(arn(&key.id)))
            }
            _ => {
                let spelled = uuid(random, &key.id, &[key_arn("{}")]);
                (spelled.text, spelled.is_meant.then(|| key_arn(&key.id)))
            }
        }
    }

    /// Records and backups: the server's own service.
    fn about_a_record(&self, random: &mut Random) -> Question {
        let own = |action: &str, resource: String| {
            vec![Wish { action: action.to_owned(), resource, tags: BTreeMap::new() }]
        };
        match random.below(8) {
            0 => {
                let wishes = own("tympan:ListContacts", "*".to_owned());
                let target = "/tympan/contacts".to_owned();
                Question { found: Some(Vec::new()), ..Question::new("tympan", "GET", target, wishes) }
            }
            1 => {
                let wishes = own("tympan:DescribeBackup", "*".to_owned());
                let question = Question::new("tympan", "GET", "/tympan/backup".to_owned(), wishes);
                Question { found: Some(Vec::new()), ..question }
            }
            _ => {
                let contact = random.one_of(&self.contacts);
                let spelled = uuid(random, &contact.id, &[]);
                let resource = match spelled.is_meant {
                    true => format!("arn:aws:tympan:{ROOT}contact/{}", contact.id),
                    false => "*".to_owned(),
                };
                let is_there = spelled.is_meant && contact.id != ABSENT;
                let (action, suffix) = *random.one_of(&[
                    ("tympan:DescribeContact", ""),
                    ("tympan:GetWaveform", "/waveform"),
                    ("tympan:GetFlowLog", "/flow-log"),
                ]);
                let target = format!("/tympan/contacts/{}{suffix}", in_path(random, &spelled.text));
                let wishes = own(action, resource);
                let found = is_there.then(|| vec![contact.id.clone()]);
                Question { found, ..Question::new("tympan", "GET", target, wishes) }
            }
        }
    }
}

/// By name, by ARN.
const NAMED: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

/// A role is there for its very name, in whatever form the parameters are encoded.
fn about_a_role(random: &mut Random) -> Question {
    let name = *random.one_of(&[ROLE, ROLE, "transcriber", "TRANSCRIBER", "Transcriber/"]);
    let arn = format!("arn:aws:iam::111122223333:role/{name}");
    let body =
        format!("Action=AssumeRole&Version=2011-06-15&RoleSessionName=one&RoleArn={}", in_path(random, &arn));
    let found = (name == ROLE).then(|| vec![format!("assumed-role/{ROLE}/one")]);
    let wish = Wish { action: "sts:AssumeRole".to_owned(), resource: arn, tags: BTreeMap::new() };
    let question = Question::new("sts", "POST", "/".to_owned(), vec![wish]);
    Question { body, found, needs_no_allow: true, ..question }
}

impl Question {
    fn new(service: &'static str, method: &'static str, target: String, wishes: Vec<Wish>) -> Self {
        let (headers, body) = (Vec::new(), String::new());
        Self { service, method, target, headers, body, wishes, found: None, needs_no_allow: false }
    }
}

fn connect(operation: &str, method: &'static str, target: String, resources: Vec<String>) -> Question {
    let wish = |resource| Wish { action: format!("connect:{operation}"), resource, tags: BTreeMap::new() };
    Question::new("connect", method, target, resources.into_iter().map(wish).collect())
}

fn stream_arn(stream: &Stream) -> String {
    let absent = || format!("arn:aws:kinesisvideo:{ROOT}stream/{}/*", stream.name);
    stream.arn.clone().unwrap_or_else(absent)
}

fn instance_arn(id: &str) -> String {
    format!("arn:aws:connect:{ROOT}instance/{id}")
}

fn key_arn(id: &str) -> String {
    format!("arn:aws:kms:{ROOT}key/{id}")
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("{value} has no {member}")).to_owned()
}
