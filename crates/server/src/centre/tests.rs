//! The routing of a server without calls: what it keeps, and what it does where a call takes nothing.

use super::*;
use tympan_connect::AgentTelephone;
use tympan_connect::live_centre::LiveCentre;
use tympan_contact::routing::{
    AgentPlan, AvailabilityTimer, ProfilePlan, QueueKey, QueuePlan, RoutedQueuePlan, StatusKind, StatusPlan,
};
use tympan_contact::{AgentRef, MemoryHistory, QueueRef, RoutingRequest};
use tympan_db::{Kinds, OpenOptions, StartId};
use tympan_types::ResourceId;

fn id(number: u8) -> ResourceId {
    ResourceId::from_random([number; 16])
}

fn instance() -> InstanceId {
    InstanceId::from_random([9; 16])
}

const AGENT: u8 = 30;
const AVAILABLE: u8 = 40;
const LUNCH: u8 = 42;

fn agent() -> AgentKey {
    AgentKey { instance: instance(), user: id(AGENT) }
}

/// One agent and one queue.
struct One;

impl Instances for One {
    fn revision(&self) -> u64 {
        1
    }

    fn plans(&self) -> Vec<InstancePlan> {
        let queues = vec![RoutedQueuePlan { queue: id(21), priority: 1, delay_s: 0 }];
        let timer = AvailabilityTimer::SinceLastActivity;
        let profile = ProfilePlan { queues, voice_concurrency: 1, timer };
        let status = |name: &str, kind| StatusPlan { name: name.to_owned(), kind, is_enabled: true };
        vec![InstancePlan {
            queues: [(id(21), QueuePlan { is_enabled: true, max_contacts: Some(2) })].into(),
            profiles: [(id(22), profile)].into(),
            agents: [(id(AGENT), AgentPlan { profile: id(22), after_contact_work_s: 0, auto_accept: false })]
                .into(),
            statuses: [
                (id(AVAILABLE), status("Available", StatusKind::Routable)),
                (id(41), status("Offline", StatusKind::Offline)),
                (id(LUNCH), status("Lunch", StatusKind::Custom)),
            ]
            .into(),
            ..InstancePlan::empty(instance())
        }]
    }

    fn agent(&self, _: AgentKey) -> Option<AgentRef> {
        None
    }

    fn queue(&self, _: QueueKey) -> Option<QueueRef> {
        None
    }

    fn telephones(&self) -> Vec<AgentTelephone> {
        Vec::new()
    }
}

fn centre(db: &Db) -> Centre {
    let centre = Centre::new(CentreParts {
        clock: ServiceClock::default(),
        calls: CallRegistry::default(),
        history: Arc::new(MemoryHistory::default()),
        options: RoutingOptions::default(),
    });
    centre.begin(Arc::new(One), db);
    centre
}

fn db() -> Db {
    Db::in_memory(kinds(Kinds::default()), OpenOptions::new(StartId([1; 16]))).unwrap()
}

fn status_of(centre: &Centre) -> Option<ResourceId> {
    let mut status = None;
    centre.look(&mut |routing, _| status = routing.user_data(agent()).and_then(|data| data.status));
    status
}

fn enqueue(contact: ContactId) -> RoutingRequest {
    let arn = format!("arn:aws:connect:us-west-2:111122223333:instance/{}/queue/{}", instance(), id(21));
    let (name, hours_arn, outbound_caller_id) = (String::new(), None, None);
    let queue = QueueRef { arn, name, hours_arn, outbound_caller_id, is_agents: false };
    RoutingRequest::Enqueue { contact, queue, priority: 5, age_adjustment_s: 0, is_transfer: false }
}

#[tokio::test]
async fn a_status_is_there_after_a_restart_and_is_written_once() {
    let db = db();
    let (before, shutdown) = (centre(&db), CancellationToken::new());
    before.state().routing.online(before.now(), agent());
    let (_sender, changes) = watch::channel(db.revision());
    let kept = tokio::spawn(before.clone().keep(db.clone(), changes, shutdown.clone()));
    before.change(&mut |routing, now| {
        routing.put_status(now, agent(), id(LUNCH)).unwrap();
    });
    shutdown.cancel();
    kept.await.unwrap();
    let after = centre(&db);
    assert_eq!(status_of(&after), Some(id(LUNCH)));
    let mut again = Kept::new(db.clone());
    after.write(&mut again).await;
    let revision = db.revision();
    after.write(&mut again).await;
    assert_eq!(db.revision(), revision, "a row that says the same is not written again");
    let state = kept::load(&db);
    assert_eq!((state.agents.len(), state.callbacks.len()), (1, 0));
}

#[tokio::test]
async fn a_contact_whose_call_takes_nothing_is_in_no_queue() {
    let centre = centre(&db());
    let contact = ContactId::from_random([7; 16]);
    centre.ask(enqueue(contact));
    let stats = centre.stats();
    assert_eq!((stats.waiting, stats.untold, stats.routing.enqueued), (0, 1, 1));
}

#[test]
fn an_offer_is_found_by_its_number_until_it_is_removed_or_its_contact_is_over() {
    use super::offers::{Offer, Part};
    use tympan_contact::routing::OfferKind;
    use tympan_types::OfferId;
    let mut offers = Offers::default();
    let (one, two) = (ContactId::from_random([1; 16]), ContactId::from_random([2; 16]));
    let offer = |contact| Offer { contact, agent: agent(), part: Part::Offered(OfferKind::Call) };
    offers.add(OfferId::new(1), offer(one));
    offers.add(OfferId::new(2), offer(two));
    assert_eq!((offers.get(OfferId::new(1)), offers.contact_of(agent())), (Some(offer(one)), Some(two)));
    let occupied = offers.occupy(one, agent());
    assert_eq!(offers.contact_of(agent()), Some(one));
    assert!(occupied.number() >= 1 << 63, "never a number of the routing's own");
    offers.remove(OfferId::new(2));
    offers.forget(one);
    assert_eq!((offers.len(), offers.contact_of(agent())), (0, None));
}
