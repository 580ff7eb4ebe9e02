//! Header names that this crate reads or writes, and their compact forms.

macro_rules! names {
    ($($name:ident = $text:literal $(, $compact:literal)?;)*) => {
        /// A header name. Names compare without case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is the name that it says")]
        pub enum Name {
            $($name,)*
        }

        const NAMES: &[(&str, Option<u8>, Name)] = &[
            $(($text, names!(@compact $($compact)?), Name::$name),)*
        ];

        impl Name {
            /// The long form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
    (@compact) => { None };
    (@compact $compact:literal) => { Some($compact) };
}

// Compact forms: RFC 3261 section 7.3.3 and the IANA registry of SIP header fields.
names! {
    Via = "Via", b'v';
    From = "From", b'f';
    To = "To", b't';
    CallId = "Call-ID", b'i';
    CSeq = "CSeq";
    Contact = "Contact", b'm';
    MaxForwards = "Max-Forwards";
    ContentLength = "Content-Length", b'l';
    ContentType = "Content-Type", b'c';
    ContentDisposition = "Content-Disposition";
    ContentEncoding = "Content-Encoding", b'e';
    Supported = "Supported", b'k';
    Allow = "Allow";
    Require = "Require";
    RecordRoute = "Record-Route";
    Route = "Route";
    UserAgent = "User-Agent";
    Server = "Server";
    SessionExpires = "Session-Expires", b'x';
    MinSe = "Min-SE";
    RAck = "RAck";
    RSeq = "RSeq";
    Accept = "Accept";
    AlertInfo = "Alert-Info";
    AnswerMode = "Answer-Mode";
    AuthenticationInfo = "Authentication-Info";
    Authorization = "Authorization";
    CallInfo = "Call-Info";
    Date = "Date";
    Diversion = "Diversion";
    Event = "Event", b'o';
    Expires = "Expires";
    HistoryInfo = "History-Info";
    MinExpires = "Min-Expires";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    Path = "Path";
    Privacy = "Privacy";
    ProxyAuthenticate = "Proxy-Authenticate";
    ProxyAuthorization = "Proxy-Authorization";
    ProxyRequire = "Proxy-Require";
    Reason = "Reason";
    ReferSub = "Refer-Sub";
    ReferTo = "Refer-To", b'r';
    ReferredBy = "Referred-By", b'b';
    RemotePartyId = "Remote-Party-ID";
    Replaces = "Replaces";
    RetryAfter = "Retry-After";
    ServiceRoute = "Service-Route";
    SubscriptionState = "Subscription-State";
    Unsupported = "Unsupported";
    UserToUser = "User-to-User";
    Warning = "Warning";
    WwwAuthenticate = "WWW-Authenticate";
}

impl Name {
    /// The name in its long or compact form; `None` for a name that is not listed.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if let [letter] = text {
            let letter = letter.to_ascii_lowercase();
            return NAMES.iter().find(|(_, compact, _)| *compact == Some(letter)).map(|(_, _, name)| *name);
        }
        NAMES.iter().find(|(long, _, _)| long.as_bytes().eq_ignore_ascii_case(text)).map(|(_, _, name)| *name)
    }
}

/// The compact form of a header that [`Name`] does not list.
pub(super) fn compact_form(name: &str) -> Option<u8> {
    const FORMS: [(&str, u8); 7] = [
        ("Subject", b's'),
        ("Allow-Events", b'u'),
        ("Accept-Contact", b'a'),
        ("Reject-Contact", b'j'),
        ("Request-Disposition", b'd'),
        ("Identity", b'y'),
        ("Identity-Info", b'n'),
    ];
    FORMS.iter().find(|(long, _)| long.eq_ignore_ascii_case(name)).map(|(_, compact)| *compact)
}
