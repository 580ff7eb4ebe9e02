use super::Piece::{Bleep, Silence};
use super::*;
use proptest::prelude::*;

fn speech(text: &str) -> Piece {
    Piece::Speech(text.to_owned())
}

/// The pieces of a document with this content.
fn pieces(content: &str) -> Vec<Piece> {
    read(&format!("<speak>{content}</speak>")).unwrap_or_else(|error| panic!("{content}: {error}"))
}

/// What is spoken of a `say-as`.
fn said(interpret_as: &str, format: &str, content: &str) -> String {
    let document = format!("<say-as interpret-as=\"{interpret_as}\" format=\"{format}\">{content}</say-as>");
    match pieces(&document).as_slice() {
        [Piece::Speech(text)] => text.clone(),
        other => panic!("{other:?}"),
    }
}

fn refused(document: &str) -> SsmlError {
    read(document).expect_err(document)
}

#[test]
fn a_break_has_exactly_its_time_and_several_add_up() {
    for (time, ms) in [
        ("5s", 5_000),
        ("250ms", 250),
        ("0.5s", 500),
        ("+1.25 s", 1_250),
        ("10000ms", 10_000),
        (".5s", 500),
        ("1.9ms", 1),
    ] {
        assert_eq!(pieces(&format!("<break time='{time}'/>")), [Silence { ms }], "{time}");
    }
    assert_eq!(pieces(&"<break time=\"10s\"/> \n".repeat(18)), [Silence { ms: 180_000 }]);
    assert_eq!(
        pieces("a<break time=\"1s\"></break><break time=\"2s\"/>b"),
        [speech("a"), Silence { ms: 3_000 }, speech("b")]
    );
    assert_eq!(pieces("a<break time=\"0s\"/>b"), [speech("a"), speech("b")]);
}

#[test]
fn a_break_without_a_time_has_that_of_its_strength() {
    for (strength, ms) in [("weak", 250), ("medium", 250), ("strong", 500), ("x-strong", 1_000)] {
        assert_eq!(pieces(&format!("<break strength=\"{strength}\"/>")), [Silence { ms }], "{strength}");
    }
    assert_eq!(pieces("<break/>"), [Silence { ms: 250 }]);
    assert_eq!(pieces("<break strength=\"none\"/><break strength=\"x-weak\"/>"), []);
    assert_eq!(pieces("<break strength=\"none\" time=\"3s\"/>"), [Silence { ms: 3_000 }]);
}

#[test]
fn a_break_that_the_service_refuses_is_refused() {
    for broken in [
        "time=\"11s\"",
        "time=\"10001ms\"",
        "time=\"5\"",
        "time=\"-1s\"",
        "time=\"s\"",
        "strength=\"loud\"",
        "time=\"99999999999s\"",
    ] {
        let error = refused(&format!("<speak>a<break {broken}/></speak>"));
        assert_eq!(error, SsmlError::Break { at: 9 }, "{broken}");
    }
}

#[test]
fn sentences_and_paragraphs_are_apart_where_more_follows() {
    assert_eq!(
        pieces("<p><s>One.</s><s>Two.</s></p>\n<p>Three.</p>"),
        [speech("One."), Silence { ms: 500 }, speech("Two."), Silence { ms: 1_000 }, speech("Three.")]
    );
    assert_eq!(pieces("Before<p>in</p>"), [speech("Before"), Silence { ms: 1_000 }, speech("in")]);
    assert_eq!(pieces("<p></p><s> </s>only"), [speech("only")]);
}

#[test]
fn a_break_beside_the_end_of_a_paragraph_keeps_its_length() {
    assert_eq!(pieces("<p>a</p><break time=\"5s\"/>"), [speech("a"), Silence { ms: 5_000 }]);
    assert_eq!(pieces("<p>a<break time=\"5s\"/></p>b"), [speech("a"), Silence { ms: 5_000 }, speech("b")]);
    assert_eq!(pieces("<p>a</p><break time=\"10ms\"/>b"), [speech("a"), Silence { ms: 1_000 }, speech("b")]);
}

#[test]
fn say_as_is_spoken_as_it_is_meant() {
    for (interpret_as, format, content, expected) in [
        ("digits", "", "1234", "1 2 3 4"),
        ("characters", "", "ab-1", "A B dash 1"),
        ("spell-out", "", "hi", "H I"),
        ("telephone", "", "2125551212", "2 1 2, 5 5 5, 1 2 1 2"),
        ("telephone", "", "5551212", "5 5 5, 1 2 1 2"),
        ("telephone", "", "+1 (212) 555-1212x345", "plus 1, 2 1 2, 5 5 5, 1 2 1 2, extension 3 4 5"),
        ("cardinal", "", "12,345", "12345"),
        ("number", "", "-7.5", "-7.5"),
        ("cardinal", "", "many", "many"),
        ("ordinal", "", "1", "1st"),
        ("ordinal", "", "22", "22nd"),
        ("ordinal", "", "113", "113th"),
        ("ordinal", "", "1,003", "1003rd"),
        ("date", "mdy", "9/22/2026", "September 22, 2026"),
        ("date", "dmy", "22-9-2026", "September 22, 2026"),
        ("date", "ymd", "2026.09.22", "September 22, 2026"),
        ("date", "yyyymmdd", "20260922", "September 22, 2026"),
        ("date", "md", "9/2", "September 2"),
        ("date", "my", "12/2026", "December 2026"),
        ("date", "d", "3", "3rd"),
        ("date", "m", "1", "January"),
        ("date", "mdy", "13/40/2026", "13/40/2026"),
        ("date", "", "tomorrow", "tomorrow"),
        ("address", "", "1 Main St", "1 Main St"),
        ("nothing-known", "", "as it stands", "as it stands"),
    ] {
        assert_eq!(said(interpret_as, format, content), expected, "{interpret_as} {format} {content}");
    }
}

#[test]
fn an_expletive_is_a_bleep_of_its_length() {
    assert_eq!(
        pieces("well <say-as interpret-as=\"expletive\">one two</say-as> then"),
        [speech("well"), Bleep { ms: 800 }, speech("then")]
    );
}

#[test]
fn a_sub_is_spoken_by_its_alias() {
    assert_eq!(
        pieces("<sub alias=\"World Wide Web\">W<b>W</b>W</sub> <sub>plain</sub>"),
        [speech("World Wide Web plain")]
    );
}

#[test]
fn other_elements_are_passed_over_and_their_content_spoken() {
    assert_eq!(
        pieces(
            "<prosody rate=\"slow\">Slow <emphasis level=\"strong\">ly</emphasis></prosody>\
             <mark name=\"m\"/> <phoneme alphabet=\"ipa\" ph=\"pɪˈkɑːn\">pecan</phoneme>\
             <amazon:effect name=\"whispered\"> pie</amazon:effect><made-up x='1'>!</made-up>"
        ),
        [speech("Slow ly pecan pie!")]
    );
}

#[test]
fn entities_comments_and_cdata_are_read() {
    assert_eq!(
        pieces(
            "a &amp; b &lt;c&gt; &quot;d&quot; &apos;e&apos; &#102;&#x67;<!-- <no> --><?pi?><![CDATA[<h & i>]]>"
        ),
        [speech("a & b <c> \"d\" 'e' fg<h & i>")]
    );
    let declared = read("<?xml version=\"1.0\"?>\n<speak version=\"1.1\">x</speak>\n");
    assert_eq!(declared.unwrap(), [speech("x")]);
}

#[test]
fn what_is_not_well_formed_is_refused_with_its_place_and_without_its_text() {
    for (document, at) in [
        ("<speak>Smith & Sons</speak>", 8),
        ("<speak>&unknown;</speak>", 8),
        ("<speak>&#0;</speak>", 8),
        ("<speak>a < b</speak>", 10),
        ("<speak><p>a</speak>", 12),
        ("<speak>a", 9),
        ("<speak><break time=5s/></speak>", 8),
        ("<speak><break time=\"5s/></speak>", 8),
        ("<speak><break time=\"5s\" time=\"5s\"/></speak>", 8),
        ("<speak><break time=\"5s\"strength=\"weak\"/></speak>", 8),
        ("<!DOCTYPE speak [<!ENTITY a \"b\">]><speak/>", 1),
        ("<speak><!-- a</speak>", 8),
    ] {
        match refused(document) {
            SsmlError::Malformed { at: place, .. } => assert_eq!(place, at, "{document}"),
            other => panic!("{document}: {other}"),
        }
        assert!(!refused(document).to_string().contains("Smith"));
    }
}

#[test]
fn anything_else_than_one_speak_element_is_refused() {
    for document in [
        "",
        "hello",
        "<p>a</p>",
        "a<speak/>",
        "<speak/>b",
        "<speak/><speak/>",
        "<speaker/>",
        "<![CDATA[x]]><speak/>",
    ] {
        assert_eq!(refused(document), SsmlError::NotSpeak, "{document}");
    }
}

#[test]
fn a_prompt_has_limits() {
    let long = format!("<speak>{}</speak>", "<b>a</b>".repeat(800));
    assert_eq!(refused(&long), SsmlError::TooLong { chars: 6_415, limit_chars: 6_000 });
    let spoken = format!("<speak>{}</speak>", "a".repeat(3_001));
    assert_eq!(refused(&spoken), SsmlError::TooLong { chars: 3_001, limit_chars: 3_000 });
    assert_eq!(plain(&"é".repeat(3_001)), Err(SsmlError::TooLong { chars: 3_001, limit_chars: 3_000 }));
    assert_eq!(plain(&"é".repeat(3_000)).unwrap(), [speech(&"é".repeat(3_000))]);
    let nested = |levels: usize| format!("<speak>{}{}</speak>", "<p>".repeat(levels), "</p>".repeat(levels));
    assert_eq!(read(&nested(31)), Ok(vec![]));
    assert_eq!(refused(&nested(32)), SsmlError::TooDeep { at: 101 });
}

#[test]
fn plain_text_is_one_piece_and_a_space_is_none() {
    assert_eq!(plain("Hello,\n  <b> & \u{0} you").unwrap(), [speech("Hello, <b> & you")]);
    assert_eq!(plain(" ").unwrap(), []);
    assert_eq!(plain("").unwrap(), []);
}

#[test]
fn a_text_that_is_a_whole_document_is_told_from_one_that_is_not() {
    for (text, expected) in [
        ("<speak>Hello</speak>", true),
        ("  <speak version=\"1.0\">\nHello</speak>\n", true),
        ("<?xml version=\"1.0\"?><speak>Hello</speak>", true),
        ("Say <speak>Hello</speak>", false),
        ("<speak>Hello</speak> and more", false),
        ("<speaker>Hello</speak>", false),
        ("<speak>Hello", false),
        ("Hello", false),
    ] {
        assert_eq!(is_document(text), expected, "{text}");
    }
}

#[test]
fn reading_time_is_that_of_words_and_silence_is_exact() {
    assert_eq!(speech("one two three four five").reading_time_ms(), 2_000);
    assert_eq!(speech("one").reading_time_ms(), 500);
    assert_eq!(Piece::Speech("a ".repeat(1_000)).reading_time_ms(), 60_000);
    assert_eq!(Silence { ms: 7 }.reading_time_ms(), 7);
}

#[test]
fn debug_output_holds_no_text() {
    assert_eq!(format!("{:?}", pieces("Ada<break time=\"1s\"/>")), "[Speech(3 bytes), Silence(1000 ms)]");
}

/// Something like SSML: elements, entities and text, well formed or not.
fn like_ssml() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => "[a-z0-9 &;<>/='\"é-]{0,8}",
        2 => prop::sample::select(vec![
            "<p>", "</p>", "<s>", "</s>", "<break/>", "<break time=\"1s\"/>", "<sub alias=\"x\">", "</sub>", "&amp;", "<![CDATA[", "]]>",
            "<say-as interpret-as=\"telephone\">", "<say-as interpret-as=\"date\" format=\"mdy\">", "<say-as interpret-as=\"expletive\">",
            "<say-as interpret-as=\"ordinal\">", "</say-as>", "12/12/2026", "2125551212x9", "<speak>", "</speak>",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

/// What holds for whatever was read.
fn assert_sound(document: &str, pieces: &[Piece]) {
    let silence_ms: u64 = pieces
        .iter()
        .map(|piece| match piece {
            Silence { ms } | Bleep { ms } => {
                assert!(*ms > 0);
                u64::from(*ms)
            }
            Piece::Speech(text) => {
                assert!(
                    !text.is_empty()
                        && !text.starts_with(' ')
                        && !text.ends_with(' ')
                        && !text.contains("  "),
                    "{text:?}"
                );
                0
            }
        })
        .sum();
    let marks = document.matches('<').count() as u64;
    assert!(silence_ms <= marks * u64::from(BREAK_LIMIT_MS));
    assert!(pieces.windows(2).all(|pair| !matches!(pair, [Silence { .. }, Silence { .. }])), "{pieces:?}");
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(document in like_ssml()) {
        for document in [document.clone(), format!("<speak>{document}</speak>")] {
            if let Ok(pieces) = read(&document) {
                assert_sound(&document, &pieces);
            }
        }
        assert_sound("", &plain(&document).unwrap());
    }

    #[test]
    fn text_that_is_escaped_is_spoken_as_it_was(text in "[ -~é]{0,64}") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected = if words.is_empty() { vec![] } else { vec![Piece::Speech(words)] };
        prop_assert_eq!(pieces(&escaped), expected);
    }

    #[test]
    fn silence_is_the_sum_of_its_breaks(times in prop::collection::vec(0u32..=10_000, 0..100)) {
        let breaks: String = times.iter().map(|ms| format!("<break time=\"{ms}ms\"/>")).collect();
        let ms = times.iter().sum::<u32>();
        let expected = if ms == 0 { vec![] } else { vec![Silence { ms }] };
        prop_assert_eq!(pieces(&breaks), expected);
    }
}
