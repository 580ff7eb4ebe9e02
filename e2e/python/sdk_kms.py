"""The KMS API through boto3: every operation that is offered, and every modelled error that can arise."""

import datetime
import re

import botocore.config
import botocore.exceptions
from sdk_check import aws, check, equal, main, refused, typed

SERVICES_ALIAS = "alias/aws/kinesisvideo"
ABSENT = "99999999-9999-4999-8999-999999999999"
ARN = "arn:aws:kms:us-west-2:111122223333:"
DAY = datetime.timedelta(days=1)

kms = aws("kms")
# Sends what the model forbids, so that the server has to refuse it.
unchecked = aws("kms", config=botocore.config.Config(parameter_validation=False))


def create(**members):
    return kms.create_key(**members)["KeyMetadata"]["KeyId"]


def describe(key):
    return kms.describe_key(KeyId=key)["KeyMetadata"]


def now():
    return datetime.datetime.now(datetime.UTC)


def key_refusals(call, alias=True):
    """What every operation on a key says of keys that are not there."""
    with typed(kms, "NotFoundException"):
        call(KeyId=ABSENT)
    with typed(kms, "NotFoundException"):
        call(KeyId=f"{ARN}key/{ABSENT}")
    with typed(kms, "NotFoundException"):
        call(KeyId="not a key")
    if not alias:
        # Operations that manage keys take no aliases.
        with typed(kms, "NotFoundException"):
            call(KeyId=SERVICES_ALIAS)
        with typed(kms, "InvalidArnException"):
            call(KeyId=ARN + SERVICES_ALIAS)


@check
def a_key_is_created_and_described_by_all_its_names():
    created = kms.create_key(Description="calls", Tags=[{"TagKey": "team", "TagValue": "voice"}])["KeyMetadata"]
    key = created["KeyId"]
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key), key
    equal(created["Arn"], f"{ARN}key/{key}", "ARN")
    assert abs(created["CreationDate"] - now()) < datetime.timedelta(minutes=1), created
    assert re.fullmatch("[a-f0-9]{64}", created["CurrentKeyMaterialId"]), created
    fixed = {name: created[name] for name in created if name not in ("KeyId", "Arn", "CreationDate")}
    fixed.pop("CurrentKeyMaterialId")
    expected = {
        "AWSAccountId": "111122223333",
        "Enabled": True,
        "Description": "calls",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    equal(fixed, expected, "metadata")
    kms.create_alias(AliasName="alias/described", TargetKeyId=key)
    for name in [key, created["Arn"], "alias/described", ARN + "alias/described"]:
        equal(describe(name), created, name)
    key_refusals(kms.describe_key)
    with typed(kms, "NotFoundException"):
        kms.describe_key(KeyId="alias/nobody")
    with refused("ValidationException", 400):
        unchecked.describe_key()


@check
def keys_of_kinds_that_are_not_offered_are_refused():
    for members in [
        {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
        {"Origin": "EXTERNAL"},
        {"MultiRegion": True},
        {"Policy": '{"Version": "2012-10-17", "Statement": []}'},
    ]:
        with typed(kms, "UnsupportedOperationException"):
            kms.create_key(**members)
    with typed(kms, "MalformedPolicyDocumentException"):
        kms.create_key(Policy="allow everybody")
    with typed(kms, "TagException"):
        kms.create_key(Tags=[{"TagKey": "aws:mine", "TagValue": ""}])
    with refused("ValidationException", 400):
        kms.create_key(KeySpec="AES")


@check
def the_services_own_key_is_there_from_the_start_and_nobody_changes_it():
    mine = describe(SERVICES_ALIAS)
    equal((mine["KeyManager"], mine["KeyState"]), ("AWS", "Enabled"), "manager and state")
    alias = next(alias for alias in all_aliases() if alias["AliasName"] == SERVICES_ALIAS)
    equal(alias["TargetKeyId"], mine["KeyId"], "target")
    assert kms.get_key_rotation_status(KeyId=mine["KeyId"])["KeyRotationEnabled"]
    for call in [kms.disable_key, kms.schedule_key_deletion, kms.rotate_key_on_demand, kms.enable_key_rotation]:
        with refused("AccessDeniedException", 400):
            call(KeyId=mine["KeyId"])
    for call in [kms.create_alias, kms.update_alias]:
        with refused("NotAuthorizedException", 400):
            call(AliasName=SERVICES_ALIAS, TargetKeyId=create())
    with refused("NotAuthorizedException", 400):
        kms.delete_alias(AliasName=SERVICES_ALIAS)


def all_aliases(**members):
    pages = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 2}, **members)
    return [alias for page in pages for alias in page["Aliases"]]


@check
def keys_are_listed_page_by_page():
    known = {create() for _ in range(5)}
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 3}))
    listed = [key for page in pages for key in page["Keys"]]
    assert len(pages) > 1 and all(len(page["Keys"]) <= 3 for page in pages), pages
    ids = [key["KeyId"] for key in listed]
    equal(len(ids), len(set(ids)), "keys that are listed once")
    assert known <= set(ids), (known, ids)
    for key in listed:
        equal(key["KeyArn"], f"{ARN}key/{key['KeyId']}", "ARN")
    with typed(kms, "InvalidMarkerException"):
        kms.list_keys(Marker="?")
    for limit in [0, 1001]:
        with refused("ValidationException", 400):
            unchecked.list_keys(Limit=limit)


@check
def aliases_are_created_moved_listed_and_deleted():
    one, other = create(), create()
    kms.create_alias(AliasName="alias/first/a_b-c", TargetKeyId=one)
    kms.create_alias(AliasName="alias/second", TargetKeyId=f"{ARN}key/{one}")
    equal([alias["AliasName"] for alias in all_aliases(KeyId=one)], ["alias/first/a_b-c", "alias/second"], "aliases")
    alias = all_aliases(KeyId=one)[0]
    equal(alias["AliasArn"], ARN + "alias/first/a_b-c", "alias ARN")
    assert alias["CreationDate"] == alias["LastUpdatedDate"], alias
    kms.update_alias(AliasName="alias/second", TargetKeyId=other)
    equal(describe("alias/second")["KeyId"], other, "the key that an alias was moved to")
    kms.delete_alias(AliasName="alias/second")
    with typed(kms, "NotFoundException"):
        kms.describe_key(KeyId="alias/second")
    names = [alias["AliasName"] for alias in all_aliases()]
    assert SERVICES_ALIAS in names and "alias/first/a_b-c" in names and names == sorted(names), names

    with typed(kms, "AlreadyExistsException"):
        kms.create_alias(AliasName="alias/first/a_b-c", TargetKeyId=other)
    for name in ["first", "alias/", "alias/a:b"]:
        with typed(kms, "InvalidAliasNameException"):
            kms.create_alias(AliasName=name, TargetKeyId=one)
    with refused("ValidationException", 400):
        kms.create_alias(AliasName="alias/a b", TargetKeyId=one)
    for call, members in [
        (kms.create_alias, {"AliasName": "alias/new", "TargetKeyId": ABSENT}),
        (kms.update_alias, {"AliasName": "alias/nobody", "TargetKeyId": one}),
        (kms.update_alias, {"AliasName": "alias/first/a_b-c", "TargetKeyId": ABSENT}),
        (kms.delete_alias, {"AliasName": "alias/nobody"}),
        (kms.list_aliases, {"KeyId": ABSENT}),
    ]:
        with typed(kms, "NotFoundException"):
            call(**members)
    with typed(kms, "InvalidArnException"):
        kms.list_aliases(KeyId="arn:aws:s3:::bucket")
    with typed(kms, "InvalidMarkerException"):
        kms.list_aliases(Marker="?")
    kms.schedule_key_deletion(KeyId=one)
    for call, name in [(kms.create_alias, "alias/late"), (kms.update_alias, "alias/first/a_b-c")]:
        with typed(kms, "KMSInvalidStateException"):
            call(AliasName=name, TargetKeyId=one)
    many = create()
    for index in range(50):
        kms.create_alias(AliasName=f"alias/many/{index}", TargetKeyId=many)
    with typed(kms, "LimitExceededException"):
        kms.create_alias(AliasName="alias/many/50", TargetKeyId=many)


def uses(key, blob):
    """What a key is good for only while it is enabled."""
    return [
        lambda: kms.encrypt(KeyId=key, Plaintext=b"hello"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
        lambda: kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256"),
        lambda: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=create()),
        lambda: kms.rotate_key_on_demand(KeyId=key),
        lambda: kms.enable_key_rotation(KeyId=key),
        lambda: kms.disable_key_rotation(KeyId=key),
    ]


@check
def a_disabled_key_does_nothing_until_it_is_enabled():
    key = create()
    blob = kms.encrypt(KeyId=key, Plaintext=b"hello")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    equal((describe(key)["KeyState"], describe(key)["Enabled"]), ("Disabled", False), "state")
    for call in uses(key, blob):
        with typed(kms, "DisabledException"):
            call()
    kms.enable_key(KeyId=f"{ARN}key/{key}")
    equal(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"hello", "plaintext")
    key_refusals(kms.enable_key, alias=False)
    key_refusals(kms.disable_key, alias=False)


@check
def a_key_whose_deletion_is_pending_does_nothing_and_comes_back_disabled():
    key = create()
    blob = kms.encrypt(KeyId=key, Plaintext=b"hello")["CiphertextBlob"]
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    equal((answer["KeyId"], answer["KeyState"]), (f"{ARN}key/{key}", "PendingDeletion"), "answer")
    equal(answer["PendingWindowInDays"], 7, "days")
    assert abs(answer["DeletionDate"] - now() - 7 * DAY) < datetime.timedelta(minutes=1), answer
    metadata = describe(key)
    equal((metadata["KeyState"], metadata["Enabled"]), ("PendingDeletion", False), "state")
    equal(metadata["DeletionDate"], answer["DeletionDate"], "deletion date")
    for call in [
        *uses(key, blob),
        lambda: kms.enable_key(KeyId=key),
        lambda: kms.disable_key(KeyId=key),
        lambda: kms.schedule_key_deletion(KeyId=key),
        lambda: kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]),
        lambda: kms.untag_resource(KeyId=key, TagKeys=["a"]),
        lambda: kms.update_key_description(KeyId=key, Description=""),
    ]:
        with typed(kms, "KMSInvalidStateException"):
            call()
    equal(kms.cancel_key_deletion(KeyId=key)["KeyId"], f"{ARN}key/{key}", "key ARN")
    equal(describe(key)["KeyState"], "Disabled", "state")
    with typed(kms, "KMSInvalidStateException"):
        kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    equal(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"hello", "plaintext")
    for days in [6, 31]:
        with refused("ValidationException", 400):
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    equal(kms.schedule_key_deletion(KeyId=key)["PendingWindowInDays"], 30, "days unless said")
    key_refusals(kms.schedule_key_deletion, alias=False)
    key_refusals(kms.cancel_key_deletion, alias=False)


@check
def what_is_encrypted_is_decrypted_in_its_context_alone():
    key = create()
    kms.create_alias(AliasName="alias/contexts", TargetKeyId=key)
    context = {"stream": "a", "Gr\u00f6\u00dfe": "\u00fc"}
    answer = kms.encrypt(KeyId="alias/contexts", Plaintext=bytes(range(256)) * 16, EncryptionContext=context)
    equal((answer["KeyId"], answer["EncryptionAlgorithm"]), (f"{ARN}key/{key}", "SYMMETRIC_DEFAULT"), "answer")
    blob = answer["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=dict(reversed(context.items())))
    equal(opened["Plaintext"], bytes(range(256)) * 16, "plaintext")
    equal((opened["KeyId"], opened["EncryptionAlgorithm"]), (f"{ARN}key/{key}", "SYMMETRIC_DEFAULT"), "answer")
    for other in [{}, {"stream": "a"}, context | {"stream": "b"}]:
        with typed(kms, "InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=blob, EncryptionContext=other)
    damaged = bytearray(blob)
    damaged[-1] ^= 1
    for bad in [bytes(damaged), b"nonsense", blob[:-1]]:
        with typed(kms, "InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=bad, EncryptionContext=context)


@check
def plaintexts_have_1_to_4096_bytes():
    key = create()
    for plain in [b"x", b"y" * 4096]:
        blob = kms.encrypt(KeyId=key, Plaintext=plain)["CiphertextBlob"]
        equal(kms.decrypt(CiphertextBlob=blob, KeyId=key)["Plaintext"], plain, "plaintext")
    for plain in [b"", b"y" * 4097]:
        with refused("ValidationException", 400):
            unchecked.encrypt(KeyId=key, Plaintext=plain)


@check
def uses_that_cannot_be_are_refused_with_their_codes():
    key, other = create(), create()
    blob = kms.encrypt(KeyId=key, Plaintext=b"hello")["CiphertextBlob"]
    calls = {
        "encrypt": lambda **more: kms.encrypt(**{"KeyId": key, "Plaintext": b"x"} | more),
        "decrypt": lambda **more: kms.decrypt(**{"CiphertextBlob": blob} | more),
        "generate": lambda **more: kms.generate_data_key(**{"KeyId": key, "KeySpec": "AES_256"} | more),
        "without": lambda **more: kms.generate_data_key_without_plaintext(
            **{"KeyId": key, "KeySpec": "AES_256"} | more
        ),
        "re": lambda **more: kms.re_encrypt(**{"CiphertextBlob": blob, "DestinationKeyId": other} | more),
    }
    for call in calls.values():
        with typed(kms, "InvalidGrantTokenException"):
            call(GrantTokens=["token"])
        with typed(kms, "DryRunOperationException"):
            call(DryRun=True)
    for name in ["encrypt", "decrypt", "generate", "without"]:
        with typed(kms, "NotFoundException"):
            calls[name](KeyId=ABSENT)
        with typed(kms, "NotFoundException"):
            calls[name](KeyId="alias/nobody")
    with typed(kms, "NotFoundException"):
        calls["re"](DestinationKeyId=ABSENT)
    for name, member in [
        ("encrypt", "EncryptionAlgorithm"),
        ("decrypt", "EncryptionAlgorithm"),
        ("re", "SourceEncryptionAlgorithm"),
        ("re", "DestinationEncryptionAlgorithm"),
    ]:
        with typed(kms, "InvalidKeyUsageException"):
            calls[name](**{member: "RSAES_OAEP_SHA_256"})
    for name, member in [("decrypt", "KeyId"), ("re", "SourceKeyId")]:
        with typed(kms, "IncorrectKeyException"):
            calls[name](**{member: other})
    with typed(kms, "InvalidCiphertextException"):
        calls["re"](CiphertextBlob=b"nonsense")
    # The words are AWS's: of a key that is not there nothing is told.
    stranger = bytearray(blob)
    stranger[1] ^= 1
    with refused("AccessDeniedException", 400) as refusal:
        kms.decrypt(CiphertextBlob=bytes(stranger))
    assert refusal.message.startswith("The ciphertext refers to a customer master key that does not exist"), refusal


@check
def data_keys_are_made_and_opened():
    key = create()
    context = {"stream": "a"}
    for members, length in [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1024}, 1024)]:
        made = kms.generate_data_key(KeyId=key, EncryptionContext=context, **members)
        equal(len(made["Plaintext"]), length, "length")
        equal(made["KeyId"], f"{ARN}key/{key}", "key ARN")
        equal(made["KeyMaterialId"], describe(key)["CurrentKeyMaterialId"], "material")
        opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
        equal(opened["Plaintext"], made["Plaintext"], "plaintext")
        closed = kms.generate_data_key_without_plaintext(KeyId=key, EncryptionContext=context, **members)
        assert "Plaintext" not in closed, closed
        opened = kms.decrypt(CiphertextBlob=closed["CiphertextBlob"], EncryptionContext=context)
        equal(len(opened["Plaintext"]), length, "length")
    for members in [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}, {"NumberOfBytes": 1025}, {"KeySpec": "DES"}]:
        for call in [unchecked.generate_data_key, unchecked.generate_data_key_without_plaintext]:
            with refused("ValidationException", 400):
                call(KeyId=key, **members)


@check
def a_ciphertext_moves_to_another_key():
    one, other = create(), create()
    blob = kms.encrypt(KeyId=one, Plaintext=b"hello", EncryptionContext={"a": "1"})["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceKeyId=one,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=other,
        DestinationEncryptionContext={"b": "2"},
    )
    equal((moved["SourceKeyId"], moved["KeyId"]), (f"{ARN}key/{one}", f"{ARN}key/{other}"), "keys")
    kms.disable_key(KeyId=one)
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"})
    equal(opened["Plaintext"], b"hello", "plaintext")


@check
def a_rotated_key_decrypts_what_it_encrypted_before():
    key = create()
    before = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    first = describe(key)["CurrentKeyMaterialId"]
    equal(kms.list_key_rotations(KeyId=key)["Rotations"], [], "rotations of a new key")
    for _ in range(25):
        equal(kms.rotate_key_on_demand(KeyId=key)["KeyId"], key, "key id")
    with typed(kms, "LimitExceededException"):
        kms.rotate_key_on_demand(KeyId=key)
    after = kms.encrypt(KeyId=key, Plaintext=b"after")["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=before)
    equal((opened["Plaintext"], opened["KeyMaterialId"]), (b"before", first), "what was encrypted before")
    equal(kms.decrypt(CiphertextBlob=after)["Plaintext"], b"after", "what was encrypted after")
    pages = kms.get_paginator("list_key_rotations").paginate(KeyId=key, PaginationConfig={"PageSize": 10})
    rotations = [rotation for page in pages for rotation in page["Rotations"]]
    equal(len(rotations), 25, "rotations")
    equal({rotation["RotationType"] for rotation in rotations}, {"ON_DEMAND"}, "types")
    equal(rotations[-1]["KeyMaterialId"], describe(key)["CurrentKeyMaterialId"], "material")
    everything = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    equal((len(everything), everything[0]["KeyMaterialId"]), (26, first), "all material")
    key_refusals(kms.rotate_key_on_demand, alias=False)
    key_refusals(kms.list_key_rotations, alias=False)
    with typed(kms, "InvalidMarkerException"):
        kms.list_key_rotations(KeyId=key, Marker="?")


@check
def a_schedule_of_rotation_is_set_shown_and_taken_away():
    key = create()
    equal(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"], False, "a new key's schedule")
    kms.enable_key_rotation(KeyId=key)
    equal(kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"], 365, "days unless said")
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key)
    equal((status["KeyRotationEnabled"], status["RotationPeriodInDays"]), (True, 90), "schedule")
    assert abs(status["NextRotationDate"] - now() - 90 * DAY) < datetime.timedelta(minutes=1), status
    kms.disable_key_rotation(KeyId=key)
    equal(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"], False, "schedule")
    for days in [89, 2561]:
        with refused("ValidationException", 400):
            unchecked.enable_key_rotation(KeyId=key, RotationPeriodInDays=days)
    for call in [kms.enable_key_rotation, kms.disable_key_rotation, kms.get_key_rotation_status]:
        key_refusals(call, alias=False)


@check
def tags_are_set_listed_and_removed():
    key = create(Tags=[{"TagKey": "b", "TagValue": "1"}])
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": ""}, {"TagKey": "b", "TagValue": "2"}])
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "c", "TagValue": "3"}])
    pages = list(kms.get_paginator("list_resource_tags").paginate(KeyId=key, PaginationConfig={"PageSize": 2}))
    tags = [(tag["TagKey"], tag["TagValue"]) for page in pages for tag in page["Tags"]]
    equal((len(pages), tags), (2, [("a", ""), ("b", "2"), ("c", "3")]), "tags")
    kms.untag_resource(KeyId=key, TagKeys=["a", "c", "never there"])
    equal(kms.list_resource_tags(KeyId=key)["Tags"], [{"TagKey": "b", "TagValue": "2"}], "tags")
    for tags in [
        [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}],
        [{"TagKey": "aws:a", "TagValue": "1"}],
        [{"TagKey": str(index), "TagValue": ""} for index in range(50)],
    ]:
        with typed(kms, "TagException"):
            kms.tag_resource(KeyId=key, Tags=tags)
    key_refusals(lambda **members: kms.tag_resource(Tags=[{"TagKey": "a", "TagValue": ""}], **members), alias=False)
    key_refusals(lambda **members: kms.untag_resource(TagKeys=["a"], **members), alias=False)
    key_refusals(kms.list_resource_tags, alias=False)
    with typed(kms, "InvalidMarkerException"):
        kms.list_resource_tags(KeyId=key, Marker="?")


@check
def descriptions_change():
    key = create(Description="old")
    kms.update_key_description(KeyId=key, Description="")
    equal(describe(key)["Description"], "", "description")
    with refused("ValidationException", 400):
        kms.update_key_description(KeyId=key, Description="x" * 8193)
    key_refusals(lambda **members: kms.update_key_description(Description="", **members), alias=False)


@check
def random_bytes_are_as_many_as_asked():
    equal({len(kms.generate_random(NumberOfBytes=length)["Plaintext"]) for length in [1, 1024]}, {1, 1024}, "lengths")
    assert kms.generate_random(NumberOfBytes=32)["Plaintext"] != kms.generate_random(NumberOfBytes=32)["Plaintext"]
    for members in [{}, {"NumberOfBytes": 0}, {"NumberOfBytes": 1025}]:
        with refused("ValidationException", 400):
            unchecked.generate_random(**members)
    with typed(kms, "UnsupportedOperationException"):
        kms.generate_random(NumberOfBytes=1, CustomKeyStoreId="cks-1")


@check
def keys_belong_to_their_region():
    key = create()
    abroad = aws("kms", region_name="eu-west-1")
    for name in [key, f"{ARN}key/{key}"]:
        with typed(abroad, "NotFoundException"):
            abroad.describe_key(KeyId=name)
    blob = kms.encrypt(KeyId=key, Plaintext=b"hello")["CiphertextBlob"]
    with refused("AccessDeniedException", 400):
        abroad.decrypt(CiphertextBlob=blob)
    equal(abroad.describe_key(KeyId=SERVICES_ALIAS)["KeyMetadata"]["KeyManager"], "AWS", "the service's own key")


@check
def operations_that_are_not_offered_say_so():
    key = create()
    for call in [
        lambda: kms.get_key_policy(KeyId=key),
        lambda: kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::111122223333:root", Operations=["Decrypt"]),
        lambda: kms.sign(KeyId=key, Message=b"x", SigningAlgorithm="ECDSA_SHA_256"),
        lambda: kms.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_2048"),
        lambda: kms.describe_custom_key_stores(),
    ]:
        with refused("UnsupportedOperationException", 400) as refusal:
            call()
        assert "is not offered by this server" in refusal.message, refusal.message


@check
def strangers_are_refused_before_anything_is_done():
    for access_key, code in [("NOBODY", "UnrecognizedClientException"), ("TYMPANDEV", "InvalidSignatureException")]:
        stranger = aws("kms", aws_access_key_id=access_key, aws_secret_access_key="wrong")
        try:
            stranger.list_keys()
        except botocore.exceptions.ClientError as error:
            equal(error.response["Error"]["Code"], code, "code")
        else:
            raise AssertionError(f"{access_key} was let in")


if __name__ == "__main__":
    main()
