"""The Lex V2 runtime through boto3, before a bot of the server: every operation that is offered, and its errors.

Arguments: a file of speech as PCM, 16 bit, 8 kHz, of which the server's recogniser hears "track order".
"""

import base64
import gzip
import json
import math
import struct
import threading

import botocore.config
from sdk_check import argument, aws, check, equal, main, refused, typed

BOT = {"botId": "ORDERSBOT1", "botAliasId": "TSTALIASID", "localeId": "en_US"}
LPCM = "audio/lpcm; sample-rate=8000; sample-size-bits=16; channel-count=1; is-big-endian=false"

# A recognition that fails is asked once, so that its error is the first answer.
once = botocore.config.Config(retries={"max_attempts": 1})
lex = aws("lexv2-runtime", config=once)
unchecked = aws("lexv2-runtime", config=once.merge(botocore.config.Config(parameter_validation=False)))


def text(session, words, **members):
    return lex.recognize_text(**BOT, sessionId=session, text=words, **members)


def utterance(session, body, content_type, **members):
    return lex.recognize_utterance(
        **BOT, sessionId=session, requestContentType=content_type, inputStream=body, **members
    )


def pack(value):
    return base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()


def unpack(packed):
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def speech(rate=8_000):
    """A second of a loud line."""
    wave = (int(9_000 * math.sin(at / 7)) for at in range(rate))
    return b"".join(struct.pack("<h", sample) for sample in wave)


@check
def a_conversation_by_text_elicits_a_slot_and_is_ready():
    first = text("text-1", "I want to track my order", requestAttributes={"from": "a test"})
    state = first["sessionState"]
    equal(state["dialogAction"], {"type": "ElicitSlot", "slotToElicit": "Number"}, "dialogAction")
    equal(state["intent"]["name"], "Track", "intent")
    equal(state["intent"]["slots"], {"Number": None}, "slots")
    equal(state["intent"]["state"], "InProgress", "state")
    equal(first["messages"], [{"content": "Which order?", "contentType": "PlainText"}], "messages")
    equal(first["sessionId"], "text-1", "session")
    equal(first["requestAttributes"], {"from": "a test"}, "request attributes")
    best = first["interpretations"][0]
    assert 0.6 < best["nluConfidence"]["score"] <= 1, best
    equal(first["interpretations"][-1]["intent"]["name"], "FallbackIntent", "last interpretation")
    second = text("text-1", "forty two")
    state = second["sessionState"]
    value = {"originalValue": "forty two", "interpretedValue": "42", "resolvedValues": ["42"]}
    equal(state["intent"]["slots"]["Number"], {"shape": "Scalar", "value": value}, "slot")
    equal((state["intent"]["state"], state["dialogAction"]["type"]), ("ReadyForFulfillment", "Close"), "end")
    equal(second["messages"][0]["content"], "Order 42 is on its way.", "closing message")


@check
def keys_choose_an_intent_and_fill_a_slot():
    equal(text("keys-1", "1")["sessionState"]["intent"]["name"], "Track", "intent of a key")
    equal(text("keys-1", "77")["sessionState"]["intent"]["state"], "ReadyForFulfillment", "slot of keys")


@check
def speech_is_heard_by_the_recogniser_and_answered_in_packed_headers():
    state = {"sessionAttributes": {"caller": "Ann"}}
    with open(argument(0), "rb") as file:
        body = file.read()
    answer = utterance(
        "speech-1",
        body,
        LPCM,
        responseContentType="audio/pcm",
        sessionState=pack(state),
        requestAttributes=pack({"from": "a test"}),
    )
    equal(answer["inputMode"], "Speech", "input mode")
    equal(unpack(answer["inputTranscript"]), "track order", "transcript")
    equal(unpack(answer["messages"])[0]["content"], "Which order?", "messages")
    equal(unpack(answer["interpretations"])[0]["intent"]["name"], "Track", "interpretations")
    equal(unpack(answer["requestAttributes"]), {"from": "a test"}, "request attributes")
    equal(unpack(answer["sessionState"])["sessionAttributes"], {"caller": "Ann"}, "session attributes")
    equal(answer["sessionId"], "speech-1", "session")
    equal(answer["audioStream"].read(), b"", "a bot of the server has no voice")
    equal(lex.get_session(**BOT, sessionId="speech-1")["sessionState"]["intent"]["name"], "Track", "session")


@check
def silence_is_an_empty_utterance():
    answer = utterance("speech-2", b"\0" * 8_000, LPCM, responseContentType="text/plain; charset=utf-8")
    equal(unpack(answer["sessionState"])["intent"]["name"], "FallbackIntent", "intent")
    equal(unpack(answer["inputTranscript"]), "", "transcript")


@check
def text_may_come_as_an_utterance():
    answer = utterance("speech-3", b"track order", "text/plain; charset=utf-8")
    equal((answer["inputMode"], answer["contentType"]), ("Text", "text/plain; charset=utf-8"), "answer")


@check
def sixteen_kilohertz_are_taken_in_every_spelling():
    for content_type in ["audio/l16; rate=16000; channels=1", "audio/x-l16; sample-rate=16000; channel-count=1"]:
        answer = utterance("speech-4", speech(16_000), content_type)
        equal(unpack(answer["inputTranscript"]), "track order", content_type)


@check
def a_session_is_put_read_and_deleted():
    state = {
        "dialogAction": {"type": "ElicitSlot", "slotToElicit": "Number"},
        "intent": {"name": "Track", "state": "InProgress"},
        "sessionAttributes": {"a": "b"},
    }
    put = lex.put_session(**BOT, sessionId="put-1", sessionState=state, responseContentType="text/plain; charset=utf-8")
    equal(unpack(put["messages"])[0]["content"], "Which order?", "the prompt of the slot")
    equal(put["sessionId"], "put-1", "session")
    session = lex.get_session(**BOT, sessionId="put-1")
    equal(session["sessionState"]["dialogAction"]["slotToElicit"], "Number", "dialogAction")
    equal(session["sessionState"]["sessionAttributes"], {"a": "b"}, "attributes")
    deleted = lex.delete_session(**BOT, sessionId="put-1")
    equal({name: deleted[name] for name in BOT}, BOT, "deleted")
    with typed(lex, "ResourceNotFoundException", 404):
        lex.get_session(**BOT, sessionId="put-1")
    with typed(lex, "ResourceNotFoundException", 404):
        lex.delete_session(**BOT, sessionId="put-1")


@check
def wrong_requests_are_refused_with_the_models_errors():
    with typed(lex, "ResourceNotFoundException", 404):
        lex.recognize_text(**{**BOT, "botId": "NOSUCHBOT1"}, sessionId="wrong", text="a")
    with typed(lex, "ResourceNotFoundException", 404):
        lex.recognize_text(**{**BOT, "localeId": "xx_XX"}, sessionId="wrong", text="a")
    with refused("ValidationException", 400):
        unchecked.recognize_text(**BOT, sessionId="w", text="a")
    with refused("ValidationException", 400):
        unchecked.recognize_text(**BOT, sessionId="wrong", text="a" * 1_025)
    with typed(lex, "ValidationException"):
        utterance("wrong", b"", "audio/x-cbr-opus-with-preamble; preamble-size=0")
    with typed(lex, "ValidationException"):
        utterance("wrong", b"a", "text/plain; charset=utf-8", sessionState="no base64 ***")
    with typed(lex, "ValidationException") as refusal:
        bomb = base64.b64encode(gzip.compress(b" " * (8 << 20))).decode()
        utterance("wrong", b"a", "text/plain; charset=utf-8", sessionState=bomb)
    assert "262144" in refusal.message, refusal.message


@check
def a_function_fulfils_and_one_that_fails_is_a_dependency_that_failed():
    done = text("function-1", "book a table")
    equal(done["sessionState"]["intent"]["state"], "Fulfilled", "state")
    equal(done["messages"][0]["content"], "Booked by a function.", "message")
    with typed(lex, "DependencyFailedException", 424):
        text("function-2", "break the function")


@check
def many_sessions_talk_at_once_and_keep_apart():
    failures = []

    def talk(number):
        try:
            client = aws("lexv2-runtime", config=once)
            for words in ["track order", str(number)]:
                answer = client.recognize_text(**BOT, sessionId=f"many-{number}", text=words)
            value = answer["sessionState"]["intent"]["slots"]["Number"]["value"]["interpretedValue"]
            equal(value, str(number), "the slot of its own session")
        except BaseException as error:
            failures.append(error)

    # boto3 makes its first client of a thread under a lock of its own.
    threads = [threading.Thread(target=talk, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(failures, [], "failures")


main()
