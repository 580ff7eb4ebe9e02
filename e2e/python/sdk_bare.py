"""A server without --dev: nothing is there but the one key of its configuration, a temporary one.

Arguments: the secret and the session token of TEMPORARY.
"""

from sdk_check import argument, aws, check, equal, main, refused

SERVICES = {
    "kinesisvideo": lambda client: client.list_streams()["StreamInfoList"],
    "connect": lambda client: client.list_instances()["InstanceSummaryList"],
}


@check
def the_configured_key_finds_nothing_set_up():
    key = {"aws_access_key_id": "TEMPORARY", "aws_secret_access_key": argument(0), "aws_session_token": argument(1)}
    for service, everything in SERVICES.items():
        equal(everything(aws(service, **key)), [], f"what {service} lists")


@check
def the_developers_key_is_unknown():
    for service, everything in SERVICES.items():
        with refused("UnrecognizedClientException", 403):
            everything(aws(service))


@check
def a_refusal_explains_nothing():
    key = {"aws_access_key_id": "TEMPORARY", "aws_secret_access_key": "wrong", "aws_session_token": argument(1)}
    for service, everything in SERVICES.items():
        with refused("InvalidSignatureException", 403) as refusal:
            everything(aws(service, **key))
        assert "canonical" not in refusal.message.lower(), refusal.message


if __name__ == "__main__":
    main()
