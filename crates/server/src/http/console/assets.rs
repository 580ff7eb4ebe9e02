//! The pages: the files of `console/dist`, which `build.rs` embeds.

use super::super::body::{self, Body};
use super::super::respond;
use bytes::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use ring::digest::{SHA256, digest};
use std::collections::HashMap;

/// A file as it is embedded.
struct Embedded {
    /// Such as `/assets/index-DiwrgTda.js`.
    path: &'static str,
    bytes: &'static [u8],
    /// Absent where it would not be smaller.
    brotli: Option<&'static [u8]>,
}

const EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// The page of every path that is no file.
const INDEX: &str = "/index.html";
/// Names in this folder carry a hash of their content.
const HASHED: &str = "/assets/";
/// A year: longer than any browser keeps it.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
/// Characters of a file's SHA-256 in its ETag.
const ETAG_CHARACTERS: usize = 24;

/// The files by their paths.
pub(super) struct Assets(HashMap<&'static str, Asset>);

struct Asset {
    content_type: &'static str,
    is_hashed: bool,
    plain: Form,
    brotli: Option<Form>,
}

/// A file in one encoding.
struct Form {
    bytes: &'static [u8],
    etag: HeaderValue,
}

impl Form {
    fn new(bytes: &'static [u8]) -> Self {
        let hash = digest(&SHA256, bytes);
        let mut etag = String::from("\"");
        etag.extend(hash.as_ref().iter().take(ETAG_CHARACTERS / 2).map(|byte| format!("{byte:02x}")));
        etag.push('"');
        // Hex digits and quotes are a header's value.
        let etag = HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { bytes, etag }
    }
}

impl Assets {
    /// The embedded files.
    pub(super) fn embedded() -> Self {
        Self::of(EMBEDDED)
    }

    fn of(files: &[Embedded]) -> Self {
        let asset = |file: &Embedded| Asset {
            content_type: content_type(file.path),
            is_hashed: file.path.starts_with(HASHED),
            plain: Form::new(file.bytes),
            brotli: file.brotli.map(Form::new),
        };
        Self(files.iter().map(|file| (file.path, asset(file))).collect())
    }

    /// The file at the path of a request, or the page.
    pub(super) fn answer(&self, head: &Parts) -> Response<Body> {
        if !matches!(head.method, Method::GET | Method::HEAD) {
            let mut response = respond::text(405, "Pages are read by GET.\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let path = head.uri.path();
        match self.0.get(path) {
            Some(asset) => asset.answer(head),
            // A page of an earlier version asks for its own files: the page in their place would hide that they are gone.
            None if path.starts_with(HASHED) => respond::text(404, "There is no such file.\n"),
            None => match self.0.get(INDEX) {
                Some(index) => index.answer(head),
                None => respond::text(404, "This build has no pages.\n"),
            },
        }
    }
}

impl Asset {
    fn answer(&self, head: &Parts) -> Response<Body> {
        let packed = self.brotli.as_ref().filter(|_| takes_brotli(&head.headers));
        let form = packed.unwrap_or(&self.plain);
        let is_known = is_known(&head.headers, &form.etag);
        let sent = if is_known || head.method == Method::HEAD { b"".as_slice() } else { form.bytes };
        let mut response = respond::respond(200, self.content_type, body::full(Bytes::from_static(sent)));
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        if head.method == Method::HEAD && !is_known {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(form.bytes.len()));
        }
        headers.insert(ETAG, form.etag.clone());
        headers.insert(CACHE_CONTROL, if self.is_hashed { IMMUTABLE } else { NO_CACHE });
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        if packed.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
        }
        response
    }
}

/// RFC 9110 12.5.3: named, and not with the weight 0.
fn takes_brotli(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").map(str::trim);
        name.trim().eq_ignore_ascii_case("br")
            && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

/// RFC 9110 13.1.2, compared weakly.
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == etag.as_bytes())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use hyper::Request;

    const FILES: &[Embedded] = &[
        Embedded { path: "/index.html", bytes: b"<p>page</p>", brotli: Some(b"packed page") },
        Embedded { path: "/assets/app-1234.js", bytes: b"run()", brotli: Some(b"packed") },
        Embedded { path: "/assets/beep-1234.png", bytes: b"png", brotli: None },
    ];

    fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    async fn answer(method: &str, path: &str, headers: &[(&str, &str)]) -> (Response<()>, Bytes) {
        let (head_of_answer, body) = Assets::of(FILES).answer(&head(method, path, headers)).into_parts();
        (Response::from_parts(head_of_answer, ()), body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn every_path_that_is_no_file_is_the_page_and_a_lost_file_is_not() {
        for path in
            ["/", "/index.html", "/contacts/1", "/sign-in", "/api", "/%2e%2e/etc/passwd", "/../x", "//x"]
        {
            let (response, body) = answer("GET", path, &[]).await;
            assert_eq!((response.status().as_u16(), &body[..]), (200, &b"<p>page</p>"[..]), "{path}");
            assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
            assert_eq!(response.headers()["cache-control"], "no-cache");
        }
        let (response, _) = answer("GET", "/assets/app-0000.js", &[]).await;
        assert_eq!(response.status(), 404);
        let (response, _) = answer("POST", "/", &[]).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &"GET, HEAD".parse().unwrap())
        );
    }

    #[tokio::test]
    async fn a_hashed_file_is_kept_for_good_and_sent_as_the_client_takes_it() {
        let path = "/assets/app-1234.js";
        for (accepted, sent, encoding) in [
            ("", "run()", None),
            ("gzip, deflate, br, zstd", "packed", Some("br")),
            ("BR;q=0.5", "packed", Some("br")),
            ("gzip, br;q=0", "run()", None),
            ("br;q=x", "run()", None),
            ("brotli", "run()", None),
        ] {
            let (response, body) = answer("GET", path, &[("accept-encoding", accepted)]).await;
            assert_eq!(body, sent, "{accepted}");
            let headers = response.headers();
            assert_eq!(headers.get("content-encoding").map(|value| value.to_str().unwrap()), encoding);
            assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(headers["vary"], "Accept-Encoding");
            assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
        }
        let (response, body) = answer("GET", "/assets/beep-1234.png", &[("accept-encoding", "br")]).await;
        assert_eq!((&body[..], response.headers().get("content-encoding")), (&b"png"[..], None));
    }

    #[tokio::test]
    async fn what_a_client_has_is_not_sent_again() {
        let path = "/assets/app-1234.js";
        let (response, _) = answer("GET", path, &[]).await;
        let etag = response.headers()["etag"].to_str().unwrap().to_owned();
        for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
            let (response, body) = answer("GET", path, &[("if-none-match", &known)]).await;
            assert_eq!((response.status().as_u16(), body.len()), (304, 0), "{known}");
            assert_eq!(response.headers()["etag"], etag.as_str());
        }
        // Another encoding is another representation.
        let headers = [("if-none-match", etag.as_str()), ("accept-encoding", "br")];
        assert_eq!(answer("GET", path, &headers).await.0.status(), 200);
        let (response, body) = answer("HEAD", path, &[]).await;
        assert_eq!((body.len(), &response.headers()["content-length"]), (0, &"5".parse().unwrap()));
    }

    #[test]
    fn what_is_packed_unpacks_to_what_is_embedded() {
        for Embedded { path, bytes, brotli } in EMBEDDED {
            let Some(packed) = brotli else { continue };
            let mut unpacked = Vec::new();
            brotli::BrotliDecompress(&mut &packed[..], &mut unpacked).unwrap();
            assert_eq!(&unpacked, bytes, "{path}");
            assert!(packed.len() < bytes.len(), "{path}");
        }
    }

    #[test]
    fn the_embedded_page_fits_the_policy_of_its_own_answers() {
        let index = EMBEDDED.iter().find(|file| file.path == INDEX).unwrap();
        let text = std::str::from_utf8(index.bytes).unwrap().to_lowercase();
        assert!(!text.contains("<style") && !text.contains(" style="), "style-src 'self' refuses it");
        for script in text.split("<script").skip(1) {
            let (attributes, rest) = script.split_once('>').unwrap();
            assert!(
                attributes.contains("src=") && rest.starts_with("</script>"),
                "an inline script: {script}"
            );
        }
        for attribute in [" onload=", " onclick=", " onerror=", "javascript:"] {
            assert!(!text.contains(attribute), "{attribute}");
        }
    }
}
