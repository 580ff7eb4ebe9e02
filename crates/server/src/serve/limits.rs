//! What unknown peers may take of this process: descriptors, connections, memory.

use crate::config::Config;
use crate::connections::{ConnectionLimits, Connections};
use crate::descriptors::{DescriptorBudget, Use};
use crate::http::{Listener, Timeouts, Tls, UnprovenBytes};
use crate::sip::{PER_CONNECTION, TcpLimits};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tympan_aws::cors::WebRules;

/// The limits of a process. They outlive a reset.
pub(super) struct Limits {
    pub(super) descriptors: DescriptorBudget,
    pub(super) unproven: Arc<UnprovenBytes>,
    http: Arc<Connections>,
    console: Arc<Connections>,
    sip: Arc<Connections>,
}

impl Limits {
    /// Nothing is taken yet.
    pub(super) fn new(config: &Config, dev: bool) -> anyhow::Result<Self> {
        let descriptors = DescriptorBudget::of_process()?;
        // Under `--dev` a connection keeps a second descriptor, by which a fault can reset it.
        let per_http = if dev { 2 } else { 1 };
        let http = ConnectionLimits {
            total: config.http.connections_max,
            per_source: config.http.connections_per_source_max,
        };
        let sip = ConnectionLimits {
            total: config.sip.tcp_connections_max,
            per_source: config.sip.tcp_connections_per_source_max,
        };
        Ok(Self {
            unproven: UnprovenBytes::new(config.http.unauthenticated_bytes_max),
            http: Connections::new(http, descriptors.clone(), Use::Http, per_http),
            console: Connections::new(http, descriptors.clone(), Use::Http, per_http),
            sip: Connections::new(sip, descriptors.clone(), Use::SipTcp, PER_CONNECTION),
            descriptors,
        })
    }

    /// Everything that stays open is open by now: what is left is shared out, and watched.
    pub(super) fn begin(&self, config: &Config, shutdown: &CancellationToken) -> anyhow::Result<()> {
        self.descriptors.set_baseline()?;
        let (calls, limit) = (self.descriptors.calls(), self.descriptors.counted().limit);
        if calls < config.sip.calls_max as u64 {
            tracing::warn!(
                limit,
                calls,
                calls_max = config.sip.calls_max,
                "open files are limited: fewer calls fit"
            );
        }
        tokio::spawn(self.descriptors.clone().watch(shutdown.clone()));
        Ok(())
    }

    /// The listener of the APIs.
    pub(super) fn listener(
        &self,
        socket: TcpListener,
        tls: Option<Arc<Tls>>,
        web: WebRules,
        config: &Config,
    ) -> Listener {
        Self::listens(socket, tls, self.http.clone(), web, config)
    }

    /// The listener of the console, with the same limits and places of its own. It has rules of its own for pages.
    pub(super) fn console_listener(
        &self,
        socket: TcpListener,
        tls: Option<Arc<Tls>>,
        config: &Config,
    ) -> Listener {
        Self::listens(socket, tls, self.console.clone(), WebRules::default(), config)
    }

    fn listens(
        socket: TcpListener,
        tls: Option<Arc<Tls>>,
        connections: Arc<Connections>,
        web: WebRules,
        config: &Config,
    ) -> Listener {
        let timeouts = Timeouts {
            head: Duration::from_millis(config.http.header_timeout_ms),
            idle: Duration::from_millis(config.http.idle_timeout_ms),
            write: Duration::from_millis(config.http.write_timeout_ms),
        };
        Listener { socket, tls, connections, timeouts, web }
    }

    pub(super) fn sip_tcp(&self, config: &Config) -> TcpLimits {
        TcpLimits {
            connections: self.sip.clone(),
            idle: Duration::from_millis(config.sip.tcp_idle_timeout_ms),
            message: Duration::from_millis(config.sip.tcp_message_timeout_ms),
            write: Duration::from_millis(config.sip.tcp_write_timeout_ms),
            write_queue_bytes: config.sip.tcp_write_queue_bytes,
        }
    }

    /// The connections of each listener, for metrics.
    pub(super) fn listeners(&self) -> [(&'static str, Arc<Connections>); 3] {
        [("http", self.http.clone()), ("console", self.console.clone()), ("sip", self.sip.clone())]
    }
}
