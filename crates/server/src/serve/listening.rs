//! Where the server listens for HTTP, who may reach it there, and by which certificate.

use super::Dev;
use crate::config::{self, Config};
use crate::http::Tls;
use anyhow::{Context, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tympan_aws::cors::WebRules;

pub(super) async fn bind(
    section: &str,
    what: &str,
    address: &config::ListenAddress,
) -> anyhow::Result<TcpListener> {
    let variable = format!("TYMPAN_{}__LISTEN", section.to_ascii_uppercase());
    TcpListener::bind(address.as_str()).await.with_context(|| {
        format!(
            "cannot listen for {what} on {address} (end what listens there, or choose another address: \
             {variable}=127.0.0.1:0 takes any free port)"
        )
    })
}

/// Under `--dev` only clients on this machine are let in, unless a person says otherwise.
pub(super) fn check_reach(key: &str, bound: SocketAddr, dev: Option<Dev>) -> anyhow::Result<()> {
    match dev {
        Some(Dev { listens_anywhere: false }) if !bound.ip().is_loopback() => bail!(
            "{key} is {bound}: under --dev the access key is no secret, and any client that reaches the port may read, write and \
             delete everything. Listen on 127.0.0.1, or add --dev-listen-anywhere, as in a container of which only the host \
             reaches the port"
        ),
        Some(_) if !bound.ip().is_loopback() => {
            tracing::warn!(%bound, "under --dev any client that reaches this port may read, write and delete everything");
            Ok(())
        }
        _ => Ok(()),
    }
}

pub(super) fn web_rules(http: &config::Http, dev: Option<Dev>, bound: SocketAddr) -> WebRules {
    let rules = WebRules::new(&http.allowed_origins);
    match dev {
        None => rules,
        Some(_) => {
            let url = http.public_url.as_ref().map(ToString::to_string).unwrap_or_default();
            rules.under_dev(bound.ip(), &url, &http.allowed_hosts)
        }
    }
}

pub(super) fn tls(config: &Config) -> anyhow::Result<Option<Arc<Tls>>> {
    match (&config.http.tls_certificate_file, &config.http.tls_key_file) {
        (Some(certificate), Some(key)) => Ok(Some(Arc::new(Tls::open(certificate, key)?))),
        // One without the other was refused when the configuration was read.
        _ => Ok(None),
    }
}
