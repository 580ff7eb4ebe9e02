//! One contact centre: its names, what it may do, and where its customers' audio goes.

use super::{InstanceAlias, InstanceConfig};
use crate::storage::MediaStreamStorage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tympan_contact::InstanceRef;
use tympan_types::{
    AccountId, Caller, ContactFlowId, ContactId, InstanceId, PhoneNumberId, Region, WallTime,
};

/// A Connect instance with everything that is configured on it, except flows and numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Its name, part of the name of every stream.
    pub alias: InstanceAlias,
    /// The account that owns it.
    pub account: AccountId,
    /// The region it was created in.
    pub region: Region,
    /// When it was created.
    pub created: WallTime,
    /// How its users would sign in; kept and shown, not acted on.
    pub identity_management: IdentityManagement,
    /// Whether calls to its numbers are answered.
    pub inbound_calls: bool,
    /// Whether calls may be placed from it.
    pub outbound_calls: bool,
    /// Live media streaming; `None` until it is enabled.
    pub media_streams: Option<MediaStreamStorage>,
    /// The Lambda functions that its flows may invoke, in the order of association.
    pub lambda_functions: Vec<LambdaAssociation>,
    /// The tags of the instance.
    pub tags: BTreeMap<String, String>,
    /// The token of the request that created it.
    pub client_token: Option<String>,
    /// What was set since.
    #[serde(default)]
    pub config: InstanceConfig,
}

impl Instance {
    /// `arn:aws:connect:REGION:ACCOUNT:instance/ID`.
    pub fn arn(&self) -> String {
        format!("arn:aws:connect:{}:{}:instance/{}", self.region, self.account, self.id)
    }

    /// The ARN of one of its flows.
    pub fn flow_arn(&self, flow: ContactFlowId) -> String {
        format!("{}/contact-flow/{flow}", self.arn())
    }

    /// The ARN of one of its contacts.
    pub fn contact_arn(&self, contact: ContactId) -> String {
        format!("{}/contact/{contact}", self.arn())
    }

    /// The ARN of a number claimed to it: numbers belong to the account, so the instance is not in it.
    pub fn phone_number_arn(&self, number: PhoneNumberId) -> String {
        format!("arn:aws:connect:{}:{}:phone-number/{number}", self.region, self.account)
    }

    /// The parts of the instance that its contacts carry with them.
    pub fn reference(&self) -> InstanceRef {
        InstanceRef {
            id: self.id,
            alias: self.alias.to_string(),
            account: self.account.clone(),
            region: self.region.clone(),
        }
    }

    /// What every stream of this instance is called before the stream's own UUID:
    /// `PREFIX-connect-ALIAS-contact-`. `None` while live media streaming is not enabled.
    pub fn stream_name_prefix(&self) -> Option<String> {
        self.media_streams.as_ref().map(|storage| storage.stream_name_prefix(&self.alias))
    }

    /// Whether a caller's account and region are this instance's.
    pub fn belongs_to(&self, caller: &Caller) -> bool {
        self.account == caller.account && self.region == caller.region
    }

    /// Whether a flow of this instance may invoke a function. The ARN has to be the very one that was
    /// associated: a version or alias is a function of its own.
    pub fn has_lambda_function(&self, function_arn: &str) -> bool {
        self.lambda_functions.iter().any(|association| association.function_arn == function_arn)
    }
}

/// Permission for the flows of an instance to invoke one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LambdaAssociation {
    /// The function, with its version or alias if one was given.
    pub function_arn: String,
    /// The token of the request that associated it.
    pub client_token: Option<String>,
}

/// How the users of an instance sign in. There are no users here: the word is kept for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IdentityManagement {
    /// Users come from a SAML provider.
    Saml,
    /// Users are kept by Connect.
    ConnectManaged,
}

impl IdentityManagement {
    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Saml => "SAML",
            Self::ConnectManaged => "CONNECT_MANAGED",
        }
    }
}
