//! A call, and clients that change attributes of its contact and of an earlier one until the server dies.

use crate::rig::connect::NUMBER;
use crate::rig::http::{Client, Service};
use crate::sip::caller::{CallEvent, Caller};
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Clients at once of one contact.
const CLIENTS: usize = 2;
/// Changes of one client in one run; a contact has two runs and room for 32 kB.
const CHANGES: u32 = 300;

/// Acknowledged changes: keys, by contact.
pub(super) type Acknowledged = BTreeMap<String, BTreeSet<String>>;

/// What is going on in one run.
pub(super) struct Changes {
    /// The contact of the run's call.
    pub(super) contact: String,
    clients: Vec<JoinHandle<Vec<String>>>,
    count: Arc<AtomicU64>,
    /// The call lasts until this is dropped or the server dies.
    _caller: Caller,
}

/// Contacts in this server, and how to change them.
pub(super) struct Contacts {
    client: Client,
    instance: String,
}

impl Contacts {
    pub(super) async fn of(endpoint: &str) -> anyhow::Result<Self> {
        let client = Client::new(endpoint)?;
        let instances = client.call(Service::Connect, "GET", "/instance", None).await?;
        let instance = instances["InstanceSummaryList"][0]["Id"].as_str().context("no instance")?.to_owned();
        Ok(Self { client, instance })
    }

    /// Places a call, and begins to change its contact and `earlier`.
    pub(super) async fn begin(
        &self,
        sip: SocketAddr,
        run: u32,
        earlier: Option<&str>,
        patience: Duration,
    ) -> anyhow::Result<Changes> {
        // No audio is sent: the address is only for the offer.
        let ear = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let caller = Caller::start(sip, ear.local_addr()?)?;
        let number = format!("+1206{run:07}");
        caller.dial(run, number.clone(), NUMBER);
        let (caller, answered) = tokio::task::spawn_blocking(move || {
            let answered = caller.next(patience);
            (caller, answered)
        })
        .await?;
        if let CallEvent::Ended { ending, .. } = answered? {
            bail!("run {run}: the call did not come to be: {ending:?}");
        }
        let contact = self.contact_of(&number, patience).await?;
        let count = Arc::<AtomicU64>::default();
        let contacts = std::iter::once(contact.as_str()).chain(earlier);
        let clients = contacts.flat_map(|contact| (0..CLIENTS).map(move |client| (contact, client)));
        let clients = clients.map(|(contact, client)| {
            let (http, instance, count) = (self.client.clone(), self.instance.clone(), count.clone());
            tokio::spawn(change(http, instance, contact.to_owned(), format!("{run}_{client}-"), count))
        });
        Ok(Changes { clients: clients.collect(), contact, count, _caller: caller })
    }

    /// How many of these changes cannot be read.
    pub(super) async fn missing(&self, contact: &str, keys: &BTreeSet<String>) -> anyhow::Result<usize> {
        let path = format!("/contact/attributes/{}/{contact}", self.instance);
        let read = self.client.call(Service::Connect, "GET", &path, None).await?;
        Ok(keys.iter().filter(|key| read["Attributes"][key.as_str()].is_null()).count())
    }

    async fn contact_of(&self, number: &str, patience: Duration) -> anyhow::Result<String> {
        let begun = std::time::Instant::now();
        loop {
            let list =
                self.client.call(Service::Tympan, "GET", "/tympan/contacts?maxResults=10", None).await?;
            let of_number = |record: &&Value| record["CustomerEndpoint"]["Address"] == number;
            let record = list["Contacts"].as_array().into_iter().flatten().find(of_number);
            if let Some(id) = record.and_then(|record| record["ContactId"].as_str()) {
                return Ok(id.to_owned());
            }
            ensure!(begun.elapsed() < patience, "the call of {number} has no contact");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Changes {
    /// How many changes were acknowledged so far.
    pub(super) fn acknowledged(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The server is dead: notes what was acknowledged.
    pub(super) async fn finish(self, earlier: Option<&str>, all: &mut Acknowledged) -> anyhow::Result<()> {
        let contacts = std::iter::once(self.contact.as_str()).chain(earlier);
        let of_clients = contacts.flat_map(|contact| std::iter::repeat_n(contact, CLIENTS));
        for (client, contact) in self.clients.into_iter().zip(of_clients) {
            all.entry(contact.to_owned()).or_default().extend(client.await?);
        }
        Ok(())
    }
}

/// Changes attributes until a change is refused; gives the keys of those that were acknowledged.
async fn change(
    client: Client,
    instance: String,
    contact: String,
    prefix: String,
    count: Arc<AtomicU64>,
) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for n in 0..CHANGES {
        let key = format!("{prefix}{n}");
        let body =
            json!({ "InstanceId": instance, "InitialContactId": contact, "Attributes": { &key: "1" } });
        if client.call(Service::Connect, "POST", "/contact/attributes", Some(body)).await.is_err() {
            break;
        }
        count.fetch_add(1, Ordering::Relaxed);
        acknowledged.push(key);
    }
    acknowledged
}
