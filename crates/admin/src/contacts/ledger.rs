//! What a capture holds that was not received.

use serde_json::{Value, json};
use tympan_telephony::capture_ledger::CaptureLedger;

/// Samples at 8 kHz; `At` is counted from the first one of the capture. Causes that did not occur are left out.
pub(crate) fn ledger(ledger: &CaptureLedger) -> Value {
    let totals = ledger.totals().map(|(cause, total)| {
        (cause.name().to_owned(), json!({ "Count": total.count, "Samples": total.samples }))
    });
    let spans = ledger
        .spans()
        .map(|span| json!({ "At": span.at, "Samples": span.samples, "Cause": span.cause.name() }));
    json!({
        "Samples": ledger.samples(),
        "ReceivedSamples": ledger.received_samples(),
        "Causes": totals.collect::<serde_json::Map<_, _>>(),
        "Spans": spans.collect::<Vec<_>>(),
        "SpansForgotten": ledger.forgotten(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_telephony::rtp::ledger::Cause;

    #[test]
    fn a_ledger_is_told_by_cause_and_span() {
        let mut counted = CaptureLedger::default();
        counted.received(100);
        counted.silence(160, Cause::Lost);
        assert_eq!(
            ledger(&counted),
            json!({
                "Samples": 260,
                "ReceivedSamples": 100,
                "Causes": { "lost": { "Count": 1, "Samples": 160 } },
                "Spans": [{ "At": 100, "Samples": 160, "Cause": "lost" }],
                "SpansForgotten": 0,
            })
        );
    }
}
