//! The ports that a server would bind: free, or held by the server itself.

use super::Finding;
use super::server::Answer;
use crate::config::Config;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

const CHECK: &str = "ports";

pub(super) async fn examine(config: &Config, answer: &Answer) -> Vec<Finding> {
    let mut findings = Vec::new();
    let ours =
        super::server::ask(&format!("http://{}", config.http.listen)).await.is_tympan() || answer.is_tympan();
    let listeners = [
        ("http.listen", config.http.listen.resolve(), Kind::ONE),
        ("sip.listen", Ok(config.sip.listen), Kind::BOTH),
    ];
    let console = config.console.listen.as_ref();
    let console = console.map(|listen| ("console.listen", listen.resolve(), Kind::ONE));
    for (key, address, kinds) in listeners.into_iter().chain(console) {
        match address {
            Ok(address) => findings.extend(kinds.iter().map(|kind| port(key, address, *kind, ours))),
            Err(error) => findings.push(Finding::problem(
                CHECK,
                format!("{key} cannot be looked up: {error}"),
                "the server cannot start",
                format!("set {key} to an address such as \"127.0.0.1:8600\""),
            )),
        }
    }
    findings.push(media(config));
    findings
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Tcp,
    Udp,
}

impl Kind {
    const ONE: &[Self] = &[Self::Tcp];
    const BOTH: &[Self] = &[Self::Udp, Self::Tcp];
}

fn port(key: &str, address: SocketAddr, kind: Kind, ours: bool) -> Finding {
    let (name, bound) = match kind {
        Kind::Tcp => ("TCP", TcpListener::bind(address).map(drop)),
        Kind::Udp => ("UDP", UdpSocket::bind(address).map(drop)),
    };
    match bound {
        Ok(()) => Finding::ok(CHECK, format!("{key}: {name} {address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && ours => {
            Finding::ok(CHECK, format!("{key}: {name} {address} is held, and a tympan server answers here"))
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Finding::problem(
            CHECK,
            format!("{key}: {name} {address} is held by another program"),
            "the server cannot start while it is",
            format!("find it with `ss -lnp 'sport = :{}'`, or set {key} to another port", address.port()),
        ),
        Err(error) => Finding::problem(
            CHECK,
            format!("{key}: {name} {address} cannot be bound: {error}"),
            "the server cannot start",
            match error.kind() {
                io::ErrorKind::PermissionDenied => {
                    format!(
                        "use a port above 1023, or `setcap cap_net_bind_service=+ep` on the program for {key}"
                    )
                }
                _ => format!("set {key} to an address of this machine: `ip -brief address`"),
            },
        ),
    }
}

/// Whether there are ports for as many calls as are let in.
fn media(config: &Config) -> Finding {
    let (first, last, calls) = (config.rtp.port_first, config.rtp.port_last, config.sip.calls_max);
    if first == 0 {
        return Finding::ok(CHECK, "rtp: the kernel chooses the port of each call");
    }
    // RTP has the even ports; the odd ones are RTCP's.
    let ports = usize::from(last.saturating_sub(first)).div_ceil(2);
    if ports < calls {
        return Finding::problem(
            CHECK,
            format!("rtp: {first} to {last} are {ports} ports for calls, and sip.calls_max is {calls}"),
            "calls beyond the ports are refused though they are let in",
            "widen rtp.port_first to rtp.port_last, or lower sip.calls_max",
        );
    }
    let address = config.sip.listen.ip();
    if let Some((low, high)) = ephemeral_ports()
        && first <= high
        && low <= last
    {
        return Finding::warning(
            CHECK,
            format!(
                "rtp: {first} to {last} overlap the ports {low} to {high} that the kernel gives to anybody"
            ),
            "now and then a port of the range is held by a connection of another program",
            format!("`sysctl -w net.ipv4.ip_local_reserved_ports={first}-{last}`, or another range"),
        );
    }
    Finding::ok(CHECK, format!("rtp: {first} to {last} on {address} suffice for {calls} calls"))
}

fn ephemeral_ports() -> Option<(u16, u16)> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut numbers = text.split_whitespace().map(str::parse::<u16>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_held_port_is_a_problem_unless_it_is_ours() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = held.local_addr().unwrap();
        assert_eq!(port("http.listen", address, Kind::Tcp, true).state, State::Ok);
        let problem = port("http.listen", address, Kind::Tcp, false);
        assert_eq!(problem.state, State::Problem);
        assert!(problem.action.contains(&address.port().to_string()), "{problem:?}");
        drop(held);
        assert_eq!(port("http.listen", address, Kind::Tcp, false).state, State::Ok);
        assert_eq!(
            port("sip.listen", "192.0.2.1:5060".parse().unwrap(), Kind::Udp, false).state,
            State::Problem
        );
    }

    #[test]
    fn fewer_media_ports_than_calls_are_a_problem() {
        let mut config = Config::default();
        assert_ne!(media(&config).state, State::Problem);
        (config.rtp.port_first, config.rtp.port_last) = (20_000, 20_099);
        assert_eq!(media(&config).state, State::Problem);
        config.sip.calls_max = 50;
        assert_ne!(media(&config).state, State::Problem);
    }
}
