use super::*;
use crate::sim::random::Random;
use crate::sim::schedule::Schedule;
use crate::sim::trace::Trace;

fn conditions(change: impl FnOnce(&mut Conditions)) -> Conditions {
    let mut random = Random::new(1);
    let mut conditions =
        std::iter::repeat_with(|| Conditions::draw(&mut random)).find(|drawn| drawn.is_calm).unwrap();
    change(&mut conditions);
    conditions
}

struct Pair {
    core: Core,
    network: Network,
    hosts: [HostId; 2],
}

impl Pair {
    fn new(seed: u64, conditions: Conditions) -> Self {
        let mut network = Network::new(conditions);
        let hosts = ["10.0.0.1", "10.0.0.2"].map(|ip| network.add(ip.parse().unwrap()));
        let core = Core { schedule: Schedule::new(), random: Random::new(seed), trace: Trace::new(false) };
        Self { core, network, hosts }
    }

    /// All that arrives until nothing is left to happen.
    fn deliveries(&mut self) -> Vec<(HostId, Delivery)> {
        let mut all = Vec::new();
        while let Some(action) = self.core.schedule.next() {
            match action {
                Action::Datagram { host, to_port, from, bytes }
                    if self.network.take_datagram(host, to_port) =>
                {
                    all.push((host, Delivery::Datagram { from, bytes }));
                }
                Action::Open { end } => all.extend(self.network.open(&self.core, end)),
                Action::Segment { end } => all.extend(self.network.take_segment(&mut self.core, end)),
                Action::Cut { end } => self.network.cut(&mut self.core, end),
                Action::CutFar { end } => self.network.close_end(&mut self.core, end),
                Action::Closed { host, number } => all.push((host, Delivery::Closed { number })),
                _ => {}
            }
        }
        all
    }

    fn datagrams(&mut self, count: u8) -> Vec<u8> {
        let to = self.network.address(self.hosts[1]);
        for number in 0..count {
            self.network.send(&mut self.core, self.hosts[0], to, &Bytes::from(vec![number]));
        }
        let bytes = self.deliveries().into_iter().filter_map(|(_, delivery)| match delivery {
            Delivery::Datagram { bytes, .. } => bytes.first().copied(),
            _ => None,
        });
        bytes.collect()
    }

    fn connect(&mut self) -> u64 {
        let to = self.network.address(self.hosts[1]);
        self.network.connect(&mut self.core, self.hosts[0], None, to)
    }
}

#[test]
fn a_calm_network_delivers_each_datagram_once_and_in_order() {
    assert_eq!(Pair::new(1, conditions(|_| {})).datagrams(50), (0..50).collect::<Vec<u8>>());
}

#[test]
fn datagrams_are_lost_doubled_and_reordered() {
    let lost = Pair::new(1, conditions(|conditions| conditions.loss_permille = 500)).datagrams(100);
    assert!((20..80).contains(&lost.len()));
    let doubled = Pair::new(1, conditions(|conditions| conditions.copy_permille = 500)).datagrams(100);
    assert!((120..180).contains(&doubled.len()));
    let reordered = Pair::new(1, conditions(|conditions| conditions.jitter_ms = 100)).datagrams(100);
    assert!(reordered.len() == 100 && !reordered.is_sorted());
}

#[test]
fn after_a_rebinding_the_old_port_is_not_reached() {
    let mut pair = Pair::new(1, conditions(|_| {}));
    pair.network.rebind(pair.hosts[1]);
    assert!(pair.datagrams(3).is_empty());
    let from = pair.network.address(pair.hosts[0]);
    pair.network.send(&mut pair.core, pair.hosts[1], from, &Bytes::from_static(b"x"));
    let all = pair.deliveries();
    let [(_, Delivery::Datagram { from, .. })] = all.as_slice() else { panic!("{all:?}") };
    assert_ne!(from.port(), SIP_PORT);
}

#[test]
fn a_stream_arrives_in_order_however_it_is_cut() {
    for seed in 0..30 {
        let mut pair = Pair::new(seed, conditions(|conditions| conditions.jitter_ms = 50));
        let number = pair.connect();
        let _ = pair.deliveries();
        let sent: Vec<u8> = (0..200).collect();
        for chunk in sent.chunks(70) {
            pair.network.write(&mut pair.core, pair.hosts[0], number, &Bytes::copy_from_slice(chunk));
        }
        pair.network.close(&mut pair.core, pair.hosts[0], number);
        let all = pair.deliveries();
        let bytes = all.iter().filter_map(|(_, delivery)| match delivery {
            Delivery::Stream { bytes, .. } => Some(bytes.to_vec()),
            _ => None,
        });
        assert_eq!(bytes.collect::<Vec<_>>().concat(), sent, "seed {seed}");
        let closed = all.iter().filter(|(_, delivery)| matches!(delivery, Delivery::Closed { .. })).count();
        assert_eq!(closed, 2, "seed {seed}: both ends learn of it");
    }
}

#[test]
fn a_peer_that_does_not_read_loses_its_connection() {
    for bytes in [10, WRITE_QUEUE_BYTES + 1] {
        let mut pair = Pair::new(1, conditions(|_| {}));
        let number = pair.connect();
        let _ = pair.deliveries();
        pair.network.set_deaf(pair.hosts[1], true);
        pair.network.write(&mut pair.core, pair.hosts[0], number, &Bytes::from(vec![0; bytes]));
        let all = pair.deliveries();
        assert!(all.iter().all(|(_, delivery)| matches!(delivery, Delivery::Closed { .. })), "{all:?}");
        assert_eq!(all.len(), 2);
    }
}

#[test]
fn a_host_in_the_dark_hears_nothing_and_is_not_heard() {
    let mut pair = Pair::new(1, conditions(|_| {}));
    pair.network.set_dark(pair.hosts[1], true);
    assert!(pair.datagrams(3).is_empty());
    pair.connect();
    assert!(matches!(pair.deliveries().as_slice(), [(_, Delivery::Closed { .. })]));
}
