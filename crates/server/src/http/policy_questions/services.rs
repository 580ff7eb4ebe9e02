//! The services behind the questions, empty.

use super::super::own_address::OwnAddress;
use super::super::route::Services;
use super::super::unproven::UnprovenBytes;
use crate::audit::{Audit, AuditTrailFiles};
use crate::call::CallRegistry;
use crate::clock::ServiceClock;
use crate::descriptors::DescriptorBudget;
use crate::sound::{ListenerPlaces, StoredSounds};
use crate::upkeep::Backups;
use crate::waveform::StoredWaveforms;
use serde_json::{Value, json};
use std::sync::Arc;
use tympan_admin::{
    AccessParts, AdminParts, AdminService, Configuration, EventReaders, KeyUses, Sessions, Setting,
};
use tympan_auth::{BodyRule, Credentials, Identities, Permissions, Principal, Role, SessionSeal, Verified};
use tympan_aws::BoxFuture;
use tympan_connect::service::{ConnectService, Ids, Options};
use tympan_connect::settings::MemorySettings;
use tympan_contact::{MemoryHistory, Recording};
use tympan_db::{Db, Kinds, OpenOptions, StartId};
use tympan_kms::Keyring;
use tympan_kvs::{KvsOptions, KvsService};
use tympan_security::kms::KmsService;
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions};
use tympan_store::{MediaStore, StoreOptions};
use tympan_types::{AccountId, Caller, Region};

/// The one role that there is.
pub(super) const ROLE: &str = "Transcriber";

pub(super) struct RandomIds;

impl Ids for RandomIds {
    fn random(&self) -> [u8; 16] {
        uuid::Uuid::new_v4().into_bytes()
    }
}

pub(super) fn caller() -> Caller {
    Caller {
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-west-2").unwrap(),
        access_key_id: "ASKER".into(),
    }
}

/// A request of a user whose signature was right.
pub(in super::super) fn verified(service: &str, user: &str, permissions: Permissions) -> Verified {
    let caller = caller();
    let principal = Principal::user(user, caller.account.clone()).with_permissions(permissions);
    Verified { caller, principal: Arc::new(principal), service: service.to_owned(), body: BodyRule::Signed }
}

/// Looks at nothing.
struct NoDoctor;

impl tympan_admin::Doctor for NoDoctor {
    fn examine(&self) -> BoxFuture<'_, Value> {
        Box::pin(std::future::ready(json!([])))
    }
}

struct NoSettings;

impl Configuration for NoSettings {
    fn settings(&self) -> Vec<Setting> {
        Vec::new()
    }

    fn policy_place(&self, _: &str) -> Option<String> {
        None
    }
}

/// Plays nothing.
struct NoSounds;

impl tympan_admin::PromptSounds for NoSounds {
    fn read(&self, _: Recording) -> BoxFuture<'_, Result<Arc<[i16]>, String>> {
        Box::pin(std::future::ready(Ok(Arc::default())))
    }
}

/// Knows nothing.
struct NoHealth;

impl tympan_admin::Health for NoHealth {
    fn look(&self) -> BoxFuture<'_, Value> {
        Box::pin(std::future::ready(json!({ "Streams": {} })))
    }
}

pub(in super::super) fn services(folder: &std::path::Path, history: Arc<MemoryHistory>) -> Services {
    let backend = Arc::new(EmbeddedBackend::open(folder, EmbeddedOptions::default()).unwrap());
    let keyring = Arc::new(Keyring::in_memory());
    let clock = ServiceClock::default();
    let store =
        MediaStore::open(backend.clone(), keyring.clone(), Arc::new(clock.clone()), StoreOptions::default());
    let store = store.unwrap();
    let caller = caller();
    let calls = CallRegistry::default();
    let connect = ConnectService::open(
        Arc::new(MemorySettings::default()),
        history.clone(),
        Arc::new(calls.clone()),
        Arc::new(RandomIds),
        Options::new(caller.account.clone(), caller.region.clone()),
    );
    let mut identities = Identities::new(caller.account, SessionSeal::new(&[7; 32]));
    identities.add_key(Credentials::new("ASKER", "secret"), "asker", &[]).unwrap();
    let role = Role {
        name: ROLE.to_owned(),
        policies: Vec::new(),
        assumed_by: vec!["ASKER".to_owned()],
        session_max_s: 3_600,
    };
    identities.add_role(role).unwrap();
    let connect = connect.unwrap();
    let identities = Arc::new(identities);
    let access = AccessParts {
        identities: identities.clone(),
        key_uses: KeyUses::default(),
        sessions: Sessions::default(),
        configuration: Arc::new(NoSettings),
        audit: Arc::new(AuditTrailFiles { path: None, kept: 0, clock: clock.clone() }),
    };
    let kvs =
        KvsService::new(store.clone(), KvsOptions::new("http://127.0.0.1:8600", Arc::new(clock.clone())));
    let db = Db::in_memory(Kinds::default(), OpenOptions::new(StartId([7; 16]))).unwrap();
    let admin = AdminService::new(AdminParts {
        contacts: history,
        live: Arc::new(calls.clone()),
        connect: connect.clone(),
        waveforms: Arc::new(StoredWaveforms(store.clone())),
        sounds: Arc::new(StoredSounds {
            store: store.clone(),
            clock: clock.clone(),
            calls,
            places: ListenerPlaces::new(1_000),
        }),
        prompt_sounds: Arc::new(NoSounds),
        db: db.clone(),
        event_readers: EventReaders::new(1_000),
        store: store.clone(),
        kvs: kvs.clone(),
        backups: Arc::new(Backups::new(backend, folder.join("keyring.json"))),
        doctor: Arc::new(NoDoctor),
        access,
        health: Arc::new(NoHealth),
        version: "",
        started: tympan_types::WallTime::from_unix_ms(0),
    });
    Services {
        own_address: OwnAddress::new(&crate::config::Config::default().http),
        store,
        kvs,
        kms: Some(KmsService::new(keyring)),
        connect,
        admin,
        lex: tympan_lex::service::LexService::new([], None, None),
        changes: tokio::sync::watch::channel(db.revision()).1,
        clock,
        identities,
        audit: Audit::default(),
        key_uses: KeyUses::default(),
        clock_skew_s: 300,
        explains: false,
        body_limit_bytes: 1 << 20,
        unproven: UnprovenBytes::new(1 << 20),
        descriptors: DescriptorBudget::new(1_000, 0),
        readiness: Default::default(),
        metrics: Arc::default(),
        why_not_here: |_| None,
    }
}
