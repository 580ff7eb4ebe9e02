//! From the host of a URI to a place to send to (RFC 3263).
//!
//! An IP address is taken as it is; a name is looked up, off the agent's task. Not implemented: NAPTR and SRV records (sections 4.1
//! and 4.2), so that a name without a port means 5060.

use super::address::{LocalAddress, canonical};
use super::stats::SipStats;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tympan_sip::agent::{ListenerId, Target};
use tympan_sip::wire::Transport;

/// Names that are looked up at once; further ones have no answer.
const LOOKUPS_MAX: usize = 32;
/// How long the resolver of the machine may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// The port of a URI without one (RFC 3261 section 19.1.2).
const DEFAULT_PORT: u16 = 5_060;
/// Addresses of a name that are tried.
const TARGETS_MAX: usize = 8;

/// What is asked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) query: u64,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) transport: Option<Transport>,
}

/// What is known of it; empty where nothing is.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) query: u64,
    pub(super) targets: Vec<Target>,
}

/// Looks names up.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    local: LocalAddress,
    listener: ListenerId,
    lookups: Arc<Semaphore>,
    answers: mpsc::Sender<Resolved>,
    stats: Arc<SipStats>,
}

impl Resolver {
    /// Answers go to `answers`.
    pub(super) fn new(
        local: LocalAddress,
        listener: ListenerId,
        answers: mpsc::Sender<Resolved>,
        stats: Arc<SipStats>,
    ) -> Self {
        Self { local, listener, lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)), answers, stats }
    }

    /// The answer at once, where the host is an address or nothing can be looked up now; else it comes later.
    pub(super) fn resolve(&self, question: Question) -> Option<Resolved> {
        let Question { query, host, port, transport } = question;
        let port = port.unwrap_or(DEFAULT_PORT);
        if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Resolved { query, targets: self.targets([SocketAddr::new(ip, port)], transport) });
        }
        let Ok(place) = self.lookups.clone().try_acquire_owned() else {
            self.stats.resolution_refused();
            return Some(Resolved { query, targets: Vec::new() });
        };
        let resolver = self.clone();
        tokio::spawn(async move {
            let found = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((host, port))).await;
            let targets = match found {
                Ok(Ok(addresses)) => resolver.targets(addresses, transport),
                Ok(Err(_)) | Err(_) => Vec::new(),
            };
            // The agent is gone only with the server.
            let _ = resolver.answers.send(Resolved { query, targets }).await;
            drop(place);
        });
        None
    }

    fn targets(
        &self,
        addresses: impl IntoIterator<Item = SocketAddr>,
        transport: Option<Transport>,
    ) -> Vec<Target> {
        let transport = match transport {
            Some(Transport::Udp) | None => Transport::Udp,
            Some(Transport::Tcp) => Transport::Tcp,
            // There is no TLS yet, and what was to be secured is not sent in the clear.
            Some(Transport::Tls) => return Vec::new(),
        };
        let bound = self.local.bound().ip();
        // A socket of one family reaches that family; an IPv6 wildcard reaches both.
        let reachable = |peer: &SocketAddr| match bound {
            IpAddr::V4(_) => peer.is_ipv4(),
            IpAddr::V6(ip) if ip.is_unspecified() => true,
            IpAddr::V6(_) => peer.is_ipv6(),
        };
        let to_target = |peer: SocketAddr| Target {
            transport,
            peer,
            local: self.local.reached_by(peer, None),
            listener: self.listener,
        };
        addresses.into_iter().map(canonical).filter(reachable).take(TARGETS_MAX).map(to_target).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(bound: &str) -> (Resolver, mpsc::Receiver<Resolved>) {
        let (sender, receiver) = mpsc::channel(4);
        let local = LocalAddress::new(bound.parse().unwrap(), None);
        (Resolver::new(local, ListenerId(0), sender, Arc::default()), receiver)
    }

    fn question(host: &str, port: Option<u16>, transport: Option<Transport>) -> Question {
        Question { query: 7, host: host.into(), port, transport }
    }

    #[tokio::test]
    async fn an_address_needs_no_lookup_and_has_port_5060_unless_it_says_another() {
        let (resolver, _answers) = resolver("[::]:5070");
        let target = |host: &str, port| {
            resolver.resolve(question(host, port, Some(Transport::Tcp))).unwrap().targets.remove(0)
        };
        let found = target("127.0.0.1", None);
        assert_eq!((found.transport, found.peer.to_string()), (Transport::Tcp, "127.0.0.1:5060".to_owned()));
        assert_eq!(found.local.to_string(), "127.0.0.1:5070", "never a wildcard");
        assert_eq!(target("::ffff:127.0.0.1", Some(9)).peer.to_string(), "127.0.0.1:9");
        assert_eq!(target("[::1]", Some(9)).peer.to_string(), "[::1]:9");
    }

    #[tokio::test]
    async fn a_family_that_the_socket_does_not_reach_and_tls_have_no_target() {
        let (resolver, _answers) = resolver("127.0.0.1:5060");
        assert!(resolver.resolve(question("::1", None, None)).unwrap().targets.is_empty());
        assert!(
            resolver.resolve(question("127.0.0.1", None, Some(Transport::Tls))).unwrap().targets.is_empty()
        );
    }

    #[tokio::test]
    async fn a_name_is_looked_up_and_one_that_does_not_exist_has_no_target() {
        let (resolver, mut answers) = resolver("127.0.0.1:5060");
        assert!(resolver.resolve(question("localhost", Some(5_080), None)).is_none());
        let found = answers.recv().await.unwrap();
        assert_eq!((found.query, found.targets[0].peer.to_string()), (7, "127.0.0.1:5080".to_owned()));
        assert!(resolver.resolve(question("no-such-host.invalid", None, None)).is_none());
        assert!(answers.recv().await.unwrap().targets.is_empty());
    }

    #[tokio::test]
    async fn a_name_beyond_the_limit_of_lookups_has_no_target_and_is_counted() {
        let (resolver, _answers) = resolver("127.0.0.1:5060");
        let _all = resolver.lookups.clone().try_acquire_many_owned(32).unwrap();
        assert!(resolver.resolve(question("localhost", None, None)).unwrap().targets.is_empty());
        assert_eq!(resolver.stats.counted("resolutions_refused_total"), 1);
    }
}
