use super::*;
use crate::agent::Peer;
use crate::wire::{Cut, Judged, Number, Request, cut_packet, judge};

fn request(uri: &str, headers: &str) -> Request {
    let from = if headers.contains("From:") { "" } else { "From: <sip:+15550009@example.com>;tag=1\r\n" };
    let text = format!(
        "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n{from}To: <sip:to@example.com>\r\n\
         Call-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n{headers}Content-Length: 0\r\n\r\n"
    );
    let Cut::Message(message) = cut_packet(text.into_bytes().into()) else { panic!("no message") };
    let Judged::Request(request) = judge(message, None) else { panic!("no request") };
    *request
}

fn trunk(id: &str, networks: &[&str], transport: Option<Transport>, user: Option<&str>) -> Trunk {
    let network = |text: &&str| {
        let (address, bits) = text.split_once('/').unwrap();
        (address.parse().unwrap(), bits.parse().unwrap())
    };
    let matches = TrunkMatch {
        networks: networks.iter().map(network).collect(),
        transport,
        user: user.map(str::to_owned),
    };
    Trunk { matches, ..Trunk::new(id) }
}

fn trunks(trunks: Vec<Trunk>) -> Trunks {
    Trunks::new(trunks, Trunk::new("default")).unwrap()
}

fn selected(trunks: &Trunks, source: &str, transport: Transport, uri: &str) -> String {
    let uri = request(uri, "").uri;
    trunks.select(source.parse().unwrap(), transport, &uri).id.0.to_string()
}

const URI: &str = "sip:+18005550100@192.0.2.9";

#[test]
fn the_longest_prefix_wins_in_any_order_of_the_configuration() {
    let wide = || trunk("wide", &["10.0.0.0/8"], None, None);
    let near = || trunk("near", &["192.0.2.0/24", "10.1.0.0/16"], None, None);
    let host = || trunk("host", &["10.1.2.3/32"], None, None);
    for order in [vec![wide(), near(), host()], vec![host(), near(), wide()]] {
        let all = trunks(order);
        let of = |source| selected(&all, source, Transport::Udp, URI);
        assert_eq!(
            ["10.9.9.9", "10.1.9.9", "10.1.2.3", "192.0.2.77", "198.51.100.1"].map(of),
            ["wide", "near", "host", "near", "default"]
        );
    }
}

#[test]
fn the_network_counts_before_the_transport_and_the_transport_before_the_user() {
    let all = trunks(vec![
        trunk("user", &["10.0.0.0/8"], None, Some("+18005550100")),
        trunk("tcp", &["10.0.0.0/8"], Some(Transport::Tcp), None),
        trunk("plain", &["10.0.0.0/8"], None, None),
        trunk("far", &["10.1.0.0/16"], None, None),
        trunk("anywhere", &[], None, Some("desk")),
    ]);
    assert_eq!(selected(&all, "10.0.0.1", Transport::Tcp, URI), "tcp");
    assert_eq!(selected(&all, "10.0.0.1", Transport::Udp, URI), "user");
    assert_eq!(selected(&all, "10.0.0.1", Transport::Udp, "sip:other@a"), "plain");
    assert_eq!(selected(&all, "10.1.0.1", Transport::Tcp, URI), "far");
    assert_eq!(selected(&all, "10.0.0.1", Transport::Udp, "sip:desk@a"), "plain");
    assert_eq!(selected(&all, "192.0.2.1", Transport::Udp, "sip:desk@a"), "anywhere");
    assert_eq!(selected(&all, "192.0.2.1", Transport::Udp, "sip:Desk@a"), "default");
}

#[test]
fn the_user_is_compared_as_a_number_too() {
    let all = trunks(vec![trunk("toll-free", &[], None, Some("+18005550100"))]);
    for uri in ["sip:%2B18005550100@a", "tel:+1-800-555-0100", "sip:+18005550100;npdi@a"] {
        assert_eq!(selected(&all, "192.0.2.1", Transport::Udp, uri), "toll-free", "{uri}");
    }
}

#[test]
fn an_ipv4_source_on_an_ipv6_socket_is_an_ipv4_source() {
    let all = trunks(vec![
        trunk("four", &["192.0.2.0/24"], None, None),
        trunk("mapped", &["::ffff:198.51.100.0/120"], None, None),
        trunk("six", &["::/0"], None, None),
    ]);
    let of = |source| selected(&all, source, Transport::Udp, URI);
    assert_eq!(
        ["::ffff:192.0.2.1", "198.51.100.7", "::ffff:198.51.100.7", "2001:db8::1", "203.0.113.1"].map(of),
        ["four", "mapped", "mapped", "six", "default"]
    );
}

#[test]
fn what_an_operator_may_write_wrong_is_named() {
    let error = |trunks: Vec<Trunk>| Trunks::new(trunks, Trunk::new("default")).unwrap_err().to_string();
    let with = |change: fn(&mut Trunk)| {
        let mut changed = trunk("a", &["10.0.0.0/8"], None, None);
        change(&mut changed);
        error(vec![changed])
    };
    let one = || trunk("a", &["10.0.0.0/8"], None, None);
    let rules: [(String, &str); 21] = [
        (error(vec![trunk(" ", &[], None, Some("x"))]), "a trunk has no name"),
        (error(vec![one(), one()]), "two trunks are named \"a\""),
        (error(vec![trunk("default", &["10.0.0.0/8"], None, None)]), "two trunks are named \"default\""),
        (error(vec![trunk("a", &[], None, None)]), "only the default trunk takes all"),
        (error(vec![trunk("a", &["10.0.0.0/33"], None, None)]), "10.0.0.0/33 has a prefix longer than 32"),
        (error(vec![trunk("a", &["10.0.0.1/8"], None, None)]), "10.0.0.1 has bits beyond its prefix of 8"),
        (
            error(vec![one(), trunk("b", &["192.0.2.0/24", "::ffff:10.0.0.0/104"], None, None)]),
            "trunks \"a\" and \"b\" match the same",
        ),
        (
            error(vec![trunk("a", &["10.0.0.0/8", "10.0.0.0/8"], None, None)]),
            "trunks \"a\" and \"a\" match the same",
        ),
        (with(|trunk| trunk.numbers.country_code = Some("1".into())), "country_code"),
        (with(|trunk| trunk.numbers.country_code = Some("+1234".into())), "country_code"),
        (with(|trunk| trunk.numbers.add_plus = true), "add_plus: needs country_code"),
        (with(|trunk| trunk.numbers.strip_prefixes = vec![String::new()]), "strip_prefixes"),
        (with(|trunk| trunk.numbers.international_prefixes = vec!["+".into()]), "international_prefixes"),
        (with(|trunk| trunk.timers.min_se_s = 89), "min_se_s"),
        (with(|trunk| trunk.timers.session_expires_s = Some(89)), "session_expires_s"),
        (with(|trunk| trunk.longest_call_s = Some(0)), "longest_call_s"),
        (with(|trunk| trunk.calls_max = Some(0)), "calls_max"),
        (with(|trunk| trunk.calls_per_s = Some(0)), "calls_per_s"),
        (with(|trunk| trunk.realm = "a\r\nb".into()), "realm"),
        (with(|trunk| trunk.users = vec![("a:b".into(), "x".to_owned().into())]), "users"),
        (with(|trunk| trunk.users = vec![("a".into(), "x".to_owned().into()); 2]), "users"),
    ];
    for (seen, wanted) in rules {
        assert!(seen.contains(wanted), "{seen:?} does not say {wanted:?}");
    }
    let default = trunk("default", &["10.0.0.0/8"], None, None);
    assert_eq!(Trunks::new(vec![], default).unwrap_err(), TrunkError::DefaultMatches("default".to_owned()));
}

#[test]
fn the_default_trunk_keeps_what_held_before() {
    let all = Trunks::default();
    let trunk = all.iter().next().unwrap();
    assert_eq!(*trunk.id.0, *"default");
    assert!(!trunk.force_rport && trunk.users.is_empty());
    assert_eq!((trunk.identity, trunk.digits), (Identity::Asserted, DigitSource::Both));
    assert_eq!((trunk.timers.session_expires_s, trunk.timers.min_se_s), (None, 90));
    assert_eq!((trunk.longest_call_s, trunk.calls_max, trunk.calls_per_s), (None, None, None));
    assert!(all.get(&TrunkId("default".into())).is_some() && all.get(&TrunkId("other".into())).is_none());
}

fn rules(country_code: &str, strip: &[&str], international: &[&str], add_plus: bool) -> NumberRules {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    NumberRules {
        country_code: Some(country_code.to_owned()).filter(|code| !code.is_empty()),
        strip_prefixes: owned(strip),
        international_prefixes: owned(international),
        add_plus,
    }
}

fn applied(rules: &NumberRules, text: &str) -> String {
    rules.apply(Number { text: text.to_owned(), context: None }).text
}

#[test]
fn numbers_become_global_by_the_rules_of_their_trunk() {
    let germany = rules("+49", &["0"], &["00"], false);
    let america = rules("+1", &["9"], &["011"], true);
    for (rules, written, read) in [
        (&germany, "030123456", "+4930123456"),
        (&germany, "0041221234567", "+41221234567"),
        (&germany, "30123456", "+4930123456"),
        (&germany, "+4930123456", "+4930123456"),
        (&america, "8005550100", "+18005550100"),
        (&america, "18005550100", "+18005550100"),
        (&america, "918005550100", "+18005550100"),
        (&america, "901141221234567", "+41221234567"),
        (&america, "01141221234567", "+41221234567"),
    ] {
        assert_eq!(applied(rules, written), read, "{written}");
    }
}

#[test]
fn short_codes_names_and_feature_codes_get_no_country_code() {
    let rules = rules("+1", &["9"], &["011"], true);
    for text in ["911", "100123", "*98", "#31#5551234567", "alice", "", "9"] {
        assert_eq!(applied(&rules, text), text);
    }
    assert_eq!(applied(&rules, "9911"), "911");
    assert_eq!(applied(&NumberRules::default(), "08005550100"), "08005550100");
}

#[test]
fn the_longest_prefix_is_stripped_and_only_once() {
    let rules = rules("", &["9", "99", "998"], &[], false);
    assert_eq!(applied(&rules, "99812345678"), "12345678");
    assert_eq!(applied(&rules, "9912345678"), "12345678");
    assert_eq!(applied(&rules, "9"), "9");
}

#[test]
fn a_context_goes_once_the_number_is_global() {
    let local = Number { text: "5550100".into(), context: Some("example.com".into()) };
    assert_eq!(NumberRules::default().apply(local.clone()), local);
    let global = rules("+1", &[], &[], false).apply(local);
    assert_eq!(global, Number { text: "+15550100".into(), context: None });
}

#[test]
fn the_called_number_is_read_out_of_every_form_of_the_uri() {
    let trunk = Trunk::new("a");
    for uri in [
        "sip:%2B18005550100@a",
        "sip:+1-800-555-0100;npdi;rn=+18005550000@a;user=phone",
        "tel:+1-800-555-0100",
        "tel:555-0100;phone-context=+1800",
        "sip:5550100;phone-context=+1800@a",
    ] {
        assert_eq!(trunk.called(&request(uri, "")).text, "+18005550100", "{uri}");
    }
    assert_eq!(trunk.called(&request("sip:192.0.2.1", "")).text, "to", "the user of To");
}

fn caller(identity: Identity, headers: &str) -> (Option<String>, Option<String>, bool) {
    let trunk = Trunk { identity, ..Trunk::new("a") };
    let Peer { number, display_name, is_asserted } = trunk.caller(&request(URI, headers));
    let number = number.map(|number| number.into_exposed().text);
    (number, display_name.map(tympan_types::Redacted::into_exposed), is_asserted)
}

fn number_of(identity: Identity, headers: &str) -> Option<String> {
    caller(identity, headers).0
}

#[test]
fn identity_headers_are_believed_in_order_and_only_where_the_trunk_says_so() {
    let asserted = "P-Asserted-Identity: \"A\" <sip:+15550001@example.com>\r\n";
    let party = "Remote-Party-ID: \"R\" <sip:+15550002@example.com>;party=calling;privacy=off\r\n";
    let both = format!("{party}{asserted}");
    assert_eq!(caller(Identity::Asserted, &both), (Some("+15550001".to_owned()), Some("A".to_owned()), true));
    assert_eq!(caller(Identity::Asserted, party), (Some("+15550002".to_owned()), Some("R".to_owned()), true));
    assert_eq!(caller(Identity::Asserted, ""), (Some("+15550009".to_owned()), None, false));
    assert_eq!(caller(Identity::From, &both), (Some("+15550009".to_owned()), None, false));
}

#[test]
fn of_several_asserted_identities_the_global_number_counts() {
    let two = "P-Asserted-Identity: <sip:alice@example.com>, <tel:+1-555-0003>\r\n";
    assert_eq!(number_of(Identity::Asserted, two).as_deref(), Some("+15550003"));
    let lines = "P-Asserted-Identity: <sip:192.0.2.1>\r\nP-Asserted-Identity: <sip:alice@example.com>\r\n";
    assert_eq!(number_of(Identity::Asserted, lines).as_deref(), Some("alice"));
}

#[test]
fn another_party_of_remote_party_id_is_not_the_caller() {
    let called = "Remote-Party-ID: <sip:+15550004@a>;party=called\r\n";
    assert_eq!(number_of(Identity::Asserted, called).as_deref(), Some("+15550009"));
    let both = format!("{called}Remote-Party-ID: <sip:+15550005@a>\r\n");
    assert_eq!(number_of(Identity::Asserted, &both).as_deref(), Some("+15550005"));
}

#[test]
fn a_display_name_cannot_pose_as_the_number() {
    for (header, number) in [
        ("P-Asserted-Identity: \"sip:+1999@x\" <sip:+15550001@a>\r\n", "+15550001"),
        ("P-Asserted-Identity: \"Joe <sip:+1999@x>\" <sip:+15550001@a>\r\n", "+15550001"),
        ("P-Asserted-Identity: \"Joe\\\" <sip:+1999@x>\" <sip:+15550001@a>\r\n", "+15550001"),
        ("From: \"<sip:+1999@x>, \" <sip:+15550009@a>;tag=2\r\n", "+15550009"),
    ] {
        assert_eq!(number_of(Identity::Asserted, header).as_deref(), Some(number), "{header}");
    }
}

#[test]
fn what_is_private_or_anonymous_is_withheld() {
    let asserted = "P-Asserted-Identity: \"A\" <sip:+15550001@example.com>\r\n";
    for headers in [
        format!("{asserted}Privacy: id\r\n"),
        format!("{asserted}Privacy: header; ID ;critical\r\n"),
        format!("{asserted}Privacy: user\r\n"),
        "Remote-Party-ID: \"R\" <sip:+15550002@a>;privacy=full\r\n".to_owned(),
        "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=2\r\n".to_owned(),
        "From: <sip:Anonymous@192.0.2.1>;tag=2\r\n".to_owned(),
        "From: <sip:unavailable@unknown.invalid>;tag=2\r\n".to_owned(),
    ] {
        let (number, name, _) = caller(Identity::Asserted, &headers);
        assert_eq!((number, name), (None, None), "{headers}");
    }
    for headers in [format!("{asserted}Privacy: none\r\n"), format!("{asserted}Privacy: header\r\n")] {
        assert_eq!(number_of(Identity::Asserted, &headers).as_deref(), Some("+15550001"), "{headers}");
    }
}

#[test]
fn a_display_name_is_cut_at_its_limit() {
    let long = format!("From: \"{}\" <sip:+15550009@a>;tag=2\r\n", "é".repeat(5_000));
    let (_, name, _) = caller(Identity::From, &long);
    assert_eq!(name.unwrap().chars().count(), 256);
    let anonymous = "From: \"anonymous\" <sip:+15550009@a>;tag=2\r\n";
    assert_eq!(caller(Identity::From, anonymous), (Some("+15550009".to_owned()), None, false));
}
