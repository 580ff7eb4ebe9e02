//! The public face: one port for UDP and TCP, bound, drained, shut down.

use super::Calls;
use super::address::LocalAddress;
use super::calls::{AgentPhone, CallsParts, SipCalls};
use super::leg::{COMMANDS_PER_LEG, Invitation};
use super::locations::Locations;
use super::outbound::Outbound;
use super::resolve::Resolver;
use super::shard::{Inputs, LISTENER, Shard};
use super::stats::SipStats;
use super::tcp::{TcpLimits, TcpSide};
use super::udp::{DATAGRAMS_WAITING, UdpSide};
use crate::clock::mono_now;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tympan_sip::agent::{Agent, Config, Input, Limits, Phones, Trunks};
use tympan_sip::transaction::Timers;

/// Invitations that may wait for the call side before further ones are refused with 503.
const INVITATIONS_WAITING: usize = 1_024;
/// Reads of connections that may wait for the agent; beyond that each connection waits for itself.
const STREAM_EVENTS_WAITING: usize = 512;
/// Answers of the resolver that may wait.
const RESOLVED_WAITING: usize = 64;
/// Legs that are dialled begin here; those of callers below.
const DIALLED_LEGS_FROM: u64 = 1 << 63;

/// Why SIP could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SipError {
    /// A socket could not be bound.
    #[error(
        "cannot listen for SIP on {address}: {reason} (end what listens there, or choose another address: TYMPAN_SIP__LISTEN=127.0.0.1:0 takes any free port)"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: io::Error,
    },
    /// The reader of datagrams could not be started.
    #[error("the thread that reads SIP datagrams cannot be started: {0}")]
    Thread(io::Error),
}

/// How the SIP side is set up.
pub(crate) struct SipOptions {
    /// Address for UDP and TCP.
    pub listen: SocketAddr,
    /// The address for Via, Contact and SDP, where it differs from the one that a peer reaches us by.
    pub public: Option<IpAddr>,
    /// What connections may take.
    pub tcp: TcpLimits,
    /// What sources, calls and transactions may take.
    pub limits: Limits,
    /// What holds for peers by where they come from.
    pub trunks: Trunks,
    /// Telephones that may register or that stand in the configuration.
    pub phones: Phones,
    /// How numbers are dialled.
    pub outbound: Outbound,
    /// Whose telephones they are.
    pub agents: Vec<AgentPhone>,
    /// Thirty-two random bytes, for tags, branches and nonces.
    pub seed: [u8; 32],
}

#[cfg(test)]
impl SipOptions {
    /// Any port of the loopback address, patient with connections, and open to one source that floods it.
    pub(crate) fn on_loopback(connections: Arc<crate::connections::Connections>) -> Self {
        let patience = std::time::Duration::from_secs(60);
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public: None,
            tcp: TcpLimits {
                connections,
                idle: patience,
                message: patience,
                write: patience,
                write_queue_bytes: 1_000_000,
            },
            limits: Limits {
                requests_per_source_per_s: 100_000,
                half_open_per_source: 100_000,
                ..Limits::default()
            },
            trunks: Trunks::default(),
            phones: Phones::default(),
            outbound: Outbound::default(),
            agents: Vec::new(),
            seed: [7; 32],
        }
    }
}

/// The listening SIP side. Dropping it does not stop it: call [`SipEndpoint::shutdown`].
pub(crate) struct SipEndpoint {
    address: SocketAddr,
    drain: CancellationToken,
    stop: CancellationToken,
    shard: JoinHandle<()>,
    calls: SipCalls,
}

impl SipEndpoint {
    /// Binds UDP and TCP to `listen` (one port for both, also when it is 0) and begins to serve.
    pub(crate) async fn bind(
        options: SipOptions,
        stats: Arc<SipStats>,
    ) -> Result<(Self, mpsc::Receiver<Invitation>), SipError> {
        let SipOptions { listen, public, tcp: tcp_limits, limits, trunks, phones, outbound, agents, seed } =
            options;
        let (udp, listener, address) = bind_pair(listen).await?;
        let local = LocalAddress::new(address, public);
        let closing = CancellationToken::new();
        let (drain, stop) = (CancellationToken::new(), CancellationToken::new());

        let (calls, invitations): (Calls, _) = mpsc::channel(INVITATIONS_WAITING);
        let (datagrams_sender, datagrams) = mpsc::channel(DATAGRAMS_WAITING);
        let (streams_sender, streams) = mpsc::channel(STREAM_EVENTS_WAITING);
        let (resolved_sender, resolved) = mpsc::channel(RESOLVED_WAITING);
        let (commands_sender, commands) = mpsc::channel(limits.legs_max.saturating_mul(COMMANDS_PER_LEG));

        udp.start_reader(datagrams_sender, stats.clone(), closing.clone()).map_err(SipError::Thread)?;
        let tcp = TcpSide {
            local,
            limits: tcp_limits,
            events: streams_sender,
            ids: Arc::<AtomicU64>::default(),
            stats: stats.clone(),
            cancel: closing,
        };
        tokio::spawn(tcp.clone().accept(listener));
        let config = Config {
            product: concat!("tympan/", env!("CARGO_PKG_VERSION")).into(),
            contact_user: "tympan".into(),
            host_names: Vec::new(),
            timers: Timers::default(),
            limits,
            trunks: trunks.clone(),
            invited_legs_from: 1,
            takes_transfers: true,
            dialled_legs_from: DIALLED_LEGS_FROM,
        };
        let locations = Locations::default();
        let placed = SipCalls::new(CallsParts {
            commands: commands_sender.clone(),
            first_leg: DIALLED_LEGS_FROM,
            local,
            locations: locations.clone(),
            phones: phones.clone(),
            trunks: trunks.clone(),
            outbound,
            agents,
        });
        let mut agent = Agent::new(config, seed);
        agent.handle(mono_now(), Input::Phones(phones));
        let shard = Shard {
            agent,
            local,
            udp,
            resolver: Resolver::new(local, LISTENER, resolved_sender, stats.clone()),
            tcp,
            calls,
            commands: commands_sender,
            trunks,
            stats,
            conns: HashMap::new(),
            legs: HashMap::new(),
            follow_ups: VecDeque::new(),
            locations,
            bound: HashMap::new(),
        };
        let inputs =
            Inputs { datagrams, streams, commands, resolved, drain: drain.clone(), stop: stop.clone() };
        let shard = tokio::spawn(shard.serve(inputs));
        Ok((Self { address, drain, stop, shard, calls: placed }, invitations))
    }

    /// The bound address, the same for UDP and TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What places calls and knows where telephones are.
    pub(crate) fn calls(&self) -> &SipCalls {
        &self.calls
    }

    /// From now on OPTIONS and new calls are answered 503, so that a proxy looks elsewhere; open calls go on.
    pub(crate) fn drain(&self) {
        self.drain.cancel();
    }

    /// Sends what is still due, waits a moment for the answers, and closes the sockets.
    pub(crate) async fn shutdown(self) {
        self.stop.cancel();
        if let Err(error) = self.shard.await {
            tracing::error!(%error, "the SIP side broke off");
        }
    }
}

/// One port for both transports: with port 0 the kernel chooses it for UDP, and TCP has to get the same.
async fn bind_pair(listen: SocketAddr) -> Result<(UdpSide, TcpListener, SocketAddr), SipError> {
    let refuse = |reason| SipError::Bind { address: listen, reason };
    let mut attempts = if listen.port() == 0 { 20 } else { 1 };
    loop {
        attempts -= 1;
        let udp = UdpSide::bind(listen).map_err(refuse)?;
        let address = SocketAddr::new(listen.ip(), udp.local_addr().map_err(refuse)?.port());
        match TcpListener::bind(address).await {
            Ok(tcp) => return Ok((udp, tcp, address)),
            Err(error) if attempts == 0 => return Err(refuse(error)),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
