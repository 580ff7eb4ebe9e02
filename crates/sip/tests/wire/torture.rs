//! The messages of RFC 4475 and RFC 5118, byte for byte as their appendices archive them, each with the answer that it gets.
//!
//! What the RFCs leave open is decided here once: what cannot be misread is taken, the rest is refused with a status.

use crate::support::{Outcome, outcome, refused};
use std::fs;
use std::path::Path;
use tympan_sip::wire::{Address, Dropped, Method, Name, Request, Response, Via, parts};

enum Right {
    /// Taken, and what its user reads.
    Request(fn(&Request)),
    /// Taken, and what its user reads.
    Response(fn(&Response)),
    /// Answered with this status and reason.
    Refused(u16, &'static str),
    Dropped(Dropped),
    Garbage,
}

fn message(file: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn check(name: &str, bytes: &[u8], right: &Right) {
    match (right, outcome(bytes)) {
        (Right::Request(reads), Outcome::Request(request)) => reads(&request),
        (Right::Response(reads), Outcome::Response(response)) => reads(&response),
        (Right::Refused(status, reason), Outcome::Refused(..)) => {
            assert_eq!(refused(bytes), (*status, *reason), "{name}");
        }
        (Right::Dropped(right), Outcome::Dropped(dropped)) => assert_eq!(*right, dropped, "{name}"),
        (Right::Garbage, Outcome::Garbage) => {}
        (_, other) => panic!("{name}: {other:?}"),
    }
}

fn header(request: &Request, name: Name) -> Address {
    Address::parse(&request.message.text(name).expect("the header")).expect("an address")
}

fn items(request: &Request, name: Name) -> Vec<String> {
    request.message.items(name).map(|item| String::from_utf8_lossy(item).into_owned()).collect()
}

fn has_sdp(request: &Request) {
    assert_eq!(request.method, Method::Invite);
    let parts = parts(&request.message).unwrap();
    assert_eq!(parts[0].content_type, "application/sdp");
    assert!(parts[0].body.starts_with(b"v=0"));
}

const RFC_4475: &[(&str, Right)] = &[
    // 3.1.1, valid messages.
    (
        "wsinv",
        Right::Request(|request| {
            has_sdp(request);
            assert_eq!(request.uri.param("unknownparam"), Some(""));
            assert_eq!(request.to_tag(), Some("1918181833n"));
            assert_eq!(request.from.display_name().as_deref(), Some("J Rosenberg \\\""));
            assert_eq!(request.from_tag(), "98asjd8");
            assert_eq!((request.max_forwards, request.cseq), (68, 9));
            assert_eq!(
                (request.via.transport(), request.via.host(), request.via.port()),
                ("UDP", "192.0.2.2", None)
            );
            assert_eq!((request.via.branch(), request.via.has_cookie()), (Some("390skdjuw"), false));
            let vias: Vec<_> = request.message.items(Name::Via).collect();
            let via = |index: usize| Via::parse(&request.message.text_of(vias[index])).unwrap();
            assert_eq!((vias.len(), via(1).host().to_owned()), (3, "spindle.example.com".to_owned()));
            assert_eq!((via(1).transport(), via(1).branch()), ("TCP", Some("z9hG4bK9ikj8")));
            assert_eq!((via(2).host(), via(2).branch()), ("192.168.255.111", Some("z9hG4bK30239")));
            assert_eq!(request.message.extension("subject"), Some(&b""[..]));
            let continued = request.message.extension("newfangledheader").unwrap();
            assert!(
                continued.starts_with(b"newfangled value")
                    && continued.ends_with(b" continued newfangled value")
            );
            assert_eq!(request.message.extension("UnknownHeaderWithUnusualValue"), Some(&b";;,,;;,;"[..]));
            assert_eq!(request.routes()[0].uri().param("unknownwith"), Some("value"));
            assert!(request.routes()[0].uri().is_loose_router());
            let contact = request.contact().unwrap();
            assert_eq!(contact.display_name().as_deref(), Some("Quoted string \"\""));
            assert_eq!(
                (contact.param("newparam"), contact.param("secondparam"), contact.param("q")),
                (Some("newvalue"), Some(""), Some("0.33"))
            );
        }),
    ),
    (
        "intmeth",
        Right::Request(|request| {
            assert_eq!(request.method, Method::parse("!interesting-Method0123456789_*+`.%indeed'~"));
            assert_eq!(request.uri.user(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
            assert_eq!(request.uri.host(), "example.com");
            assert_eq!(request.via.branch(), Some("z9hG4bK-.!%66*_+`'~"));
            assert_eq!(request.to.display_name().as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
            assert_eq!(request.from.display_name().as_deref(), Some("token1~` token2'+_ token3*%!.-"));
            assert_eq!(request.from.param("fromParam''~+*_!.-%"), Some("работающий"));
            assert_eq!(request.from_tag(), "_token~1'+`*%!-.");
            assert_eq!(&*request.call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
            assert_eq!((request.cseq, request.max_forwards), (139_122_385, 255));
            let extension = request.message.extension("extensionHeader-!.%*+_`'~").unwrap();
            assert_eq!(std::str::from_utf8(extension), Ok("\u{feff}大停電"));
        }),
    ),
    (
        "esc01",
        Right::Request(|request| {
            has_sdp(request);
            assert_eq!(request.uri.user(), Some("sips%3Auser%40example.com"));
            assert_eq!(request.uri.number().unwrap().text, "sips:user@example.com");
            assert_eq!(request.uri.host(), "example.net");
            assert_eq!(request.to.uri().number().unwrap().text, "user");
            assert_eq!(request.from.uri().number().unwrap().text, "I have spaces");
            let contact = request.contact().unwrap();
            assert_eq!(contact.uri().number().unwrap().text, "caller");
            assert!(contact.uri().is_loose_router());
            assert_eq!(contact.uri().param("name"), Some("v%61lue%25%34%31"));
        }),
    ),
    (
        "escnull",
        Right::Request(|request| {
            assert_eq!(request.method, Method::Register);
            assert_eq!(request.to.uri().number().unwrap().text, "null-\0-null");
            assert_eq!(items(request, Name::Contact).len(), 2);
        }),
    ),
    (
        "esc02",
        Right::Request(|request| {
            assert_eq!(request.method, Method::Other("RE%47IST%45R".into()));
            assert_eq!(request.to.display_name().as_deref(), Some("%Z%45"));
            assert_eq!(
                items(request, Name::Contact),
                ["<sip:alias1@host1.example.com>", "<sip:alias3@host3.example.com>"]
            );
        }),
    ),
    (
        "lwsdisp",
        Right::Request(|request| {
            assert_eq!(request.from.display_name().as_deref(), Some("caller"));
            assert_eq!(request.from.uri().as_str(), "sip:caller@example.com");
        }),
    ),
    (
        "longreq",
        Right::Request(|request| {
            has_sdp(request);
            assert_eq!(request.to.uri().port(), Some(6000));
            assert_eq!(request.from.uri().user().map(str::len), Some(115));
            assert_eq!(items(request, Name::Via).len(), 34);
        }),
    ),
    (
        "dblreq",
        Right::Request(|request| {
            assert_eq!(request.method, Method::Register);
            assert!(request.message.body().is_empty());
        }),
    ),
    (
        "semiuri",
        Right::Request(|request| {
            assert_eq!(request.uri.user(), Some("user;par=u%40example.net"));
            assert_eq!(request.uri.host(), "example.com");
            assert_eq!(items(request, Name::Accept).len(), 6);
        }),
    ),
    (
        "transports",
        Right::Request(|request| {
            let transports: Vec<_> =
                request.message.items(Name::Via).map(|via| request.message.text_of(via)).collect();
            let transports: Vec<_> =
                transports.iter().map(|via| Via::parse(via).unwrap().transport().to_owned()).collect();
            assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
        }),
    ),
    (
        "mpart01",
        Right::Request(|request| {
            let parts = parts(&request.message).unwrap();
            assert_eq!((parts[0].content_type.as_str(), &parts[0].body[..]), ("text/plain", &b"Hello"[..]));
            assert_eq!(
                (parts[1].content_type.as_str(), parts[1].body.len()),
                ("application/octet-stream", 342)
            );
            assert_eq!(parts.len(), 2);
        }),
    ),
    (
        "unreason",
        Right::Response(|response| {
            assert_eq!((response.status.code(), response.method.as_str()), (200, "INVITE"));
            assert_eq!(&*response.reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
        }),
    ),
    (
        "noreason",
        Right::Response(|response| assert_eq!((response.status.code(), &*response.reason), (100, ""))),
    ),
    // 3.1.2, invalid messages.
    ("badinv01", Right::Refused(400, "Malformed Via")),
    ("clerr", Right::Refused(400, "Content-Length Beyond Datagram")),
    ("ncl", Right::Refused(400, "Malformed Content-Length")),
    ("scalar02", Right::Refused(400, "Malformed CSeq")),
    ("scalarlg", Right::Dropped(Dropped::BadResponse)),
    ("quotbal", Right::Refused(400, "Malformed To")),
    ("ltgtruri", Right::Refused(400, "Malformed Request-URI")),
    ("lwsruri", Right::Refused(400, "Malformed Request Line")),
    // Space that cannot be misread is taken.
    ("lwsstart", Right::Request(has_sdp)),
    ("trws", Right::Request(|request| assert_eq!(request.method, Method::Options))),
    ("escruri", Right::Refused(400, "Headers in Request-URI")),
    // A Date that cannot be read says nothing.
    ("baddate", Right::Request(has_sdp)),
    // No registrar reads this Contact, so nothing can be misread.
    ("regbadct", Right::Request(|request| assert_eq!(request.method, Method::Register))),
    ("badaspec", Right::Refused(400, "Malformed To")),
    // Its archived form lacks the empty line; for the rest see below.
    ("baddn", Right::Refused(400, "Incomplete Message Head")),
    ("badvers", Right::Refused(505, "Version Not Supported")),
    ("mismatch01", Right::Refused(400, "CSeq Method Mismatch")),
    ("mismatch02", Right::Refused(400, "CSeq Method Mismatch")),
    ("bigcode", Right::Dropped(Dropped::BadResponse)),
    // 3.2, transaction layer.
    (
        "badbranch",
        Right::Request(|request| {
            assert_eq!((request.via.branch(), request.via.has_cookie()), (Some("z9hG4bK"), false));
        }),
    ),
    // 3.3, application layer.
    ("insuf", Right::Refused(400, "Missing Call-ID")),
    ("unkscm", Right::Refused(416, "Unsupported URI Scheme")),
    ("novelsc", Right::Refused(416, "Unsupported URI Scheme")),
    ("unksm2", Right::Request(|request| assert_eq!(request.to.uri().as_str(), "isbn:2983792873"))),
    (
        "bext01",
        Right::Request(|request| {
            assert!(request.message.lists(Name::Require, "nothingSupportsThisEither"));
            assert_eq!(
                items(request, Name::ProxyRequire),
                ["noProxiesSupportThis", "norDoAnyProxiesSupportThis"]
            );
        }),
    ),
    (
        "invut",
        Right::Request(|request| {
            assert_eq!(request.message.content_type().as_deref(), Some("application/unknownformat"));
        }),
    ),
    (
        "regaut01",
        Right::Request(|request| {
            assert!(
                request.message.value(Name::Authorization).unwrap().starts_with(b"NoOneKnowsThisScheme ")
            );
        }),
    ),
    ("multi01", Right::Refused(400, "Repeated CSeq")),
    ("mcl01", Right::Refused(400, "Conflicting Content-Length")),
    // Two Via: an agent counts it as a stray one (RFC 3261 section 8.1.3.3).
    (
        "bcast",
        Right::Response(|response| {
            assert_eq!(response.via.host(), "192.0.2.198");
            assert_eq!(response.message.items(Name::Via).count(), 2);
        }),
    ),
    ("zeromf", Right::Request(|request| assert_eq!(request.max_forwards, 0))),
    (
        "cparam01",
        Right::Request(|request| {
            let contact = request.contact().unwrap();
            assert_eq!(
                (contact.param("unknownparam"), contact.uri().param("unknownparam")),
                (Some(""), None)
            );
        }),
    ),
    (
        "cparam02",
        Right::Request(|request| {
            let contact = request.contact().unwrap();
            assert_eq!(
                (contact.param("unknownparam"), contact.uri().param("unknownparam")),
                (None, Some(""))
            );
        }),
    ),
    (
        "regescrt",
        Right::Request(|request| {
            let contact = request.contact().unwrap();
            assert!(contact.uri().has_headers());
            assert_eq!(contact.uri().host(), "example.com");
        }),
    ),
    ("sdp01", Right::Request(has_sdp)),
    // 3.4: an RFC 2543 peer without a From tag, which RFC 3261 section 8.1.1.3 demands.
    ("inv2543", Right::Refused(400, "Missing From Tag")),
    // In the archive, but in no section: neither a version nor a Via.
    ("test", Right::Garbage),
];

#[test]
fn every_message_of_rfc_4475_gets_its_answer() {
    for (name, right) in RFC_4475 {
        check(name, &message(&format!("rfc4475/{name}.dat")), right);
    }
}

#[test]
fn no_message_of_rfc_4475_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rfc4475");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 50);
    assert_eq!(RFC_4475.len(), 50);
}

#[test]
fn the_second_contact_of_header_names_like_an_escape_is_another_header() {
    let Outcome::Request(request) = outcome(message("rfc4475/esc02.dat")) else { panic!() };
    assert_eq!(request.message.extension("C%6Fntact"), Some(&b"<sip:alias2@host2.example.com>"[..]));
    assert_eq!(header(&request, Name::Contact).uri().host(), "host1.example.com");
}

const RFC_5118: &[(&str, Right)] = &[
    (
        "ipv6-good",
        Right::Request(|request| {
            assert_eq!((request.uri.host(), request.uri.port()), ("2001:db8::10", None));
            assert_eq!((request.via.host(), request.via.port()), ("2001:db8::9:1", None));
            assert_eq!(request.contact().unwrap().uri().host(), "2001:db8::1");
        }),
    ),
    ("ipv6-bad", Right::Refused(400, "Malformed Request-URI")),
    (
        "port-ambiguous",
        Right::Request(|request| {
            assert_eq!((request.uri.host(), request.uri.port()), ("2001:db8::10:5070", None))
        }),
    ),
    (
        "port-unambiguous",
        Right::Request(|request| {
            assert_eq!((request.uri.host(), request.uri.port()), ("2001:db8::10", Some(5070)))
        }),
    ),
    (
        "via-received-param-with-delim",
        Right::Request(|request| assert_eq!(request.via.param("received"), Some("[2001:db8::9:255]"))),
    ),
    (
        "via-received-param-no-delim",
        Right::Request(|request| assert_eq!(request.via.param("received"), Some("2001:db8::9:255"))),
    ),
    (
        "ipv6-in-sdp",
        Right::Request(|request| {
            has_sdp(request);
            assert_eq!(request.uri.host(), "2001:db8::10");
        }),
    ),
    (
        "mult-ip-in-header",
        Right::Request(|request| {
            assert_eq!((request.via.host(), request.via.port()), ("2001:db8::9:1", Some(6050)));
            let vias: Vec<_> =
                request.message.items(Name::Via).map(|via| request.message.text_of(via)).collect();
            let hosts: Vec<_> = vias.iter().map(|via| Via::parse(via).unwrap().host().to_owned()).collect();
            assert_eq!(hosts, ["2001:db8::9:1", "192.0.2.1", "2001:db8::9:255"]);
        }),
    ),
    ("mult-ip-in-sdp", Right::Request(has_sdp)),
    (
        "ipv4-mapped-ipv6",
        Right::Request(|request| {
            has_sdp(request);
            assert_eq!((request.via.host(), request.via.port()), ("::ffff:192.0.2.10", Some(19823)));
            assert_eq!(request.contact().unwrap().uri().host(), "::ffff:192.0.2.2");
        }),
    ),
    (
        "ipv6-bug-abnf-3-colons",
        Right::Request(|request| assert_eq!(request.uri.host(), "2001:db8:::192.0.2.1")),
    ),
    (
        "ipv6-correct-abnf-2-colons",
        Right::Request(|request| assert_eq!(request.uri.host(), "2001:db8::192.0.2.1")),
    ),
];

/// From and To are no lists, so the comma cannot be misread.
#[test]
fn a_comma_in_a_display_name_without_quotes_is_taken() {
    let mut baddn = message("rfc4475/baddn.dat");
    baddn.extend_from_slice(b"\r\n");
    let Outcome::Request(request) = outcome(baddn) else { panic!() };
    assert_eq!(request.from.display_name().as_deref(), Some("Bell, Alexander"));
    assert_eq!(request.from_tag(), "43");
}

/// RFC 5118 archives its messages with bare line feeds, two of them without the empty line, three with a length that counts
/// neither form of their bodies.
fn on_the_wire(archived: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(archived.to_vec()).unwrap().replace('\n', "\r\n");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.trim_end(), ""));
    let (before, length) = head.split_once("Content-Length: ").unwrap();
    let after = length.trim_start_matches(|digit: char| digit.is_ascii_digit());
    format!("{before}Content-Length: {}{after}\r\n\r\n{body}", body.len()).into_bytes()
}

#[test]
fn every_message_of_rfc_5118_gets_its_answer() {
    for (name, right) in RFC_5118 {
        check(name, &on_the_wire(&message(&format!("rfc5118/{name}"))), right);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rfc5118");
    assert_eq!((fs::read_dir(folder).unwrap().count(), RFC_5118.len()), (12, 12));
}

#[test]
fn the_messages_of_rfc_5118_get_an_answer_as_they_are_archived() {
    let is_too_short = ["ipv6-in-sdp", "mult-ip-in-sdp"];
    let lacks_empty_line = ["ipv6-bug-abnf-3-colons", "ipv6-correct-abnf-2-colons"];
    for (name, right) in RFC_5118 {
        let right = match *name {
            name if is_too_short.contains(&name) => &Right::Refused(400, "Content-Length Beyond Datagram"),
            name if lacks_empty_line.contains(&name) => &Right::Refused(400, "Incomplete Message Head"),
            _ => right,
        };
        check(name, &message(&format!("rfc5118/{name}")), right);
    }
}
