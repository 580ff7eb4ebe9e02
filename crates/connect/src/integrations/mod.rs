//! Integration associations: other services that an instance works with.

mod create_integration_association;
mod create_use_case;
mod delete_use_case;
mod integration;
mod list_integration_associations;
mod list_use_cases;

pub use integration::{Integration, UseCase};

pub(crate) use create_integration_association::CreateIntegrationAssociation;
pub(crate) use create_use_case::CreateUseCase;
pub(crate) use delete_use_case::DeleteUseCase;
pub(crate) use list_integration_associations::ListIntegrationAssociations;
pub(crate) use list_use_cases::ListUseCases;
