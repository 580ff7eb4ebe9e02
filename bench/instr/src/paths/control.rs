//! What a verified request pays beside its transport: found, read, looked up, granted, done, answered.

use super::counted;
use super::service::Bench;
use anyhow::{Context, ensure};
use http::Request;
use http::request::Parts;
use std::sync::Arc;
use tympan_auth::{Facts, Permissions, Policy, Principal, Refusal};
use tympan_aws::{Ask, Invocation, Permit, Routes};
use tympan_types::WallTime;

const NOW: WallTime = WallTime::from_unix_ms(1_700_000_000_000);

/// The policies of one user, as a server asks them.
struct Policies(Principal);

impl Permit for Policies {
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        let facts = Facts {
            now: NOW,
            source_ip: None,
            secure_transport: true,
            region: "us-west-2",
            resource_tags: None,
        };
        asks.iter().try_for_each(|ask| ask.judge(&self.0, facts))
    }
}

/// DescribeStream, by the name of the stream.
pub(super) fn control_call(requests: usize) -> anyhow::Result<()> {
    repeated(requests, "/describeStream", br#"{"StreamName":"bench"}"#)
}

/// GetMedia, up to the body; nothing of that is read.
pub(super) fn getmedia_setup(requests: usize) -> anyhow::Result<()> {
    repeated(
        requests,
        "/getMedia",
        br#"{"StreamName":"bench","StartSelector":{"StartSelectorType":"EARLIEST"}}"#,
    )
}

fn repeated(requests: usize, path: &str, body: &[u8]) -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let routes = Routes::new().serve(bench.service.clone(), tympan_kvs::operations());
    let policy = Policy::parse(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kinesisvideo:*","Resource":"arn:aws:kinesisvideo:*:*:stream/*"}]}"#,
    )?;
    let user = Principal::user("bench", bench.caller.account.clone());
    let policies = Policies(user.with_permissions(Permissions::new(vec![Arc::new(policy)])));
    let (head, ()): (Parts, ()) = Request::post(path).body(())?.into_parts();
    let invocation = Invocation {
        principal: Some(&policies.0),
        permit: &policies,
        ..Invocation::within_process(&bench.caller, NOW)
    };
    let mut done = 0;
    let found = routes.find("kinesisvideo", &head).context("an operation")?;
    bench.runtime.block_on(routes.run(found, &head, body, &invocation).context("an operation")?);
    counted(|| {
        for _ in 0..requests {
            let Some(found) = routes.find("kinesisvideo", &head) else { continue };
            let Some(run) = routes.run(found, &head, body, &invocation) else { continue };
            done += usize::from(bench.runtime.block_on(run).reply.status == 200);
        }
    });
    ensure!(done == requests, "{done} of {requests}");
    Ok(())
}
