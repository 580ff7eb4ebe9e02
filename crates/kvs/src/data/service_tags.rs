//! The Tags that the service puts around each fragment, and the documents that carry an error.
//!
//! Source: recordings of GetMedia for names, order and size coding; the GetMedia page for the names of errors; the Java
//! parser library for which of them it takes.

use bytes::BufMut;
use tympan_mkv::write;
use tympan_types::{FragmentNumber, ProducerTime, ServerTime};

const FRAGMENT_NUMBER: &str = "AWS_KINESISVIDEO_FRAGMENT_NUMBER";
const SERVER_TIMESTAMP: &str = "AWS_KINESISVIDEO_SERVER_TIMESTAMP";
const PRODUCER_TIMESTAMP: &str = "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP";
const MILLIS_BEHIND_NOW: &str = "AWS_KINESISVIDEO_MILLIS_BEHIND_NOW";
const CONTINUATION_TOKEN: &str = "AWS_KINESISVIDEO_CONTINUATION_TOKEN";
const ERROR_ID: &str = "AWS_KINESISVIDEO_ERROR_ID";
const ERROR_CODE: &str = "AWS_KINESISVIDEO_ERROR_CODE";

/// Room for [`before_cluster`] and [`after_fragment`].
pub(crate) const TAGS_BYTES: usize = 512;

/// What stands right before the Cluster.
pub(crate) fn before_cluster(
    out: &mut impl BufMut,
    number: FragmentNumber,
    server: ServerTime,
    producer: ProducerTime,
) {
    write::service_tags(
        out,
        &[
            (FRAGMENT_NUMBER, &number.to_string()),
            (SERVER_TIMESTAMP, &server.epoch_seconds()),
            (PRODUCER_TIMESTAMP, &producer.epoch_seconds()),
        ],
    );
}

/// What ends the document of a fragment in GetMedia.
pub(crate) fn after_fragment(out: &mut impl BufMut, number: FragmentNumber, behind_ms: i64) {
    write::service_tags(
        out,
        &[(MILLIS_BEHIND_NOW, &behind_ms.max(0).to_string()), (CONTINUATION_TOKEN, &number.to_string())],
    );
}

/// A document in place of a fragment that GetMedia cannot deliver.
pub(crate) fn error_document(out: &mut impl BufMut, number: FragmentNumber, id: u16, code: &str) {
    head_alone(out);
    write::service_tags(
        out,
        &[(FRAGMENT_NUMBER, &number.to_string()), (ERROR_ID, &id.to_string()), (ERROR_CODE, code)],
    );
}

/// A document in place of a fragment that GetMediaForFragmentList cannot deliver; `number` as it was asked for.
///
/// Source: captures of two users, of 2020 and 2025 (aws-sdk-js#3217). The API page has other names; the Java parser
/// library fails without AWS_KINESISVIDEO_ERROR_ID.
pub(crate) fn list_error_document(out: &mut impl BufMut, number: &str, id: u16, code: &str) {
    head_alone(out);
    write::service_tags(out, &[(ERROR_CODE, code), (ERROR_ID, &id.to_string()), (FRAGMENT_NUMBER, number)]);
}

fn head_alone(out: &mut impl BufMut) {
    write::ebml_header(out);
    write::segment_header_unknown_8(out);
}
