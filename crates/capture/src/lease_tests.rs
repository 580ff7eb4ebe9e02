use super::*;
use crate::testing::now_or_never;
use proptest::prelude::*;
use std::sync::atomic::AtomicU64;
use tympan_types::StreamSettings;
use tympan_types::{AccountId, Region, WallTime};

/// Streams in memory, with a quota.
#[derive(Default)]
pub(crate) struct Account {
    streams: Mutex<BTreeMap<StreamName, PooledStream>>,
    quota: usize,
}

impl Account {
    pub(crate) fn new(quota: usize) -> Arc<Self> {
        Arc::new(Self { quota, ..Self::default() })
    }

    fn put(&self, name: &str, settings: &StreamSettings) {
        let name = StreamName::parse(name).unwrap();
        let stream = PooledStream {
            arn: StreamArn::new(
                Region::parse("us-west-2").unwrap(),
                AccountId::parse("111122223333").unwrap(),
                name.clone(),
                WallTime::from_unix_ms(1),
            ),
            key_id: settings.key_id.clone(),
            retention_hours: settings.retention_hours,
        };
        self.streams.lock().unwrap().insert(name, stream);
    }

    fn retention_of(&self, lease: &Lease) -> u32 {
        self.streams.lock().unwrap()[lease.arn().name()].retention_hours
    }
}

#[async_trait]
impl StreamDirectory for Account {
    async fn list(&self, name_prefix: &str) -> Result<Vec<StreamName>, DirectoryError> {
        let streams = self.streams.lock().unwrap();
        Ok(streams.keys().filter(|name| name.as_str().starts_with(name_prefix)).cloned().collect())
    }

    async fn describe(&self, name: &StreamName) -> Result<Option<PooledStream>, DirectoryError> {
        Ok(self.streams.lock().unwrap().get(name).cloned())
    }

    async fn create(&self, new: NewLeasedStream) -> Result<StreamArn, DirectoryError> {
        if self.streams.lock().unwrap().len() == self.quota {
            return Err(DirectoryError::QuotaReached(format!("{} streams of {0}", self.quota)));
        }
        let settings =
            StreamSettings { retention_hours: new.retention_hours, key_id: new.key_id, ..settings() };
        self.put(new.name.as_str(), &settings);
        Ok(self.streams.lock().unwrap()[&new.name].arn.clone())
    }

    async fn set_retention(&self, stream: &StreamArn, retention_hours: u32) -> Result<(), DirectoryError> {
        let mut streams = self.streams.lock().unwrap();
        let stream = streams
            .get_mut(stream.name())
            .ok_or_else(|| DirectoryError::Unavailable("no such stream".to_owned()))?;
        stream.retention_hours = retention_hours;
        Ok(())
    }
}

fn settings() -> StreamSettings {
    StreamSettings {
        name_prefix: "demo-connect-demo-contact-".to_owned(),
        retention_hours: 24,
        key_id: "alias/aws/kinesisvideo".to_owned(),
    }
}

pub(crate) fn spec(call: u8) -> LeaseSpec {
    LeaseSpec { contact: ContactId::from_random([call; 16]), settings: settings(), stream_uuid: [call; 16] }
}

fn lease(leases: &Leases, spec: &LeaseSpec) -> Result<Lease, LeaseError> {
    now_or_never(leases.lease(spec))
}

#[test]
fn a_new_stream_is_named_after_prefix_alias_and_a_uuid_of_its_own() {
    let leases = Leases::new(Account::new(9), Rest::none());
    let lease = lease(&leases, &spec(0xff)).unwrap();
    assert_eq!(lease.arn().name().as_str(), "demo-connect-demo-contact-ffffffff-ffff-4fff-bfff-ffffffffffff");
}

#[test]
fn a_stream_is_used_again_only_after_everybody_let_go_of_it() {
    let leases = Leases::new(Account::new(9), Rest::none());
    let first = lease(&leases, &spec(1)).unwrap();
    let arn = first.arn().clone();
    let upload_holds = first.clone();
    let second = lease(&leases, &spec(2)).unwrap();
    assert_ne!(second.arn(), &arn);
    drop(first);
    let third = lease(&leases, &spec(3)).unwrap();
    assert_ne!(third.arn(), &arn);
    drop(upload_holds);
    assert_eq!(lease(&leases, &spec(4)).unwrap().arn(), &arn);
}

#[test]
fn a_call_that_starts_again_gets_its_own_stream() {
    let leases = Leases::new(Account::new(9), Rest::none());
    let first = lease(&leases, &spec(1)).unwrap();
    let again = lease(&leases, &LeaseSpec { stream_uuid: [9; 16], ..spec(1) }).unwrap();
    assert_eq!(first.arn(), again.arn());
    assert_eq!(leases.lock().leased(), 1);
}

#[test]
fn a_contact_keeps_one_lease_of_a_stream_however_often_it_leases_it_and_its_end_frees_all() {
    let leases = Leases::new(Account::new(2), Rest::none());
    let mut held = HeldLeases::default();
    for _ in 0..100 {
        held.keep(lease(&leases, &spec(1)).unwrap());
    }
    assert_eq!((held.len(), leases.lock().leased()), (1, 1));
    drop(held);
    assert_eq!(leases.lock().leased(), 0);
}

#[test]
fn the_quota_is_an_error_with_its_reason_until_a_call_ends() {
    let account = Account::new(2);
    account.put("somebody-elses", &settings());
    let leases = Leases::new(account, Rest::none());
    let first = lease(&leases, &spec(1)).unwrap();
    let refused = lease(&leases, &spec(2)).unwrap_err();
    assert_eq!(refused, LeaseError::QuotaReached("2 streams of 2".to_owned()));
    drop(first);
    assert!(lease(&leases, &spec(2)).is_ok());
}

#[test]
fn streams_of_earlier_runs_are_found_and_those_of_others_are_not() {
    let account = Account::new(3);
    let ours = "demo-connect-demo-contact-1b9f2d3c-7c39-4d4e-9f0a-2b1c3d4e5f60";
    account.put(ours, &settings());
    account.put("demo-connect-demo-contact-x-contact-1b9f2d3c-7c39-4d4e-9f0a-2b1c3d4e5f60", &settings());
    let other_key = StreamSettings { key_id: "alias/other".to_owned(), ..settings() };
    account.put("demo-connect-demo-contact-2b9f2d3c-7c39-4d4e-9f0a-2b1c3d4e5f60", &other_key);
    let leases = Leases::new(account, Rest::none());
    let first = lease(&leases, &spec(1)).unwrap();
    assert_eq!(first.arn().name().as_str(), ours);
    assert!(matches!(lease(&leases, &spec(2)), Err(LeaseError::QuotaReached(_))));
    let under_other_key = LeaseSpec { settings: other_key, ..spec(3) };
    assert!(lease(&leases, &under_other_key).is_ok());
}

/// A rest of two minutes, and the clock that it goes by, in seconds.
fn rest() -> (Rest, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(1_000));
    let reading = clock.clone();
    let clock_of_rest = move || Duration::from_secs(reading.load(Ordering::Relaxed));
    (Rest { time: Duration::from_secs(120), clock: Arc::new(clock_of_rest) }, clock)
}

#[test]
fn a_stream_rests_after_a_call_and_is_then_leased_again() {
    let (rest, clock) = rest();
    let leases = Leases::new(Account::new(9), rest);
    let first = lease(&leases, &spec(1)).unwrap();
    let arn = first.arn().clone();
    drop(first);
    clock.fetch_add(119, Ordering::Relaxed);
    let other = lease(&leases, &spec(2)).unwrap();
    assert_ne!(other.arn(), &arn);
    clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(lease(&leases, &spec(3)).unwrap().arn(), &arn);
}

#[test]
fn when_the_quota_is_spent_the_stream_that_has_rested_for_longest_is_leased() {
    let (rest, clock) = rest();
    let leases = Leases::new(Account::new(3), rest);
    let held: Vec<Lease> = (1..=3).map(|call| lease(&leases, &spec(call)).unwrap()).collect();
    let arns: Vec<StreamArn> = held.iter().map(|lease| lease.arn().clone()).collect();
    // They end in another order than they began.
    let [first, second, third] = <[Lease; 3]>::try_from(held).unwrap();
    for ended in [second, third, first] {
        clock.fetch_add(1, Ordering::Relaxed);
        drop(ended);
    }
    let again: Vec<Lease> = (4..=6).map(|call| lease(&leases, &spec(call)).unwrap()).collect();
    let again: Vec<&StreamArn> = again.iter().map(Lease::arn).collect();
    assert_eq!(again, [&arns[1], &arns[2], &arns[0]]);
}

#[test]
fn streams_of_an_earlier_run_rest_from_the_start_on() {
    let account = Account::new(9);
    account.put("demo-connect-demo-contact-1b9f2d3c-7c39-4d4e-9f0a-2b1c3d4e5f60", &settings());
    let (rest, clock) = rest();
    let leases = Leases::new(account, rest);
    clock.fetch_add(60, Ordering::Relaxed);
    let new = lease(&leases, &spec(1)).unwrap();
    assert!(!new.arn().name().as_str().contains("1b9f2d3c"));
    clock.fetch_add(60, Ordering::Relaxed);
    assert!(lease(&leases, &spec(2)).unwrap().arn().name().as_str().contains("1b9f2d3c"));
}

#[test]
fn a_changed_retention_is_applied_at_the_next_lease() {
    let account = Account::new(1);
    let leases = Leases::new(account.clone(), Rest::none());
    drop(lease(&leases, &spec(1)).unwrap());
    let mut changed = spec(2);
    changed.settings.retention_hours = 0;
    let second = lease(&leases, &changed).unwrap();
    assert_eq!((second.retention_hours(), account.retention_of(&second)), (0, 0));
}

#[test]
fn a_deleted_stream_is_replaced() {
    let account = Account::new(1);
    let leases = Leases::new(account.clone(), Rest::none());
    let name = lease(&leases, &spec(1)).unwrap().arn().name().clone();
    account.streams.lock().unwrap().clear();
    assert_ne!(lease(&leases, &spec(2)).unwrap().arn().name(), &name);
}

#[test]
fn a_forgotten_stream_is_not_leased_again_and_stays_claimed_while_it_is_held() {
    let account = Account::new(9);
    let leases = Leases::new(account.clone(), Rest::none());
    let first = lease(&leases, &spec(1)).unwrap();
    let still_held = first.clone();
    let name = first.arn().name().clone();
    first.forget();
    // A fresh listing still shows it.
    now_or_never(leases.learn(&settings())).unwrap();
    assert_ne!(lease(&leases, &spec(2)).unwrap().arn().name(), &name);
    assert_ne!(lease(&leases, &spec(1)).unwrap().arn().name(), &name);
    drop(still_held);
    assert_ne!(lease(&leases, &spec(3)).unwrap().arn().name(), &name);
}

#[test]
fn a_prefix_that_makes_no_name_is_refused_before_anything_is_claimed() {
    let leases = Leases::new(Account::new(9), Rest::none());
    let mut bad = spec(1);
    bad.settings.name_prefix = "no spaces ".to_owned();
    assert!(matches!(lease(&leases, &bad), Err(LeaseError::Prefix(_))));
    assert_eq!(leases.lock().leased(), 0);
}

#[test]
fn leases_taken_on_many_threads_are_distinct() {
    let leases = Leases::new(Account::new(1_000), Rest::none());
    let mut arns: Vec<StreamArn> = Vec::new();
    // Warm streams, so that the threads fight for free ones and create others.
    let warm: Vec<Lease> = (0..20).map(|call| lease(&leases, &spec(call)).unwrap()).collect();
    drop(warm);
    let held = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4u8)
            .map(|thread| {
                let leases = leases.clone();
                scope.spawn(move || {
                    (0..25u8)
                        .map(|call| lease(&leases, &spec(100 + thread * 25 + call)).unwrap())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<Lease>>()
    });
    arns.extend(held.iter().map(|lease| lease.arn().clone()));
    arns.sort();
    arns.dedup();
    assert_eq!(arns.len(), 100);
}

proptest! {
    #[test]
    fn no_two_calls_ever_hold_one_stream(
        quota in 1usize..6,
        steps in prop::collection::vec((0u8..8, 0u8..3), 1..60),
    ) {
        let leases = Leases::new(Account::new(quota), Rest::none());
        let mut held: BTreeMap<u8, Lease> = BTreeMap::new();
        for (step, (call, action)) in steps.into_iter().enumerate() {
            match action {
                0 => { held.remove(&call); }
                1 => { if let Some(lease) = held.remove(&call) { lease.forget(); } }
                _ => {
                    let stream_uuid = [step as u8; 16];
                    if let Ok(lease) = lease(&leases, &LeaseSpec { stream_uuid, ..spec(call) }) {
                        held.insert(call, lease);
                    }
                }
            }
            let mut arns: Vec<_> = held.values().map(Lease::arn).collect();
            arns.sort();
            let count = arns.len();
            arns.dedup();
            prop_assert_eq!(arns.len(), count);
            prop_assert_eq!(leases.lock().leased(), count);
        }
    }
}

/// A directory of which one operation fails, as often as the test wants it.
struct Failing {
    account: Arc<Account>,
    operation: &'static str,
    left: AtomicU64,
}

impl Failing {
    fn new(account: &Arc<Account>, operation: &'static str) -> Arc<Self> {
        Arc::new(Self { account: account.clone(), operation, left: AtomicU64::new(1) })
    }

    fn fails(&self, operation: &str) -> Result<(), DirectoryError> {
        let is_due = operation == self.operation
            && self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                .is_ok();
        if is_due { Err(DirectoryError::Unavailable(format!("{operation} failed"))) } else { Ok(()) }
    }
}

#[async_trait]
impl StreamDirectory for Failing {
    async fn list(&self, name_prefix: &str) -> Result<Vec<StreamName>, DirectoryError> {
        self.fails("list")?;
        self.account.list(name_prefix).await
    }

    async fn describe(&self, name: &StreamName) -> Result<Option<PooledStream>, DirectoryError> {
        self.fails("describe")?;
        self.account.describe(name).await
    }

    async fn create(&self, new: NewLeasedStream) -> Result<StreamArn, DirectoryError> {
        self.fails("create")?;
        self.account.create(new).await
    }

    async fn set_retention(&self, stream: &StreamArn, retention_hours: u32) -> Result<(), DirectoryError> {
        self.fails("set retention")?;
        self.account.set_retention(stream, retention_hours).await
    }
}

#[test]
fn whatever_fails_in_the_directory_is_told_and_leaves_nothing_leased() {
    for operation in ["list", "describe", "create", "set retention"] {
        let account = Account::new(9);
        if operation != "create" {
            let short = StreamSettings { retention_hours: 1, ..settings() };
            account.put("demo-connect-demo-contact-1b9f2d3c-7c39-4d4e-9f0a-2b1c3d4e5f60", &short);
        }
        let leases = Leases::new(Failing::new(&account, operation), Rest::none());
        let failed = lease(&leases, &spec(1)).unwrap_err();
        assert_eq!(failed, LeaseError::Unavailable(format!("{operation} failed")));
        assert_eq!(leases.lock().leased(), 0, "{operation}");
        assert!(leases.lock().holds.is_empty(), "{operation}");
        let again = lease(&leases, &LeaseSpec { stream_uuid: [8; 16], ..spec(1) }).unwrap();
        assert_eq!(account.retention_of(&again), 24, "{operation}");
    }
}

#[test]
fn a_stream_that_was_named_by_the_same_random_bytes_is_not_leased_twice() {
    let leases = Leases::new(Account::new(9), Rest::none());
    let held = lease(&leases, &spec(1)).unwrap();
    let refused = lease(&leases, &LeaseSpec { stream_uuid: [1; 16], ..spec(2) }).unwrap_err();
    assert!(matches!(refused, LeaseError::Unavailable(_)), "{refused}");
    drop(held);
    assert!(lease(&leases, &LeaseSpec { stream_uuid: [1; 16], ..spec(2) }).is_ok());
}

#[test]
fn a_contact_that_holds_streams_of_two_keys_gets_the_one_whose_key_it_names() {
    let leases = Leases::new(Account::new(9), Rest::none());
    let other = StreamSettings { key_id: "alias/other".to_owned(), ..settings() };
    let first = lease(&leases, &spec(1)).unwrap();
    let under_other = LeaseSpec { settings: other, stream_uuid: [5; 16], ..spec(1) };
    let second = lease(&leases, &under_other).unwrap();
    assert_ne!(first.arn(), second.arn());
    let again = [lease(&leases, &spec(1)).unwrap(), lease(&leases, &under_other).unwrap()];
    assert_eq!([again[0].arn(), again[1].arn()], [first.arn(), second.arn()]);
    assert_eq!(leases.lock().leased(), 2);
}
