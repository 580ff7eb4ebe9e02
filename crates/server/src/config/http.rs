//! `[http]`: where the APIs listen, and what they bear.

use super::base_url::BaseUrl;
use super::values::ListenAddress;
use super::written::{path_or_empty, text_or_empty, texts, valid};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tympan_auth::Network;

/// `[http]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port of the APIs, health and metrics; port 0 lets the kernel choose.
    pub listen: ListenAddress,
    /// What GetDataEndpoint answers; empty: the scheme and the host of the request itself.
    #[serde(with = "text_or_empty")]
    pub public_url: Option<BaseUrl>,
    /// Addresses and networks of proxies, whose `X-Forwarded-Proto` says by which scheme a client came.
    #[serde(with = "texts")]
    pub trusted_proxies: Vec<Network>,
    /// A PEM file with the certificate and those that vouch for it; empty: no TLS.
    #[serde(with = "path_or_empty")]
    pub tls_certificate_file: Option<PathBuf>,
    /// A PEM file with the certificate's private key; refused when others can read it.
    #[serde(with = "path_or_empty")]
    pub tls_key_file: Option<PathBuf>,
    /// Largest JSON request body.
    pub body_limit_bytes: usize,
    /// Memory for bodies whose signature is not checked yet, beside 16 KiB for each.
    pub unauthenticated_bytes_max: usize,
    /// Connections at once; an idle one makes room for a new one.
    pub connections_max: usize,
    /// Of them, from one address.
    pub connections_per_source_max: usize,
    /// How long the head of a request may take.
    pub header_timeout_ms: u64,
    /// How long a connection may wait for its next request.
    pub idle_timeout_ms: u64,
    /// How long a client may take nothing of an answer before its connection is closed.
    pub write_timeout_ms: u64,
    /// How long SIGTERM waits for calls and uploads to end.
    pub drain_timeout_ms: u64,
    /// Pages of these origins may read the answers of Kinesis Video Streams, and may call a server under `--dev`.
    pub allowed_origins: Vec<String>,
    /// Names by which clients reach a server under `--dev`, beside its address and loopback.
    pub allowed_hosts: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: valid("127.0.0.1:8600"),
            public_url: None,
            trusted_proxies: Vec::new(),
            tls_certificate_file: None,
            tls_key_file: None,
            body_limit_bytes: 4 * 1024 * 1024,
            unauthenticated_bytes_max: 32 * 1024 * 1024,
            connections_max: 4_096,
            connections_per_source_max: 2_048,
            header_timeout_ms: 30_000,
            idle_timeout_ms: 60_000,
            write_timeout_ms: 60_000,
            drain_timeout_ms: 30_000,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
        }
    }
}
