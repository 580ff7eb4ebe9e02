//! Which instance of a server is meant.

use crate::failure::Failure;
use serde_json::Value;
use tympan_client::Connect;

/// The id of the instance of an alias or id; without one, of the only one.
pub(crate) async fn find_instance(connect: &Connect, wanted: Option<&str>) -> Result<String, Failure> {
    let instances = connect.list("ListInstances", "/instance", "InstanceSummaryList").await?;
    let is_wanted = |instance: &&Value| {
        wanted.is_none_or(|text| instance["InstanceAlias"] == text || instance["Id"] == text)
    };
    let mut found = instances.iter().filter(is_wanted);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one["Id"].as_str().unwrap_or_default().to_owned()),
        (None, _) => Err(Failure::not_found(match wanted {
            Some(text) => format!("there is no instance {text:?}"),
            None => "there is no instance".to_owned(),
        })),
        (Some(_), Some(_)) => {
            Err(Failure::not_found("there are several instances: name one with --instance".to_owned()))
        }
    }
}
