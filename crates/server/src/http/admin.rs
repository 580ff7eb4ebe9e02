//! Health, readiness, metrics and the OpenAPI document: unsigned, for probes on the same machine or network.

use super::body::Body;
use super::respond;
use crate::descriptors::DescriptorBudget;
use crate::metrics::Metrics;
use hyper::Response;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether new work is taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Takes new work, or from now on no more.
    pub(crate) fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }
}

pub(super) fn health() -> Response<Body> {
    respond::text(200, "ok\n")
}

pub(super) fn ready(readiness: &Readiness, descriptors: &DescriptorBudget) -> Response<Body> {
    if !readiness.0.load(Ordering::Relaxed) {
        return respond::text(
            503,
            "draining: calls and uploads that run are finished, no new ones are taken\n",
        );
    }
    match descriptors.shortage() {
        None => respond::text(200, "ready\n"),
        Some(shortage) => respond::text(503, format!("{shortage}\n")),
    }
}

/// Where the OpenAPI document of the server's own service is.
pub(super) const OPENAPI: &str = "/tympan/openapi.json";

pub(super) fn openapi() -> Response<Body> {
    respond::json(200, tympan_admin::openapi(env!("CARGO_PKG_VERSION")).to_string().into_bytes())
}

pub(super) fn metrics(metrics: &Metrics) -> Response<Body> {
    respond::respond(
        200,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        super::body::full(metrics.render()),
    )
}
