//! What all kinds of named resources have alike, and how they refer to each other.

use crate::bench::{ABSENT, Bench, FLOW, text};
use crate::error::ErrorCode;
use serde_json::{Value, json};

/// An instance with one resource of each kind.
struct Centre {
    bench: Bench,
    instance: String,
    hours: String,
    queue: String,
    profile: String,
    security: String,
    user: String,
    quick_connect: String,
    prompt: String,
    status: String,
    module: String,
    flow: String,
}

impl Centre {
    fn new() -> Self {
        let bench = Bench::new();
        let i = bench.instance("demo");
        let put = |path: &str, id: &str, body: Value| {
            text(
                &bench
                    .call("PUT", &format!("/{path}/{i}"), body)
                    .unwrap_or_else(|error| panic!("{path}: {error}"))[id],
            )
        };
        let flow = bench.flow(&i, "a");
        let hours = put(
            "hours-of-operations",
            "HoursOfOperationId",
            json!({ "Name": "Office", "TimeZone": "UTC", "Config": [] }),
        );
        let queue = put("queues", "QueueId", json!({ "Name": "Service", "HoursOfOperationId": hours }));
        let profile = put(
            "routing-profiles",
            "RoutingProfileId",
            json!({ "Name": "Basic", "Description": "d",
            "DefaultOutboundQueueId": queue, "MediaConcurrencies": [{ "Channel": "VOICE", "Concurrency": 1 }],
            "QueueConfigs": [{ "QueueReference": { "QueueId": queue, "Channel": "VOICE" }, "Priority": 1, "Delay": 0 }] }),
        );
        let security = put(
            "security-profiles",
            "SecurityProfileId",
            json!({ "SecurityProfileName": "Agents", "Permissions": ["BasicAgentAccess", "Own"] }),
        );
        let user = put(
            "users",
            "UserId",
            json!({ "Username": "jane", "SecurityProfileIds": [security], "RoutingProfileId": profile,
            "PhoneConfig": { "PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 30 },
            "IdentityInfo": { "FirstName": "Jane", "LastName": "Doe" }, "Password": "Aa1aaaaa" }),
        );
        let quick_connect = put(
            "quick-connects",
            "QuickConnectId",
            json!({ "Name": "To service",
            "QuickConnectConfig": { "QuickConnectType": "QUEUE", "QueueConfig": { "QueueId": queue, "ContactFlowId": flow } } }),
        );
        let prompt =
            put("prompts", "PromptId", json!({ "Name": "Hello.wav", "S3Uri": "s3://bucket/hello.wav" }));
        let status = put("agent-status", "AgentStatusId", json!({ "Name": "Lunch", "State": "ENABLED" }));
        let module = put("contact-flow-modules", "Id", json!({ "Name": "Greeting", "Content": FLOW }));
        Self {
            bench,
            instance: i,
            hours,
            queue,
            profile,
            security,
            user,
            quick_connect,
            prompt,
            status,
            module,
            flow,
        }
    }

    /// Path of one, of lists, of searches; the members of description, list and search; its name.
    fn kinds(&self) -> Vec<[&str; 8]> {
        vec![
            [
                "hours-of-operations",
                &self.hours,
                "HoursOfOperation",
                "hours-of-operations-summary",
                "HoursOfOperationSummaryList",
                "search-hours-of-operations",
                "HoursOfOperations",
                "Office",
            ],
            [
                "queues",
                &self.queue,
                "Queue",
                "queues-summary",
                "QueueSummaryList",
                "search-queues",
                "Queues",
                "Service",
            ],
            [
                "routing-profiles",
                &self.profile,
                "RoutingProfile",
                "routing-profiles-summary",
                "RoutingProfileSummaryList",
                "search-routing-profiles",
                "RoutingProfiles",
                "Basic",
            ],
            [
                "security-profiles",
                &self.security,
                "SecurityProfile",
                "security-profiles-summary",
                "SecurityProfileSummaryList",
                "search-security-profiles",
                "SecurityProfiles",
                "Agents",
            ],
            [
                "users",
                &self.user,
                "User",
                "users-summary",
                "UserSummaryList",
                "search-users",
                "Users",
                "jane",
            ],
            [
                "quick-connects",
                &self.quick_connect,
                "QuickConnect",
                "quick-connects",
                "QuickConnectSummaryList",
                "search-quick-connects",
                "QuickConnects",
                "To service",
            ],
            [
                "prompts",
                &self.prompt,
                "Prompt",
                "prompts-summary",
                "PromptSummaryList",
                "search-prompts",
                "Prompts",
                "Hello.wav",
            ],
            [
                "agent-status",
                &self.status,
                "AgentStatus",
                "agent-status",
                "AgentStatusSummaryList",
                "search-agent-statuses",
                "AgentStatuses",
                "Lunch",
            ],
            [
                "contact-flow-modules",
                &self.module,
                "ContactFlowModule",
                "contact-flow-modules-summary",
                "ContactFlowModulesSummaryList",
                "search-contact-flow-modules",
                "ContactFlowModules",
                "Greeting",
            ],
        ]
    }

    fn get(&self, path: &str) -> Value {
        self.bench.call("GET", path, Value::Null).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn path(&self, kind: &str, id: &str) -> String {
        format!("/{kind}/{}/{id}", self.instance)
    }
}

fn name(value: &Value) -> &Value {
    ["Name", "Username", "SecurityProfileName"]
        .iter()
        .map(|member| &value[member])
        .find(|name| !name.is_null())
        .unwrap_or(&Value::Null)
}

#[test]
fn every_kind_is_shown_listed_found_and_tagged_also_after_a_restart() {
    let centre = Centre::new();
    let reopened = centre.bench.reopened();
    for [path, id, shown, list, summaries, search, found, named] in centre.kinds() {
        let one = reopened.call("GET", &centre.path(path, id), Value::Null).unwrap()[shown].clone();
        assert_eq!(name(&one), named, "{path}: {one}");
        let listed = centre.get(&format!("/{list}/{}", centre.instance));
        assert!(
            listed[summaries].as_array().unwrap().iter().any(|item| item["Id"] == id),
            "{path}: {listed}"
        );
        let criteria =
            json!({ "StringCondition": { "FieldName": "name", "Value": named, "ComparisonType": "EXACT" } });
        let body = json!({ "InstanceId": centre.instance, "SearchCriteria": criteria });
        let answer = centre.bench.call("POST", &format!("/{search}"), body).unwrap();
        assert_eq!(
            (name(&answer[found][0]), &answer["ApproximateTotalCount"]),
            (&json!(named), &json!(1)),
            "{path}"
        );
        let arn = one
            .as_object()
            .unwrap()
            .iter()
            .find(|(member, _)| member.to_lowercase().ends_with("arn"))
            .unwrap()
            .1;
        let tags = format!("/tags/{}", text(arn).replace('/', "%2F"));
        centre.bench.call("POST", &tags, json!({ "tags": { "team": "a", "x": "1" } })).unwrap();
        centre.bench.call("DELETE", &format!("{tags}?tagKeys=x&tagKeys=y"), Value::Null).unwrap();
        assert_eq!(centre.get(&tags), json!({ "tags": { "team": "a" } }), "{path}");
        assert_eq!(centre.get(&centre.path(path, id))[shown]["Tags"], json!({ "team": "a" }), "{path}");
        for other in [ABSENT, "x"] {
            assert_eq!(
                reopened.refusal("GET", &centre.path(path, other), Value::Null),
                ErrorCode::ResourceNotFound
            );
        }
    }
}

#[test]
fn tags_are_checked_and_those_of_nothing_are_not_found() {
    let centre = Centre::new();
    let root = "/tags/arn:aws:connect:us-west-2:111122223333:";
    let flow = format!("{root}instance%2F{}%2Fcontact-flow%2F{}", centre.instance, centre.flow);
    let refusal = |path: &str, body: Value| centre.bench.refusal("POST", path, body);
    assert_eq!(refusal(&flow, json!({ "tags": { "aws:x": "" } })), ErrorCode::InvalidParameter);
    assert_eq!(refusal(&flow, json!({})), ErrorCode::InvalidRequest);
    let many: Value = (0..50).map(|n| (n.to_string(), json!(""))).collect::<serde_json::Map<_, _>>().into();
    centre.bench.call("POST", &flow, json!({ "tags": many })).unwrap();
    assert_eq!(refusal(&flow, json!({ "tags": { "one more": "" } })), ErrorCode::InvalidParameter);
    assert_eq!(centre.bench.refusal("DELETE", &flow, Value::Null), ErrorCode::InvalidRequest);
    for nothing in [
        format!("{root}instance%2F{ABSENT}"),
        format!("{root}instance%2F{}%2Fqueue%2F{ABSENT}", centre.instance),
        format!("{root}instance%2F{}%2Fnothing%2F{}", centre.instance, centre.queue),
        "/tags/x".to_owned(),
    ] {
        assert_eq!(
            refusal(&nothing, json!({ "tags": { "a": "" } })),
            ErrorCode::ResourceNotFound,
            "{nothing}"
        );
    }
    let number = centre.bench.number(&centre.instance, "+18005550100");
    let number = format!("{root}phone-number%2F{number}");
    centre.bench.call("POST", &number, json!({ "tags": { "a": "b" } })).unwrap();
    assert_eq!(centre.get(&number), json!({ "tags": { "a": "b" } }));
}

#[test]
fn what_is_referred_to_cannot_be_deleted_and_goes_in_the_order_of_references() {
    let centre = Centre::new();
    let delete = |kind: &str, id: &str| {
        centre.bench.call("DELETE", &centre.path(kind, id), Value::Null).map_err(|error| error.code())
    };
    assert_eq!(delete("hours-of-operations", &centre.hours), Err(ErrorCode::InvalidRequest));
    assert_eq!(delete("queues", &centre.queue), Err(ErrorCode::ResourceInUse));
    assert_eq!(delete("routing-profiles", &centre.profile), Err(ErrorCode::ResourceInUse));
    assert_eq!(delete("security-profiles", &centre.security), Err(ErrorCode::ResourceInUse));
    for (kind, id) in [
        ("users", &centre.user),
        ("security-profiles", &centre.security),
        ("routing-profiles", &centre.profile),
        ("quick-connects", &centre.quick_connect),
        ("queues", &centre.queue),
        ("hours-of-operations", &centre.hours),
        ("prompts", &centre.prompt),
        ("contact-flow-modules", &centre.module),
    ] {
        delete(kind, id).unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        assert_eq!(delete(kind, id), Err(ErrorCode::ResourceNotFound), "{kind}");
    }
}

#[test]
fn a_queue_is_changed_part_by_part() {
    let centre = Centre::new();
    let path = centre.path("queues", &centre.queue);
    let post = |part: &str, body: Value| {
        centre.bench.call("POST", &format!("{path}/{part}"), body).map_err(|error| error.code())
    };
    let number = centre.bench.number(&centre.instance, "+18005550100");
    post("max-contacts", json!({ "MaxContacts": 5 })).unwrap();
    post("status", json!({ "Status": "DISABLED" })).unwrap();
    post("name", json!({ "Name": "Care", "Description": "d" })).unwrap();
    let caller = json!({ "OutboundCallerIdName": "Us", "OutboundCallerIdNumberId": number, "OutboundFlowId": centre.flow });
    post("outbound-caller-config", json!({ "OutboundCallerConfig": caller })).unwrap();
    post("associate-quick-connects", json!({ "QuickConnectIds": [centre.quick_connect] })).unwrap();
    let queue = centre.get(&path)["Queue"].clone();
    assert_eq!(
        (&queue["Name"], &queue["MaxContacts"], &queue["Status"]),
        (&json!("Care"), &json!(5), &json!("DISABLED"))
    );
    assert_eq!(queue["OutboundCallerConfig"], caller);
    let listed = centre.get(&format!("{path}/quick-connects"));
    assert_eq!(listed["QuickConnectSummaryList"][0]["QuickConnectType"], "QUEUE");
    post("disassociate-quick-connects", json!({ "QuickConnectIds": [centre.quick_connect] })).unwrap();
    assert_eq!(centre.get(&format!("{path}/quick-connects"))["QuickConnectSummaryList"], json!([]));
    assert_eq!(
        post("outbound-caller-config", json!({ "OutboundCallerConfig": { "OutboundFlowId": "" } })),
        Err(ErrorCode::InvalidParameter)
    );
    assert_eq!(
        post("hours-of-operation", json!({ "HoursOfOperationId": ABSENT })),
        Err(ErrorCode::ResourceNotFound)
    );
    assert_eq!(post("status", json!({ "Status": "OFF" })), Err(ErrorCode::InvalidRequest));
    assert_eq!(
        post("associate-quick-connects", json!({ "QuickConnectIds": [ABSENT] })),
        Err(ErrorCode::ResourceNotFound)
    );
    let agents = centre.get(&format!("/queues-summary/{}?queueTypes=AGENT", centre.instance));
    assert_eq!(agents["QueueSummaryList"].as_array().unwrap().len(), 1);
    assert!(agents["QueueSummaryList"][0].get("Name").is_none());
}

#[test]
fn a_routing_profile_gains_and_loses_queues() {
    let centre = Centre::new();
    let path = centre.path("routing-profiles", &centre.profile);
    let post = |part: &str, body: Value| {
        centre.bench.call("POST", &format!("{path}/{part}"), body).map_err(|error| error.code())
    };
    let other = json!({ "Name": "Other", "HoursOfOperationId": centre.hours });
    let other =
        text(&centre.bench.call("PUT", &format!("/queues/{}", centre.instance), other).unwrap()["QueueId"]);
    let config = |queue: &str, priority: u32| json!({ "QueueConfigs": [{ "QueueReference": { "QueueId": queue, "Channel": "VOICE" }, "Priority": priority, "Delay": 7 }] });
    assert_eq!(post("queues", config(&other, 1)), Err(ErrorCode::InvalidParameter), "it does not have it");
    post("associate-queues", config(&other, 2)).unwrap();
    post("queues", config(&other, 3)).unwrap();
    assert_eq!(post("associate-queues", config(&other, 100)), Err(ErrorCode::InvalidParameter));
    let queues = centre.get(&format!("{path}/queues"))["RoutingProfileQueueConfigSummaryList"].clone();
    assert_eq!(
        (&queues[0]["QueueName"], &queues[0]["Priority"], &queues[0]["Delay"]),
        (&json!("Other"), &json!(3), &json!(7))
    );
    post("disassociate-queues", json!({ "QueueReferences": [{ "QueueId": other, "Channel": "VOICE" }] }))
        .unwrap();
    let profile = centre.get(&path)["RoutingProfile"].clone();
    assert_eq!(
        (&profile["NumberOfAssociatedQueues"], &profile["NumberOfAssociatedUsers"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        profile["MediaConcurrencies"][0]["CrossChannelBehavior"]["BehaviorType"],
        "ROUTE_CURRENT_CHANNEL_ONLY"
    );
    let twice = json!({ "MediaConcurrencies": [{ "Channel": "VOICE" }, { "Channel": "VOICE" }] });
    assert_eq!(post("concurrency", twice), Err(ErrorCode::InvalidParameter));
    post("concurrency", json!({ "MediaConcurrencies": [{ "Channel": "CHAT", "Concurrency": 3 }] })).unwrap();
    post("agent-availability-timer", json!({ "AgentAvailabilityTimer": "TIME_SINCE_LAST_INBOUND" })).unwrap();
    post("default-outbound-queue", json!({ "DefaultOutboundQueueId": other })).unwrap();
    post("name", json!({ "Name": "New" })).unwrap();
    assert_eq!(post("name", json!({ "Name": "" })), Err(ErrorCode::InvalidParameter));
}

#[test]
fn a_user_is_changed_part_by_part_and_found_by_his_group() {
    let centre = Centre::new();
    let path = centre.path("users", &centre.user);
    let post = |part: &str, body: Value| {
        centre.bench.call("POST", &format!("{path}/{part}"), body).map_err(|error| error.code())
    };
    let group = json!({ "Name": "North" });
    let groups = format!("/user-hierarchy-groups/{}", centre.instance);
    assert_eq!(
        centre.bench.refusal("PUT", &groups, group.clone()),
        ErrorCode::InvalidParameter,
        "there is no level yet"
    );
    let structure = format!("/user-hierarchy-structure/{}", centre.instance);
    assert_eq!(centre.get(&structure), json!({ "HierarchyStructure": {} }));
    let levels =
        json!({ "HierarchyStructure": { "LevelOne": { "Name": "Region" }, "LevelTwo": { "Name": "Team" } } });
    centre.bench.call("POST", &structure, levels).unwrap();
    let gap = json!({ "HierarchyStructure": { "LevelTwo": { "Name": "Team" } } });
    assert_eq!(centre.bench.refusal("POST", &structure, gap), ErrorCode::InvalidParameter);
    let north = text(&centre.bench.call("PUT", &groups, group).unwrap()["HierarchyGroupId"]);
    let team = json!({ "Name": "Team 1", "ParentGroupId": north });
    let team = text(&centre.bench.call("PUT", &groups, team).unwrap()["HierarchyGroupId"]);
    post("hierarchy", json!({ "HierarchyGroupId": team })).unwrap();
    let shown = centre.get(&format!("{groups}/{team}"))["HierarchyGroup"].clone();
    assert_eq!(shown["HierarchyPath"]["LevelOne"]["Name"], "North");
    assert_eq!(
        centre.bench.refusal("POST", &structure, json!({ "HierarchyStructure": {} })),
        ErrorCode::ResourceInUse
    );
    assert_eq!(
        centre.bench.refusal("DELETE", &format!("{groups}/{north}"), Value::Null),
        ErrorCode::ResourceInUse
    );
    let found = |how: &str| {
        let condition =
            json!({ "HierarchyGroupCondition": { "Value": north, "HierarchyGroupMatchType": how } });
        let body = json!({ "InstanceId": centre.instance, "SearchCriteria": condition });
        centre.bench.call("POST", "/search-users", body).unwrap()["Users"].as_array().unwrap().clone()
    };
    assert_eq!((found("EXACT").len(), found("WITH_CHILD_GROUPS").len()), (0, 1));
    assert_eq!(
        found("WITH_CHILD_GROUPS")[0]["PhoneConfig"]["AfterContactWorkTimeLimit"],
        30_000,
        "milliseconds"
    );
    post("hierarchy", json!({})).unwrap();
    assert!(centre.get(&path)["User"].get("HierarchyGroupId").is_none());
    post("identity-info", json!({ "IdentityInfo": { "FirstName": "Joan" } })).unwrap();
    post(
        "phone-config",
        json!({ "PhoneConfig": { "PhoneType": "DESK_PHONE", "DeskPhoneNumber": "+12065550100" } }),
    )
    .unwrap();
    assert_eq!(
        post("phone-config", json!({ "PhoneConfig": { "PhoneType": "DESK_PHONE" } })),
        Err(ErrorCode::InvalidParameter)
    );
    assert_eq!(
        post("security-profiles", json!({ "SecurityProfileIds": [] })),
        Err(ErrorCode::InvalidParameter)
    );
    assert_eq!(
        post("routing-profile", json!({ "RoutingProfileId": ABSENT })),
        Err(ErrorCode::ResourceNotFound)
    );
    let weak = json!({ "Username": "joe", "Password": "secret", "SecurityProfileIds": [centre.security], "RoutingProfileId": centre.profile });
    assert_eq!(
        centre.bench.refusal("PUT", &format!("/users/{}", centre.instance), weak),
        ErrorCode::InvalidParameter
    );
}

#[test]
fn versions_of_flows_and_modules_stay_as_they_were() {
    let centre = Centre::new();
    let other = FLOW.replace("\"end\"", "\"bye\"");
    for (path, shown, version) in [
        (centre.path("contact-flows", &centre.flow), "ContactFlow", "FlowContentSha256"),
        (centre.path("contact-flow-modules", &centre.module), "ContactFlowModule", "FlowModuleContentSha256"),
    ] {
        let made =
            centre.bench.call("PUT", &format!("{path}/version"), json!({ "Description": "first" })).unwrap();
        assert_eq!(made["Version"], 1);
        centre.bench.call("POST", &format!("{path}/content"), json!({ "Content": other })).unwrap();
        let first =
            centre.bench.reopened().call("GET", &format!("{path}:1"), Value::Null).unwrap()[shown].clone();
        assert_eq!((&first["Content"], &first["VersionDescription"]), (&json!(FLOW), &json!("first")));
        assert_eq!(centre.get(&path)[shown]["Content"], json!(other));
        let wrong = json!({ version: "0".repeat(64) });
        assert_eq!(
            centre.bench.refusal("PUT", &format!("{path}/version"), wrong),
            ErrorCode::InvalidParameter
        );
        centre.bench.call("PUT", &format!("{path}/version"), json!({})).unwrap();
        centre.bench.call("DELETE", &format!("{path}/version/2"), Value::Null).unwrap();
        assert_eq!(
            centre.bench.call("PUT", &format!("{path}/version"), json!({})).unwrap()["Version"],
            3,
            "no number twice"
        );
        let list = centre.get(&format!("{path}/versions"));
        let list = list.as_object().unwrap().values().next().unwrap();
        assert_eq!(
            list.as_array().unwrap().iter().map(|item| item["Version"].as_u64().unwrap()).collect::<Vec<_>>(),
            [1, 3]
        );
        assert_eq!(
            centre.bench.refusal("DELETE", &format!("{path}/version/2"), Value::Null),
            ErrorCode::ResourceNotFound
        );
    }
    let alias = format!("{}/alias", centre.path("contact-flow-modules", &centre.module));
    let id = text(
        &centre
            .bench
            .call("PUT", &alias, json!({ "AliasName": "live", "ContactFlowModuleVersion": 1 }))
            .unwrap()["Id"],
    );
    assert_eq!(
        centre.bench.refusal("PUT", &alias, json!({ "AliasName": "live", "ContactFlowModuleVersion": 1 })),
        ErrorCode::DuplicateResource
    );
    let module = centre.path("contact-flow-modules", &centre.module);
    assert_eq!(centre.get(&format!("{module}:live"))["ContactFlowModule"]["Version"], 1);
    assert_eq!(
        centre.bench.refusal("DELETE", &format!("{module}/version/1"), Value::Null),
        ErrorCode::InvalidRequest
    );
    centre.bench.call("POST", &format!("{alias}/{id}"), json!({ "ContactFlowModuleVersion": 3 })).unwrap();
    assert_eq!(centre.get(&format!("{alias}/{id}"))["ContactFlowModuleAlias"]["Version"], 3);
    assert_eq!(
        centre.get(&format!("{module}/aliases"))["ContactFlowModuleAliasSummaryList"][0]["AliasName"],
        "live"
    );
    centre.bench.call("DELETE", &format!("{alias}/{id}"), Value::Null).unwrap();
    let bad = json!({ "Name": "bad", "Content": "{}" });
    let error =
        centre.bench.call("PUT", &format!("/contact-flow-modules/{}", centre.instance), bad).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidContactFlowModule);
    assert!(error.body()["Problems"][0]["message"].is_string());
}

#[test]
fn attributes_bots_and_associations_of_an_instance_are_set_and_taken_away() {
    let centre = Centre::new();
    let i = &centre.instance;
    let put = |path: String, body: Value| centre.bench.call("PUT", &path, body).map_err(|error| error.code());
    let post =
        |path: String, body: Value| centre.bench.call("POST", &path, body).map_err(|error| error.code());
    let first = centre.get(&format!("/instance/{i}/attributes"));
    assert_eq!(first["Attributes"].as_array().unwrap().len(), 7);
    let rest = centre.get(&format!("/instance/{i}/attributes?nextToken={}", text(&first["NextToken"])));
    assert_eq!(rest["Attributes"].as_array().unwrap().len(), 7);
    let attribute = format!("/instance/{i}/attribute/CONTACTFLOW_LOGS");
    assert_eq!(
        centre.get(&attribute),
        json!({ "Attribute": { "AttributeType": "CONTACTFLOW_LOGS", "Value": "false" } })
    );
    post(attribute.clone(), json!({ "Value": "true" })).unwrap();
    assert_eq!(centre.get(&attribute)["Attribute"]["Value"], "true");
    assert_eq!(post(attribute, json!({ "Value": "yes" })), Err(ErrorCode::InvalidParameter));
    assert_eq!(
        post(format!("/instance/{i}/attribute/X"), json!({ "Value": "true" })),
        Err(ErrorCode::InvalidParameter)
    );
    post(format!("/instance/{i}/attribute/INBOUND_CALLS"), json!({ "Value": "false" })).unwrap();
    assert_eq!(centre.get(&format!("/instance/{i}"))["Instance"]["InboundCallsEnabled"], false);

    let (v1, v2) = (
        json!({ "LexBot": { "Name": "b", "LexRegion": "us-west-2" } }),
        json!({ "LexV2Bot": { "AliasArn": "arn:aws:lex:us-west-2:1:bot-alias/B/A" } }),
    );
    put(format!("/instance/{i}/bot"), v1.clone()).unwrap();
    put(format!("/instance/{i}/bot"), v2.clone()).unwrap();
    assert_eq!(put(format!("/instance/{i}/bot"), v2.clone()), Err(ErrorCode::ResourceConflict));
    assert_eq!(put(format!("/instance/{i}/bot"), json!({})), Err(ErrorCode::InvalidRequest));
    assert_eq!(centre.get(&format!("/instance/{i}/bots?lexVersion=V2"))["LexBots"], json!([v2]));
    assert_eq!(centre.get(&format!("/instance/{i}/lex-bots"))["LexBots"][0]["Name"], "b");
    post(format!("/instance/{i}/bot"), v2.clone()).unwrap();
    assert_eq!(post(format!("/instance/{i}/bot"), v2), Err(ErrorCode::ResourceNotFound));
    centre
        .bench
        .call("DELETE", &format!("/instance/{i}/lex-bot?botName=b&lexRegion=us-west-2"), Value::Null)
        .unwrap();

    let integrations = format!("/instance/{i}/integration-associations");
    let body = json!({ "IntegrationType": "EVENT", "IntegrationArn": "arn:aws:app-integrations:us-west-2:1:event-integration/x" });
    let id = text(&put(integrations.clone(), body.clone()).unwrap()["IntegrationAssociationId"]);
    assert_eq!(put(integrations.clone(), body), Err(ErrorCode::DuplicateResource));
    let cases = format!("{integrations}/{id}/use-cases");
    let case = text(&put(cases.clone(), json!({ "UseCaseType": "RULES_EVALUATION" })).unwrap()["UseCaseId"]);
    assert_eq!(centre.get(&cases)["UseCaseSummaryList"][0]["UseCaseId"], case);
    centre.bench.call("DELETE", &format!("{cases}/{case}"), Value::Null).unwrap();
    assert_eq!(
        centre.get(&format!("{integrations}?integrationType=EVENT"))["IntegrationAssociationSummaryList"][0]
            ["IntegrationAssociationId"],
        id
    );
    centre.bench.call("DELETE", &format!("{integrations}/{id}"), Value::Null).unwrap();

    let associations = format!("/flow-associations/{i}");
    put(
        associations.clone(),
        json!({ "ResourceId": "r", "FlowId": centre.flow, "ResourceType": "SMS_PHONE_NUMBER" }),
    )
    .unwrap();
    assert!(
        text(&centre.get(&format!("{associations}/r/SMS_PHONE_NUMBER"))["FlowId"]).ends_with(&centre.flow)
    );
    let number = centre.bench.number(i, "+18005550100");
    put(
        format!("/phone-number/{number}/contact-flow"),
        json!({ "InstanceId": i, "ContactFlowId": centre.flow }),
    )
    .unwrap();
    let listed = centre.get(&format!("/flow-associations-summary/{i}?ResourceType=VOICE_PHONE_NUMBER"));
    assert_eq!(listed["FlowAssociationSummaryList"].as_array().unwrap().len(), 1);
    let batch = post(format!("/flow-associations-batch/{i}"), json!({ "ResourceIds": ["r", "x"] })).unwrap();
    assert_eq!(batch["FlowAssociationSummaryList"].as_array().unwrap().len(), 1);
    centre.bench.call("DELETE", &format!("{associations}/r/SMS_PHONE_NUMBER"), Value::Null).unwrap();
    assert_eq!(
        centre.bench.refusal("GET", &format!("{associations}/r/SMS_PHONE_NUMBER"), Value::Null),
        ErrorCode::ResourceNotFound
    );
}

#[test]
fn a_number_moves_to_another_instance_and_leaves_its_flow_behind() {
    let centre = Centre::new();
    let number = centre.bench.number(&centre.instance, "+18005550100");
    let other = centre.bench.instance("other");
    let path = format!("/phone-number/{number}");
    centre
        .bench
        .call(
            "PUT",
            &format!("{path}/contact-flow"),
            json!({ "InstanceId": centre.instance, "ContactFlowId": centre.flow }),
        )
        .unwrap();
    centre.bench.call("PUT", &path, json!({ "InstanceId": other })).unwrap();
    centre
        .bench
        .call("PUT", &format!("{path}/metadata"), json!({ "PhoneNumberDescription": "main" }))
        .unwrap();
    let shown = centre.get(&path)["ClaimedPhoneNumberSummary"].clone();
    assert_eq!((&shown["InstanceId"], &shown["PhoneNumberDescription"]), (&json!(other), &json!("main")));
    assert!(centre.bench.service.route_number("+18005550100").is_none());
    assert_eq!(centre.bench.refusal("PUT", &path, json!({})), ErrorCode::InvalidParameter);
    assert_eq!(
        centre.bench.refusal("PUT", &path, json!({ "InstanceId": ABSENT })),
        ErrorCode::ResourceNotFound
    );
    let old = centre
        .get(&format!("/phone-numbers-summary/{other}?phoneNumberTypes=TOLL_FREE&phoneNumberTypes=DID"));
    assert_eq!(old["PhoneNumberSummaryList"][0]["PhoneNumber"], "+18005550100");
    assert_eq!(
        centre.get(&format!("/phone-numbers-summary/{other}?phoneNumberCountryCodes=GB"))["PhoneNumberSummaryList"],
        json!([])
    );
}

#[test]
fn no_list_of_an_instance_is_refused_and_one_of_what_is_not_there_is_not_found() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    for (method, template, name) in crate::catalogue::OPERATIONS {
        if !name.starts_with("List") || *name == "ListTagsForResource" {
            continue;
        }
        let path = template.replace("{InstanceId}", &instance);
        let path = format!("{path}?lexVersion=V1&resourceType=MEDIA_STREAMS").replace(['{', '}'], "");
        match bench.call(method, &path, Value::Null) {
            Ok(answer) => {
                assert!(answer.as_object().unwrap().values().any(Value::is_array), "{name}: {answer}")
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::ResourceNotFound, "{name}: {error}");
                assert!(template.replace("{InstanceId}", "").contains('{'), "{name}");
            }
        }
    }
}

#[test]
fn a_module_is_made_once_under_a_client_token_however_often_the_request_comes() {
    let centre = Centre::new();
    let path = format!("/contact-flow-modules/{}", centre.instance);
    let body = json!({ "Name": "once", "Content": FLOW, "ClientToken": "t" });
    let first = centre.bench.call("PUT", &path, body.clone()).unwrap();
    assert_eq!(centre.bench.reopened().call("PUT", &path, body.clone()).unwrap(), first);
    for (member, value) in [("Name", json!("other")), ("Settings", json!("{}"))] {
        let mut other = body.clone();
        other[member] = value;
        assert_eq!(centre.bench.refusal("PUT", &path, other), ErrorCode::Idempotency, "{member}");
    }
    let mut long = body.clone();
    long["ClientToken"] = "t".repeat(501).into();
    assert_eq!(centre.bench.refusal("PUT", &path, long), ErrorCode::InvalidParameter);
    let without = json!({ "Name": "once", "Content": FLOW });
    assert_eq!(centre.bench.refusal("PUT", &path, without), ErrorCode::DuplicateResource);
}

#[test]
fn a_kind_of_which_an_instance_has_all_that_it_may_have_takes_no_other_one() {
    let bench = Bench::with(|options| options.limits.resources_per_instance = 0);
    let instance = bench.instance("demo");
    for (path, body) in [
        ("hours-of-operations", json!({ "Name": "x", "TimeZone": "UTC", "Config": [] })),
        ("queues", json!({ "Name": "x", "HoursOfOperationId": ABSENT })),
        (
            "routing-profiles",
            json!({ "Name": "x", "Description": "d", "DefaultOutboundQueueId": ABSENT, "MediaConcurrencies": [] }),
        ),
        ("security-profiles", json!({ "SecurityProfileName": "x" })),
        ("agent-status", json!({ "Name": "x", "State": "ENABLED" })),
        ("prompts", json!({ "Name": "x", "S3Uri": "s3://b/k" })),
        ("contact-flow-modules", json!({ "Name": "x", "Content": FLOW })),
    ] {
        let path = format!("/{path}/{instance}");
        assert_eq!(bench.refusal("PUT", &path, body), ErrorCode::LimitExceeded, "{path}");
    }
}
