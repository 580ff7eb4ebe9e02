//! CreateSecurityProfile: PUT /security-profiles/{InstanceId}.

use super::SecurityProfile;
use super::security_profile::Wanted;
use crate::error::ConnectError;
use crate::named::{Creation, Scene};

/// Creates a security profile.
pub(crate) struct CreateSecurityProfile;

impl Creation for CreateSecurityProfile {
    type Spec = SecurityProfile;
    type Members = Wanted;
    const NAME: &'static str = "CreateSecurityProfile";

    fn spec(_: &Scene<'_>, members: Wanted) -> Result<SecurityProfile, ConnectError> {
        let mut profile = SecurityProfile::default();
        members.apply(&mut profile)?;
        Ok(profile)
    }
}
