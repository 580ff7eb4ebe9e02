"""A keyring that is not in order. The argument is the server's data folder."""

import pathlib

import botocore.config
from sdk_check import argument, aws, check, equal, main, typed

kms = aws("kms", config=botocore.config.Config(retries={"total_max_attempts": 1}))


@check
def a_keyring_that_others_may_read_is_a_fault_of_the_server_until_it_is_private_again():
    keyring = pathlib.Path(argument(0)) / "keyring" / "keyring.json"
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    keyring.chmod(0o640)
    for call in [kms.list_keys, kms.create_key, lambda: kms.encrypt(KeyId=key, Plaintext=b"x")]:
        with typed(kms, "KMSInternalException", 500) as refusal:
            call()
        assert str(keyring) not in refusal.message, refusal.message
    keyring.chmod(0o600)
    equal(len(kms.list_keys()["Keys"]), 2, "keys")


if __name__ == "__main__":
    main()
