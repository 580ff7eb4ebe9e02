"""Every operation on the resources of an Amazon Connect instance through boto3, with each error of its model that can arise;
docs/connect-compat.md shows what is seen."""

import os
import pathlib

import botocore.config
import botocore.exceptions
from sdk_check import aws, check, equal, main
from sdk_connect_base_cases import define_base, define_new
from sdk_connect_documents import MODULE, OPEN, UNKNOWN, VOICE
from sdk_documents import flow

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "connect-compat.md"

connect = aws("connect")
# It sends what the model forbids, so that the server has to refuse it.
unchecked = aws("connect", config=botocore.config.Config(parameter_validation=False))


CASES = []


def case(operation, words, gives="success"):
    """Marks a function as the case of an operation, and says what it is answered with."""

    def mark(function):
        CASES.append((operation, words, gives, function))
        return function

    return mark


def cases_of_a_kind(centre, noun, path, create, describe, change, delete, found, name="Name"):
    """What every kind of named resource has: each operation, and each error that its model has and that can arise."""
    made = centre[noun]
    one = {"InstanceId": centre["instance"], path: made}
    nothing = one | {path: UNKNOWN}
    api, members = create
    add = getattr(unchecked, method(api))
    taken = {"UpdatePrompt": "InvalidParameterException", "UpdateQuickConnectName": "InvalidParameterException"}
    case(api, "all that it needs")(lambda: add(**members("another " + noun)))
    case(api, "a name that is taken", "DuplicateResourceException")(lambda: add(**members(centre["names"][noun])))
    case(api, "an empty name", "InvalidParameterException")(lambda: add(**members("")))
    case(api, "no name", "InvalidRequestException")(lambda: add(**(members("x") | {name: None})))
    away = "InvalidParameterException" if api == "CreatePrompt" else "ResourceNotFoundException"
    case(api, "an instance that is not there", away)(lambda: add(**(members("x") | {"InstanceId": UNKNOWN})))
    for api, extra in filter(None, [describe, *change]):
        call = getattr(unchecked, method(api))
        case(api, "one that is there")(lambda call=call, extra=extra: call(**one, **extra))
        case(api, "one that is not there", "ResourceNotFoundException")(
            lambda call=call, extra=extra: call(**nothing, **extra)
        )
        if extra.get("Name"):
            other = extra | {"Name": centre["taken"][noun]}
            case(api, "a name that is taken", taken.get(api, "DuplicateResourceException"))(
                lambda call=call, other=other: call(**one, **other)
            )
    search, key = found
    find = getattr(unchecked, method(search))
    criteria = {"StringCondition": {"FieldName": "name", "Value": centre["names"][noun], "ComparisonType": "EXACT"}}
    case(search, "by name")(
        lambda: equal(len(find(InstanceId=centre["instance"], SearchCriteria=criteria)[key]), 1, "found")
    )
    bad = {"StringCondition": {"FieldName": "colour", "Value": "x", "ComparisonType": "EXACT"}}
    case(search, "a field that there is not", "InvalidParameterException")(
        lambda: find(InstanceId=centre["instance"], SearchCriteria=bad)
    )
    case(search, "an instance that is not there", "ResourceNotFoundException")(lambda: find(InstanceId=UNKNOWN))
    if delete:
        remove = getattr(unchecked, method(delete))
        case(delete, "one that is not there", "ResourceNotFoundException")(lambda: remove(**nothing))


def method(operation):
    return next(method for method, api in connect.meta.method_to_api_mapping.items() if api == operation)


def centre():
    """An instance with two resources of each kind, of which the second one's name is taken."""
    i = connect.create_instance(
        InstanceAlias="conformance",
        IdentityManagementType="CONNECT_MANAGED",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]
    made = {"instance": i, "names": {}, "taken": {}}

    def add(noun, call, id, name="Name", **members):
        for which in ["one", "other"]:
            text = f"{which} {noun}"
            made[noun if which == "one" else "other " + noun] = call(**{"InstanceId": i, name: text}, **members)[id]
            made["names" if which == "one" else "taken"][noun] = text

    add("flow", connect.create_contact_flow, "ContactFlowId", Type="CONTACT_FLOW", Content=flow())
    add("hours", connect.create_hours_of_operation, "HoursOfOperationId", TimeZone="UTC", Config=OPEN)
    add("queue", connect.create_queue, "QueueId", HoursOfOperationId=made["hours"])
    config = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": "+12065550100"}}
    add("quick connect", connect.create_quick_connect, "QuickConnectId", QuickConnectConfig=config)
    add(
        "routing profile",
        connect.create_routing_profile,
        "RoutingProfileId",
        Description="d",
        DefaultOutboundQueueId=made["queue"],
        MediaConcurrencies=VOICE,
    )
    add("security profile", connect.create_security_profile, "SecurityProfileId", name="SecurityProfileName")
    add(
        "user",
        connect.create_user,
        "UserId",
        name="Username",
        PhoneConfig={"PhoneType": "SOFT_PHONE"},
        SecurityProfileIds=[made["security profile"]],
        RoutingProfileId=made["routing profile"],
    )
    add("status", connect.create_agent_status, "AgentStatusId", State="ENABLED")
    add("prompt", connect.create_prompt, "PromptId", S3Uri="s3://bucket/key.wav")
    add("module", connect.create_contact_flow_module, "Id", Content=MODULE)
    connect.update_user_hierarchy_structure(InstanceId=i, HierarchyStructure={"LevelOne": {"Name": "Region"}})
    add("group", connect.create_user_hierarchy_group, "HierarchyGroupId")
    return made


def define(c):
    """Every case."""
    i = c["instance"]
    at = {"InstanceId": i}
    new = lambda **rest: lambda name: at | {"Name": name} | rest  # noqa: E731
    name = {"Name": "renamed"}
    cases_of_a_kind(
        c,
        "hours",
        "HoursOfOperationId",
        ("CreateHoursOfOperation", new(TimeZone="UTC", Config=OPEN)),
        ("DescribeHoursOfOperation", {}),
        [("UpdateHoursOfOperation", {"Name": "one hours"})],
        "DeleteHoursOfOperation",
        ("SearchHoursOfOperations", "HoursOfOperations"),
    )
    cases_of_a_kind(
        c,
        "queue",
        "QueueId",
        ("CreateQueue", new(HoursOfOperationId=c["hours"])),
        ("DescribeQueue", {}),
        [
            ("UpdateQueueName", {"Name": "one queue"}),
            ("UpdateQueueStatus", {"Status": "ENABLED"}),
            ("UpdateQueueMaxContacts", {"MaxContacts": 3}),
            ("UpdateQueueHoursOfOperation", {"HoursOfOperationId": c["hours"]}),
            ("UpdateQueueOutboundCallerConfig", {"OutboundCallerConfig": {"OutboundCallerIdName": "us"}}),
            ("AssociateQueueQuickConnects", {"QuickConnectIds": [c["quick connect"]]}),
            ("ListQueueQuickConnects", {}),
            ("DisassociateQueueQuickConnects", {"QuickConnectIds": [c["quick connect"]]}),
        ],
        "DeleteQueue",
        ("SearchQueues", "Queues"),
    )
    phone = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": "+12065550100"}}
    cases_of_a_kind(
        c,
        "quick connect",
        "QuickConnectId",
        ("CreateQuickConnect", new(QuickConnectConfig=phone)),
        ("DescribeQuickConnect", {}),
        [
            ("UpdateQuickConnectName", {"Name": "one quick connect"}),
            ("UpdateQuickConnectConfig", {"QuickConnectConfig": phone}),
        ],
        "DeleteQuickConnect",
        ("SearchQuickConnects", "QuickConnects"),
    )
    reference = {"QueueId": c["queue"], "Channel": "VOICE"}
    routed = [{"QueueReference": reference, "Priority": 1, "Delay": 0}]
    cases_of_a_kind(
        c,
        "routing profile",
        "RoutingProfileId",
        ("CreateRoutingProfile", new(Description="d", DefaultOutboundQueueId=c["queue"], MediaConcurrencies=VOICE)),
        ("DescribeRoutingProfile", {}),
        [
            ("UpdateRoutingProfileName", {"Name": "one routing profile"}),
            ("UpdateRoutingProfileConcurrency", {"MediaConcurrencies": VOICE}),
            ("UpdateRoutingProfileDefaultOutboundQueue", {"DefaultOutboundQueueId": c["queue"]}),
            ("UpdateRoutingProfileAgentAvailabilityTimer", {"AgentAvailabilityTimer": "TIME_SINCE_LAST_INBOUND"}),
            ("AssociateRoutingProfileQueues", {"QueueConfigs": routed}),
            ("UpdateRoutingProfileQueues", {"QueueConfigs": routed}),
            ("ListRoutingProfileQueues", {}),
            ("DisassociateRoutingProfileQueues", {"QueueReferences": [reference]}),
        ],
        "DeleteRoutingProfile",
        ("SearchRoutingProfiles", "RoutingProfiles"),
    )
    cases_of_a_kind(
        c,
        "security profile",
        "SecurityProfileId",
        ("CreateSecurityProfile", lambda name: at | {"SecurityProfileName": name}),
        ("DescribeSecurityProfile", {}),
        [
            ("UpdateSecurityProfile", {"Permissions": ["BasicAgentAccess"]}),
            ("ListSecurityProfilePermissions", {}),
            ("ListSecurityProfileApplications", {}),
        ],
        "DeleteSecurityProfile",
        ("SearchSecurityProfiles", "SecurityProfiles"),
        name="SecurityProfileName",
    )
    cases_of_a_kind(
        c,
        "user",
        "UserId",
        (
            "CreateUser",
            lambda name: (
                at
                | {
                    "Username": name,
                    "SecurityProfileIds": [c["security profile"]],
                    "RoutingProfileId": c["routing profile"],
                }
            ),
        ),
        ("DescribeUser", {}),
        [
            ("UpdateUserHierarchy", {"HierarchyGroupId": c["group"]}),
            ("UpdateUserIdentityInfo", {"IdentityInfo": {"FirstName": "Jane"}}),
            ("UpdateUserPhoneConfig", {"PhoneConfig": {"PhoneType": "SOFT_PHONE"}}),
            ("UpdateUserRoutingProfile", {"RoutingProfileId": c["routing profile"]}),
            ("UpdateUserSecurityProfiles", {"SecurityProfileIds": [c["security profile"]]}),
        ],
        "DeleteUser",
        ("SearchUsers", "Users"),
        name="Username",
    )
    cases_of_a_kind(
        c,
        "status",
        "AgentStatusId",
        ("CreateAgentStatus", new(State="ENABLED")),
        ("DescribeAgentStatus", {}),
        [("UpdateAgentStatus", {"Name": "one status"})],
        None,
        ("SearchAgentStatuses", "AgentStatuses"),
    )
    cases_of_a_kind(
        c,
        "prompt",
        "PromptId",
        ("CreatePrompt", new(S3Uri="s3://b/k.wav")),
        ("DescribePrompt", {}),
        [("UpdatePrompt", {"Name": "one prompt"})],
        "DeletePrompt",
        ("SearchPrompts", "Prompts"),
    )
    cases_of_a_kind(
        c,
        "module",
        "ContactFlowModuleId",
        ("CreateContactFlowModule", new(Content=MODULE)),
        ("DescribeContactFlowModule", {}),
        [
            ("UpdateContactFlowModuleMetadata", {"Name": "one module"}),
            ("UpdateContactFlowModuleContent", {"Content": MODULE}),
            ("CreateContactFlowModuleVersion", {}),
            ("ListContactFlowModuleVersions", {}),
            ("ListContactFlowModuleAliases", {}),
        ],
        "DeleteContactFlowModule",
        ("SearchContactFlowModules", "ContactFlowModules"),
    )
    cases_of_a_kind(
        c,
        "group",
        "HierarchyGroupId",
        ("CreateUserHierarchyGroup", new()),
        ("DescribeUserHierarchyGroup", {}),
        [("UpdateUserHierarchyGroupName", {"Name": "one group"})],
        "DeleteUserHierarchyGroup",
        ("SearchUserHierarchyGroups", "UserHierarchyGroups"),
    )
    del name
    module = at | {"ContactFlowModuleId": c["module"]}
    bad = {"Content": "{}"}
    case("CreateContactFlowModule", "content with problems", "InvalidContactFlowModuleException")(
        lambda: connect.create_contact_flow_module(**at, Name="bad", **bad)
    )
    case("UpdateContactFlowModuleContent", "content with problems", "InvalidContactFlowModuleException")(
        lambda: connect.update_contact_flow_module_content(**module, **bad)
    )
    case("DeleteQueue", "one that a routing profile has", "ResourceInUseException")(
        lambda: connect.delete_queue(**at, QueueId=c["queue"])
    )
    case("DeleteRoutingProfile", "one that a user has", "ResourceInUseException")(
        lambda: connect.delete_routing_profile(**at, RoutingProfileId=c["routing profile"])
    )
    case("DeleteSecurityProfile", "one that a user has", "ResourceInUseException")(
        lambda: connect.delete_security_profile(**at, SecurityProfileId=c["security profile"])
    )
    case("DeleteUserHierarchyGroup", "one that a user stands in", "ResourceInUseException")(
        lambda: connect.delete_user_hierarchy_group(**at, HierarchyGroupId=c["group"])
    )
    case("UpdateUserHierarchyStructure", "a level that groups stand on", "ResourceInUseException")(
        lambda: connect.update_user_hierarchy_structure(**at, HierarchyStructure={})
    )
    case("UpdateUserHierarchyStructure", "another name")(
        lambda: connect.update_user_hierarchy_structure(**at, HierarchyStructure={"LevelOne": {"Name": "Area"}})
    )
    case("DescribeUserHierarchyStructure", "one level")(lambda: connect.describe_user_hierarchy_structure(**at))
    case("DeleteHoursOfOperation", "one that a queue has", "InvalidRequestException")(
        lambda: connect.delete_hours_of_operation(**at, HoursOfOperationId=c["hours"])
    )
    hours = at | {"HoursOfOperationId": c["hours"]}
    holiday = {"Name": "holiday", "EffectiveFrom": "2026-12-25", "EffectiveTill": "2026-12-26", "Config": []}
    case("CreateHoursOfOperationOverride", "a closed day")(
        lambda: connect.create_hours_of_operation_override(**hours, **holiday)
    )
    case("CreateHoursOfOperationOverride", "a name that is taken", "DuplicateResourceException")(
        lambda: connect.create_hours_of_operation_override(**hours, **holiday)
    )
    case("CreateHoursOfOperationOverride", "an end before its beginning", "InvalidParameterException")(
        lambda: connect.create_hours_of_operation_override(
            **hours, **(holiday | {"Name": "x", "EffectiveTill": "2026-01-01"})
        )
    )
    override = lambda: connect.list_hours_of_operation_overrides(**hours)["HoursOfOperationOverrideList"][0][
        "HoursOfOperationOverrideId"
    ]  # noqa: E731
    case("ListHoursOfOperationOverrides", "one")(override)
    case("DescribeHoursOfOperationOverride", "one that is there")(
        lambda: connect.describe_hours_of_operation_override(**hours, HoursOfOperationOverrideId=override())
    )
    case("DescribeHoursOfOperationOverride", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.describe_hours_of_operation_override(**hours, HoursOfOperationOverrideId=UNKNOWN)
    )
    case("UpdateHoursOfOperationOverride", "one that is there")(
        lambda: connect.update_hours_of_operation_override(**hours, HoursOfOperationOverrideId=override(), Name="new")
    )
    case("GetEffectiveHoursOfOperations", "two days")(
        lambda: connect.get_effective_hours_of_operations(**hours, FromDate="2026-12-25", ToDate="2026-12-26")
    )
    case("GetEffectiveHoursOfOperations", "ten years", "InvalidParameterException")(
        lambda: connect.get_effective_hours_of_operations(**hours, FromDate="2026-12-25", ToDate="2036-12-26")
    )
    case("DeleteHoursOfOperationOverride", "one that is there")(
        lambda: connect.delete_hours_of_operation_override(**hours, HoursOfOperationOverrideId=override())
    )
    case("DeleteHoursOfOperationOverride", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.delete_hours_of_operation_override(**hours, HoursOfOperationOverrideId=UNKNOWN)
    )
    one = at | {"ContactFlowId": c["flow"]}
    case("CreateContactFlowVersion", "of what is published")(
        lambda: connect.create_contact_flow_version(**one, Description="d")
    )
    case("CreateContactFlowVersion", "another hash", "InvalidParameterException")(
        lambda: connect.create_contact_flow_version(**one, FlowContentSha256="0" * 64)
    )
    case("ListContactFlowVersions", "one")(
        lambda: equal(len(connect.list_contact_flow_versions(**one)["ContactFlowVersionSummaryList"]), 1, "versions")
    )
    case("DeleteContactFlowVersion", "one that is there")(
        lambda: connect.delete_contact_flow_version(**one, ContactFlowVersion=1)
    )
    case("DeleteContactFlowVersion", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.delete_contact_flow_version(**one, ContactFlowVersion=9)
    )
    case("CreateContactFlowModuleAlias", "of a version")(
        lambda: connect.create_contact_flow_module_alias(**module, AliasName="live", ContactFlowModuleVersion=1)
    )
    case("CreateContactFlowModuleAlias", "a name that is taken", "DuplicateResourceException")(
        lambda: connect.create_contact_flow_module_alias(**module, AliasName="live", ContactFlowModuleVersion=1)
    )
    case("CreateContactFlowModuleAlias", "a version that is not there", "ResourceNotFoundException")(
        lambda: connect.create_contact_flow_module_alias(**module, AliasName="x", ContactFlowModuleVersion=9)
    )
    alias = lambda: connect.list_contact_flow_module_aliases(**module)["ContactFlowModuleAliasSummaryList"][0][
        "AliasId"
    ]  # noqa: E731
    case("DescribeContactFlowModuleAlias", "one that is there")(
        lambda: connect.describe_contact_flow_module_alias(**module, AliasId=alias())
    )
    case("UpdateContactFlowModuleAlias", "another text")(
        lambda: connect.update_contact_flow_module_alias(**module, AliasId=alias(), Description="d")
    )
    case("DeleteContactFlowModuleVersion", "one that an alias is of", "InvalidRequestException")(
        lambda: connect.delete_contact_flow_module_version(**module, ContactFlowModuleVersion=1)
    )
    case("DeleteContactFlowModuleAlias", "one that is there")(
        lambda: connect.delete_contact_flow_module_alias(**module, AliasId=alias())
    )
    case("DeleteContactFlowModuleAlias", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.delete_contact_flow_module_alias(**module, AliasId=UNKNOWN)
    )
    case("DeleteContactFlowModuleVersion", "one that is there")(
        lambda: connect.delete_contact_flow_module_version(**module, ContactFlowModuleVersion=1)
    )
    case("SearchContactFlows", "by type and name")(
        lambda: equal(
            len(
                connect.search_contact_flows(
                    **at,
                    SearchCriteria={
                        "AndConditions": [
                            {"TypeCondition": "CONTACT_FLOW"},
                            {"StringCondition": {"FieldName": "name", "Value": "one flow", "ComparisonType": "EXACT"}},
                        ]
                    },
                )["ContactFlows"]
            ),
            1,
            "flows",
        )
    )
    case("SearchContactFlows", "an instance that is not there", "ResourceNotFoundException")(
        lambda: connect.search_contact_flows(InstanceId=UNKNOWN)
    )
    case("UpdateInstanceAttribute", "a truth value")(
        lambda: connect.update_instance_attribute(**at, AttributeType="EARLY_MEDIA", Value="false")
    )
    case("UpdateInstanceAttribute", "another value", "InvalidParameterException")(
        lambda: connect.update_instance_attribute(**at, AttributeType="EARLY_MEDIA", Value="maybe")
    )
    case("DescribeInstanceAttribute", "one")(
        lambda: connect.describe_instance_attribute(**at, AttributeType="EARLY_MEDIA")
    )
    case("DescribeInstanceAttribute", "one that there is not", "InvalidParameterException")(
        lambda: connect.describe_instance_attribute(**at, AttributeType="COLOUR")
    )
    case("ListInstanceAttributes", "the first seven")(
        lambda: equal(len(connect.list_instance_attributes(**at)["Attributes"]), 7, "attributes")
    )
    arn = f"arn:aws:connect:us-west-2:111122223333:instance/{i}/queue/{c['queue']}"
    case("TagResource", "a queue")(lambda: connect.tag_resource(resourceArn=arn, tags={"a": "b"}))
    case("TagResource", "a key of AWS", "InvalidParameterException")(
        lambda: unchecked.tag_resource(resourceArn=arn, tags={"aws:a": "b"})
    )
    case("TagResource", "a queue that is not there", "ResourceNotFoundException")(
        lambda: connect.tag_resource(resourceArn=arn.replace(c["queue"], UNKNOWN), tags={"a": "b"})
    )
    case("ListTagsForResource", "a queue")(
        lambda: equal(connect.list_tags_for_resource(resourceArn=arn)["tags"], {"a": "b"}, "tags")
    )
    case("UntagResource", "a queue")(lambda: connect.untag_resource(resourceArn=arn, tagKeys=["a"]))
    case("UntagResource", "no keys", "InvalidRequestException")(
        lambda: unchecked.untag_resource(resourceArn=arn, tagKeys=[])
    )
    bot = {"LexV2Bot": {"AliasArn": "arn:aws:lex:us-west-2:111122223333:bot-alias/B/A"}}
    case("AssociateBot", "one of V2")(lambda: connect.associate_bot(**at, **bot))
    case("AssociateBot", "the same again", "ResourceConflictException")(lambda: connect.associate_bot(**at, **bot))
    case("AssociateBot", "none", "InvalidRequestException")(lambda: connect.associate_bot(**at))
    case("ListBots", "those of V2")(lambda: equal(connect.list_bots(**at, LexVersion="V2")["LexBots"], [bot], "bots"))
    case("DisassociateBot", "one that is there")(lambda: connect.disassociate_bot(**at, **bot))
    case("DisassociateBot", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.disassociate_bot(**at, **bot)
    )
    lex = {"Name": "b", "LexRegion": "us-west-2"}
    case("AssociateLexBot", "one")(lambda: connect.associate_lex_bot(**at, LexBot=lex))
    case("ListLexBots", "one")(lambda: equal(connect.list_lex_bots(**at)["LexBots"], [lex], "bots"))
    case("DisassociateLexBot", "one that is there")(
        lambda: connect.disassociate_lex_bot(**at, BotName="b", LexRegion="us-west-2")
    )
    case("DisassociateLexBot", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.disassociate_lex_bot(**at, BotName="b", LexRegion="us-west-2")
    )
    event = {
        "IntegrationType": "EVENT",
        "IntegrationArn": "arn:aws:app-integrations:us-west-2:111122223333:event-integration/x",
    }
    case("CreateIntegrationAssociation", "one")(lambda: connect.create_integration_association(**at, **event))
    case("CreateIntegrationAssociation", "the same again", "DuplicateResourceException")(
        lambda: connect.create_integration_association(**at, **event)
    )
    case("CreateIntegrationAssociation", "a type that there is not", "InvalidRequestException")(
        lambda: connect.create_integration_association(
            **at, **(event | {"IntegrationType": "X", "IntegrationArn": "arn:x"})
        )
    )
    integration = lambda: (
        at
        | {
            "IntegrationAssociationId": connect.list_integration_associations(**at)[
                "IntegrationAssociationSummaryList"
            ][0]["IntegrationAssociationId"]
        }
    )  # noqa: E731
    case("ListIntegrationAssociations", "one")(integration)
    case("CreateUseCase", "one")(lambda: connect.create_use_case(**integration(), UseCaseType="RULES_EVALUATION"))
    case("CreateUseCase", "the same again", "DuplicateResourceException")(
        lambda: connect.create_use_case(**integration(), UseCaseType="RULES_EVALUATION")
    )
    use = lambda: connect.list_use_cases(**integration())["UseCaseSummaryList"][0]["UseCaseId"]  # noqa: E731
    case("ListUseCases", "one")(use)
    case("DeleteUseCase", "one that is there")(lambda: connect.delete_use_case(**integration(), UseCaseId=use()))
    case("DeleteUseCase", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.delete_use_case(**integration(), UseCaseId=UNKNOWN)
    )
    case("DeleteIntegrationAssociation", "one that is there")(
        lambda: connect.delete_integration_association(**integration())
    )
    case("DeleteIntegrationAssociation", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.delete_integration_association(**at, IntegrationAssociationId=UNKNOWN)
    )
    message = {"ResourceId": "number", "ResourceType": "SMS_PHONE_NUMBER"}
    case("AssociateFlow", "one")(lambda: connect.associate_flow(**at, FlowId=c["flow"], **message))
    case("AssociateFlow", "a flow that is not there", "ResourceNotFoundException")(
        lambda: connect.associate_flow(**at, FlowId=UNKNOWN, **message)
    )
    case("AssociateFlow", "a type that there is not", "InvalidParameterException")(
        lambda: connect.associate_flow(**at, FlowId=c["flow"], ResourceId="x", ResourceType="X")
    )
    case("GetFlowAssociation", "one that is there")(lambda: connect.get_flow_association(**at, **message))
    case("ListFlowAssociations", "one")(
        lambda: equal(len(connect.list_flow_associations(**at)["FlowAssociationSummaryList"]), 1, "associations")
    )
    case("BatchGetFlowAssociation", "one")(
        lambda: equal(
            len(connect.batch_get_flow_association(**at, ResourceIds=["number"])["FlowAssociationSummaryList"]),
            1,
            "associations",
        )
    )
    case("DisassociateFlow", "one that is there")(lambda: connect.disassociate_flow(**at, **message))
    case("GetFlowAssociation", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.get_flow_association(**at, **message)
    )
    case("DisassociateFlow", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.disassociate_flow(**at, **message)
    )
    number = connect.claim_phone_number(InstanceId=i, PhoneNumber="+493023125999")["PhoneNumberId"]
    case("UpdatePhoneNumber", "to its own instance")(
        lambda: connect.update_phone_number(PhoneNumberId=number, InstanceId=i)
    )
    case("UpdatePhoneNumber", "to no instance", "InvalidParameterException")(
        lambda: connect.update_phone_number(PhoneNumberId=number)
    )
    case("UpdatePhoneNumber", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.update_phone_number(PhoneNumberId=UNKNOWN, InstanceId=i)
    )
    case("UpdatePhoneNumberMetadata", "a description")(
        lambda: connect.update_phone_number_metadata(PhoneNumberId=number, PhoneNumberDescription="main")
    )
    case("UpdatePhoneNumberMetadata", "one that is not there", "ResourceNotFoundException")(
        lambda: connect.update_phone_number_metadata(PhoneNumberId=UNKNOWN)
    )
    case("ListPhoneNumbers", "one")(
        lambda: equal(len(connect.list_phone_numbers(**at)["PhoneNumberSummaryList"]), 1, "numbers")
    )
    case("ListPhoneNumbers", "a type that there is not", "InvalidParameterException")(
        lambda: connect.list_phone_numbers(**at, PhoneNumberTypes=["X"])
    )


BEGIN, END = "<!-- conformance of resources: begin -->\n", "<!-- conformance of resources: end -->"


@check
def every_operation_gives_what_the_page_says_and_only_errors_of_its_model():
    of = centre()
    define(of)
    define_base(case, connect, unchecked, of)
    define_new(case, connect, unchecked, of)
    model = connect.meta.service_model
    lines = ["| Operation | Case | Gives |\n", "|---|---|---|\n"]
    for operation, words, gives, call in CASES:
        try:
            call()
            seen = "success"
        except botocore.exceptions.ClientError as error:
            seen = error.response["Error"]["Code"]
            declared = [shape.name for shape in model.operation_model(operation).error_shapes]
            assert seen in declared, (operation, words, error, declared)
        equal(seen, gives, f"{operation}, {words}")
        lines.append(f"| {operation} | {words} | {gives} |\n")
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    known, tail = rest.split(END)
    if os.environ.get("TYMPAN_ACCEPT_CONNECT"):
        PAGE.write_text(head + BEGIN + "".join(lines) + END + tail, encoding="utf-8")
        known = "".join(lines)
    equal(known, "".join(lines), "the page; TYMPAN_ACCEPT_CONNECT=1 writes it")


main()
