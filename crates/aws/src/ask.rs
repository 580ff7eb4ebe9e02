//! What a request wants to do, in the words of policies.

use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_auth::{Facts, Principal, Refusal, RefusalCause};

/// What a policy's `Resource` is compared with, and its conditions on tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The canonical ARN, or `*`: ids and names as the service writes them, aliases followed.
    pub arn: String,
    /// As the request names it, where a refusal must not show more: whether the resource exists.
    pub named: Option<String>,
    /// The tags of the resource; `None` where there is none or it cannot have any.
    pub tags: Option<BTreeMap<String, String>>,
}

impl Resource {
    /// A resource without tags, shown by its ARN.
    pub fn new(arn: impl Into<String>) -> Self {
        Self { arn: arn.into(), named: None, tags: None }
    }

    /// `*`, which is about no single resource.
    pub fn any() -> Self {
        Self::new("*")
    }

    /// Shown by what the request calls it.
    #[must_use]
    pub fn shown_as(self, named: impl Into<String>) -> Self {
        Self { named: Some(named.into()), ..self }
    }

    /// With its tags.
    #[must_use]
    pub fn tagged(self, tags: BTreeMap<String, String>) -> Self {
        Self { tags: Some(tags), ..self }
    }
}

/// When an [`Ask`] is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A policy allows it and none denies it.
    Allowed,
    /// No policy denies it: who may do it stands elsewhere, as with the role that AssumeRole names.
    NotDenied,
    /// Always; it is only written down (GetCallerIdentity).
    Noted,
}

/// One question to the policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Such as `kinesisvideo:GetMedia`.
    pub action: Arc<str>,
    /// To what: shared with the target that was asked about.
    pub resource: Arc<Resource>,
    /// When it is granted.
    pub rule: Rule,
}

impl Ask {
    /// What the policies of `principal` say. The tags of the resource are put into `facts` here.
    ///
    /// # Errors
    /// The refusal, with the resource as the request named it.
    pub fn judge(&self, principal: &Principal, facts: Facts<'_>) -> Result<(), Refusal> {
        if self.rule == Rule::Noted {
            return Ok(());
        }
        let facts = Facts { resource_tags: self.resource.tags.as_ref(), ..facts };
        let Err(mut refusal) = principal.may(&self.action, &self.resource.arn, facts) else { return Ok(()) };
        if self.rule == Rule::NotDenied && !matches!(refusal.cause, RefusalCause::ExplicitDeny { .. }) {
            return Ok(());
        }
        if let Some(named) = &self.resource.named {
            refusal.resource.clone_from(named);
        }
        Err(refusal)
    }
}

/// The questions of one request; denied if any one of them is.
#[derive(Debug)]
pub struct Asks {
    action: Arc<str>,
    list: Vec<Ask>,
}

impl Asks {
    pub(crate) fn new(action: Arc<str>) -> Self {
        Self { action, list: Vec::new() }
    }

    /// The operation's own action on a resource.
    pub fn on(&mut self, resource: impl Into<Arc<Resource>>) {
        self.add(self.action.clone(), resource.into(), Rule::Allowed);
    }

    /// Another action that the operation comes to.
    pub fn also(&mut self, action: &'static str, resource: Resource) {
        self.add(action.into(), Arc::new(resource), Rule::Allowed);
    }

    /// The operation's action, which needs no allow.
    pub fn unless_denied(&mut self, resource: Resource) {
        self.add(self.action.clone(), Arc::new(resource), Rule::NotDenied);
    }

    /// The operation's action, which needs no policy at all.
    pub fn noted(&mut self, resource: Resource) {
        self.add(self.action.clone(), Arc::new(resource), Rule::Noted);
    }

    /// The use of a master key for what the operation makes.
    pub fn uses(&mut self, key: &KeyUse) {
        for action in KEY_USES {
            self.also(action, Resource::new(key.arn.as_str()));
        }
    }

    /// The list; a request that names nothing asks for `*`.
    pub(crate) fn into_list(mut self) -> Vec<Ask> {
        if self.list.is_empty() {
            self.on(Resource::any());
        }
        self.list
    }

    fn add(&mut self, action: Arc<str>, resource: Arc<Resource>, rule: Rule) {
        if self.list.iter().all(|known| (&known.action, &known.resource.arn) != (&action, &resource.arn)) {
            self.list.push(Ask { action, resource, rule });
        }
    }
}

/// What AWS asks of who has data encrypted under a key by another service.
const KEY_USES: [&str; 2] = ["kms:DescribeKey", "kms:CreateGrant"];

/// A master key that an operation of another service has data encrypted under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key's ARN, aliases followed.
    pub arn: String,
}
