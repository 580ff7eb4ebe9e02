"""The Lex V2 runtime through boto3, with a key that may do everything but send texts to the bot."""

import boto3
from sdk_check import check, main, typed

BOT = {"botId": "ORDERSBOT1", "botAliasId": "TSTALIASID", "localeId": "en_US"}

lex = boto3.client("lexv2-runtime", aws_access_key_id="AKIANOTEXTS", aws_secret_access_key="secret")


@check
def a_text_is_denied_and_a_session_is_not():
    with typed(lex, "AccessDeniedException", 403):
        lex.recognize_text(**BOT, sessionId="denied", text="track order")
    state = {"dialogAction": {"type": "ElicitIntent"}}
    lex.put_session(**BOT, sessionId="denied", sessionState=state)
    lex.get_session(**BOT, sessionId="denied")


main()
