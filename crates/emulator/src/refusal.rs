//! Refusals that a fault invents, in the exact shape of the service that is asked.

use crate::layer::{Asked, Service};
use crate::reply as respond;
use crate::seam::Body;
use hyper::Response;
use hyper::header::{DATE, HeaderValue};
use serde_json::json;
use time::macros::format_description;
use tympan_auth::{AmzDate, Rejection};
use tympan_types::WallTime;

/// How far apart clocks may be before AWS refuses.
const SKEW_MS: i64 = 300_000;

/// Too many requests.
pub(super) fn throttled(asked: &Asked) -> Response<Body> {
    let (code, status) = match asked.service {
        Service::KinesisVideo => ("ClientLimitExceededException", 400),
        Service::Connect => ("ThrottlingException", 429),
        Service::Targeted => ("ThrottlingException", 400),
    };
    error(asked, code, status, "Rate exceeded")
}

/// Too many streams.
pub(super) fn quota_reached(asked: &Asked) -> Response<Body> {
    let message = "The number of streams created for the account has reached its limit.";
    error(asked, "AccountStreamLimitExceededException", 400, message)
}

/// Any error by its name.
pub(super) fn error(asked: &Asked, code: &str, status: u16, message: &str) -> Response<Body> {
    let body = match asked.service {
        Service::KinesisVideo | Service::Connect => json!({ "Message": message }),
        Service::Targeted => json!({ "__type": code, "message": message }),
    };
    respond::error(status, code, body.to_string().into_bytes())
}

/// A session that is over.
pub(super) fn expired_token() -> Response<Body> {
    rejected(&Rejection::ExpiredAccessKey)
}

/// A signature of another time than `client`, which is now. The Date header shows the server's clock as it seems to be, by which some SDKs correct
/// their own.
pub(super) fn clock_skew(client: WallTime, ms: i64) -> Response<Body> {
    let (signed_at, now) = (AmzDate::from_wall_time(client), client.plus_ms(ms));
    let rejection = if ms >= 0 {
        Rejection::SignatureExpired { signed_at, now, within_ms: SKEW_MS }
    } else {
        Rejection::SignatureNotYetCurrent { signed_at, now, ahead_ms: SKEW_MS }
    };
    let mut response = rejected(&rejection);
    if let Some(date) = http_date(now) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

fn rejected(rejection: &Rejection) -> Response<Body> {
    let message = rejection.to_string();
    // Both spellings, as in every refusal of a signature.
    let body = json!({ "message": message, "Message": message });
    respond::error(rejection.status(), rejection.error_type(), body.to_string().into_bytes())
}

/// A status and nothing else.
pub(super) fn bare(status: u16) -> Response<Body> {
    respond::respond(status, "text/plain; charset=utf-8", "")
}

fn http_date(at: WallTime) -> Option<HeaderValue> {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let at = time::OffsetDateTime::from_unix_timestamp(at.unix_ms() / 1_000).ok()?;
    HeaderValue::from_str(&at.format(format).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        let at = WallTime::from_unix_ms(784_111_777_000);
        assert_eq!(http_date(at).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn each_service_is_throttled_in_its_own_words() {
        let throttled = |service| {
            let asked = Asked { service, operation: "X".into(), stream: None };
            let response = throttled(&asked);
            (response.status().as_u16(), response.headers()["x-amzn-errortype"].to_str().unwrap().to_owned())
        };
        assert_eq!(throttled(Service::KinesisVideo), (400, "ClientLimitExceededException".into()));
        assert_eq!(throttled(Service::Connect), (429, "ThrottlingException".into()));
        assert_eq!(throttled(Service::Targeted), (400, "ThrottlingException".into()));
    }
}
