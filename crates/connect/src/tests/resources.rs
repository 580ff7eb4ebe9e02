//! What each request asks the policies for.

use crate::bench::{Bench, live_contact, storage_config};
use crate::error::{ConnectError, ErrorCode};
use serde_json::json;
use std::sync::Mutex;
use tympan_auth::{Refusal, RefusalCause};
use tympan_aws::{Ask, BoxFuture, Invocation, KeyNames, KeyUse, KeysAway, Permit, Stage};
use tympan_types::Caller;

const I: &str = "11111111-1111-4111-8111-111111111111";
const J: &str = "22222222-2222-4222-8222-222222222222";
const C: &str = "33333333-3333-4333-8333-33333333333c";
const D: &str = "44444444-4444-4444-8444-44444444444d";
const ROOT: &str = "arn:aws:connect:us-west-2:111122223333";

/// Grants nothing, and says so in the words of the policies.
struct Nothing;

impl Permit for Nothing {
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        let (action, resource) = (asks[0].action.to_string(), asks[0].resource.arn.clone());
        let cause = RefusalCause::NoAllow { in_session: false };
        Err(Refusal { principal: "arn:aws:iam::111122223333:user/u".into(), action, resource, cause })
    }
}

/// Action and resource of each ask.
fn asked(method: &str, target: &str, body: &str) -> Result<Vec<(String, String)>, ConnectError> {
    let attempt = Bench::new().attempt(&Nothing, method, target, body);
    if attempt.stage != Stage::Denied {
        return Err(attempt.result.unwrap_err());
    }
    let error = attempt.result.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::AccessDenied, 403));
    Ok(attempt.asks.iter().map(|ask| (ask.action.to_string(), ask.resource.arn.clone())).collect())
}

fn resources(method: &str, target: &str, body: &str) -> Result<Vec<String>, ConnectError> {
    Ok(asked(method, target, body)?.into_iter().map(|(_, resource)| resource).collect())
}

fn only(method: &str, target: &str) -> String {
    resources(method, target, "").unwrap().remove(0)
}

#[test]
fn labels_are_decoded_and_may_hold_slashes() {
    let arn = format!("{ROOT}:instance/{I}/contact-flow/{C}:$SAVED");
    let encoded = arn.replace(':', "%3A").replace('/', "%2F").replace('$', "%24");
    let path = format!("/contact-flows/{I}/{encoded}");
    assert_eq!(only("GET", &path), format!("{ROOT}:instance/{I}/contact-flow/{C}"));
}

#[test]
fn actions_and_resources_are_those_of_iam() {
    let target = format!("/phone-number/{C}/contact-flow");
    assert_eq!(
        asked("PUT", &target, "").unwrap(),
        [("connect:AssociatePhoneNumberContactFlow".to_owned(), format!("{ROOT}:phone-number/{C}"))]
    );
    assert_eq!(only("PUT", "/phone-number/N/contact-flow"), "*");
    assert_eq!(only("PUT", "/instance"), "*");
    assert_eq!(only("GET", &format!("/contacts/{I}/{C}")), format!("{ROOT}:instance/{I}/contact/{C}"));
}

#[test]
fn a_resource_is_named_by_its_id_however_the_request_spells_it() {
    let upper = C.to_uppercase();
    let encoded: String = C.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let contact = format!("{ROOT}:instance/{I}/contact/{C}");
    for spelling in
        [&upper, &encoded, &contact.replace('/', "%2F"), &contact.replace(C, &upper).replace('/', "%2f")]
    {
        assert_eq!(only("GET", &format!("/contacts/{I}/{spelling}")), contact, "{spelling}");
    }
    let body = format!(r#"{{"InstanceId":"{}","ContactId":"{upper}"}}"#, I.to_uppercase());
    assert_eq!(resources("POST", "/contact/stop", &body).unwrap(), [contact]);
    // What is no id names nothing, and no operation finds anything by it.
    assert_eq!(only("GET", &format!("/contacts/{I}/{{{C}}}")), format!("{ROOT}:instance/{I}"));
    assert_eq!(only("GET", "/instance/demo"), "*");
}

#[test]
fn resources_are_read_from_queries_and_bodies_where_paths_name_no_instance() {
    let instance = |id: &str| format!("{ROOT}:instance/{id}");
    let contact = |id: &str| format!("{ROOT}:instance/{I}/contact/{id}");
    let number = format!("{ROOT}:phone-number/{C}");
    for (method, target, body, expected) in [
        ("POST", "/contact/stop", format!(r#"{{"InstanceId":"{I}","ContactId":"{C}"}}"#), vec![contact(C)]),
        (
            "POST",
            "/contact/attributes",
            format!(r#"{{"InstanceId":"{I}","InitialContactId":"{C}","ContactId":"{D}"}}"#),
            vec![contact(D), contact(C)],
        ),
        ("POST", "/phone-number/claim", format!(r#"{{"TargetArn":"{}"}}"#, instance(I)), vec![instance(I)]),
        (
            "POST",
            "/phone-number/claim",
            format!(r#"{{"TargetArn":"{}","InstanceId":"{I}"}}"#, instance(J)),
            vec![instance(J), instance(I)],
        ),
        (
            "PUT",
            &format!("/phone-number/{C}/contact-flow"),
            format!(r#"{{"InstanceId":"{I}","ContactFlowId":"{D}"}}"#),
            vec![number.clone(), format!("{ROOT}:instance/{I}/contact-flow/{D}")],
        ),
        (
            "DELETE",
            &format!("/phone-number/{C}/contact-flow?instanceId={}", I.to_uppercase()),
            String::new(),
            vec![number.clone(), instance(I)],
        ),
        (
            "DELETE",
            &format!("/phone-number/{C}/contact-flow?instanceId={I}&instanceId={J}"),
            String::new(),
            vec![number, instance(I), instance(J)],
        ),
        ("POST", "/phone-number/list", String::new(), vec!["*".to_owned()]),
        ("PUT", "/instance", r#"{"InstanceAlias":"x"}"#.to_owned(), vec!["*".to_owned()]),
    ] {
        assert_eq!(resources(method, target, &body).unwrap(), expected, "{target} {body}");
    }
    for body in [r#"{"InstanceId":"I","InstanceId":"J"}"#, r#"{"TargetArn":5}"#, r#"["C","I"]"#, "nonsense"] {
        assert!(resources("POST", "/phone-number/claim", body).is_err(), "{body}");
    }
}

#[test]
fn what_is_not_offered_is_asked_for_on_its_resources_too() {
    let of = |rest: &str| format!("{ROOT}:instance/{I}{rest}");
    for (method, target, body, action, expected) in [
        (
            "PUT",
            "/contact/outbound-voice",
            format!(r#"{{"InstanceId":"{I}","ContactFlowId":"{C}"}}"#),
            "StartOutboundVoiceContact",
            of(&format!("/contact-flow/{C}")),
        ),
        (
            "POST",
            "/contact/start-recording",
            format!(r#"{{"InstanceId":"{I}","ContactId":"{C}","InitialContactId":"{C}"}}"#),
            "StartContactRecording",
            of(&format!("/contact/{C}")),
        ),
        // Of an instance in the path the path says all.
        (
            "PUT",
            &format!("/agent-status/{I}"),
            format!(r#"{{"ContactId":"{C}","InstanceId":"{J}"}}"#),
            "CreateAgentStatus",
            of(""),
        ),
        ("GET", "/agent-status/demo", String::new(), "ListAgentStatuses", "*".to_owned()),
    ] {
        assert_eq!(
            asked(method, target, &body).unwrap(),
            [(format!("connect:{action}"), expected)],
            "{target}"
        );
    }
}

#[test]
fn who_may_not_do_it_is_not_told_what_is_wrong_with_the_request() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    for (method, target, body) in [
        ("PUT", "/instance".to_owned(), "{}"),
        ("PUT", format!("/contact-flows/{instance}"), "{}"),
        ("PUT", format!("/instance/{instance}/storage-config"), "{}"),
        ("GET", "/instance?maxResults=x".to_owned(), ""),
        ("PUT", "/contact/outbound-voice".to_owned(), "{}"),
        ("POST", "/contact/attributes".to_owned(), r#"{"Attributes":{"":""}}"#),
    ] {
        let refused = bench.attempt(&Nothing, method, &target, body);
        assert_eq!(
            (refused.stage, refused.result.unwrap_err().code()),
            (Stage::Denied, ErrorCode::AccessDenied)
        );
    }
}

/// Follows one alias, and remembers what it was asked for.
#[derive(Default)]
struct OneAlias(Mutex<Vec<String>>);

impl KeyNames for OneAlias {
    fn key_to_use<'a>(
        &'a self,
        _: &'a Caller,
        named: &'a str,
    ) -> BoxFuture<'a, Result<Option<KeyUse>, KeysAway>> {
        self.0.lock().unwrap().push(named.to_owned());
        let found = match named {
            "alias/away" => Err(KeysAway("the key service is away".into())),
            "alias/mine" => Ok(Some(KeyUse { arn: format!("arn:aws:kms:us-west-2:111122223333:key/{C}") })),
            _ => Ok(None),
        };
        Box::pin(std::future::ready(found))
    }
}

#[test]
fn streaming_under_a_key_asks_for_the_use_of_the_key() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    let association = bench.streaming(&instance, "calls");
    let keys = OneAlias::default();
    let asks = |method: &str, target: &str, key: &str| {
        let mut config = storage_config("calls", 1);
        config["KinesisVideoStreamConfig"]["EncryptionConfig"]["KeyId"] = key.into();
        let body = json!({ "ResourceType": "MEDIA_STREAMS", "StorageConfig": config }).to_string();
        let within = Invocation::within_process(&bench.caller, crate::bench::NOW);
        let invocation = Invocation { keys: &keys, permit: &Nothing, ..within };
        let head = crate::bench::head(method, target).unwrap();
        let attempt = bench.service.attempt(&head, body.as_bytes(), &invocation);
        let asks: Vec<String> =
            attempt.asks.iter().map(|ask| format!("{} {}", ask.action, ask.resource.arn)).collect();
        (attempt.stage, asks)
    };
    let key = format!("arn:aws:kms:us-west-2:111122223333:key/{C}");
    let arn = format!("{ROOT}:instance/{instance}");
    for (method, target, action) in [
        ("PUT", format!("/instance/{instance}/storage-config"), "connect:AssociateInstanceStorageConfig"),
        (
            "POST",
            format!("/instance/{instance}/storage-config/{association}?resourceType=MEDIA_STREAMS"),
            "connect:UpdateInstanceStorageConfig",
        ),
    ] {
        let of_instance = format!("{action} {arn}");
        assert_eq!(
            asks(method, &target, "alias/mine"),
            (
                Stage::Denied,
                vec![of_instance.clone(), format!("kms:DescribeKey {key}"), format!("kms:CreateGrant {key}")]
            )
        );
        assert_eq!(asks(method, &target, "alias/aws/kinesisvideo"), (Stage::Denied, vec![of_instance]));
        assert_eq!(asks(method, &target, "alias/away").0, Stage::Unread);
    }
    assert_eq!(keys.0.into_inner().unwrap().len(), 6);
}

/// Every operation that is here, once with names that exist: the list is complete, and each is asked for on what it names.
#[test]
fn every_operation_is_asked_for_on_the_resources_that_it_names() {
    let bench = Bench::new();
    let i = bench.instance("demo");
    let (f, n) = (bench.flow(&i, "a"), bench.number(&i, "+18005550100"));
    let c = live_contact(&bench, &i).id.to_string();
    let a = bench.streaming(&i, "calls");
    let mut listed = Vec::new();
    for (line, asked) in EVERY.iter().map(|line| line.split_once(" => ").unwrap()) {
        let known = |text: &str| {
            ["{I}", "{F}", "{N}", "{C}", "{A}"]
                .iter()
                .zip([&i, &f, &n, &c, &a])
                .fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
        };
        let (line, asked) = (known(line), known(asked));
        let mut parts = line.splitn(4, ' ');
        let (name, method, target) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let attempt = bench.attempt(&Nothing, method, target, parts.next().unwrap_or(""));
        let resources: Vec<&str> = attempt.asks.iter().map(|ask| ask.resource.arn.as_str()).collect();
        let shown = resources.join(" ").replace(&format!("{ROOT}:"), "");
        assert_eq!((attempt.stage, shown), (Stage::Denied, asked), "{line}");
        assert!(attempt.asks.iter().all(|ask| *ask.action == *format!("connect:{name}")), "{line}");
        listed.push(name.to_owned());
    }
    let operations = crate::operations();
    let mut served: Vec<&str> = operations.served().collect();
    served.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, served);
}

/// Operation, method, target and body, and what is asked for.
const EVERY: &[&str] = &[
    r#"CreateInstance PUT /instance {"InstanceAlias":"demo"} => *"#,
    r#"AssociateContactWithUser POST /contacts/{I}/{C}/associate-user {"UserId":"x"} => instance/{I}/contact/{C}"#,
    r#"DismissUserContact POST /users/{I}/{C}/contact {"ContactId":"x"} => instance/{I}/agent/{C}"#,
    r#"GetContactMetrics POST /metrics/contact {"InstanceId":"{I}","ContactId":"{C}"} => instance/{I}/contact/{C}"#,
    r#"GetCurrentMetricData POST /metrics/current/{I} => instance/{I}"#,
    r#"GetCurrentUserData POST /metrics/userdata/{I} => instance/{I}"#,
    r#"GetMetricData POST /metrics/historical/{I} => instance/{I}"#,
    r#"GetMetricDataV2 POST /metrics/data {"ResourceArn":"{I}"} => instance/{I}"#,
    r#"MonitorContact POST /contact/monitor {"InstanceId":"{I}","ContactId":"{C}"} => instance/{I}/contact/{C}"#,
    r#"PutUserStatus PUT /users/{I}/{C}/status => instance/{I}/agent/{C}"#,
    r#"SearchContacts POST /search-contacts {"InstanceId":"{I}"} => instance/{I}"#,
    r#"StartOutboundVoiceContact PUT /contact/outbound-voice {"InstanceId":"{I}","ContactFlowId":"{F}"} => instance/{I}/contact-flow/{F}"#,
    r#"TagContact POST /contact/tags {"InstanceId":"{I}","ContactId":"{C}"} => instance/{I}/contact/{C}"#,
    r#"TransferContact POST /contact/transfer {"InstanceId":"{I}","ContactId":"{C}"} => instance/{I}/contact/{C}"#,
    r#"UntagContact DELETE /contact/tags/{I}/{C}?TagKeys=k => instance/{I}/contact/{C}"#,
    r#"UpdateContact POST /contacts/{I}/{C} => instance/{I}/contact/{C}"#,
    r#"UpdateContactRoutingData POST /contacts/{I}/{C}/routing-data => instance/{I}/contact/{C}"#,
    r#"ListInstances GET /instance => *"#,
    r#"DescribeInstance GET /instance/{I} => instance/{I}"#,
    r#"DeleteInstance DELETE /instance/{I} => instance/{I}"#,
    r#"AssociateInstanceStorageConfig PUT /instance/{I}/storage-config {"ResourceType":"MEDIA_STREAMS"} => instance/{I}"#,
    r#"DescribeInstanceStorageConfig GET /instance/{I}/storage-config/{A}?resourceType=MEDIA_STREAMS => instance/{I}"#,
    r#"UpdateInstanceStorageConfig POST /instance/{I}/storage-config/{A}?resourceType=MEDIA_STREAMS => instance/{I}"#,
    r#"DisassociateInstanceStorageConfig DELETE /instance/{I}/storage-config/{A}?resourceType=MEDIA_STREAMS => instance/{I}"#,
    r#"ListInstanceStorageConfigs GET /instance/{I}/storage-configs?resourceType=MEDIA_STREAMS => instance/{I}"#,
    r#"CreateContactFlow PUT /contact-flows/{I} {"Name":"a"} => instance/{I}"#,
    r#"DescribeContactFlow GET /contact-flows/{I}/{F} => instance/{I}/contact-flow/{F}"#,
    r#"UpdateContactFlowContent POST /contact-flows/{I}/{F}:$SAVED/content => instance/{I}/contact-flow/{F}"#,
    r#"UpdateContactFlowMetadata POST /contact-flows/{I}/{F}/metadata {"Name":"b"} => instance/{I}/contact-flow/{F}"#,
    r#"UpdateContactFlowName POST /contact-flows/{I}/{F}/name {"Name":"b"} => instance/{I}/contact-flow/{F}"#,
    r#"DeleteContactFlow DELETE /contact-flows/{I}/{F} => instance/{I}/contact-flow/{F}"#,
    r#"ListContactFlows GET /contact-flows-summary/{I} => instance/{I}"#,
    r#"AssociateLambdaFunction PUT /instance/{I}/lambda-function {} => instance/{I}"#,
    r#"ListLambdaFunctions GET /instance/{I}/lambda-functions => instance/{I}"#,
    r#"DisassociateLambdaFunction DELETE /instance/{I}/lambda-function?functionArn=x => instance/{I}"#,
    r#"SearchAvailablePhoneNumbers POST /phone-number/search-available {"TargetArn":"arn:aws:connect:us-west-2:111122223333:instance/{I}"} => instance/{I}"#,
    r#"ClaimPhoneNumber POST /phone-number/claim {"InstanceId":"{I}","PhoneNumber":"+18005550101"} => instance/{I}"#,
    r#"ListPhoneNumbersV2 POST /phone-number/list {"InstanceId":"{I}"} => instance/{I}"#,
    r#"DescribePhoneNumber GET /phone-number/{N} => phone-number/{N}"#,
    r#"AssociatePhoneNumberContactFlow PUT /phone-number/{N}/contact-flow {"InstanceId":"{I}","ContactFlowId":"{F}"} => phone-number/{N} instance/{I}/contact-flow/{F}"#,
    r#"DisassociatePhoneNumberContactFlow DELETE /phone-number/{N}/contact-flow?instanceId={I} => phone-number/{N} instance/{I}"#,
    r#"ReleasePhoneNumber DELETE /phone-number/{N} => phone-number/{N}"#,
    r#"DescribeContact GET /contacts/{I}/{C} => instance/{I}/contact/{C}"#,
    r#"GetContactAttributes GET /contact/attributes/{I}/{C} => instance/{I}/contact/{C}"#,
    r#"UpdateContactAttributes POST /contact/attributes {"InstanceId":"{I}","InitialContactId":"{C}"} => instance/{I}/contact/{C}"#,
    r#"StopContact POST /contact/stop {"InstanceId":"{I}","ContactId":"{C}"} => instance/{I}/contact/{C}"#,
    r#"CreateHoursOfOperation PUT /hours-of-operations/{I} => instance/{I}"#,
    r#"DescribeHoursOfOperation GET /hours-of-operations/{I}/{C} => instance/{I}/operating-hours/{C}"#,
    r#"UpdateHoursOfOperation POST /hours-of-operations/{I}/{C} => instance/{I}/operating-hours/{C}"#,
    r#"DeleteHoursOfOperation DELETE /hours-of-operations/{I}/{C} => instance/{I}/operating-hours/{C}"#,
    r#"ListHoursOfOperations GET /hours-of-operations-summary/{I} => instance/{I}"#,
    r#"SearchHoursOfOperations POST /search-hours-of-operations {"InstanceId":"{I}"} => instance/{I}"#,
    r#"CreateHoursOfOperationOverride PUT /hours-of-operations/{I}/{C}/overrides => instance/{I}/operating-hours/{C}"#,
    r#"DescribeHoursOfOperationOverride GET /hours-of-operations/{I}/{C}/overrides/x => instance/{I}/operating-hours/{C}"#,
    r#"UpdateHoursOfOperationOverride POST /hours-of-operations/{I}/{C}/overrides/x => instance/{I}/operating-hours/{C}"#,
    r#"DeleteHoursOfOperationOverride DELETE /hours-of-operations/{I}/{C}/overrides/x => instance/{I}/operating-hours/{C}"#,
    r#"ListHoursOfOperationOverrides GET /hours-of-operations/{I}/{C}/overrides => instance/{I}/operating-hours/{C}"#,
    r#"AssociateHoursOfOperations POST /hours-of-operations/{I}/{C}/associate-hours => instance/{I}/operating-hours/{C}"#,
    r#"DisassociateHoursOfOperations POST /hours-of-operations/{I}/{C}/disassociate-hours => instance/{I}/operating-hours/{C}"#,
    r#"SearchHoursOfOperationOverrides POST /search-hours-of-operation-overrides {"InstanceId":"{I}"} => instance/{I}"#,
    r#"GetPromptFile GET /prompts/{I}/{C}/file => instance/{I}/prompt/{C}"#,
    r#"CreateContactFlowAlias PUT /contact-flows/{I}/{F}/alias => instance/{I}/contact-flow/{F}"#,
    r#"DescribeContactFlowAlias GET /contact-flows/{I}/{F}/alias/x => instance/{I}/contact-flow/{F}"#,
    r#"UpdateContactFlowAlias POST /contact-flows/{I}/{F}/alias/x => instance/{I}/contact-flow/{F}"#,
    r#"DeleteContactFlowAlias DELETE /contact-flows/{I}/{F}/alias/x => instance/{I}/contact-flow/{F}"#,
    r#"GetEffectiveHoursOfOperations GET /effective-hours-of-operations/{I}/{C} => instance/{I}/operating-hours/{C}"#,
    r#"AssociateBot PUT /instance/{I}/bot => instance/{I}"#,
    r#"AssociateFlow PUT /flow-associations/{I} => instance/{I}"#,
    r#"AssociateLexBot PUT /instance/{I}/lex-bot => instance/{I}"#,
    r#"AssociateQueueQuickConnects POST /queues/{I}/{C}/associate-quick-connects => instance/{I}/queue/{C}"#,
    r#"AssociateRoutingProfileQueues POST /routing-profiles/{I}/{C}/associate-queues => instance/{I}/routing-profile/{C}"#,
    r#"BatchGetFlowAssociation POST /flow-associations-batch/{I} => instance/{I}"#,
    r#"CreateAgentStatus PUT /agent-status/{I} => instance/{I}"#,
    r#"CreateContactFlowModule PUT /contact-flow-modules/{I} => instance/{I}"#,
    r#"CreateContactFlowModuleAlias PUT /contact-flow-modules/{I}/{C}/alias => instance/{I}/flow-module/{C}"#,
    r#"CreateContactFlowModuleVersion PUT /contact-flow-modules/{I}/{C}/version => instance/{I}/flow-module/{C}"#,
    r#"CreateContactFlowVersion PUT /contact-flows/{I}/{F}/version => instance/{I}/contact-flow/{F}"#,
    r#"CreateIntegrationAssociation PUT /instance/{I}/integration-associations => instance/{I}"#,
    r#"CreatePrompt PUT /prompts/{I} => instance/{I}"#,
    r#"CreateQueue PUT /queues/{I} => instance/{I}"#,
    r#"CreateQuickConnect PUT /quick-connects/{I} => instance/{I}"#,
    r#"CreateRoutingProfile PUT /routing-profiles/{I} => instance/{I}"#,
    r#"CreateSecurityProfile PUT /security-profiles/{I} => instance/{I}"#,
    r#"CreateUseCase PUT /instance/{I}/integration-associations/x/use-cases => instance/{I}"#,
    r#"CreateUser PUT /users/{I} => instance/{I}"#,
    r#"CreateUserHierarchyGroup PUT /user-hierarchy-groups/{I} => instance/{I}"#,
    r#"DeleteContactFlowModule DELETE /contact-flow-modules/{I}/{C} => instance/{I}/flow-module/{C}"#,
    r#"DeleteContactFlowModuleAlias DELETE /contact-flow-modules/{I}/{C}/alias/x => instance/{I}/flow-module/{C}"#,
    r#"DeleteContactFlowModuleVersion DELETE /contact-flow-modules/{I}/{C}/version/x => instance/{I}/flow-module/{C}"#,
    r#"DeleteContactFlowVersion DELETE /contact-flows/{I}/{F}/version/x => instance/{I}/contact-flow/{F}"#,
    r#"DeleteIntegrationAssociation DELETE /instance/{I}/integration-associations/x => instance/{I}"#,
    r#"DeletePrompt DELETE /prompts/{I}/{C} => instance/{I}/prompt/{C}"#,
    r#"DeleteQueue DELETE /queues/{I}/{C} => instance/{I}/queue/{C}"#,
    r#"DeleteQuickConnect DELETE /quick-connects/{I}/{C} => instance/{I}/transfer-destination/{C}"#,
    r#"DeleteRoutingProfile DELETE /routing-profiles/{I}/{C} => instance/{I}/routing-profile/{C}"#,
    r#"DeleteSecurityProfile DELETE /security-profiles/{I}/{C} => instance/{I}/security-profile/{C}"#,
    r#"DeleteUseCase DELETE /instance/{I}/integration-associations/x/use-cases/x => instance/{I}"#,
    r#"DeleteUser DELETE /users/{I}/{C} => instance/{I}/agent/{C}"#,
    r#"DeleteUserHierarchyGroup DELETE /user-hierarchy-groups/{I}/{C} => instance/{I}/agent-group/{C}"#,
    r#"DescribeAgentStatus GET /agent-status/{I}/{C} => instance/{I}/agent-state/{C}"#,
    r#"DescribeContactFlowModule GET /contact-flow-modules/{I}/{C} => instance/{I}/flow-module/{C}"#,
    r#"DescribeContactFlowModuleAlias GET /contact-flow-modules/{I}/{C}/alias/x => instance/{I}/flow-module/{C}"#,
    r#"DescribeInstanceAttribute GET /instance/{I}/attribute/x => instance/{I}"#,
    r#"DescribePrompt GET /prompts/{I}/{C} => instance/{I}/prompt/{C}"#,
    r#"DescribeQueue GET /queues/{I}/{C} => instance/{I}/queue/{C}"#,
    r#"DescribeQuickConnect GET /quick-connects/{I}/{C} => instance/{I}/transfer-destination/{C}"#,
    r#"DescribeRoutingProfile GET /routing-profiles/{I}/{C} => instance/{I}/routing-profile/{C}"#,
    r#"DescribeSecurityProfile GET /security-profiles/{I}/{C} => instance/{I}/security-profile/{C}"#,
    r#"DescribeUser GET /users/{I}/{C} => instance/{I}/agent/{C}"#,
    r#"DescribeUserHierarchyGroup GET /user-hierarchy-groups/{I}/{C} => instance/{I}/agent-group/{C}"#,
    r#"DescribeUserHierarchyStructure GET /user-hierarchy-structure/{I} => instance/{I}"#,
    r#"DisassociateBot POST /instance/{I}/bot => instance/{I}"#,
    r#"DisassociateFlow DELETE /flow-associations/{I}/x/x => instance/{I}"#,
    r#"DisassociateLexBot DELETE /instance/{I}/lex-bot => instance/{I}"#,
    r#"DisassociateQueueQuickConnects POST /queues/{I}/{C}/disassociate-quick-connects => instance/{I}/queue/{C}"#,
    r#"DisassociateRoutingProfileQueues POST /routing-profiles/{I}/{C}/disassociate-queues => instance/{I}/routing-profile/{C}"#,
    r#"GetFlowAssociation GET /flow-associations/{I}/x/x => instance/{I}"#,
    r#"ListAgentStatuses GET /agent-status/{I} => instance/{I}"#,
    r#"ListAnalyticsDataAssociations GET /analytics-data/instance/{I}/association => instance/{I}"#,
    r#"ListAnalyticsDataLakeDataSets GET /analytics-data/instance/{I}/datasets => instance/{I}"#,
    r#"ListApprovedOrigins GET /instance/{I}/approved-origins => instance/{I}"#,
    r#"ListAssociatedContacts GET /contact/associated/{I} => instance/{I}"#,
    r#"ListAttachedFilesConfigurations GET /attached-files-configurations/{I} => instance/{I}"#,
    r#"ListAuthenticationProfiles GET /authentication-profiles-summary/{I} => instance/{I}"#,
    r#"ListBots GET /instance/{I}/bots => instance/{I}"#,
    r#"ListChildHoursOfOperations GET /hours-of-operations/{I}/{C}/hours => instance/{I}/operating-hours/{C}"#,
    r#"ListContactEvaluations GET /contact-evaluations/{I} => instance/{I}"#,
    r#"ListContactFlowAliases GET /contact-flows/{I}/{F}/aliases => instance/{I}/contact-flow/{F}"#,
    r#"ListContactFlowModuleAliases GET /contact-flow-modules/{I}/{C}/aliases => instance/{I}/flow-module/{C}"#,
    r#"ListContactFlowModuleVersions GET /contact-flow-modules/{I}/{C}/versions => instance/{I}/flow-module/{C}"#,
    r#"ListContactFlowModules GET /contact-flow-modules-summary/{I} => instance/{I}"#,
    r#"ListContactFlowVersions GET /contact-flows/{I}/{F}/versions => instance/{I}/contact-flow/{F}"#,
    r#"ListContactReferences GET /contact/references/{I}/x => instance/{I}"#,
    r#"ListDataTableAttributes POST /data-tables/{I}/x/attributes => instance/{I}"#,
    r#"ListDataTablePrimaryValues POST /data-tables/{I}/x/values/list-primary => instance/{I}"#,
    r#"ListDataTableValues POST /data-tables/{I}/x/values/list => instance/{I}"#,
    r#"ListDataTables GET /data-tables/{I} => instance/{I}"#,
    r#"ListDefaultVocabularies POST /default-vocabulary-summary/{I} => instance/{I}"#,
    r#"ListEntitySecurityProfiles POST /entity-security-profiles-summary/{I} => instance/{I}"#,
    r#"ListEvaluationFormAIVersions GET /instances/{I}/evaluation-form-ai-versions => instance/{I}"#,
    r#"ListEvaluationFormVersions GET /evaluation-forms/{I}/x/versions => instance/{I}"#,
    r#"ListEvaluationForms GET /evaluation-forms/{I} => instance/{I}"#,
    r#"ListExtractionDefinitions GET /extraction-definitions/{I} => instance/{I}"#,
    r#"ListFlowAssociations GET /flow-associations-summary/{I} => instance/{I}"#,
    r#"ListInstanceAttributes GET /instance/{I}/attributes => instance/{I}"#,
    r#"ListIntegrationAssociations GET /instance/{I}/integration-associations => instance/{I}"#,
    r#"ListLexBots GET /instance/{I}/lex-bots => instance/{I}"#,
    r#"ListMetrics GET /metrics/definitions/{I} => instance/{I}"#,
    r#"ListNotifications GET /notifications/{I} => instance/{I}"#,
    r#"ListPhoneNumbers GET /phone-numbers-summary/{I} => instance/{I}"#,
    r#"ListPredefinedAttributes GET /predefined-attributes/{I} => instance/{I}"#,
    r#"ListPrompts GET /prompts-summary/{I} => instance/{I}"#,
    r#"ListQueueEmailAddresses GET /queues/{I}/{C}/email-addresses => instance/{I}"#,
    r#"ListQueueQuickConnects GET /queues/{I}/{C}/quick-connects => instance/{I}/queue/{C}"#,
    r#"ListQueues GET /queues-summary/{I} => instance/{I}"#,
    r#"ListQuickConnects GET /quick-connects/{I} => instance/{I}"#,
    r#"ListRealtimeContactAnalysisSegmentsV2 POST /contact/list-real-time-analysis-segments-v2/{I}/x => instance/{I}"#,
    r#"ListReplicationFindings GET /replication-findings/{I} => instance/{I}"#,
    r#"ListRoutingProfileManualAssignmentQueues GET /routing-profiles/{I}/{C}/manual-assignment-queues => instance/{I}/routing-profile/{C}"#,
    r#"ListRoutingProfileQueues GET /routing-profiles/{I}/{C}/queues => instance/{I}/routing-profile/{C}"#,
    r#"ListRoutingProfiles GET /routing-profiles-summary/{I} => instance/{I}"#,
    r#"ListRules GET /rules/{I} => instance/{I}"#,
    r#"ListSecurityKeys GET /instance/{I}/security-keys => instance/{I}"#,
    r#"ListSecurityProfileAIAgents GET /security-profiles-ai-agents/{I}/{C} => instance/{I}/security-profile/{C}"#,
    r#"ListSecurityProfileApplications GET /security-profiles-applications/{I}/{C} => instance/{I}/security-profile/{C}"#,
    r#"ListSecurityProfileFlowModules GET /security-profiles-flow-modules/{I}/{C} => instance/{I}/security-profile/{C}"#,
    r#"ListSecurityProfilePermissions GET /security-profiles-permissions/{I}/{C} => instance/{I}/security-profile/{C}"#,
    r#"ListSecurityProfiles GET /security-profiles-summary/{I} => instance/{I}"#,
    r#"ListTagsForResource GET /tags/arn:aws:connect:us-west-2:111122223333:instance%2F{I}%2Fcontact-flow%2F{F} => instance/{I}/contact-flow/{F}"#,
    r#"ListTaskTemplates GET /instance/{I}/task/template => instance/{I}"#,
    r#"ListTestCaseExecutionRecords GET /test-cases/{I}/x/x/records => instance/{I}"#,
    r#"ListTestCaseExecutions GET /test-case-executions/{I} => instance/{I}"#,
    r#"ListTestCases GET /test-cases-summary/{I} => instance/{I}"#,
    r#"ListTrafficDistributionGroupUsers GET /traffic-distribution-group/x/user {"InstanceId":"{I}"} => instance/{I}"#,
    r#"ListTrafficDistributionGroups GET /traffic-distribution-groups {"InstanceId":"{I}"} => instance/{I}"#,
    r#"ListUseCases GET /instance/{I}/integration-associations/x/use-cases => instance/{I}"#,
    r#"ListUserHierarchyGroups GET /user-hierarchy-groups-summary/{I} => instance/{I}"#,
    r#"ListUserNotifications GET /users/{I}/{C}/notifications => instance/{I}"#,
    r#"ListUserProficiencies GET /users/{I}/{C}/proficiencies => instance/{I}"#,
    r#"ListUsers GET /users-summary/{I} => instance/{I}"#,
    r#"ListViewVersions GET /views/{I}/x/versions => instance/{I}"#,
    r#"ListViews GET /views/{I} => instance/{I}"#,
    r#"ListWorkspaceMedia GET /workspaces/{I}/x/media => instance/{I}"#,
    r#"ListWorkspacePages GET /workspaces/{I}/x/pages => instance/{I}"#,
    r#"ListWorkspaces GET /workspaces/{I} => instance/{I}"#,
    r#"SearchAgentStatuses POST /search-agent-statuses {"InstanceId":"{I}"} => instance/{I}"#,
    r#"SearchContactFlowModules POST /search-contact-flow-modules {"InstanceId":"{I}"} => instance/{I}"#,
    r#"SearchContactFlows POST /search-contact-flows {"InstanceId":"{I}"} => instance/{I}"#,
    r#"SearchPrompts POST /search-prompts {"InstanceId":"{I}"} => instance/{I}"#,
    r#"SearchQueues POST /search-queues {"InstanceId":"{I}"} => instance/{I}"#,
    r#"SearchQuickConnects POST /search-quick-connects {"InstanceId":"{I}"} => instance/{I}"#,
    r#"SearchRoutingProfiles POST /search-routing-profiles {"InstanceId":"{I}"} => instance/{I}"#,
    r#"SearchSecurityProfiles POST /search-security-profiles {"InstanceId":"{I}"} => instance/{I}"#,
    r#"SearchUserHierarchyGroups POST /search-user-hierarchy-groups {"InstanceId":"{I}"} => instance/{I}"#,
    r#"SearchUsers POST /search-users {"InstanceId":"{I}"} => instance/{I}"#,
    r#"TagResource POST /tags/arn:aws:connect:us-west-2:111122223333:instance%2F{I}%2Fcontact-flow%2F{F} => instance/{I}/contact-flow/{F}"#,
    r#"UntagResource DELETE /tags/arn:aws:connect:us-west-2:111122223333:instance%2F{I}%2Fcontact-flow%2F{F} => instance/{I}/contact-flow/{F}"#,
    r#"UpdateAgentStatus POST /agent-status/{I}/{C} => instance/{I}/agent-state/{C}"#,
    r#"UpdateContactFlowModuleAlias POST /contact-flow-modules/{I}/{C}/alias/x => instance/{I}/flow-module/{C}"#,
    r#"UpdateContactFlowModuleContent POST /contact-flow-modules/{I}/{C}/content => instance/{I}/flow-module/{C}"#,
    r#"UpdateContactFlowModuleMetadata POST /contact-flow-modules/{I}/{C}/metadata => instance/{I}/flow-module/{C}"#,
    r#"UpdateInstanceAttribute POST /instance/{I}/attribute/x => instance/{I}"#,
    r#"UpdatePhoneNumber PUT /phone-number/{N} {"InstanceId":"{I}"} => phone-number/{N} instance/{I}"#,
    r#"UpdatePhoneNumberMetadata PUT /phone-number/{N}/metadata => phone-number/{N}"#,
    r#"UpdatePrompt POST /prompts/{I}/{C} => instance/{I}/prompt/{C}"#,
    r#"UpdateQueueHoursOfOperation POST /queues/{I}/{C}/hours-of-operation => instance/{I}/queue/{C}"#,
    r#"UpdateQueueMaxContacts POST /queues/{I}/{C}/max-contacts => instance/{I}/queue/{C}"#,
    r#"UpdateQueueName POST /queues/{I}/{C}/name => instance/{I}/queue/{C}"#,
    r#"UpdateQueueOutboundCallerConfig POST /queues/{I}/{C}/outbound-caller-config => instance/{I}/queue/{C}"#,
    r#"UpdateQueueStatus POST /queues/{I}/{C}/status => instance/{I}/queue/{C}"#,
    r#"UpdateQuickConnectConfig POST /quick-connects/{I}/{C}/config => instance/{I}/transfer-destination/{C}"#,
    r#"UpdateQuickConnectName POST /quick-connects/{I}/{C}/name => instance/{I}/transfer-destination/{C}"#,
    r#"UpdateRoutingProfileAgentAvailabilityTimer POST /routing-profiles/{I}/{C}/agent-availability-timer => instance/{I}/routing-profile/{C}"#,
    r#"UpdateRoutingProfileConcurrency POST /routing-profiles/{I}/{C}/concurrency => instance/{I}/routing-profile/{C}"#,
    r#"UpdateRoutingProfileDefaultOutboundQueue POST /routing-profiles/{I}/{C}/default-outbound-queue => instance/{I}/routing-profile/{C}"#,
    r#"UpdateRoutingProfileName POST /routing-profiles/{I}/{C}/name => instance/{I}/routing-profile/{C}"#,
    r#"UpdateRoutingProfileQueues POST /routing-profiles/{I}/{C}/queues => instance/{I}/routing-profile/{C}"#,
    r#"UpdateSecurityProfile POST /security-profiles/{I}/{C} => instance/{I}/security-profile/{C}"#,
    r#"UpdateUserHierarchy POST /users/{I}/{C}/hierarchy => instance/{I}/agent/{C}"#,
    r#"UpdateUserHierarchyGroupName POST /user-hierarchy-groups/{I}/{C}/name => instance/{I}/agent-group/{C}"#,
    r#"UpdateUserHierarchyStructure POST /user-hierarchy-structure/{I} => instance/{I}"#,
    r#"UpdateUserIdentityInfo POST /users/{I}/{C}/identity-info => instance/{I}/agent/{C}"#,
    r#"UpdateUserPhoneConfig POST /users/{I}/{C}/phone-config => instance/{I}/agent/{C}"#,
    r#"UpdateUserRoutingProfile POST /users/{I}/{C}/routing-profile => instance/{I}/agent/{C}"#,
    r#"UpdateUserSecurityProfiles POST /users/{I}/{C}/security-profiles => instance/{I}/agent/{C}"#,
];
