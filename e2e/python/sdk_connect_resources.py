"""The resources of an Amazon Connect instance through boto3: what infrastructure tools and scripts call, in their
order."""

import json

import botocore.config
from sdk_check import aws, check, equal, main, typed
from sdk_connect_documents import MODULE, OPEN, UNKNOWN, VOICE
from sdk_documents import flow, media_streams

FUNCTION = "arn:aws:lambda:us-west-2:111122223333:function:lookup"

connect = aws("connect")
# It sends what the model forbids, so that the server has to refuse it.
unchecked = aws("connect", config=botocore.config.Config(parameter_validation=False))


def new_instance(alias):
    return connect.create_instance(
        InstanceAlias=alias,
        IdentityManagementType="CONNECT_MANAGED",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]


def gone(call, **named):
    """Terraform reads until a resource is not found."""
    with typed(connect, "ResourceNotFoundException", 404):
        call(**named)


@check
def terraform_applies_and_destroys_in_its_order():
    i = new_instance("terraform")
    instance = connect.describe_instance(InstanceId=i)["Instance"]
    equal(instance["InstanceStatus"], "ACTIVE", "status")
    assert instance["CreatedTime"], instance
    for attribute in ["CONTACTFLOW_LOGS", "MULTI_PARTY_CONFERENCE"]:
        connect.update_instance_attribute(InstanceId=i, AttributeType=attribute, Value="true")
    for attribute, value in {
        "AUTO_RESOLVE_BEST_VOICES": "true",
        "CONTACTFLOW_LOGS": "true",
        "CONTACT_LENS": "true",
        "EARLY_MEDIA": "true",
        "INBOUND_CALLS": "true",
        "MULTI_PARTY_CONFERENCE": "true",
        "OUTBOUND_CALLS": "true",
        "USE_CUSTOM_TTS_VOICES": "false",
    }.items():
        described = connect.describe_instance_attribute(InstanceId=i, AttributeType=attribute)["Attribute"]
        equal(described, {"AttributeType": attribute, "Value": value}, attribute)
    stream = {
        "StorageType": "KINESIS_STREAM",
        "KinesisStreamConfig": {"StreamArn": "arn:aws:kinesis:us-west-2:111122223333:stream/records"},
    }
    bucket = {"StorageType": "S3", "S3Config": {"BucketName": "recordings", "BucketPrefix": "calls"}}
    associations = {}
    for resource, config in [
        ("CONTACT_TRACE_RECORDS", stream),
        ("CALL_RECORDINGS", bucket),
        ("MEDIA_STREAMS", media_streams("tf")),
    ]:
        id = connect.associate_instance_storage_config(InstanceId=i, ResourceType=resource, StorageConfig=config)[
            "AssociationId"
        ]
        named = {"InstanceId": i, "AssociationId": id, "ResourceType": resource}
        shown = connect.describe_instance_storage_config(**named)["StorageConfig"]
        if resource != "MEDIA_STREAMS":
            equal(shown, config | {"AssociationId": id}, resource)
        associations[resource] = named
    offered = connect.search_available_phone_numbers(
        TargetArn=instance["Arn"], PhoneNumberCountryCode="US", PhoneNumberType="DID", MaxResults=1
    )["AvailableNumbersList"]
    number = connect.claim_phone_number(
        TargetArn=instance["Arn"], PhoneNumber=offered[0]["PhoneNumber"], ClientToken="a", Tags={"by": "terraform"}
    )["PhoneNumberId"]
    claimed = connect.describe_phone_number(PhoneNumberId=number)["ClaimedPhoneNumberSummary"]
    equal((claimed["PhoneNumberStatus"]["Status"], claimed["Tags"]), ("CLAIMED", {"by": "terraform"}), "number")
    connect.update_phone_number(PhoneNumberId=number, TargetArn=instance["Arn"])
    flow_id = connect.create_contact_flow(
        InstanceId=i, Name="inbound", Description="", Type="CONTACT_FLOW", Content=flow()
    )["ContactFlowId"]
    described = connect.describe_contact_flow(InstanceId=i, ContactFlowId=flow_id)["ContactFlow"]
    equal(json.loads(described["Content"]), json.loads(flow()), "content")
    connect.update_contact_flow_name(InstanceId=i, ContactFlowId=flow_id, Name="inbound", Description="")
    module = connect.create_contact_flow_module(
        InstanceId=i, Name="module", Description="", Content=MODULE, ClientToken="b"
    )["Id"]
    described = connect.describe_contact_flow_module(InstanceId=i, ContactFlowModuleId=module)["ContactFlowModule"]
    equal((json.loads(described["Content"]), described["State"]), (json.loads(MODULE), "ACTIVE"), "module")
    connect.update_contact_flow_module_metadata(
        InstanceId=i, ContactFlowModuleId=module, Name="renamed", Description=""
    )
    connect.associate_lambda_function(InstanceId=i, FunctionArn=FUNCTION)
    equal(connect.list_lambda_functions(InstanceId=i, MaxResults=25)["LambdaFunctions"], [FUNCTION], "functions")
    hours = unchecked.create_hours_of_operation(
        InstanceId=i, Name="office", Description="", TimeZone="EST5EDT", Config=OPEN, Tags={"a": "1"}
    )["HoursOfOperationId"]
    described = connect.describe_hours_of_operation(InstanceId=i, HoursOfOperationId=hours)["HoursOfOperation"]
    equal((described["Config"], described["TimeZone"], described["Tags"]), (OPEN, "EST5EDT", {"a": "1"}), "hours")
    connect.update_hours_of_operation(
        InstanceId=i, HoursOfOperationId=hours, Name="office", Description="", TimeZone="UTC", Config=OPEN
    )
    queue = connect.create_queue(
        InstanceId=i,
        Name="service",
        HoursOfOperationId=hours,
        MaxContacts=5,
        OutboundCallerConfig={"OutboundCallerIdNumberId": number},
    )["QueueId"]
    described = connect.describe_queue(InstanceId=i, QueueId=queue)["Queue"]
    equal(
        (described["HoursOfOperationId"], described["MaxContacts"], described["Status"]), (hours, 5, "ENABLED"), "queue"
    )
    equal(
        connect.list_queue_quick_connects(InstanceId=i, QueueId=queue, MaxResults=60)["QuickConnectSummaryList"],
        [],
        "quick connects",
    )
    transfer = connect.create_contact_flow(InstanceId=i, Name="transfer", Type="QUEUE_TRANSFER", Content=flow())[
        "ContactFlowId"
    ]
    config = {"QuickConnectType": "QUEUE", "QueueConfig": {"QueueId": queue, "ContactFlowId": transfer}}
    quick = connect.create_quick_connect(InstanceId=i, Name="to service", QuickConnectConfig=config)["QuickConnectId"]
    equal(
        connect.describe_quick_connect(InstanceId=i, QuickConnectId=quick)["QuickConnect"]["QuickConnectConfig"],
        config,
        "config",
    )
    connect.associate_queue_quick_connects(InstanceId=i, QueueId=queue, QuickConnectIds=[quick])
    reference = {"QueueReference": {"QueueId": queue, "Channel": "VOICE"}, "Priority": 2, "Delay": 0}
    profile = connect.create_routing_profile(
        InstanceId=i,
        Name="agents",
        Description="d",
        DefaultOutboundQueueId=queue,
        MediaConcurrencies=VOICE,
        QueueConfigs=[reference],
    )["RoutingProfileId"]
    described = connect.describe_routing_profile(InstanceId=i, RoutingProfileId=profile)["RoutingProfile"]
    equal(
        described["MediaConcurrencies"][0]["CrossChannelBehavior"],
        {"BehaviorType": "ROUTE_CURRENT_CHANNEL_ONLY"},
        "behaviour",
    )
    listed = connect.list_routing_profile_queues(InstanceId=i, RoutingProfileId=profile)[
        "RoutingProfileQueueConfigSummaryList"
    ]
    equal([(one["QueueName"], one["Priority"]) for one in listed], [("service", 2)], "queues of the profile")
    security = connect.create_security_profile(
        InstanceId=i, SecurityProfileName="agents", Permissions=["BasicAgentAccess", "Unknown"]
    )["SecurityProfileId"]
    described = connect.describe_security_profile(InstanceId=i, SecurityProfileId=security)["SecurityProfile"]
    equal(described["OrganizationResourceId"], i, "instance")
    permissions = connect.list_security_profile_permissions(InstanceId=i, SecurityProfileId=security)["Permissions"]
    equal(sorted(permissions), ["BasicAgentAccess", "Unknown"], "permissions")
    user = connect.create_user(
        InstanceId=i,
        Username="jane",
        Password="Aa1aaaaa",
        SecurityProfileIds=[security],
        RoutingProfileId=profile,
        PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 0, "AutoAccept": False},
        IdentityInfo={"FirstName": "Jane", "LastName": "Doe"},
    )["UserId"]
    described = connect.describe_user(InstanceId=i, UserId=user)["User"]
    equal(
        (described["Username"], described["SecurityProfileIds"], described["RoutingProfileId"]),
        ("jane", [security], profile),
        "user",
    )
    connect.tag_resource(resourceArn=described["Arn"], tags={"env": "test", "x": "y"})
    connect.untag_resource(resourceArn=described["Arn"], tagKeys=["x"])
    equal(connect.list_tags_for_resource(resourceArn=described["Arn"])["tags"], {"env": "test"}, "tags")

    connect.delete_user(InstanceId=i, UserId=user)
    gone(connect.describe_user, InstanceId=i, UserId=user)
    connect.delete_security_profile(InstanceId=i, SecurityProfileId=security)
    with typed(connect, "ResourceInUseException", 409):
        connect.delete_queue(InstanceId=i, QueueId=queue)
    connect.disassociate_routing_profile_queues(
        InstanceId=i, RoutingProfileId=profile, QueueReferences=[reference["QueueReference"]]
    )
    connect.delete_routing_profile(InstanceId=i, RoutingProfileId=profile)
    gone(connect.describe_routing_profile, InstanceId=i, RoutingProfileId=profile)
    connect.disassociate_queue_quick_connects(InstanceId=i, QueueId=queue, QuickConnectIds=[quick])
    connect.delete_quick_connect(InstanceId=i, QuickConnectId=quick)
    connect.delete_queue(InstanceId=i, QueueId=queue)
    connect.delete_hours_of_operation(InstanceId=i, HoursOfOperationId=hours)
    connect.disassociate_lambda_function(InstanceId=i, FunctionArn=FUNCTION)
    connect.delete_contact_flow_module(InstanceId=i, ContactFlowModuleId=module)
    connect.delete_contact_flow(InstanceId=i, ContactFlowId=flow_id)
    connect.delete_contact_flow(InstanceId=i, ContactFlowId=transfer)
    connect.release_phone_number(PhoneNumberId=number)
    gone(connect.describe_phone_number, PhoneNumberId=number)
    for named in associations.values():
        connect.disassociate_instance_storage_config(**named)
    connect.delete_instance(InstanceId=i)
    gone(connect.describe_instance, InstanceId=i)


DEFAULTS = {
    "list_queues": ["BasicQueue"],
    "list_hours_of_operations": ["Basic Hours"],
    "list_routing_profiles": ["Basic Routing Profile"],
    "list_security_profiles": ["Admin", "Agent", "CallCenterManager", "QualityAnalyst"],
    "list_agent_statuses": ["Available", "Offline"],
    "list_prompts": [
        "Beep.wav",
        "CustomerHold.wav",
        "CustomerQueue.wav",
        "Music_Jazz_MyTimetoFly_Inst.wav",
        "Music_Pop_ThisAndThatIsLife_Inst.wav",
        "Music_Pop_ThrowYourselfInFrontOfIt_Inst.wav",
        "Music_Rock_EverywhereTheSunShines_Inst.wav",
    ],
    "list_contact_flows": [
        "Default agent hold",
        "Default queue transfer",
        "Sample inbound flow (first contact experience)",
    ],
}


@check
def everything_of_a_new_instance_can_be_listed_and_its_defaults_are_there():
    i = new_instance("fresh")
    model = connect.meta.service_model
    methods = {operation: method for method, operation in connect.meta.method_to_api_mapping.items()}
    members = {"InstanceId": i, "LexVersion": "V1", "ResourceType": "CALL_RECORDINGS", "ContactId": UNKNOWN}
    members |= {"ContactInteractionType": "AGENT", "EntityType": "USER", "EntityArn": "arn:x", "OutputType": "Raw"}
    listed = 0
    for name in model.operation_names:
        if not name.startswith("List"):
            continue
        shape = model.operation_model(name).input_shape
        required = shape.required_members if shape else []
        # What is of one resource is listed once there is one.
        if not all(member in members for member in required):
            continue
        answer = getattr(connect, methods[name])(**{member: members[member] for member in required})
        lists = [value for value in answer.values() if isinstance(value, list)]
        assert lists, (name, answer)
        wanted = DEFAULTS.get(methods[name])
        if wanted:
            names = [one.get("Name") for one in lists[0]]
            assert set(wanted) <= set(names), (name, names)
        listed += 1
    assert listed > 40, listed


@check
def a_script_builds_on_the_defaults_by_their_names():
    i = new_instance("script")

    def named(operation, key, name):
        pages = connect.get_paginator(operation).paginate(InstanceId=i)
        return next(one for page in pages for one in page[key] if one.get("Name") == name)["Id"]

    admin = named("list_security_profiles", "SecurityProfileSummaryList", "Admin")
    profile = named("list_routing_profiles", "RoutingProfileSummaryList", "Basic Routing Profile")
    user = connect.create_user(
        InstanceId=i,
        Username="admin",
        Password="Aa1aaaaa",
        PhoneConfig={"PhoneType": "SOFT_PHONE"},
        SecurityProfileIds=[admin],
        RoutingProfileId=profile,
    )
    assert user["UserArn"].endswith(f"/agent/{user['UserId']}"), user
    queue = named("list_queues", "QueueSummaryList", "BasicQueue")
    transfer = named("list_contact_flows", "ContactFlowSummaryList", "Default queue transfer")
    config = {"QuickConnectType": "QUEUE", "QueueConfig": {"QueueId": queue, "ContactFlowId": transfer}}
    connect.create_quick_connect(InstanceId=i, Name="basic", QuickConnectConfig=config)
    queue = connect.describe_queue(InstanceId=i, QueueId=queue)["Queue"]
    equal(queue["Description"], "A simple, basic voice queue.", "description")
    hours = connect.describe_hours_of_operation(InstanceId=i, HoursOfOperationId=queue["HoursOfOperationId"])
    equal(len(hours["HoursOfOperation"]["Config"]), 7, "days")


main()
