"""The clock of the services is put ahead: what has expired is gone at once, and clients go on signing by their own."""

import time

import sdk_matroska as mkv
from sdk_check import aws, check, equal, main, typed
from sdk_emulator import START_MS, control, document, done, stored
from sdk_upload import put

HOUR_MS = 3_600_000
kvs = aws("kinesisvideo")
media = aws("kinesis-video-media")
archived = aws("kinesis-video-archived-media")


def fragments(name):
    selector = {"StartSelectorType": "EARLIEST"}
    return mkv.fragments(media.get_media(StreamName=name, StartSelector=selector)["Payload"].read())


def listed(name, kind="SERVER_TIMESTAMP", from_s=None, to_s=None):
    """ListFragments; without a range, of all that may be there."""
    selector = {
        "FragmentSelectorType": kind,
        "TimestampRange": {"StartTimestamp": from_s or 1, "EndTimestamp": to_s or 4_000_000_000},
    }
    return archived.list_fragments(StreamName=name, FragmentSelector=selector)["Fragments"]


@check
def media_expires_at_once_and_is_refused_in_awss_words():
    before_s = time.time()
    times, numbers = stored(kvs, "kept-two-hours", hours=2)
    stored(kvs, "kept-three-days", hours=72)
    stored(kvs, "in-a-chunk", hours=2)
    done("POST", "flush")
    done("POST", "clock", {"advance_ms": HOUR_MS + HOUR_MS // 2})
    equal([fragment.timecode for fragment in fragments("kept-two-hours")], times, "after an hour and a half")
    moved = done("POST", "clock", {"advance": "1h30m"})
    equal(moved["ahead_ms"], 3 * HOUR_MS, "how far")
    assert moved["chunks_expired"] >= 1, moved
    for name in ["kept-two-hours", "in-a-chunk"]:
        equal(fragments(name), [], "what a reader gets")
        equal(listed(name), [], "what is listed")
        with typed(archived, "InvalidArgumentException") as refusal:
            listed(name, from_s=before_s - 10, to_s=time.time() + 1)
        assert "outside of the stream retention period" in refusal.message, refusal.message
    answer = archived.get_media_for_fragment_list(StreamName="kept-two-hours", Fragments=numbers[:1])
    (missing,) = mkv.fragments(answer["Payload"].read())
    equal(missing.tags["AWS_KINESISVIDEO_ERROR_CODE"], "FRAGMENT_NOT_FOUND", "what stands for a lost fragment")
    equal(len(fragments("kept-three-days")), 5, "what has not expired")


@check
def what_comes_after_a_jump_is_stamped_with_the_new_time():
    ahead_ms = done("GET", "clock")["ahead_ms"]
    assert ahead_ms > 0
    for expected in [ahead_ms, ahead_ms + 25 * HOUR_MS]:
        begun_ms = time.time() * 1000
        put(document([START_MS]), name="kept-three-days")
        stamped_ms = max(fragment["ServerTimestamp"].timestamp() for fragment in listed("kept-three-days")) * 1000
        assert abs(stamped_ms - begun_ms - expected) < 60_000, stamped_ms
        done("POST", "clock", {"advance": "25h"})
    created = kvs.create_stream(StreamName="of-the-future")["StreamARN"]
    created_ms = int(created.rsplit("/", 1)[1])
    assert created_ms - time.time() * 1000 > 50 * HOUR_MS, created


@check
def the_clock_goes_back_when_it_is_told_to():
    shown = done("DELETE", "clock")
    equal(shown["ahead_ms"], 0, "how far")
    assert abs(shown["now_ms"] - time.time() * 1000) < 60_000, shown
    # Numbers and server times of a stream never go backwards.
    before = max(int(fragment["FragmentNumber"]) for fragment in listed("kept-three-days"))
    put(document([START_MS + 1000]), name="kept-three-days")
    after = max(int(fragment["FragmentNumber"]) for fragment in listed("kept-three-days"))
    assert after > before, (after, before)


@check
def it_does_not_go_backwards_otherwise():
    for data in [{"advance": "-1h"}, {"advance_ms": -1}, {"advance": "soon"}, {}, {"advance": "1h", "advance_ms": 1}]:
        status, answer = control("POST", "clock", data)
        equal(status, 400, f"status for {data}")
    equal(done("GET", "clock")["ahead_ms"], 0, "how far")


if __name__ == "__main__":
    main()
