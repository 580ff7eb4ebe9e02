"""The Lex V2 runtime through boto3, before a server that turns no speech into text, or whose recogniser fails."""

import botocore.config
from sdk_check import argument, aws, check, main, typed

BOT = {"botId": "ORDERSBOT1", "botAliasId": "TSTALIASID", "localeId": "en_US"}
LPCM = "audio/lpcm; sample-rate=8000; sample-size-bits=16; channel-count=1; is-big-endian=false"

lex = aws("lexv2-runtime", config=botocore.config.Config(retries={"max_attempts": 1}))


@check
def speech_is_a_dependency_that_failed_and_text_is_taken():
    body = b"\x00\x20" * 8_000
    with typed(lex, "DependencyFailedException", 424) as refusal:
        lex.recognize_utterance(**BOT, sessionId="deaf", requestContentType=LPCM, inputStream=body)
    assert argument(0) in refusal.message, refusal.message
    lex.recognize_text(**BOT, sessionId="deaf", text="track order")


main()
