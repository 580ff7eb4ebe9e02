//! What a world begins with: hosts, users, calls and faults, drawn from the seed.

use super::{Action, Call, Role, World};
use crate::sim::endpoint::Endpoint;
use crate::sim::network::{HostId, SIP_PORT};
use crate::sim::proxy::Proxy;
use std::net::SocketAddr;
use tympan_sip::wire::Transport;

/// Calls of one world.
const CALLS: (u64, u64) = (4, 20);

impl World {
    /// Places hosts, calls and faults.
    pub(super) fn settle(&mut self) {
        let random = &mut self.core.random;
        let is_v6 = random.percent(20);
        let challenges = random.percent(25);
        self.moves_offers = random.percent(20);
        let (endpoints, proxies) = (random.between(2, 4), random.pick(&[0, 1, 2, 2]));
        for index in 0..endpoints + proxies {
            let text = if is_v6 { format!("fd00::{}", index + 1) } else { format!("10.0.0.{}", index + 1) };
            let ip = text.parse().unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
            let host = self.network.add(ip);
            let address = self.network.address(host);
            if index < endpoints {
                let endpoint = Endpoint::new(host, address, self.habits, challenges, &mut self.core.random);
                self.roles.push(Role::Endpoint(self.endpoints.len()));
                self.endpoints.push(endpoint);
            } else {
                self.roles.push(Role::Proxy(self.proxies.len()));
                self.proxies.push(Proxy::new(host, address, self.moves_offers));
            }
        }
        self.place_users();
        let calls = self.core.random.between(CALLS.0, CALLS.1);
        for call in 0..usize::try_from(calls).unwrap_or_default() {
            let drawn = self.draw_call();
            self.calls.push(drawn);
            let at_ms = self.core.random.between(0, 20_000);
            self.core.schedule.after_ms(at_ms, Action::Dial { call });
        }
        self.place_faults();
    }

    /// The proxies know a user `u0`, `u1`, .. for each endpoint, `t0`, .. for the same by TCP, and `f` for several of them. The
    /// first proxy also knows `x0`, ..: the user of the second one.
    fn place_users(&mut self) {
        let places: Vec<SocketAddr> = self.endpoints.iter().map(|endpoint| endpoint.address).collect();
        let addresses: Vec<SocketAddr> = self.proxies.iter().map(Proxy::address).collect();
        for proxy in &mut self.proxies {
            for (index, place) in places.iter().enumerate() {
                proxy.place(&format!("u{index}"), vec![format!("sip:u{index}@{place}")]);
                proxy.place(&format!("t{index}"), vec![format!("sip:t{index}@{place};transport=tcp")]);
                if let [_, second, ..] = addresses.as_slice() {
                    let transport = if index % 2 == 0 { ";transport=tcp" } else { "" };
                    proxy.place(&format!("x{index}"), vec![format!("sip:u{index}@{second}{transport}")]);
                }
            }
            for index in 0..places.len() {
                // All endpoints but the caller, and one of them twice: that one is a merged request.
                let others = places.iter().enumerate().filter(|(other, _)| *other != index);
                let mut uris: Vec<String> =
                    others.map(|(other, place)| format!("sip:f{other}@{place}")).collect();
                proxy.place(&format!("f{index}"), uris.clone());
                uris.extend(uris.first().cloned());
                proxy.place(&format!("m{index}"), uris);
            }
        }
    }

    fn draw_call(&mut self) -> Call {
        let random = &mut self.core.random;
        let caller = random.index(self.endpoints.len());
        let callee = (caller + 1 + random.index(self.endpoints.len() - 1)) % self.endpoints.len();
        let callee_address = self.endpoints[callee].address;
        let transport = random.pick(&[None, None, Some(Transport::Tcp), Some(Transport::Udp)]);
        let suffix = if transport == Some(Transport::Tcp) { ";transport=tcp" } else { "" };
        let direct = |user: &str| format!("sip:{user}{callee}@{callee_address}{suffix}");
        let mut route = Vec::new();
        let to = match self.proxies.as_slice() {
            [] => direct("u"),
            [first, ..] => match random.below(8) {
                0 => direct("u"),
                1 => {
                    route.push(format!("<sip:{}{suffix};lr>", first.address()));
                    direct("u")
                }
                2 | 3 => format!("sip:u{callee}@{}{suffix}", first.address()),
                4 => format!("sip:t{callee}@{}{suffix}", first.address()),
                5 if self.proxies.len() > 1 => format!("sip:x{callee}@{}{suffix}", first.address()),
                6 => format!("sip:m{caller}@{}{suffix}", first.address()),
                _ => format!("sip:f{caller}@{}{suffix}", first.address()),
            },
        };
        Call { caller, to, route, transport, leg: None, invited: Vec::new() }
    }

    fn place_faults(&mut self) {
        let conditions = self.conditions;
        let core = &mut self.core;
        for index in 0..self.roles.len() {
            let host = HostId(index);
            if core.random.permille(conditions.dark_permille) {
                let begin_ms = core.random.between(0, 40_000);
                core.schedule.after_ms(begin_ms, Action::Dark { host, is_dark: true });
                if core.random.percent(60) {
                    let lasts_ms = core.random.pick(&[300, 3_000, 40_000]);
                    core.schedule.after_ms(begin_ms + lasts_ms, Action::Dark { host, is_dark: false });
                }
            }
            if core.random.permille(conditions.deaf_permille) {
                let begin_ms = core.random.between(0, 20_000);
                core.schedule.after_ms(begin_ms, Action::Deaf { host, is_deaf: true });
                core.schedule.after_ms(
                    begin_ms + core.random.between(0, 60_000),
                    Action::Deaf { host, is_deaf: false },
                );
            }
            if core.random.permille(conditions.rebind_permille) {
                core.schedule.after_ms(core.random.between(0, 30_000), Action::Rebind { host });
            }
        }
        for number in 0..conditions.strays {
            let to = core.random.index(self.endpoints.len());
            let (to_host, to_address) = (self.endpoints[to].host, self.endpoints[to].address);
            for (at_ms, from, bytes) in self.strays.draw(number, to_address, &mut core.random) {
                core.schedule
                    .after_ms(at_ms, Action::Datagram { host: to_host, to_port: SIP_PORT, from, bytes });
            }
        }
    }
}
