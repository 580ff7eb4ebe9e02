//! The registrar: digest, bindings, their order, their ends and their limits.

use super::scene::{PEER, Scene, addr, config, header};
use crate::agent::{BindingEvent, Config, Counter, Input, Limits, Phone, PhoneSecret, Phones, Unbound, Way};
use crate::wire::digest::Authorizer;
use crate::wire::{Name, Response};

pub(super) fn phone(user: &str) -> Phone {
    Phone {
        user: user.into(),
        secret: Some(PhoneSecret::of_password(user, "tympan", "hush")),
        contact: None,
        networks: Vec::new(),
        challenges_calls: true,
    }
}

pub(super) fn phones(phones: Vec<Phone>) -> Phones {
    Phones::new("tympan", phones).unwrap()
}

/// A telephone that registers.
pub(super) struct Device {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    pub(super) from: String,
    /// The connection, where it is not UDP.
    pub(super) conn: Option<u64>,
    pub(super) vias: String,
    pub(super) authorizer: Option<Authorizer>,
    pub(super) branches: u32,
}

impl Device {
    pub(super) fn new(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: "hush".to_owned(),
            call_id: format!("reg-{user}"),
            cseq: 0,
            from: PEER.to_owned(),
            conn: None,
            vias: String::new(),
            authorizer: None,
            branches: 0,
        }
    }

    pub(super) fn at(user: &str, from: &str) -> Self {
        Self { from: from.to_owned(), call_id: format!("reg-{user}-{from}"), ..Self::new(user) }
    }

    fn send(&mut self, scene: &mut Scene, headers: &str) {
        self.cseq += 1;
        self.branches += 1;
        let Self { user, call_id, cseq, from, conn, vias, branches, .. } = self;
        let transport = if conn.is_some() { "TCP" } else { "UDP" };
        let authorization = match &mut self.authorizer {
            None => String::new(),
            Some(authorizer) => {
                let answers = authorizer.headers(&crate::wire::Method::Register, "sip:192.0.2.9", 7);
                answers.iter().map(|(name, value)| format!("{}: {value}\n", name.as_str())).collect()
            }
        };
        let text = format!(
            "REGISTER sip:192.0.2.9 SIP/2.0\nVia: SIP/2.0/{transport} 10.0.0.7:5062;branch=z9hG4bK{call_id}-{branches};rport\n{vias}\
             From: <sip:{user}@192.0.2.9>;tag=r\nTo: <sip:{user}@192.0.2.9>\nCall-ID: {call_id}\nCSeq: {cseq} REGISTER\n\
             Max-Forwards: 70\n{authorization}{headers}\n"
        );
        match conn {
            Some(conn) => scene.stream(*conn, &text),
            None => scene.packet_from(from, &text),
        }
    }

    /// Sends a REGISTER, and once more where it is challenged; gives the last response.
    pub(super) fn register(&mut self, scene: &mut Scene, headers: &str, status: u16) -> Response {
        self.send(scene, headers);
        let response = scene.any_response();
        if response.status.code() != 401 || self.authorizer.is_some() {
            assert_eq!(response.status.code(), status, "{response:?}");
            return response;
        }
        let mut authorizer = Authorizer::new(self.user.clone(), self.password.clone().into());
        assert!(authorizer.challenged(&response, 0));
        self.authorizer = Some(authorizer);
        self.send(scene, headers);
        scene.response(status)
    }
}

pub(super) fn with_phones(change: impl FnOnce(&mut Config)) -> Scene {
    let mut config = config();
    config.takes_transfers = true;
    change(&mut config);
    let mut scene = Scene::with(config);
    scene.input(Input::Phones(phones(vec![phone("anna"), phone("1001")])));
    scene
}

impl Scene {
    fn any_response(&mut self) -> Response {
        let (_, text) = self.next();
        match super::scene::read(&text) {
            crate::wire::Judged::Response(response) => *response,
            other => panic!("no response: {other:?}"),
        }
    }

    pub(super) fn bound(&mut self) -> crate::agent::Binding {
        match self.bindings.pop_front() {
            Some(BindingEvent::Registered(binding)) => binding,
            other => panic!("not registered: {other:?}"),
        }
    }

    fn refreshed(&mut self) -> crate::agent::Binding {
        match self.bindings.pop_front() {
            Some(BindingEvent::Refreshed(binding)) => binding,
            other => panic!("not refreshed: {other:?}"),
        }
    }

    fn unbound(&mut self) -> Unbound {
        match self.bindings.pop_front() {
            Some(BindingEvent::Unregistered { why, .. }) => why,
            other => panic!("not unregistered: {other:?}"),
        }
    }

    fn nothing_changed(&self) {
        assert!(self.bindings.is_empty(), "{:?}", self.bindings);
    }
}

fn contacts(response: &Response) -> Vec<String> {
    response.message.items(Name::Contact).map(|item| String::from_utf8_lossy(item).into_owned()).collect()
}

const CONTACT: &str = "Contact: <sip:anna@10.0.0.7:5062>\n";

#[test]
fn a_phone_registers_after_a_challenge_and_is_bound_to_the_path_that_it_came_by() {
    let mut scene = with_phones(|_| ());
    let mut anna = Device::new("anna");
    let ok = anna.register(&mut scene, &format!("{CONTACT}User-Agent: desk/1\n"), 200);
    assert_eq!(contacts(&ok), ["<sip:anna@10.0.0.7:5062>;expires=3600"]);
    let binding = scene.bound();
    assert_eq!((&*binding.user, &*binding.contact), ("anna", "sip:anna@10.0.0.7:5062"));
    assert_eq!(binding.flow.peer, addr(PEER), "the source, not the Contact");
    assert_eq!(binding.expires_at, scene.now.plus_ms(3_600_000));
    assert_eq!((binding.q_thousandths, binding.user_agent.as_deref()), (1_000, Some("desk/1")));
    assert!(scene.counts.contains(&Counter::Registered));
    assert_eq!(scene.agent.binding(binding.id).unwrap().contact, binding.contact);
}

#[test]
fn without_rport_the_path_has_the_port_of_sent_by() {
    let mut scene = with_phones(|_| ());
    let text = "REGISTER sip:192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bKq\nFrom: <sip:anna@x>;tag=r\n\
                To: <sip:anna@x>\nCall-ID: q\nCSeq: 1 REGISTER\nMax-Forwards: 70\n\n";
    scene.packet_from("192.0.2.1:40000", text);
    let (flow, _) = scene.next();
    assert_eq!(flow.peer, addr("192.0.2.1:5062"));
}

#[test]
fn a_wrong_password_an_unknown_user_and_no_password_bind_nothing() {
    let mut scene = with_phones(|_| ());
    let mut wrong = Device { password: "loud".to_owned(), ..Device::new("anna") };
    wrong.register(&mut scene, CONTACT, 401);
    Device::new("bert").register(&mut scene, CONTACT, 401);
    assert_eq!(scene.counts.iter().filter(|count| **count == Counter::WrongCredentials).count(), 2);
    scene.nothing_changed();
    scene.is_quiet_after(40_000);
}

#[test]
fn a_source_that_guesses_passwords_is_put_off_and_another_source_is_not() {
    let mut scene = with_phones(|config| config.limits.wrong_passwords_per_source_per_min = 3);
    for round in 0..3 {
        let mut wrong =
            Device { password: "loud".to_owned(), call_id: format!("guess-{round}"), ..Device::new("anna") };
        wrong.register(&mut scene, CONTACT, 401);
    }
    let mut right = Device { call_id: "right".to_owned(), ..Device::new("anna") };
    let refused = right.register(&mut scene, CONTACT, 503);
    let wait_s: i64 = header(&refused.message, Name::RetryAfter).parse().unwrap();
    assert!((1..=60).contains(&wait_s), "{wait_s}");
    assert!(scene.counts.contains(&Counter::SourceLimited));
    Device::at("anna", "198.51.100.7:5060").register(&mut scene, CONTACT, 200);
    scene.bound();
    scene.wait_ms(wait_s * 1_000);
    right.register(&mut scene, CONTACT, 200);
}

#[test]
fn a_wrong_answer_to_a_nonce_that_never_came_counts_against_nobody() {
    let mut scene = with_phones(|config| config.limits.wrong_passwords_per_source_per_min = 1);
    let forged = "Authorization: Digest username=\"anna\", realm=\"tympan\", nonce=\"00\", uri=\"sip:192.0.2.9\", \
                  response=\"00\", qop=auth, nc=00000001, cnonce=\"a\", algorithm=MD5\n";
    for round in 0..3 {
        let mut device = Device { call_id: format!("forged-{round}"), ..Device::new("anna") };
        device.send(&mut scene, forged);
        scene.response(401);
    }
    Device::new("anna").register(&mut scene, CONTACT, 200);
}

#[test]
fn a_repeated_register_gets_the_same_answer_and_binds_once() {
    let mut scene = with_phones(|_| ());
    let mut anna = Device::new("anna");
    anna.register(&mut scene, CONTACT, 200);
    scene.bound();
    // The same bytes: CSeq, branch and nonce count are those of the first.
    anna.cseq -= 1;
    anna.branches -= 1;
    let authorizer = anna.authorizer.clone();
    anna.send(&mut scene, CONTACT);
    scene.response(200);
    anna.authorizer = authorizer;
    scene.nothing_changed();
}

#[test]
fn a_phone_registers_no_other_address_of_record() {
    let mut scene = with_phones(|_| ());
    let mut anna = Device::new("anna");
    anna.register(&mut scene, CONTACT, 200);
    scene.bound();
    anna.user = "1001".to_owned();
    anna.register(&mut scene, CONTACT, 403);
    scene.nothing_changed();
}

#[test]
fn a_phone_comes_from_its_networks_alone() {
    let mut scene = with_phones(|_| ());
    let anna = Phone { networks: vec![("198.51.100.0".parse().unwrap(), 24)], ..phone("anna") };
    scene.input(Input::Phones(phones(vec![anna])));
    Device::new("anna").register(&mut scene, CONTACT, 403);
    Device::at("anna", "198.51.100.7:5060").register(&mut scene, CONTACT, 200);
    scene.bound();
}

#[test]
fn without_phones_register_is_no_method_of_ours() {
    let mut scene = Scene::new();
    Device::new("anna").register(&mut scene, CONTACT, 405);
}

#[test]
fn several_devices_are_listed_refreshed_and_removed_one_by_one() {
    let mut scene = with_phones(|_| ());
    let (mut desk, mut soft) = (Device::new("anna"), Device::at("anna", "198.51.100.7:40001"));
    desk.register(&mut scene, &format!("{CONTACT}Expires: 300\n"), 200);
    let at_desk = scene.bound();
    let ok = soft.register(&mut scene, "Contact: \"Soft\" <sip:anna@10.1.1.1>;q=0.5;expires=120\n", 200);
    let at_soft = scene.bound();
    assert_eq!(
        contacts(&ok),
        ["<sip:anna@10.0.0.7:5062>;expires=300", "<sip:anna@10.1.1.1>;expires=120;q=0.500"]
    );
    assert_eq!((at_soft.q_thousandths, at_soft.flow.peer), (500, addr("198.51.100.7:40001")));
    assert_ne!(at_desk.id, at_soft.id);
    scene.wait_ms(60_000);
    desk.register(&mut scene, &format!("{CONTACT}Expires: 300\n"), 200);
    assert_eq!(scene.refreshed().id, at_desk.id);
    let ok = soft.register(&mut scene, "Contact: <sip:anna@10.1.1.1>;expires=0\n", 200);
    assert_eq!(contacts(&ok), ["<sip:anna@10.0.0.7:5062>;expires=300"]);
    assert_eq!(scene.unbound(), Unbound::ByPhone);
    // A query changes nothing.
    let ok = desk.register(&mut scene, "", 200);
    assert_eq!(contacts(&ok).len(), 1);
    scene.nothing_changed();
}

#[test]
fn a_wildcard_removes_all_and_only_as_the_rfc_has_it() {
    let mut scene = with_phones(|_| ());
    let mut anna = Device::new("anna");
    anna.register(&mut scene, "Contact: <sip:anna@10.0.0.7>, <sip:anna@10.0.0.8>\n", 200);
    scene.bound();
    scene.bound();
    for wrong in
        ["Contact: *\n", "Contact: *\nExpires: 60\n", "Contact: *, <sip:anna@10.0.0.9>\nExpires: 0\n"]
    {
        anna.register(&mut scene, wrong, 400);
    }
    scene.nothing_changed();
    let ok = anna.register(&mut scene, "Contact: *\nExpires: 0\n", 200);
    assert!(contacts(&ok).is_empty());
    assert_eq!((scene.unbound(), scene.unbound()), (Unbound::ByPhone, Unbound::ByPhone));
}

#[test]
fn a_binding_that_is_not_refreshed_expires_and_the_user_hears_of_it() {
    let mut scene = with_phones(|_| ());
    Device::new("anna").register(&mut scene, &format!("{CONTACT}Expires: 60\n"), 200);
    scene.bound();
    scene.wait_ms(59_999);
    scene.nothing_changed();
    scene.wait_ms(1);
    assert_eq!(scene.unbound(), Unbound::Expired);
    scene.is_quiet_after(40_000);
}

#[test]
fn too_brief_a_time_gets_423_and_too_long_a_one_is_cut() {
    let mut scene = with_phones(|_| ());
    let mut anna = Device::new("anna");
    let refused = anna.register(&mut scene, &format!("{CONTACT}Expires: 59\n"), 423);
    assert_eq!(header(&refused.message, Name::MinExpires), "60");
    scene.nothing_changed();
    for (expires, taken) in [("86400", 3_600), ("99999999999", 3_600), ("soon", 3_600), ("60", 60)] {
        let ok = anna.register(&mut scene, &format!("{CONTACT}Expires: {expires}\n"), 200);
        assert_eq!(contacts(&ok), [format!("<sip:anna@10.0.0.7:5062>;expires={taken}")], "{expires}");
    }
}

#[test]
fn a_register_that_comes_late_changes_nothing() {
    let mut scene = with_phones(|_| ());
    let mut anna = Device { cseq: 9, ..Device::new("anna") };
    anna.register(&mut scene, CONTACT, 200);
    scene.bound();
    anna.cseq = 4;
    anna.register(&mut scene, "Contact: <sip:anna@10.0.0.7:5062>;expires=0\n", 500);
    anna.cseq = 4;
    anna.register(&mut scene, "Contact: *\nExpires: 0\n", 500);
    scene.nothing_changed();
    // After a restart the device has another Call-ID, and its numbers begin anew.
    anna.call_id = "other".to_owned();
    anna.cseq = 0;
    anna.register(&mut scene, CONTACT, 200);
    scene.refreshed();
}

#[test]
fn one_wrong_contact_leaves_all_as_it_was() {
    let mut scene = with_phones(|_| ());
    let mut anna = Device::new("anna");
    for (contact, status) in [
        ("<sip:anna@10.0.0.7>, <tel:+1206>", 416),
        ("<sip:anna@10.0.0.7>, <sips:anna@10.0.0.7>", 416),
        ("<sip:anna@10.0.0.7>, <sip:anna@10.0.0.8>;expires=5", 423),
        ("<sip:anna@10.0.0.7>, nonsense", 400),
        ("<sip:anna@10.0.0.7?Subject=x>", 400),
    ] {
        anna.register(&mut scene, &format!("Contact: {contact}\n"), status);
    }
    scene.nothing_changed();
}

#[test]
fn a_device_that_moved_keeps_its_binding() {
    let mut scene = with_phones(|_| ());
    let instance = ";+sip.instance=\"<urn:uuid:0e4>\"";
    Device::new("anna").register(&mut scene, &format!("Contact: <sip:anna@10.0.0.7>{instance}\n"), 200);
    let before = scene.bound();
    let mut moved = Device::at("anna", "198.51.100.7:40001");
    moved.register(&mut scene, &format!("Contact: <sip:anna@10.9.9.9>{instance}\n"), 200);
    let after = scene.refreshed();
    assert_eq!((after.id, &*after.contact), (before.id, "sip:anna@10.9.9.9"));
    assert_eq!(after.flow.peer, addr("198.51.100.7:40001"));
}

#[test]
fn with_its_connection_a_binding_ends() {
    let mut scene = with_phones(|_| ());
    scene.open(3, "198.51.100.7:40001");
    let mut anna = Device { conn: Some(3), ..Device::new("anna") };
    anna.register(&mut scene, "Contact: <sip:anna@10.0.0.7;transport=tcp>\n", 200);
    assert!(matches!(scene.bound().flow.way, Way::Stream(_)));
    scene.input(Input::Closed { conn: crate::agent::ConnId(3) });
    assert_eq!(scene.unbound(), Unbound::ConnectionClosed);
    scene.is_quiet_after(40_000);
}

#[test]
fn there_are_no_more_bindings_than_the_limits_say() {
    let mut scene = with_phones(|config| {
        config.limits = Limits { bindings_per_phone_max: 2, bindings_max: 3, ..config.limits };
    });
    let mut anna = Device::new("anna");
    anna.register(&mut scene, "Contact: <sip:a@10.0.0.1>, <sip:a@10.0.0.2>\n", 200);
    anna.register(&mut scene, "Contact: <sip:a@10.0.0.3>\n", 403);
    let mut other = Device::new("1001");
    other.register(&mut scene, "Contact: <sip:b@10.0.0.1>\n", 200);
    let refused = other.register(&mut scene, "Contact: <sip:b@10.0.0.2>\n", 503);
    assert_eq!(header(&refused.message, Name::RetryAfter), "300");
    assert_eq!(scene.counts.iter().filter(|count| **count == Counter::BindingsFull).count(), 2);
    // What there is can be refreshed.
    anna.register(&mut scene, "Contact: <sip:a@10.0.0.1>\n", 200);
    let many: Vec<String> = (0..33).map(|host| format!("<sip:a@10.0.1.{host}>")).collect();
    anna.register(&mut scene, &format!("Contact: {}\n", many.join(", ")), 400);
}

#[test]
fn a_phone_that_is_taken_out_of_the_table_is_no_longer_registered() {
    let mut scene = with_phones(|_| ());
    Device::new("anna").register(&mut scene, CONTACT, 200);
    scene.bound();
    scene.input(Input::Phones(phones(vec![phone("1001")])));
    assert_eq!(scene.unbound(), Unbound::PhoneRemoved);
    Device { call_id: "again".to_owned(), ..Device::new("anna") }.register(&mut scene, CONTACT, 401);
}

#[test]
fn a_hash_of_one_algorithm_lets_that_one_alone_in() {
    let sha256 = PhoneSecret::of_password("anna", "tympan", "hush").sha256;
    let secret = Some(PhoneSecret { md5: None, sha256 });
    let mut scene = with_phones(|_| ());
    scene.input(Input::Phones(phones(vec![Phone { secret, ..phone("anna") }])));
    // The authorizer answers the strongest.
    Device::new("anna").register(&mut scene, CONTACT, 200);
    let md5 = PhoneSecret::of_password("anna", "tympan", "hush").md5;
    let secret = Some(PhoneSecret { md5, sha256: None });
    scene.input(Input::Phones(phones(vec![Phone { secret, ..phone("anna") }])));
    let mut anna = Device { call_id: "md5".to_owned(), ..Device::new("anna") };
    let ok = anna.register(&mut scene, CONTACT, 200);
    assert_eq!(ok.status.code(), 200);
}

#[test]
fn path_is_kept_and_given_back() {
    let mut scene = with_phones(|_| ());
    let mut anna =
        Device { vias: "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKp\n".to_owned(), ..Device::new("anna") };
    let ok =
        anna.register(&mut scene, &format!("{CONTACT}Path: <sip:edge@192.0.2.1;lr>\nRequire: path\n"), 200);
    assert_eq!(header(&ok.message, Name::Path), "<sip:edge@192.0.2.1;lr>");
    assert_eq!(&*scene.bound().path[0], "<sip:edge@192.0.2.1;lr>");
    anna.register(&mut scene, &format!("{CONTACT}Path: nonsense\n"), 400);
    let refused = anna.register(&mut scene, &format!("{CONTACT}Require: gruu\n"), 420);
    assert_eq!(header(&refused.message, Name::Unsupported), "gruu");
}

#[test]
fn while_we_drain_nothing_registers() {
    let mut scene = with_phones(|_| ());
    scene.input(Input::Drain);
    Device::new("anna").register(&mut scene, CONTACT, 503);
}
