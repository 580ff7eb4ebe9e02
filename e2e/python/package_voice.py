"""Says whether a GetMedia body holds the voice of packaging/examples/caller.xml: package_voice.py BODY.mkv HELLO.wav"""

import hashlib
import sys

import lms

WINDOW = 2_000  # samples: a quarter of a second


def linear(code):
    """G.711 section 3.3, table 2b: one mu-law code as 16-bit signed little-endian PCM."""
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return (-magnitude if code & 0x80 else magnitude).to_bytes(2, "little", signed=True)


body, voice = (open(name, "rb").read() for name in sys.argv[1:3])
fragments = lms.fragments(body)
pcm = b"".join(fragment.pcm() for fragment in fragments)
# The caller says it over and over.
said = b"".join(linear(code) for code in voice[voice.index(b"data") + 8 :]) * 3
windows = [pcm[at : at + 2 * WINDOW] for at in range(2 * WINDOW, len(pcm) - 2 * WINDOW, 2 * WINDOW)]
heard = sum(any(window) and window in said for window in windows)
# Few windows lie across the place where the caller begins anew.
assert heard >= 8 and heard * 10 >= len(windows) * 8, f"{heard} of {len(windows)} windows are what the caller said"
print(f"{len(fragments)} fragments, {len(pcm) / 16_000:.1f} s, PCM sha256 {hashlib.sha256(pcm).hexdigest()}")
print(f"{heard} of {len(windows)} windows of 0.25 s are sample for sample what the caller said")
