//! Set-up by declaration: what a configuration file or `--dev` wants to exist, brought about once and
//! left alone ever after.
//!
//! It does what CreateInstance, AssociateInstanceStorageConfig, AssociateLambdaFunction, CreateContactFlow,
//! ClaimPhoneNumber and AssociatePhoneNumberContactFlow do, under the same checks, as one change. Nothing is
//! ever removed: what is no longer declared stays until it is deleted.

use crate::defaults;
use crate::directory::Edit;
use crate::error::{ConnectError, ErrorCode};
use crate::flows::{ContactFlow, FlowType, NewFlow, check_name};
use crate::functions::check_function_arn;
use crate::instances::{IdentityManagement, Instance, InstanceAlias, InstanceConfig, LambdaAssociation};
use crate::phone_numbers::{DialledNumber, PhoneNumber, check_can_answer};
use crate::service::{ConnectService, Limits};
use crate::storage::MediaStreamStorage;
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_types::{ContactFlowId, InstanceId, PhoneNumberId, WallTime};

/// What has to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provision {
    /// The instance, by its alias; it takes calls in both directions when it has to be created.
    pub alias: String,
    /// Live media streaming; `None` leaves it as it is.
    pub media_streams: Option<ProvisionedMediaStreams>,
    /// ARNs of functions that flows may invoke.
    pub lambda_functions: Vec<String>,
    /// Published flows, by name.
    pub flows: Vec<ProvisionedFlow>,
    /// Claimed numbers.
    pub phone_numbers: Vec<ProvisionedNumber>,
    /// What to do with something that exists and differs.
    pub existing: Existing,
}

/// What to do with something that exists and differs from its declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it: it was changed by other means since. For defaults, such as those of `--dev`.
    Keep,
    /// Change it: the declaration rules. For configuration files.
    Replace,
}

/// Live media streaming as declared; see [`MediaStreamStorage`] for the bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedMediaStreams {
    /// What stream names begin with.
    pub prefix: String,
    /// How long audio is kept; 0 keeps nothing.
    pub retention_hours: u32,
    /// The KMS key.
    pub key_id: String,
}

/// A flow as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedFlow {
    /// Its name in the instance.
    pub name: String,
    /// What it is for.
    pub flow_type: FlowType,
    /// Its content, in either format.
    pub content: String,
}

/// A number as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedNumber {
    /// An E.164 number or the user part of a SIP address.
    pub number: String,
    /// The name of the flow that answers, declared or not; `None` leaves the number without.
    pub flow: Option<String>,
}

/// What a declaration asked for and could not get.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {error}")]
pub struct ProvisionError {
    /// Which part of the declaration: `flow "welcome"`.
    pub what: String,
    /// Why not.
    pub error: ConnectError,
}

impl ConnectService {
    /// Brings about what is declared, in one change; a second time nothing happens.
    ///
    /// Errors: the first part that cannot be had; then nothing of the declaration is done.
    pub fn ensure(&self, now: WallTime, wanted: &Provision) -> Result<Arc<Instance>, ProvisionError> {
        let mut what = format!("instance {:?}", wanted.alias);
        let instance = self.change(|edit| {
            let mut run = Run { service: self, now, edit, existing: wanted.existing };
            let id = run.instance(&wanted.alias)?;
            if let Some(media_streams) = &wanted.media_streams {
                what = "media streams".to_owned();
                run.media_streams(id, media_streams)?;
            }
            for arn in &wanted.lambda_functions {
                what = format!("Lambda function {arn:?}");
                run.lambda_function(id, arn)?;
            }
            for flow in &wanted.flows {
                what = format!("flow {:?}", flow.name);
                run.flow(id, flow)?;
            }
            for number in &wanted.phone_numbers {
                what = format!("phone number {:?}", number.number);
                run.phone_number(id, number)?;
            }
            run.declared(id)
        });
        instance.map_err(|error| ProvisionError { what, error })
    }
}

/// One run over a declaration.
struct Run<'a> {
    service: &'a ConnectService,
    now: WallTime,
    edit: &'a mut Edit,
    existing: Existing,
}

impl Run<'_> {
    fn instance(&mut self, alias: &str) -> Result<InstanceId, ConnectError> {
        let alias =
            InstanceAlias::parse(alias).map_err(|error| ConnectError::parameter(error.to_string()))?;
        let options = self.service.options();
        if let Some(instance) = self.edit.directory.instance_named(&alias) {
            if instance.account != options.account || instance.region != options.region {
                return Err(ConnectError::parameter(format!(
                    "the alias belongs to an instance of account {}, region {}",
                    instance.account, instance.region
                )));
            }
            return Ok(instance.id);
        }
        let count = self.edit.directory.instance_count();
        Limits::check(count, options.limits.instances, ErrorCode::ServiceQuotaExceeded, "instances")?;
        let instance = Instance {
            id: InstanceId::from_random(self.service.random()),
            alias,
            account: options.account.clone(),
            region: options.region.clone(),
            created: self.now,
            identity_management: IdentityManagement::ConnectManaged,
            inbound_calls: true,
            outbound_calls: true,
            media_streams: None,
            lambda_functions: Vec::new(),
            tags: BTreeMap::new(),
            client_token: None,
            config: InstanceConfig::default(),
        };
        let id = instance.id;
        self.edit.put_instance(instance)?;
        defaults::give(self.service, self.edit, id, self.now)?;
        Ok(id)
    }

    fn media_streams(
        &mut self,
        id: InstanceId,
        wanted: &ProvisionedMediaStreams,
    ) -> Result<(), ConnectError> {
        let ProvisionedMediaStreams { prefix, retention_hours, key_id } = wanted.clone();
        MediaStreamStorage::check(&prefix, i64::from(retention_hours), &key_id)
            .map_err(ConnectError::parameter)?;
        let mut instance = self.declared(id)?.as_ref().clone();
        let storage = match instance.media_streams.take() {
            Some(_) if self.existing == Existing::Keep => return Ok(()),
            Some(storage) => MediaStreamStorage { prefix, retention_hours, key_id, ..storage },
            None => MediaStreamStorage {
                association_id: self.service.new_association_id(),
                prefix,
                retention_hours,
                key_id,
                client_token: None,
            },
        };
        instance.media_streams = Some(storage);
        self.put_instance_if_changed(instance)
    }

    fn lambda_function(&mut self, id: InstanceId, arn: &str) -> Result<(), ConnectError> {
        check_function_arn(arn)?;
        let mut instance = self.declared(id)?.as_ref().clone();
        if !instance.has_lambda_function(arn) {
            instance
                .lambda_functions
                .push(LambdaAssociation { function_arn: arn.to_owned(), client_token: None });
        }
        self.put_instance_if_changed(instance)
    }

    fn flow(&mut self, id: InstanceId, wanted: &ProvisionedFlow) -> Result<(), ConnectError> {
        check_name(&wanted.name)?;
        let mut flow = match self.flow_named(id, &wanted.name) {
            Some(flow) => {
                let same =
                    flow.published.as_ref() == Some(&wanted.content) && flow.flow_type == wanted.flow_type;
                if same || self.existing == Existing::Keep {
                    return Ok(());
                }
                flow.as_ref().clone()
            }
            None => {
                let new = NewFlow {
                    id: ContactFlowId::from_random(self.service.random()),
                    instance: id,
                    name: wanted.name.clone(),
                    flow_type: wanted.flow_type,
                    description: None,
                    tags: BTreeMap::new(),
                };
                ContactFlow::new(self.now, new)
            }
        };
        flow.flow_type = wanted.flow_type;
        flow.publish(self.now, &wanted.content)?;
        self.edit.put_flow(flow)
    }

    fn phone_number(&mut self, id: InstanceId, wanted: &ProvisionedNumber) -> Result<(), ConnectError> {
        let number = DialledNumber::sip_user(&wanted.number)
            .map_err(|error| ConnectError::parameter(error.to_string()))?;
        let flow = match &wanted.flow {
            None => None,
            Some(name) => {
                let flow = self.flow_named(id, name).ok_or_else(|| {
                    ConnectError::parameter(format!("there is no flow {name:?} in the instance to answer it"))
                })?;
                check_can_answer(&flow)?;
                Some(flow.id)
            }
        };
        let Some(known) = self.edit.directory.dialled(&number).cloned() else {
            let instance = self.declared(id)?;
            return self.edit.put_phone_number(PhoneNumber {
                id: PhoneNumberId::from_random(self.service.random()),
                number,
                instance: id,
                account: instance.account.clone(),
                region: instance.region.clone(),
                flow,
                description: None,
                tags: BTreeMap::new(),
                claimed: self.now,
                client_token: None,
            });
        };
        if known.instance != id {
            return Err(ConnectError::parameter("it is claimed to another instance; release it there first"));
        }
        let rules = self.existing == Existing::Replace || known.flow.is_none();
        if flow.is_some() && known.flow != flow && rules {
            self.edit.put_phone_number(PhoneNumber { flow, ..known.as_ref().clone() })?;
        }
        Ok(())
    }

    fn flow_named(&self, id: InstanceId, name: &str) -> Option<Arc<ContactFlow>> {
        self.edit.directory.flows_of(id).find(|flow| flow.name == name).cloned()
    }

    fn declared(&self, id: InstanceId) -> Result<Arc<Instance>, ConnectError> {
        let instance = self.edit.directory.instance(id).cloned();
        instance.ok_or_else(|| ConnectError::internal(&"the provisioned instance is not in the directory"))
    }

    fn put_instance_if_changed(&mut self, instance: Instance) -> Result<(), ConnectError> {
        if self.edit.directory.instance(instance.id).is_some_and(|known| **known == instance) {
            return Ok(());
        }
        self.edit.put_instance(instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, DANGLING_FLOW, FLOW, NOW};
    use crate::settings::Settings;
    use serde_json::Value;

    fn demo() -> Provision {
        Provision {
            alias: "demo".into(),
            media_streams: Some(ProvisionedMediaStreams {
                prefix: "demo".into(),
                retention_hours: 24,
                key_id: "alias/aws/kinesisvideo".into(),
            }),
            lambda_functions: vec!["arn:aws:lambda:us-west-2:111122223333:function:echo".into()],
            flows: vec![ProvisionedFlow {
                name: "welcome".into(),
                flow_type: FlowType::ContactFlow,
                content: FLOW.into(),
            }],
            phone_numbers: vec![
                ProvisionedNumber { number: "+18005550100".into(), flow: Some("welcome".into()) },
                ProvisionedNumber { number: "support".into(), flow: Some("welcome".into()) },
            ],
            existing: Existing::Replace,
        }
    }

    #[test]
    fn makes_a_number_answer_from_nothing() {
        let bench = Bench::new();
        let instance = bench.service.ensure(NOW, &demo()).unwrap();
        assert_eq!(instance.stream_name_prefix().as_deref(), Some("demo-connect-demo-contact-"));
        let reopened = bench.reopened();
        for dialled in ["+18005550100", "18005550100", "support"] {
            let routed = reopened.service.route_number(dialled).unwrap();
            assert_eq!(routed.flow.identity.name, "welcome");
            assert_eq!(routed.instance.id, instance.id);
        }
        assert!(reopened.service.may_invoke(instance.id, &demo().lambda_functions[0]));
    }

    #[test]
    fn a_second_run_changes_nothing() {
        let bench = Bench::new();
        let first = bench.service.ensure(NOW, &demo()).unwrap();
        let before = bench.settings.load().unwrap();
        let again = bench.reopened().service.ensure(NOW.plus_ms(1), &demo()).unwrap();
        assert_eq!(again, first);
        assert_eq!(bench.settings.load().unwrap(), before);
    }

    #[test]
    fn a_file_rules_over_changes_and_a_default_does_not() {
        let bench = Bench::new();
        let instance = bench.service.ensure(NOW, &demo()).unwrap().id;
        let other = FLOW.replace("\"end\"", "\"bye\"");
        let mut changed = demo();
        changed.flows[0].content.clone_from(&other);
        changed.media_streams.as_mut().unwrap().retention_hours = 48;
        let seen = |bench: &Bench| {
            let flow =
                bench.service.directory().flows_of(instance).next().unwrap().published.clone().unwrap();
            let hours =
                bench.service.instance(instance).unwrap().media_streams.clone().unwrap().retention_hours;
            (flow, hours)
        };
        bench.service.ensure(NOW, &Provision { existing: Existing::Keep, ..changed.clone() }).unwrap();
        assert_eq!(seen(&bench), (FLOW.to_owned(), 24));
        bench.service.ensure(NOW, &changed).unwrap();
        assert_eq!(seen(&bench), (other, 48));
    }

    #[test]
    fn a_declaration_that_cannot_be_had_does_nothing_and_names_the_part() {
        let bench = Bench::new();
        bench.number(&bench.instance("other"), "+18005550101");
        let before = bench.settings.load().unwrap();
        let refused = |change: &dyn Fn(&mut Provision)| {
            let mut wanted = demo();
            change(&mut wanted);
            let error = bench.service.ensure(NOW, &wanted).unwrap_err();
            assert_eq!(bench.settings.load().unwrap(), before);
            error.what
        };
        assert_eq!(refused(&|p| p.alias = "d-x".into()), "instance \"d-x\"");
        assert_eq!(refused(&|p| p.media_streams.as_mut().unwrap().prefix = " ".into()), "media streams");
        assert_eq!(refused(&|p| p.lambda_functions = vec!["echo".into()]), "Lambda function \"echo\"");
        assert_eq!(refused(&|p| p.flows[0].content = DANGLING_FLOW.into()), "flow \"welcome\"");
        assert_eq!(refused(&|p| p.phone_numbers[0].flow = Some("x".into())), "phone number \"+18005550100\"");
        assert_eq!(
            refused(&|p| p.phone_numbers[0].number = "+18005550101".into()),
            "phone number \"+18005550101\""
        );
    }

    #[test]
    fn the_api_sees_what_was_provisioned() {
        let bench = Bench::new();
        let id = bench.service.ensure(NOW, &demo()).unwrap().id;
        let list = bench.call("GET", &format!("/contact-flows-summary/{id}"), Value::Null).unwrap();
        assert_eq!(list["ContactFlowSummaryList"][0]["Name"], "welcome");
        let numbers = bench.call("POST", "/phone-number/list", serde_json::json!({})).unwrap();
        assert_eq!(numbers["ListPhoneNumbersSummaryList"].as_array().unwrap().len(), 2);
    }
}
