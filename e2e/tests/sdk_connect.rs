//! Amazon Connect's control plane by boto3.

use tympan_e2e::python;
use tympan_testkit::TestServer;

#[test]
fn instances_storage_flows_functions_and_numbers_are_set_up() -> anyhow::Result<()> {
    python::run(&TestServer::start()?, "sdk_connect.py", &[]);
    Ok(())
}

#[test]
fn infrastructure_tools_and_scripts_find_what_they_call() -> anyhow::Result<()> {
    python::run(&TestServer::start()?, "sdk_connect_resources.py", &[]);
    Ok(())
}
