//! Blocks that start and stop live media streaming.

use super::Step;
use crate::CaptureRequest;
use crate::Stage;
use crate::context::Context;
use crate::streaming::Streaming;
use tympan_flow::Input;
use tympan_telephony::words::Tracks;

/// Starts to capture the customer, also in a flow that an agent hears. Waits until the lead-in is safe.
pub(super) fn start(cx: &mut Context, streaming: &mut Streaming, tracks: Tracks) -> Step<()> {
    // A block that names no direction means the customer's.
    let tracks = if tracks.any() { tracks } else { Tracks::FROM_CUSTOMER };
    if streaming.is_started() {
        return if streaming.widen(cx, tracks) { Step::Waits(()) } else { Step::At(Input::Done) };
    }
    let instance = cx.contact.instance.id;
    let Some(settings) = cx.instance.media_streaming(instance) else {
        let reason = "live media streaming is not enabled for the instance: \
            associate a MEDIA_STREAMS storage configuration with it";
        return Step::At(Input::Failed { reason: reason.to_owned() });
    };
    let request = CaptureRequest { contact: cx.contact.id, instance, tracks, settings, goes_on: false };
    let leg = cx.customer_leg;
    streaming.start(cx, leg, request);
    Step::Waits(())
}

/// Stops to capture these tracks. Waits, where nothing is captured any more, until the last fragment is safe.
pub(super) fn stop(cx: &mut Context, streaming: &mut Streaming, tracks: Tracks) -> Step<()> {
    if !streaming.is_started() {
        return Step::At(Input::Done);
    }
    let waits = streaming.stop(cx, tracks, cx.options.stop_limit_ms);
    cx.persist(Stage::Changed);
    if waits { Step::Waits(()) } else { Step::At(Input::Done) }
}
