mod both;

use super::hmac::hmac_sha256;
use super::params::Params;
use super::params::push_quoted;
use super::window::{NonceId, Window};
use super::*;

fn mufasa(algorithm: &str, auth: bool) -> String {
    Digested {
        algorithm: Algorithm::parse(Some(algorithm)).unwrap(),
        username: "Mufasa",
        realm: "http-auth@example.org",
        password: "Circle of Life",
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        auth: auth.then_some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
        method: "GET",
        uri: "/dir/index.html",
    }
    .response()
}

#[test]
fn the_examples_of_the_rfcs_come_out() {
    let rfc_2617 = Digested {
        algorithm: Algorithm::Md5 { sess: false },
        username: "Mufasa",
        realm: "testrealm@host.com",
        password: "Circle Of Life",
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        auth: Some(("00000001", "0a4f113b")),
        method: "GET",
        uri: "/dir/index.html",
    };
    assert_eq!(rfc_2617.response(), "6629fae49393a05397450978507c4ef1");
    // RFC 7616 section 3.9.1.
    assert_eq!(mufasa("MD5", true), "8ca523f5e9506fed4657c9700eebdbec");
    assert_eq!(mufasa("SHA-256", true), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

#[test]
fn session_algorithms_and_rfc_2069_agree_with_another_implementation() {
    // By Python's hashlib, from the same values.
    assert_eq!(mufasa("md5-SESS", true), "e783283f46242139c486a698fec7211d");
    assert_eq!(
        mufasa("SHA-256-sess", true),
        "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"
    );
    assert_eq!(mufasa("MD5", false), "7b2cc3b30e75b4777ea31027084363fd");
}

#[test]
fn the_mac_is_that_of_rfc_4231() {
    let mac = |key: &[u8], parts: &[&[u8]]| hex(&hmac_sha256(key, parts));
    assert_eq!(
        mac(&[0x0b; 20], &[b"Hi ", b"There"]),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
    assert_eq!(
        mac(b"Jefe", &[b"what do ya want for nothing?"]),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(
        mac(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

#[test]
fn sha_256_is_stronger_than_md5() {
    let parse = |token| Algorithm::parse(Some(token));
    assert!(parse("SHA-256") > parse("MD5-sess") && parse("sha-256-sess") > parse("MD5"));
    assert_eq!((parse("SHA-512-256"), Algorithm::parse(None)), (None, parse("md5")));
}

#[test]
fn parameters_are_read_with_quotes_spaces_and_commas() {
    let params = Params::parse(
        b"dIGEST  realm=\"a, \\\"b\\\\\" ,nonce=\"\", qop = \"auth,auth-int\",STALE=TRUE ,, nc=00000001",
    )
    .unwrap();
    let get = |name| params.get(name);
    assert_eq!(get("realm"), Some("a, \"b\\"));
    assert_eq!((get("nonce"), get("qop")), (Some(""), Some("auth,auth-int")));
    assert_eq!((get("stale"), get("nc"), get("opaque")), (Some("TRUE"), Some("00000001"), None));
}

#[test]
fn broken_parameters_are_none() {
    let long = format!("Digest a=\"{}\"", "x".repeat(9_000));
    let many: String =
        (0..40).map(|number| format!("{}a{number}=1", if number > 0 { "," } else { "" })).collect();
    let many = format!("Digest {many}");
    for broken in [
        "",
        "Digest",
        "Basic realm=\"a\"",
        "Digestrealm=a",
        "Digest realm",
        "Digest realm=\"a",
        "Digest realm=\"a\\",
        "Digest realm=\"a\"nonce=\"b\"",
        "Digest realm=a, realm=b",
        "Digest =a",
        "Digest é=a",
        &long,
        &many,
    ] {
        assert!(Params::parse(broken.as_bytes()).is_none(), "{broken}");
    }
    assert!(Params::parse(b"Digest realm=\"\xff\"").is_none());
}

fn id(made_ms: u64, serial: u32) -> NonceId {
    NonceId { made_ms, serial }
}

#[test]
fn a_count_is_taken_once_and_may_come_a_little_late() {
    let mut window = Window::new(8);
    for (count, taken) in [
        (0, false),
        (5, true),
        (5, false),
        (3, true),
        (3, false),
        (68, true),
        (5, false),
        (4, false),
        (6, true),
        (1_000_000, true),
        (1_000_000 - 64, false),
        (1_000_000 - 63, true),
        (u32::MAX, true),
        (u32::MAX, false),
    ] {
        assert_eq!(window.take(id(1, 1), count), taken, "{count}");
    }
    assert!(window.take(id(1, 2), 5), "another nonce");
}

#[test]
fn a_full_window_refuses_what_it_forgot() {
    let mut window = Window::new(3);
    for serial in 1..=3 {
        assert!(window.take(id(10, serial), 1));
    }
    assert!(window.take(id(11, 4), 1));
    assert_eq!(window.len(), 3);
    assert!(!window.take(id(10, 1), 1) && !window.take(id(10, 1), 2), "forgotten, so refused");
    assert!(window.take(id(10, 2), 2), "still known");
    // Never seen, but as old as what was forgotten.
    assert!(!window.take(id(10, 0), 1));
    for serial in 10..10_000 {
        assert!(window.take(id(12, serial), 1));
        assert!(!window.take(id(12, serial), 1));
    }
    assert_eq!(window.len(), 3);
    window.expire(13);
    assert_eq!(window.len(), 0);
    assert!(!window.take(id(10, 2), 3), "the mark of what was forgotten stays");
}

proptest::proptest! {
    #[test]
    fn parameters_never_panic(bytes: Vec<u8>, text in "Digest [a-c=\"\\\\, é]{0,40}") {
        let _ = Params::parse(&bytes);
        let _ = Params::parse(text.as_bytes());
    }

    #[test]
    fn what_is_quoted_reads_as_it_was(value: String) {
        let mut text = String::new();
        push_quoted(&mut text, "realm", &value);
        let params = Params::parse(text.as_bytes()).unwrap();
        proptest::prop_assert_eq!(params.get("realm"), Some(value.as_str()));
    }
}
