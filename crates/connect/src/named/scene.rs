use super::{Named, Spec, Table};
use crate::directory::Directory;
use crate::error::{ConnectError, ErrorCode};
use crate::flows::ContactFlow;
use crate::instances::Instance;
use crate::phone_numbers::PhoneNumber;
use crate::queues::Queue;
use crate::reference::{self, shown};
use crate::service::{ConnectService, Limits};
use crate::users::User;
use std::sync::Arc;
use tympan_types::{ResourceId, WallTime};

/// An instance and everything that is configured, at one moment: what resources refer to each other in.
pub(crate) struct Scene<'a> {
    pub(crate) service: &'a ConnectService,
    pub(crate) directory: &'a Directory,
    pub(crate) instance: &'a Instance,
    pub(crate) now: WallTime,
}

impl Scene<'_> {
    /// The resources of one kind in the instance.
    pub(crate) fn all<S: Spec>(&self) -> impl Iterator<Item = &Arc<Named<S>>> {
        self.table::<S>().of(self.instance.id)
    }

    fn table<S: Spec>(&self) -> &Table<S> {
        S::table(&self.directory.resources)
    }

    /// A resource that another one refers to by its id.
    pub(crate) fn get<S: Spec>(&self, id: ResourceId) -> Option<&Arc<Named<S>>> {
        self.table::<S>().get(self.instance.id, id)
    }

    /// The resource that has a name.
    pub(crate) fn named<S: Spec>(&self, name: &str) -> Option<&Arc<Named<S>>> {
        self.all::<S>().find(|named| named.name == name)
    }

    /// The resource that an id or ARN of a request names.
    ///
    /// # Errors
    /// ResourceNotFound.
    pub(crate) fn find<S: Spec>(&self, id_or_arn: &str) -> Result<&Arc<Named<S>>, ConnectError> {
        let found =
            reference::resource(self.instance, S::WORDS.arn, id_or_arn).and_then(|id| self.get::<S>(id));
        found.ok_or_else(|| {
            ConnectError::not_found(format!(
                "there is no {} {} in instance {}",
                S::WORDS.noun,
                shown(id_or_arn),
                self.instance.id
            ))
        })
    }

    /// A flow of the instance, by id or ARN.
    ///
    /// # Errors
    /// ResourceNotFound.
    pub(crate) fn flow(&self, id_or_arn: &str) -> Result<&Arc<ContactFlow>, ConnectError> {
        let found = reference::flow_of(self.instance, id_or_arn).and_then(|id| self.directory.flow_by_id(id));
        let found = found.filter(|flow| flow.instance == self.instance.id);
        found.ok_or_else(|| ConnectError::no_flow(&shown(id_or_arn), self.instance.id))
    }

    /// A number that is claimed to the instance, by id or ARN.
    ///
    /// # Errors
    /// ResourceNotFound.
    pub(crate) fn phone_number(&self, id_or_arn: &str) -> Result<&Arc<PhoneNumber>, ConnectError> {
        let id = reference::phone_number_of(self.instance, id_or_arn);
        let found = id.and_then(|id| self.directory.phone_number(id));
        let found = found.filter(|number| number.instance == self.instance.id);
        found.ok_or_else(|| ConnectError::no_phone_number(&shown(id_or_arn)))
    }

    /// Whether the instance has what a member names, where that is a queue, a user or a flow.
    pub(crate) fn has(&self, member: &str, text: &str) -> bool {
        match member {
            "QueueId" => self.find::<Queue>(text).is_ok(),
            "UserId" => self.find::<User>(text).is_ok(),
            "ContactFlowId" => self.flow(text).is_ok(),
            _ => true,
        }
    }

    /// The ARN of a resource.
    pub(crate) fn arn<S: Spec>(&self, id: ResourceId) -> String {
        format!("{}/{}/{id}", self.instance.arn(), S::WORDS.arn)
    }

    /// Refuses a name that is none, or that another resource of the kind has.
    pub(crate) fn check_name<S: Spec>(
        &self,
        name: &str,
        except: Option<ResourceId>,
    ) -> Result<(), ConnectError> {
        let words = S::WORDS;
        if name.trim().is_empty() || name.chars().count() > words.longest.0 {
            return Err(ConnectError::parameter(format!(
                "{} has 1 to {} characters",
                words.name, words.longest.0
            )));
        }
        let taken = self.named::<S>(name).filter(|named| Some(named.id) != except);
        match taken {
            None => Ok(()),
            Some(_) => Err(ConnectError::new(
                ErrorCode::DuplicateResource,
                format!("there is a {} named {name:?} in instance {} already", words.noun, self.instance.id),
            )),
        }
    }

    /// Refuses a name that cannot be given to a new resource, and one resource too many.
    pub(crate) fn check_new<S: Spec>(&self, name: &str) -> Result<(), ConnectError> {
        self.check_name::<S>(name, None)?;
        let limit = self.service.options().limits.resources_per_instance;
        let what = format!("resources of the kind {} in an instance", S::WORDS.noun);
        Limits::check(self.all::<S>().count(), limit, ErrorCode::LimitExceeded, &what)
    }

    /// Changes name and description; what is `None` stays, and an empty description is none.
    pub(crate) fn rename<S: Spec>(
        &self,
        named: &mut Named<S>,
        name: Option<String>,
        description: Option<String>,
    ) -> Result<(), ConnectError> {
        if let Some(name) = name {
            self.check_name::<S>(&name, Some(named.id))?;
            named.name = name;
        }
        if let Some(text) = description {
            named.description = description_of::<S>(Some(text))?;
        }
        Ok(())
    }
}

/// A description that is kept: tools send an empty one where none is meant.
pub(crate) fn description_of<S: Spec>(text: Option<String>) -> Result<Option<String>, ConnectError> {
    let most = S::WORDS.longest.1;
    if text.as_ref().is_some_and(|text| text.chars().count() > most) {
        return Err(ConnectError::parameter(format!("Description has at most {most} characters")));
    }
    Ok(text.filter(|text| !text.is_empty()))
}
