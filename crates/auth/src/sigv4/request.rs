/// The head of a request as it came over the wire: nothing decoded, nothing joined.
///
/// Every byte here may be hostile.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// The path as received, percent-encoding and all: `/functions/arn%3Aaws`. Empty counts as `/`.
    pub raw_path: &'a str,
    /// What follows the `?`, as received; empty if there is none.
    pub raw_query: &'a str,
    /// The headers in the order received, `Host` among them; names in any case, one entry per header line.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The port that the request arrived at: some clients sign it although their `Host` header lacks it.
    pub local_port: Option<u16>,
}

impl<'a> RequestParts<'a> {
    /// The values of a header; `name` in lower case.
    pub(super) fn header_values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// The value of a header that may stand only once, trimmed; `None` if it is absent, repeated, or not text.
    pub(super) fn single_header(&self, name: &str) -> Option<&'a str> {
        let mut values = self.header_values(name);
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        std::str::from_utf8(value).ok().map(|text| text.trim_matches([' ', '\t']))
    }

    pub(super) fn has_header(&self, name: &str) -> bool {
        self.header_values(name).next().is_some()
    }
}
