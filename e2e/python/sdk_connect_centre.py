"""The operations of the contact centre through boto3: shapes, errors and pages. Arguments: an ended contact, its instance."""

import datetime
import functools

import botocore.config
from sdk_check import argument, aws, check, equal, main, refused, typed
from sdk_connect_documents import UNKNOWN
from sdk_documents import flow

connect = aws("connect")
# It sends what the model forbids, so that the server has to refuse it.
unchecked = aws("connect", config=botocore.config.Config(parameter_validation=False))
NOW = datetime.datetime.now(datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)


def contact():
    return argument(0)


def instance():
    return argument(1)


@functools.cache
def named(operation, key, name):
    pages = connect.get_paginator(operation).paginate(InstanceId=instance())
    return next(one for page in pages for one in page[key] if one.get("Name") == name)["Id"]


def queue():
    return named("list_queues", "QueueSummaryList", "BasicQueue")


@functools.cache
def user():
    return connect.create_user(
        InstanceId=instance(),
        Username="centre-agent",
        PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 30},
        SecurityProfileIds=[named("list_security_profiles", "SecurityProfileSummaryList", "Agent")],
        RoutingProfileId=named("list_routing_profiles", "RoutingProfileSummaryList", "Basic Routing Profile"),
    )["UserId"]


@check
def an_ended_contact_is_found_described_tagged_and_changed():
    described = connect.describe_contact(InstanceId=instance(), ContactId=contact())["Contact"]
    equal(described["InitiationMethod"], "INBOUND", "method")
    equal(described["Tags"]["aws:connect:instanceId"], instance(), "tags")
    assert "AgentInfo" not in described and "QueueInfo" not in described, described
    connect.tag_contact(InstanceId=instance(), ContactId=contact(), Tags={"team": "blue", "case": "7"})
    connect.untag_contact(InstanceId=instance(), ContactId=contact(), TagKeys=["case"])
    connect.update_contact(
        InstanceId=instance(),
        ContactId=contact(),
        Name="a call",
        Description="about parcels",
        References={"ticket": {"Type": "URL", "Value": "https://example.com/1"}},
    )
    described = connect.describe_contact(InstanceId=instance(), ContactId=contact())["Contact"]
    equal((described["Name"], described["Description"]), ("a call", "about parcels"), "name")
    equal((described["Tags"].get("team"), described["Tags"].get("case")), ("blue", None), "tags")
    references = connect.list_contact_references(
        InstanceId=instance(), ContactId=contact(), ReferenceTypes=["URL", "EMAIL"]
    )["ReferenceSummaryList"]
    equal(references, [{"Url": {"Name": "ticket", "Value": "https://example.com/1"}}], "references")
    with typed(connect, "ResourceNotFoundException", 404):
        connect.tag_contact(InstanceId=instance(), ContactId=UNKNOWN, Tags={"k": "v"})
    with typed(connect, "InvalidParameterException", 400):
        connect.tag_contact(InstanceId=instance(), ContactId=contact(), Tags={"aws:k": "v"})
    with typed(connect, "InvalidRequestException", 400):
        connect.update_contact(InstanceId=instance(), ContactId=contact(), QueueInfo={"Id": queue()})


@check
def contacts_are_searched_by_time_and_criteria_in_pages():
    time = {"Type": "INITIATION_TIMESTAMP", "StartTime": NOW - HOUR, "EndTime": NOW + HOUR}
    seen = []
    pages = connect.get_paginator("search_contacts").paginate(
        InstanceId=instance(), TimeRange=time, PaginationConfig={"PageSize": 1}
    )
    for page in pages:
        seen += page["Contacts"]
        assert page["TotalCount"] >= 2, page
    assert contact() in [one["Id"] for one in seen] and len(seen) >= 2, seen
    equal(sorted(seen, key=lambda one: one["InitiationTimestamp"], reverse=True), seen, "order")
    one = next(one for one in seen if one["Id"] == contact())
    assert one["Arn"].endswith(f"/contact/{contact()}") and one["InitiationTimestamp"] <= one["DisconnectTimestamp"], one

    def found(**criteria):
        answer = connect.search_contacts(InstanceId=instance(), TimeRange=time, SearchCriteria=criteria)
        return [one["Id"] for one in answer["Contacts"]]

    tagged = found(ContactTags={"TagCondition": {"TagKey": "team", "TagValue": "blue"}})
    equal(tagged, [contact()], "by tag")
    equal(found(AgentIds=[user()]), [], "by agent")
    equal(found(QueueIds=[queue()]), [], "by queue")
    equal(found(InitiationMethods=["OUTBOUND"]), [], "by method")
    with typed(connect, "InvalidParameterException", 400):
        connect.search_contacts(InstanceId=instance(), TimeRange=time | {"StartTime": NOW - 2000 * HOUR})
    with typed(connect, "InvalidParameterException", 400):
        connect.search_contacts(InstanceId=instance(), TimeRange=time, NextToken="foreign")


@check
def what_has_ended_is_stopped_transferred_and_listened_to_no_more():
    with typed(connect, "ContactNotFoundException", 410):
        connect.stop_contact(InstanceId=instance(), ContactId=contact())
    with typed(connect, "InvalidRequestException", 400):
        connect.transfer_contact(InstanceId=instance(), ContactId=contact(), ContactFlowId=UNKNOWN, QueueId=queue())
    with typed(connect, "ResourceNotFoundException", 404):
        connect.transfer_contact(InstanceId=instance(), ContactId=UNKNOWN, ContactFlowId=UNKNOWN, QueueId=queue())
    with typed(connect, "InvalidRequestException", 400):
        connect.monitor_contact(InstanceId=instance(), ContactId=contact(), UserId=user())
    with typed(connect, "ResourceConflictException", 409):
        connect.update_contact_routing_data(InstanceId=instance(), ContactId=contact(), QueuePriority=1)
    with typed(connect, "InvalidParameterException", 400):
        connect.update_contact_routing_data(
            InstanceId=instance(), ContactId=contact(), QueuePriority=1, QueueTimeAdjustmentSeconds=5
        )
    with typed(connect, "InvalidRequestException", 400):
        connect.associate_contact_with_user(InstanceId=instance(), ContactId=contact(), UserId=user())
    with typed(connect, "InvalidRequestException", 400):
        connect.get_contact_metrics(
            InstanceId=instance(), ContactId=contact(), Metrics=[{"Name": "POSITION_IN_QUEUE"}]
        )


@check
def outbound_calls_are_refused_under_the_names_of_the_model():
    body = {"InstanceId": instance(), "DestinationPhoneNumber": "+12065550123"}
    body["ContactFlowId"] = connect.create_contact_flow(
        InstanceId=instance(), Name="outbound", Type="CONTACT_FLOW", Content=flow()
    )["ContactFlowId"]
    connect.update_instance_attribute(InstanceId=instance(), AttributeType="OUTBOUND_CALLS", Value="false")
    with typed(connect, "OutboundContactNotPermittedException", 403):
        connect.start_outbound_voice_contact(**body, QueueId=queue())
    connect.update_instance_attribute(InstanceId=instance(), AttributeType="OUTBOUND_CALLS", Value="true")
    with typed(connect, "InvalidRequestException", 400):
        connect.start_outbound_voice_contact(**body, QueueId=queue())
    with typed(connect, "InvalidParameterException", 400):
        connect.start_outbound_voice_contact(**body, SourcePhoneNumber="+12065550199")
    with typed(connect, "ResourceNotFoundException", 404):
        connect.start_outbound_voice_contact(**body | {"ContactFlowId": UNKNOWN}, QueueId=queue())


@check
def metrics_of_now_are_of_queues_and_profiles():
    metrics = [{"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}, {"Name": "AGENTS_ONLINE", "Unit": "COUNT"}]
    answer = connect.get_current_metric_data(
        InstanceId=instance(), Filters={"Queues": [queue()]}, Groupings=["QUEUE"], CurrentMetrics=metrics
    )
    equal(answer["MetricResults"], [], "nothing waits and no agent is there")
    assert answer["DataSnapshotTime"] >= NOW - HOUR, answer
    with typed(connect, "InvalidParameterException", 400):
        connect.get_current_metric_data(InstanceId=instance(), Filters={}, CurrentMetrics=metrics)
    with typed(connect, "ResourceNotFoundException", 404):
        connect.get_current_metric_data(
            InstanceId=instance(), Filters={"Queues": [UNKNOWN]}, CurrentMetrics=metrics
        )
    users = connect.get_current_user_data(InstanceId=instance(), Filters={"Agents": [user()]})
    equal((users["UserDataList"], users["ApproximateTotalCount"]), ([], 0), "the agent is not there")
    with typed(connect, "InvalidParameterException", 400):
        connect.get_current_user_data(InstanceId=instance(), Filters={"Agents": [user()], "Queues": [queue()]})


@check
def metrics_of_the_past_come_from_contacts():
    five = datetime.timedelta(minutes=5)
    end = NOW - datetime.timedelta(minutes=NOW.minute % 5, seconds=NOW.second, microseconds=NOW.microsecond) + five
    answer = connect.get_metric_data(
        InstanceId=instance(),
        StartTime=end - HOUR,
        EndTime=end,
        Filters={"Queues": [queue()]},
        HistoricalMetrics=[{"Name": "CONTACTS_HANDLED", "Statistic": "SUM", "Unit": "COUNT"}],
    )
    equal(answer["MetricResults"], [], "no contact was in the queue")
    arn = connect.describe_instance(InstanceId=instance())["Instance"]["Arn"]
    results = connect.get_metric_data_v2(
        ResourceArn=arn,
        StartTime=end - HOUR,
        EndTime=end,
        Filters=[{"FilterKey": "CHANNEL", "FilterValues": ["VOICE"]}],
        Groupings=["CHANNEL"],
        Metrics=[{"Name": "CONTACTS_CREATED"}, {"Name": "AVG_HANDLE_TIME"}],
    )["MetricResults"]
    equal(results[0]["Dimensions"], {"CHANNEL": "VOICE"}, "dimensions")
    created, handled = results[0]["Collections"]
    assert created["Value"] >= 2 and "Value" not in handled, results
    with typed(connect, "InvalidParameterException", 400):
        connect.get_metric_data(
            InstanceId=instance(),
            StartTime=end - HOUR - datetime.timedelta(seconds=1),
            EndTime=end,
            Filters={"Queues": [queue()]},
            HistoricalMetrics=[{"Name": "CONTACTS_HANDLED"}],
        )


@check
def statuses_and_contacts_of_agents_that_are_not_there_are_not_found():
    available = named("list_agent_statuses", "AgentStatusSummaryList", "Available")
    with typed(connect, "ResourceNotFoundException", 404):
        connect.put_user_status(InstanceId=instance(), UserId=UNKNOWN, AgentStatusId=available)
    with typed(connect, "ResourceNotFoundException", 404):
        connect.put_user_status(InstanceId=instance(), UserId=user(), AgentStatusId=UNKNOWN)
    with typed(connect, "ResourceNotFoundException", 404):
        connect.dismiss_user_contact(InstanceId=instance(), UserId=UNKNOWN, ContactId=contact())
    with typed(unchecked, "InvalidRequestException", 400):
        unchecked.put_user_status(InstanceId=instance(), UserId=user())


@check
def recordings_of_calls_are_not_offered():
    body = {"InstanceId": instance(), "ContactId": contact(), "InitialContactId": contact()}
    for call in [connect.stop_contact_recording, connect.suspend_contact_recording, connect.resume_contact_recording]:
        with refused("NotImplementedException", 501):
            call(**body)


main()
