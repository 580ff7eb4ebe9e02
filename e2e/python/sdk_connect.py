"""Amazon Connect's control plane through boto3."""

import datetime
import hashlib
import pathlib
import re

import botocore.config
from sdk_check import aws, check, equal, main, refused, typed
from sdk_documents import flow, media_streams

FLOWS = pathlib.Path(__file__).parents[2] / "fixtures" / "flows"
UNKNOWN = "99999999-9999-4999-8999-999999999999"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
FUNCTION = "arn:aws:lambda:us-west-2:111122223333:function:lookup"

connect = aws("connect")


def new_instance(alias):
    return connect.create_instance(
        InstanceAlias=alias,
        IdentityManagementType="CONNECT_MANAGED",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=False,
    )["Id"]


def unchecked():
    """A client that sends what the model forbids, so that the server has to refuse it."""
    return aws("connect", config=botocore.config.Config(parameter_validation=False))


def pages(operation, key, **members):
    """Everything that a paginator gives, by pages of one."""
    paginator = connect.get_paginator(operation)
    found = []
    for page in paginator.paginate(PaginationConfig={"PageSize": 1}, **members):
        assert len(page[key]) <= 1, page
        found.extend(page[key])
    return found


@check
def instances_are_created_listed_described_and_deleted():
    before = datetime.datetime.now(datetime.UTC)
    created = connect.create_instance(
        InstanceAlias="described",
        IdentityManagementType="CONNECT_MANAGED",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=False,
        Tags={"team": "voice"},
    )
    id = created["Id"]
    assert re.fullmatch(UUID, id), id
    equal(created["Arn"], f"arn:aws:connect:us-west-2:111122223333:instance/{id}", "ARN")
    described = connect.describe_instance(InstanceId=id)["Instance"]
    for member, expected in {
        "Id": id,
        "Arn": created["Arn"],
        "InstanceAlias": "described",
        "InstanceStatus": "ACTIVE",
        "IdentityManagementType": "CONNECT_MANAGED",
        "InboundCallsEnabled": True,
        "OutboundCallsEnabled": False,
        "Tags": {"team": "voice"},
    }.items():
        equal(described[member], expected, member)
    assert abs(described["CreatedTime"] - before) < datetime.timedelta(minutes=1), described
    # --dev comes with one.
    aliases = [instance["InstanceAlias"] for instance in connect.list_instances()["InstanceSummaryList"]]
    assert {"demo", "described"} <= set(aliases), aliases
    by_pages = pages("list_instances", "InstanceSummaryList")
    equal([instance["InstanceAlias"] for instance in by_pages], aliases, "aliases by pages")
    connect.delete_instance(InstanceId=id)
    for call in [connect.describe_instance, connect.delete_instance]:
        with typed(connect, "ResourceNotFoundException", 404):
            call(InstanceId=id)


@check
def aliases_keep_their_rule_and_are_taken_once():
    new_instance("a-Longer-alias-1")
    # The model of CreateInstance has no exception of its own for it.
    with typed(connect, "InvalidRequestException"):
        new_instance("a-Longer-alias-1")
    client = unchecked()
    for bad in ["", "d-reserved", "-a", "a-", "a b", "x" * 46]:
        with refused("InvalidRequestException", 400):
            client.create_instance(
                InstanceAlias=bad,
                IdentityManagementType="CONNECT_MANAGED",
                InboundCallsEnabled=True,
                OutboundCallsEnabled=False,
            )


@check
def live_media_streaming_is_enabled_changed_and_disabled():
    id = new_instance("streaming")
    types = {"ResourceType": "MEDIA_STREAMS"}
    equal(connect.list_instance_storage_configs(InstanceId=id, **types)["StorageConfigs"], [], "before")
    association = connect.associate_instance_storage_config(
        InstanceId=id, StorageConfig=media_streams(hours=48), **types
    )["AssociationId"]
    named = {"InstanceId": id, "AssociationId": association, **types}
    # As from the service, the prefix comes with what follows it in the names of streams.
    expected = {"AssociationId": association, **media_streams("support-connect-streaming-contact-", 48)}
    equal(connect.describe_instance_storage_config(**named)["StorageConfig"], expected, "described")
    equal(connect.list_instance_storage_configs(InstanceId=id, **types)["StorageConfigs"], [expected], "listed")
    with typed(connect, "ResourceConflictException", 409):
        connect.associate_instance_storage_config(InstanceId=id, StorageConfig=media_streams("other"), **types)
    connect.update_instance_storage_config(StorageConfig=media_streams("support", 0), **named)
    changed = connect.describe_instance_storage_config(**named)["StorageConfig"]
    equal(changed["KinesisVideoStreamConfig"]["RetentionPeriodHours"], 0, "hours")
    # What was read can be written back.
    connect.update_instance_storage_config(StorageConfig=changed, **named)
    equal(connect.describe_instance_storage_config(**named)["StorageConfig"], changed, "written back")
    connect.disassociate_instance_storage_config(**named)
    with typed(connect, "ResourceNotFoundException", 404):
        connect.describe_instance_storage_config(**named)
    equal(connect.list_instance_storage_configs(InstanceId=id, **types)["StorageConfigs"], [], "after")


@check
def storage_configurations_keep_their_rules():
    id = new_instance("rules")
    client = unchecked()

    def associate(config, instance=id, resource_type="MEDIA_STREAMS"):
        client.associate_instance_storage_config(
            InstanceId=instance, ResourceType=resource_type, StorageConfig=config
        )

    for bad in [
        media_streams(prefix=""),
        media_streams(prefix="x" * 129),
        media_streams(hours=-1),
        media_streams(hours=87_601),
        media_streams(key=""),
        {"StorageType": "KINESIS_VIDEO_STREAM"},
        {"StorageType": "S3", "S3Config": {"BucketName": "b", "BucketPrefix": "p"}},
    ]:
        with typed(client, "InvalidParameterException"):
            associate(bad)
    with typed(client, "InvalidParameterException"):
        associate(media_streams(), resource_type="COFFEE")
    with typed(client, "ResourceNotFoundException", 404):
        associate(media_streams(), instance=UNKNOWN)
    equal(
        connect.list_instance_storage_configs(InstanceId=id, ResourceType="CALL_RECORDINGS")["StorageConfigs"],
        [],
        "what is not there",
    )


@check
def flows_are_created_described_changed_and_listed():
    id = new_instance("flows")
    content = flow()
    created = connect.create_contact_flow(InstanceId=id, Name="inbound", Type="CONTACT_FLOW", Content=content)
    named = {"InstanceId": id, "ContactFlowId": created["ContactFlowId"]}
    arn = f"arn:aws:connect:us-west-2:111122223333:instance/{id}/contact-flow/{created['ContactFlowId']}"
    equal(created["ContactFlowArn"], arn, "ARN")
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    equal(created["FlowContentSha256"], sha256, "hash")
    described = connect.describe_contact_flow(**named)["ContactFlow"]
    for member, expected in {
        "Arn": arn,
        "Id": created["ContactFlowId"],
        "Name": "inbound",
        "Type": "CONTACT_FLOW",
        "State": "ACTIVE",
        "Status": "PUBLISHED",
        "Content": content,
        "FlowContentSha256": sha256,
    }.items():
        equal(described[member], expected, member)
    equal(connect.describe_contact_flow(InstanceId=id, ContactFlowId=arn)["ContactFlow"], described, "by ARN")
    connect.update_contact_flow_content(Content=flow("goodbye"), **named)
    equal(connect.describe_contact_flow(**named)["ContactFlow"]["Content"], flow("goodbye"), "content")
    connect.update_contact_flow_name(Name="renamed", Description="what it does", **named)
    connect.create_contact_flow(InstanceId=id, Name="another", Type="CUSTOMER_QUEUE", Content=flow())
    everything = connect.list_contact_flows(InstanceId=id)["ContactFlowSummaryList"]
    own = [name for name in (summary["Name"] for summary in everything) if not name.startswith(("Default ", "Sample "))]
    equal(own, ["another", "renamed"], "names")
    equal(pages("list_contact_flows", "ContactFlowSummaryList", InstanceId=id), everything, "by pages")
    inbound = connect.list_contact_flows(InstanceId=id, ContactFlowTypes=["CONTACT_FLOW"])["ContactFlowSummaryList"]
    own = [summary["Name"] for summary in inbound if not summary["Name"].startswith("Sample ")]
    equal(own, ["renamed"], "names of a type")
    with typed(connect, "DuplicateResourceException", 409):
        connect.create_contact_flow(InstanceId=id, Name="renamed", Type="CONTACT_FLOW", Content=flow())
    connect.delete_contact_flow(**named)
    with typed(connect, "ResourceNotFoundException", 404):
        connect.describe_contact_flow(**named)


@check
def names_and_texts_are_any_unicode():
    id = new_instance("unicode")
    name, said = "Gr\u00fc\u00df Gott \u2014 \u4f60\u597d", "\u00bfQu\u00e9 tal? \U0001f442"
    created = connect.create_contact_flow(
        InstanceId=id, Name=name, Type="CONTACT_FLOW", Description=said, Content=flow(said), Tags={"\u540d": said}
    )
    named = {"InstanceId": id, "ContactFlowId": created["ContactFlowId"]}
    described = connect.describe_contact_flow(**named)["ContactFlow"]
    for member, expected in {"Name": name, "Description": said, "Content": flow(said), "Tags": {"\u540d": said}}.items():
        equal(described[member], expected, member)
    connect.update_contact_flow_metadata(Name="plain", Description="", ContactFlowState="ARCHIVED", **named)
    described = connect.describe_contact_flow(**named)["ContactFlow"]
    equal((described["Name"], described["State"]), ("plain", "ARCHIVED"), "metadata")


@check
def tokens_that_were_not_given_are_refused():
    id = new_instance("tokens")
    for call in [
        lambda token: connect.list_contact_flows(InstanceId=id, NextToken=token),
        lambda token: connect.list_phone_numbers_v2(NextToken=token),
        lambda token: connect.list_lambda_functions(InstanceId=id, NextToken=token),
    ]:
        for token in ["nonsense", "!?", "bm9uc2Vuc2U="]:
            with refused("InvalidParameterException", 400):
                call(token)


@check
def a_region_sees_its_own_instances_only():
    id = new_instance("regional")
    elsewhere = aws("connect", region_name="eu-central-1")
    equal(elsewhere.list_instances()["InstanceSummaryList"], [], "instances of a region where nothing was made")
    with typed(elsewhere, "ResourceNotFoundException", 404):
        elsewhere.describe_instance(InstanceId=id)


@check
def real_flows_are_taken_in_both_languages():
    id = new_instance("imports")
    for file in ["seed.json", "seed-modules.json", "transfer.json", "menu.json"]:
        content = (FLOWS / file).read_text()
        created = connect.create_contact_flow(InstanceId=id, Name=file, Type="CONTACT_FLOW", Content=content)
        described = connect.describe_contact_flow(InstanceId=id, ContactFlowId=created["ContactFlowId"])
        equal(described["ContactFlow"]["Content"], content, f"content of {file}")


@check
def a_flow_with_problems_is_refused_with_all_of_them():
    id = new_instance("problems")
    dangling = flow().replace('"NextAction": "end"', '"NextAction": "nowhere"')
    broken = (FLOWS / "broken.json").read_text()
    for content in [dangling, broken, "not json", "{}"]:
        with refused("InvalidContactFlowException", 400) as refusal:
            connect.create_contact_flow(InstanceId=id, Name="bad", Type="CONTACT_FLOW", Content=content)
        assert refusal.type is connect.exceptions.InvalidContactFlowException, refusal.type
        problems = refusal.response["problems"]
        assert problems and all(problem["message"] for problem in problems), problems
        if content is dangling:
            assert any("nowhere" in problem["message"] for problem in problems), problems
    good = connect.create_contact_flow(InstanceId=id, Name="good", Type="CONTACT_FLOW", Content=flow())
    with refused("InvalidContactFlowException", 400):
        connect.update_contact_flow_content(InstanceId=id, ContactFlowId=good["ContactFlowId"], Content=dangling)
    unchanged = connect.describe_contact_flow(InstanceId=id, ContactFlowId=good["ContactFlowId"])
    equal(unchanged["ContactFlow"]["Content"], flow(), "content")


@check
def what_is_only_saved_is_not_published():
    id = new_instance("saved")
    created = connect.create_contact_flow(
        InstanceId=id, Name="draft", Type="CONTACT_FLOW", Content="not yet a flow", Status="SAVED"
    )
    flow_id = created["ContactFlowId"]
    with typed(connect, "ContactFlowNotPublishedException", 404):
        connect.describe_contact_flow(InstanceId=id, ContactFlowId=flow_id)
    saved = connect.describe_contact_flow(InstanceId=id, ContactFlowId=f"{flow_id}:$SAVED")["ContactFlow"]
    equal((saved["Status"], saved["Content"]), ("SAVED", "not yet a flow"), "what is saved")
    connect.update_contact_flow_content(InstanceId=id, ContactFlowId=flow_id, Content=flow())
    published = connect.describe_contact_flow(InstanceId=id, ContactFlowId=flow_id)["ContactFlow"]
    equal((published["Status"], published["Content"]), ("PUBLISHED", flow()), "what is published")


@check
def functions_are_associated_and_listed():
    id = new_instance("functions")
    arns = [f"{FUNCTION}-{letter}" for letter in "cab"]
    for arn in arns:
        connect.associate_lambda_function(InstanceId=id, FunctionArn=arn)
    equal(connect.list_lambda_functions(InstanceId=id)["LambdaFunctions"], sorted(arns), "functions")
    equal(pages("list_lambda_functions", "LambdaFunctions", InstanceId=id), sorted(arns), "by pages")
    with typed(connect, "ResourceConflictException", 409):
        connect.associate_lambda_function(InstanceId=id, FunctionArn=arns[0])
    connect.disassociate_lambda_function(InstanceId=id, FunctionArn=arns[0])
    equal(connect.list_lambda_functions(InstanceId=id)["LambdaFunctions"], sorted(arns[1:]), "functions")
    with typed(connect, "ResourceNotFoundException", 404):
        connect.associate_lambda_function(InstanceId=UNKNOWN, FunctionArn=FUNCTION)
    with refused("InvalidParameterException", 400):
        connect.associate_lambda_function(InstanceId=id, FunctionArn="not an ARN")


@check
def numbers_are_found_claimed_attached_and_released():
    id = new_instance("numbers")
    arn = connect.describe_instance(InstanceId=id)["Instance"]["Arn"]
    offer = connect.search_available_phone_numbers(
        TargetArn=arn, PhoneNumberCountryCode="US", PhoneNumberType="TOLL_FREE", MaxResults=2
    )["AvailableNumbersList"]
    equal(len(offer), 2, "numbers offered")
    number = offer[0]["PhoneNumber"]
    claimed = connect.claim_phone_number(TargetArn=arn, PhoneNumber=number, PhoneNumberDescription="main")
    number_id = claimed["PhoneNumberId"]
    assert claimed["PhoneNumberArn"].endswith(f":phone-number/{number_id}"), claimed
    described = connect.describe_phone_number(PhoneNumberId=number_id)["ClaimedPhoneNumberSummary"]
    for member, expected in {
        "PhoneNumber": number,
        "PhoneNumberCountryCode": "US",
        "PhoneNumberType": "TOLL_FREE",
        "TargetArn": arn,
        "PhoneNumberDescription": "main",
        "PhoneNumberStatus": {"Status": "CLAIMED"},
    }.items():
        equal(described[member], expected, member)
    again = connect.search_available_phone_numbers(
        TargetArn=arn, PhoneNumberCountryCode="US", PhoneNumberType="TOLL_FREE"
    )["AvailableNumbersList"]
    assert number not in [one["PhoneNumber"] for one in again], again
    with typed(connect, "InvalidParameterException"):
        connect.claim_phone_number(TargetArn=arn, PhoneNumber=number)
    # The operator owns numbers that no search offers.
    connect.claim_phone_number(TargetArn=arn, PhoneNumber="+4930901820")
    listed = connect.list_phone_numbers_v2(TargetArn=arn)["ListPhoneNumbersSummaryList"]
    equal([one["PhoneNumber"] for one in listed], sorted([number, "+4930901820"]), "numbers")
    by_pages = pages("list_phone_numbers_v2", "ListPhoneNumbersSummaryList", TargetArn=arn)
    equal(by_pages, listed, "by pages")
    toll_free = connect.list_phone_numbers_v2(TargetArn=arn, PhoneNumberTypes=["TOLL_FREE"])
    equal([one["PhoneNumber"] for one in toll_free["ListPhoneNumbersSummaryList"]], [number], "numbers of a type")

    created = connect.create_contact_flow(InstanceId=id, Name="inbound", Type="CONTACT_FLOW", Content=flow())
    flow_id = created["ContactFlowId"]
    connect.associate_phone_number_contact_flow(PhoneNumberId=number_id, InstanceId=id, ContactFlowId=flow_id)
    with refused("InvalidRequestException", 400):
        connect.delete_contact_flow(InstanceId=id, ContactFlowId=flow_id)
    with typed(connect, "ResourceNotFoundException", 404):
        connect.associate_phone_number_contact_flow(PhoneNumberId=number_id, InstanceId=id, ContactFlowId=UNKNOWN)
    connect.disassociate_phone_number_contact_flow(PhoneNumberId=number_id, InstanceId=id)
    connect.delete_contact_flow(InstanceId=id, ContactFlowId=flow_id)
    connect.release_phone_number(PhoneNumberId=number_id)
    for call in [connect.describe_phone_number, connect.release_phone_number]:
        with typed(connect, "ResourceNotFoundException", 404):
            call(PhoneNumberId=number_id)


@check
def contacts_that_are_not_there_are_refused_by_type():
    id = new_instance("contacts")
    with typed(connect, "ResourceNotFoundException", 404):
        connect.describe_contact(InstanceId=id, ContactId=UNKNOWN)
    with typed(connect, "ResourceNotFoundException", 404):
        connect.get_contact_attributes(InstanceId=id, InitialContactId=UNKNOWN)
    with typed(connect, "ResourceNotFoundException", 404):
        connect.update_contact_attributes(InstanceId=id, InitialContactId=UNKNOWN, Attributes={"a": "b"})
    with typed(connect, "ContactNotFoundException", 410):
        connect.stop_contact(InstanceId=id, ContactId=UNKNOWN)
    for call in [
        lambda: connect.describe_contact(InstanceId=UNKNOWN, ContactId=UNKNOWN),
        lambda: connect.stop_contact(InstanceId=UNKNOWN, ContactId=UNKNOWN),
    ]:
        with typed(connect, "ResourceNotFoundException", 404):
            call()


@check
def operations_that_are_not_here_say_so():
    id = new_instance("elsewhere")
    for name, call in [
        ("StartTaskContact", lambda: connect.start_task_contact(InstanceId=id, Name="task", ContactFlowId=UNKNOWN)),
        ("StopContactRecording", lambda: connect.stop_contact_recording(
            InstanceId=id, ContactId=UNKNOWN, InitialContactId=UNKNOWN
        )),
        ("CreateView", lambda: connect.create_view(InstanceId=id, Name="v", Status="SAVED", Content={})),
        ("SearchVocabularies", lambda: connect.search_vocabularies(InstanceId=id)),
    ]:
        with refused("NotImplementedException", 501) as refusal:
            call()
        assert name in refusal.message, refusal.message


if __name__ == "__main__":
    main()
