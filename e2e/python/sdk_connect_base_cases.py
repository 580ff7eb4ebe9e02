"""The cases of what stands below the resources with names: instances, storage, flows, functions, numbers, contacts."""

from sdk_check import equal
from sdk_connect_documents import MODULE, OPEN, UNKNOWN
from sdk_documents import flow, media_streams

FUNCTION = "arn:aws:lambda:us-west-2:111122223333:function:lookup"


def define_base(case, connect, unchecked, c):
    """Every case. `unchecked` sends what the model forbids."""
    i = c["instance"]
    at, nowhere = {"InstanceId": i}, {"InstanceId": UNKNOWN}
    absent, invalid, request = "ResourceNotFoundException", "InvalidParameterException", "InvalidRequestException"
    kept = {}

    # Instances.
    alias = {"IdentityManagementType": "CONNECT_MANAGED", "InboundCallsEnabled": True, "OutboundCallsEnabled": True}

    def create(name):
        kept["instance"] = connect.create_instance(InstanceAlias=name, **alias)["Id"]

    case("CreateInstance", "all that it needs")(lambda: create("base"))
    case("CreateInstance", "an alias that is taken", request)(lambda: create("base"))
    case("CreateInstance", "an alias with a blank", request)(
        lambda: unchecked.create_instance(InstanceAlias="a b", **alias)
    )
    case("ListInstances", "all")(connect.list_instances)
    case("ListInstances", "a token that it did not give", request)(lambda: connect.list_instances(NextToken="x"))
    case("DescribeInstance", "one that is there")(lambda: connect.describe_instance(InstanceId=kept["instance"]))
    case("DescribeInstance", "one that is not there", absent)(lambda: connect.describe_instance(**nowhere))
    case("DeleteInstance", "one that is there")(lambda: connect.delete_instance(InstanceId=kept["instance"]))
    case("DeleteInstance", "one that is not there", absent)(lambda: connect.delete_instance(**nowhere))

    # Where instances keep what calls leave behind.
    media = {"ResourceType": "MEDIA_STREAMS"}
    stored = media | {"StorageConfig": media_streams("base")}

    def associate():
        kept["storage"] = connect.associate_instance_storage_config(**at, **stored)["AssociationId"]

    one = lambda: at | media | {"AssociationId": kept["storage"]}  # noqa: E731
    bad = lambda: one() | {"ResourceType": "X"}  # noqa: E731
    case("AssociateInstanceStorageConfig", "media streams")(associate)
    case("AssociateInstanceStorageConfig", "a second time", "ResourceConflictException")(associate)
    case("AssociateInstanceStorageConfig", "a type that is not taken", invalid)(
        lambda: connect.associate_instance_storage_config(**at, **(stored | {"ResourceType": "CHAT_TRANSCRIPTS"}))
    )
    case("AssociateInstanceStorageConfig", "no configuration", request)(
        lambda: unchecked.associate_instance_storage_config(**at, **media)
    )
    case("AssociateInstanceStorageConfig", "an instance that is not there", absent)(
        lambda: connect.associate_instance_storage_config(**nowhere, **stored)
    )
    for operation, call, extra in [
        ("DescribeInstanceStorageConfig", unchecked.describe_instance_storage_config, {}),
        (
            "UpdateInstanceStorageConfig",
            unchecked.update_instance_storage_config,
            {"StorageConfig": media_streams("base")},
        ),
        ("DisassociateInstanceStorageConfig", unchecked.disassociate_instance_storage_config, {}),
    ]:
        case(operation, "a type that there is not", invalid)(
            lambda call=call, extra=extra: call(**bad(), **extra)
        )
        case(operation, "no type", request)(
            lambda call=call, extra=extra: call(**(one() | {"ResourceType": None}), **extra)
        )
        case(operation, "one that is not there", absent)(
            lambda call=call, extra=extra: call(**(one() | {"AssociationId": UNKNOWN}), **extra)
        )
        case(operation, "one that is there")(lambda call=call, extra=extra: call(**one(), **extra))
    case("ListInstanceStorageConfigs", "one type")(lambda: connect.list_instance_storage_configs(**at, **media))
    case("ListInstanceStorageConfigs", "a type that there is not", invalid)(
        lambda: connect.list_instance_storage_configs(**at, ResourceType="X")
    )
    case("ListInstanceStorageConfigs", "no type", request)(
        lambda: unchecked.list_instance_storage_configs(**at, ResourceType=None)
    )
    case("ListInstanceStorageConfigs", "an instance that is not there", absent)(
        lambda: connect.list_instance_storage_configs(**nowhere, **media)
    )

    # Flows.
    def draft():
        content = {"Content": flow(), "Status": "SAVED"}
        kept["draft"] = connect.create_contact_flow(**at, Name="draft", Type="CONTACT_FLOW", **content)[
            "ContactFlowId"
        ]

    members = at | {"Name": "x", "Type": "CONTACT_FLOW", "Content": flow()}
    new = lambda **changed: unchecked.create_contact_flow(**(members | changed))  # noqa: E731
    case("CreateContactFlow", "one that is only saved")(draft)
    case("CreateContactFlow", "a name that is taken", "DuplicateResourceException")(lambda: new(Name="draft"))
    case("CreateContactFlow", "content with problems", "InvalidContactFlowException")(lambda: new(Content="{}"))
    case("CreateContactFlow", "a type that there is not", invalid)(lambda: new(Type="X"))
    case("CreateContactFlow", "no content", request)(lambda: new(Content=None))
    case("CreateContactFlow", "an instance that is not there", absent)(lambda: new(**nowhere))
    one_flow = at | {"ContactFlowId": c["flow"]}
    no_flow = at | {"ContactFlowId": UNKNOWN}
    case("DescribeContactFlow", "one that is there")(lambda: connect.describe_contact_flow(**one_flow))
    case("DescribeContactFlow", "one that is only saved", "ContactFlowNotPublishedException")(
        lambda: connect.describe_contact_flow(**at, ContactFlowId=kept["draft"])
    )
    case("DescribeContactFlow", "one that is not there", absent)(lambda: connect.describe_contact_flow(**no_flow))
    case("UpdateContactFlowContent", "one that is there")(
        lambda: connect.update_contact_flow_content(**one_flow, Content=flow())
    )
    case("UpdateContactFlowContent", "content with problems", "InvalidContactFlowException")(
        lambda: connect.update_contact_flow_content(**one_flow, Content="{}")
    )
    case("UpdateContactFlowContent", "no content", request)(
        lambda: unchecked.update_contact_flow_content(**one_flow, Content=None)
    )
    case("UpdateContactFlowContent", "one that is not there", absent)(
        lambda: connect.update_contact_flow_content(**no_flow, Content=flow())
    )
    for operation, call in [
        ("UpdateContactFlowName", unchecked.update_contact_flow_name),
        ("UpdateContactFlowMetadata", unchecked.update_contact_flow_metadata),
    ]:
        case(operation, "one that is there")(lambda call=call: call(**one_flow, Description="d"))
        case(operation, "a name that is taken", "DuplicateResourceException")(
            lambda call=call: call(**one_flow, Name="draft")
        )
        case(operation, "an empty name", invalid)(lambda call=call: call(**one_flow, Name=""))
        case(operation, "one that is not there", absent)(lambda call=call: call(**no_flow, Name="x"))
    case("UpdateContactFlowMetadata", "a state that there is not", invalid)(
        lambda: unchecked.update_contact_flow_metadata(**one_flow, ContactFlowState="X")
    )
    case("ListContactFlows", "all")(lambda: connect.list_contact_flows(**at))
    case("ListContactFlows", "a page of none", invalid)(lambda: unchecked.list_contact_flows(**at, MaxResults=0))
    case("ListContactFlows", "an instance that is not there", absent)(lambda: connect.list_contact_flows(**nowhere))

    # Functions.
    function = {"FunctionArn": FUNCTION}
    case("AssociateLambdaFunction", "one")(lambda: connect.associate_lambda_function(**at, **function))
    case("AssociateLambdaFunction", "the same again", "ResourceConflictException")(
        lambda: connect.associate_lambda_function(**at, **function)
    )
    case("AssociateLambdaFunction", "what is no function", invalid)(
        lambda: connect.associate_lambda_function(**at, FunctionArn="lookup")
    )
    case("AssociateLambdaFunction", "no function", request)(
        lambda: unchecked.associate_lambda_function(**at, FunctionArn=None)
    )
    case("AssociateLambdaFunction", "an instance that is not there", absent)(
        lambda: connect.associate_lambda_function(**nowhere, **function)
    )
    case("ListLambdaFunctions", "one")(
        lambda: equal(connect.list_lambda_functions(**at)["LambdaFunctions"], [FUNCTION], "functions")
    )
    case("ListLambdaFunctions", "a page of none", invalid)(
        lambda: unchecked.list_lambda_functions(**at, MaxResults=0)
    )
    case("ListLambdaFunctions", "an instance that is not there", absent)(
        lambda: connect.list_lambda_functions(**nowhere)
    )
    case("DisassociateLambdaFunction", "one that is there")(
        lambda: connect.disassociate_lambda_function(**at, **function)
    )
    case("DisassociateLambdaFunction", "one that is not there", absent)(
        lambda: connect.disassociate_lambda_function(**at, **function)
    )
    case("DisassociateLambdaFunction", "no function", request)(
        lambda: unchecked.disassociate_lambda_function(**at, FunctionArn=None)
    )

    # Numbers.
    def claim(number, token):
        kept["number"] = connect.claim_phone_number(**at, PhoneNumber=number, ClientToken=token)["PhoneNumberId"]

    named = lambda: {"PhoneNumberId": kept["number"]}  # noqa: E731
    no_number = {"PhoneNumberId": UNKNOWN}
    search = {"PhoneNumberCountryCode": "US", "PhoneNumberType": "DID"}
    case("SearchAvailablePhoneNumbers", "of a country")(
        lambda: connect.search_available_phone_numbers(**at, **search)
    )
    case("SearchAvailablePhoneNumbers", "a type that there is not", invalid)(
        lambda: connect.search_available_phone_numbers(**at, **(search | {"PhoneNumberType": "X"}))
    )
    case("ClaimPhoneNumber", "one")(lambda: claim("+493023125997", "one"))
    case("ClaimPhoneNumber", "the same again under its token")(lambda: claim("+493023125997", "one"))
    case("ClaimPhoneNumber", "another one under the same token", "IdempotencyException")(
        lambda: claim("+493023125998", "one")
    )
    case("ClaimPhoneNumber", "one that is claimed", invalid)(lambda: claim("+493023125997", "two"))
    case("ClaimPhoneNumber", "an instance that is not there", absent)(
        lambda: connect.claim_phone_number(**nowhere, PhoneNumber="+493023125996")
    )
    case("DescribePhoneNumber", "one that is there")(lambda: connect.describe_phone_number(**named()))
    case("DescribePhoneNumber", "one that is not there", absent)(lambda: connect.describe_phone_number(**no_number))
    case("ListPhoneNumbersV2", "all")(lambda: connect.list_phone_numbers_v2(**at))
    case("ListPhoneNumbersV2", "a page of none", invalid)(
        lambda: unchecked.list_phone_numbers_v2(**at, MaxResults=0)
    )
    case("ListPhoneNumbersV2", "an instance that is not there", absent)(
        lambda: connect.list_phone_numbers_v2(**nowhere)
    )
    case("AssociatePhoneNumberContactFlow", "a flow")(
        lambda: connect.associate_phone_number_contact_flow(**named(), **one_flow)
    )
    case("AssociatePhoneNumberContactFlow", "a flow that is not there", absent)(
        lambda: connect.associate_phone_number_contact_flow(**named(), **no_flow)
    )
    case("AssociatePhoneNumberContactFlow", "a flow that is only saved", invalid)(
        lambda: connect.associate_phone_number_contact_flow(**named(), **at, ContactFlowId=kept["draft"])
    )
    case("DeleteContactFlow", "one that answers a number", request)(lambda: connect.delete_contact_flow(**one_flow))
    case("DisassociatePhoneNumberContactFlow", "a flow")(
        lambda: connect.disassociate_phone_number_contact_flow(**named(), **at)
    )
    case("DisassociatePhoneNumberContactFlow", "a number that is not there", absent)(
        lambda: connect.disassociate_phone_number_contact_flow(**no_number, **at)
    )
    case("DisassociatePhoneNumberContactFlow", "no instance", invalid)(
        lambda: unchecked.disassociate_phone_number_contact_flow(**named(), InstanceId=None)
    )
    case("ReleasePhoneNumber", "one that is there")(lambda: connect.release_phone_number(**named()))
    case("ReleasePhoneNumber", "one that is not there", absent)(lambda: connect.release_phone_number(**no_number))
    case("DeleteContactFlow", "one that is there")(
        lambda: connect.delete_contact_flow(**at, ContactFlowId=kept["draft"])
    )
    case("DeleteContactFlow", "one that is not there", absent)(lambda: connect.delete_contact_flow(**no_flow))

    # Contacts: what can be said of one that is not there. What is said of others: the tests of calls.
    contact = at | {"ContactId": UNKNOWN}
    case("DescribeContact", "one that is not there", absent)(lambda: connect.describe_contact(**contact))
    case("GetContactAttributes", "one that is not there", absent)(
        lambda: connect.get_contact_attributes(**at, InitialContactId=UNKNOWN)
    )
    case("UpdateContactAttributes", "one that is not there", absent)(
        lambda: connect.update_contact_attributes(**at, InitialContactId=UNKNOWN, Attributes={"a": "b"})
    )
    case("StopContact", "one that is not there", "ContactNotFoundException")(
        lambda: connect.stop_contact(**contact)
    )
    case("StopContact", "no contact", request)(lambda: unchecked.stop_contact(**at, ContactId=None))

    # Lists of what has a name.
    for operation, call in [
        ("ListHoursOfOperations", unchecked.list_hours_of_operations),
        ("ListQueues", unchecked.list_queues),
        ("ListSecurityProfiles", unchecked.list_security_profiles),
    ]:
        case(operation, "all")(lambda call=call: call(**at))
        case(operation, "a page of none", invalid)(lambda call=call: call(**at, MaxResults=0))
        case(operation, "an instance that is not there", absent)(lambda call=call: call(**nowhere))


def define_new(case, connect, unchecked, c):
    """Aliases of flows, parents of hours, files of prompts, tokens of modules; and what a hundred of are all."""
    at = {"InstanceId": c["instance"]}
    absent, invalid, request = "ResourceNotFoundException", "InvalidParameterException", "InvalidRequestException"
    flow_of = at | {"ContactFlowId": c["flow"]}
    kept = {}

    def alias(name="live", **members):
        given = {"ContactFlowVersion": kept.get("version", 9), "AliasName": name} | members
        return unchecked.create_contact_flow_alias(**(flow_of | given))["Id"]

    def version():
        kept["version"] = connect.create_contact_flow_version(**flow_of)["Version"]

    named = lambda **changed: flow_of | {"AliasId": kept["alias"]} | changed  # noqa: E731
    case("CreateContactFlowAlias", "a version that is not there", absent)(alias)
    case("CreateContactFlowVersion", "once more")(version)
    case("CreateContactFlowVersion", "of a flow that is not there", absent)(
        lambda: connect.create_contact_flow_version(**at, ContactFlowId=UNKNOWN)
    )
    case("CreateContactFlowAlias", "of a version")(lambda: kept.update(alias=alias()))
    case("CreateContactFlowAlias", "a name that is taken", "DuplicateResourceException")(alias)
    case("CreateContactFlowAlias", "a name with a blank", invalid)(lambda: alias("a b"))
    case("CreateContactFlowAlias", "no name", request)(lambda: alias(None))
    case("CreateContactFlowAlias", "a flow that is not there", absent)(lambda: alias("x", ContactFlowId=UNKNOWN))
    case("DescribeContactFlowAlias", "one that is there")(
        lambda: equal(
            connect.describe_contact_flow_alias(**named())["ContactFlowAlias"]["Version"], kept["version"], "version"
        )
    )
    case("DescribeContactFlow", "by an alias")(
        lambda: equal(
            connect.describe_contact_flow(**at, ContactFlowId=c["flow"] + ":live")["ContactFlow"]["Version"],
            kept["version"],
            "version",
        )
    )
    case("ListContactFlowAliases", "one")(
        lambda: equal(
            [one["AliasName"] for one in connect.list_contact_flow_aliases(**flow_of)["ContactFlowAliasSummaryList"]],
            ["live"],
            "aliases",
        )
    )
    case("ListContactFlowAliases", "a page of none", invalid)(
        lambda: unchecked.list_contact_flow_aliases(**flow_of, MaxResults=0)
    )
    case("DeleteContactFlowVersion", "one that an alias is of", request)(
        lambda: connect.delete_contact_flow_version(**flow_of, ContactFlowVersion=kept["version"])
    )
    case("UpdateContactFlowAlias", "another text")(
        lambda: connect.update_contact_flow_alias(**named(), Description="d")
    )
    case("UpdateContactFlowAlias", "a name with a blank", invalid)(
        lambda: connect.update_contact_flow_alias(**named(), Name="a b")
    )
    other = {}
    case("CreateContactFlowAlias", "another one")(lambda: other.update(id=alias("other")))
    case("UpdateContactFlowAlias", "a name that is taken", "DuplicateResourceException")(
        lambda: connect.update_contact_flow_alias(**named(AliasId=other["id"]), Name="live")
    )
    gone = lambda: named(AliasId=UNKNOWN)  # noqa: E731
    for operation, call in [
        ("DescribeContactFlowAlias", connect.describe_contact_flow_alias),
        ("UpdateContactFlowAlias", connect.update_contact_flow_alias),
        ("DeleteContactFlowAlias", connect.delete_contact_flow_alias),
    ]:
        case(operation, "one that is not there", absent)(lambda call=call: call(**gone()))
    case("DeleteContactFlowAlias", "one that is there")(lambda: connect.delete_contact_flow_alias(**named()))

    hours = at | {"HoursOfOperationId": c["hours"]}
    parents = lambda *ids: {"ParentHoursOfOperationConfigs": [{"HoursOfOperationId": id} for id in ids]}  # noqa: E731
    associate = lambda *ids: unchecked.associate_hours_of_operations(**hours, **parents(*ids))  # noqa: E731
    disassociate = lambda *ids: unchecked.disassociate_hours_of_operations(  # noqa: E731
        **hours, ParentHoursOfOperationIds=list(ids)
    )
    case("AssociateHoursOfOperations", "a parent")(lambda: associate(c["other hours"]))
    case("AssociateHoursOfOperations", "themselves", invalid)(lambda: associate(c["hours"]))
    case("AssociateHoursOfOperations", "a parent that is not there", absent)(lambda: associate(UNKNOWN))
    case("AssociateHoursOfOperations", "no list", request)(
        lambda: unchecked.associate_hours_of_operations(**hours, ParentHoursOfOperationConfigs=None)
    )

    def four():
        associate(*[
            connect.create_hours_of_operation(**at, Name=f"parent {n}", TimeZone="UTC", Config=OPEN)[
                "HoursOfOperationId"
            ]
            for n in range(3)
        ])

    case("AssociateHoursOfOperations", "a fourth parent", "ServiceQuotaExceededException")(four)
    case("DisassociateHoursOfOperations", "a parent")(lambda: disassociate(c["other hours"]))
    case("DisassociateHoursOfOperations", "what is no parent", absent)(lambda: disassociate(c["other hours"]))
    case("DisassociateHoursOfOperations", "none", invalid)(disassociate)
    case("DisassociateHoursOfOperations", "no list", request)(
        lambda: unchecked.disassociate_hours_of_operations(**hours, ParentHoursOfOperationIds=None)
    )
    date = {"FieldName": "EffectiveFrom", "ComparisonType": "GREATER_THAN", "Value": "2026-01-01"}
    find = lambda **members: connect.search_hours_of_operation_overrides(**(at | members))  # noqa: E731
    case("SearchHoursOfOperationOverrides", "by date")(lambda: find(SearchCriteria={"DateCondition": date}))
    case("SearchHoursOfOperationOverrides", "a date that there is not", invalid)(
        lambda: find(SearchCriteria={"DateCondition": date | {"FieldName": "colour"}})
    )
    case("SearchHoursOfOperationOverrides", "an instance that is not there", absent)(
        lambda: find(InstanceId=UNKNOWN)
    )
    case("GetPromptFile", "one with an address")(
        lambda: equal(
            connect.get_prompt_file(**at, PromptId=c["prompt"])["PromptPresignedUrl"],
            "https://s3.us-west-2.amazonaws.com/bucket/key.wav",
            "address",
        )
    )
    case("GetPromptFile", "one that is not there", absent)(lambda: connect.get_prompt_file(**at, PromptId=UNKNOWN))

    def module(name, token):
        id = connect.create_contact_flow_module(**at, Name=name, Content=MODULE, ClientToken=token)["Id"]
        equal(id, kept.setdefault("module", id), "the module of the token")

    case("CreateContactFlowModule", "under a token")(lambda: module("tokened", "t"))
    case("CreateContactFlowModule", "the same again under its token")(lambda: module("tokened", "t"))
    case("CreateContactFlowModule", "another one under the same token", "IdempotencyException")(
        lambda: module("another", "t")
    )

    def fill(call):
        """Calls until it is refused, which it is after a hundred at the latest."""
        for number in range(101):
            call(number)

    day = {"EffectiveFrom": "2026-12-25", "EffectiveTill": "2026-12-26", "Config": []}
    full = "LimitExceededException"
    module_of = at | {"ContactFlowModuleId": c["module"]}
    case("CreateHoursOfOperationOverride", "a hundred and one", full)(
        lambda: fill(lambda n: connect.create_hours_of_operation_override(**hours, Name=f"day {n}", **day))
    )
    case("CreateContactFlowAlias", "a hundred and one", full)(lambda: fill(lambda n: alias(f"a{n}")))
    case("CreateContactFlowVersion", "a hundred and one", full)(
        lambda: fill(lambda _: connect.create_contact_flow_version(**flow_of))
    )
    case("CreateContactFlowModuleVersion", "a hundred and one", full)(
        lambda: fill(lambda _: connect.create_contact_flow_module_version(**module_of))
    )
    case("CreateContactFlowModuleAlias", "a hundred and one", full)(
        lambda: fill(
            lambda n: connect.create_contact_flow_module_alias(
                **module_of, AliasName=f"a{n}", ContactFlowModuleVersion=2
            )
        )
    )
