//! The keyring as its users meet it: through the provider trait and through the file.

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;

const NOW: WallTime = WallTime::from_unix_ms(1_711_124_585_823);

fn owner() -> KeyringOwner {
    KeyringOwner {
        region: Region::parse("us-west-2").unwrap(),
        account: AccountId::parse("111122223333").unwrap(),
    }
}

fn open(path: &Path) -> Result<Keyring, KeyringError> {
    Keyring::open(path, owner(), NOW)
}

fn context() -> EncryptionContext {
    EncryptionContext::new()
        .with("stream", "arn:aws:kinesisvideo:us-west-2:111122223333:stream/a/1")
        .with("generation", "1")
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn generate(keyring: &Keyring, key: &KeyId) -> Result<(DataKey, WrappedKey), KmsError> {
    wait(keyring.generate_data_key(key, &context()))
}

fn unwrap(keyring: &Keyring, wrapped: &WrappedKey) -> Result<DataKey, KmsError> {
    wait(keyring.unwrap(wrapped, &context()))
}

fn id(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_data_key_comes_back_from_its_wrapped_form() {
    let keyring = Keyring::in_memory();
    let (key, wrapped) = generate(&keyring, &KeyId::default()).unwrap();
    assert_eq!(wrapped.as_bytes().len(), 81);
    assert_eq!(unwrap(&keyring, &wrapped).unwrap().expose(), key.expose());
    assert!(!wrapped.as_bytes().windows(8).any(|bytes| key.expose().starts_with(bytes)));
}

#[test]
fn all_four_names_of_a_key_reach_it_and_no_others() {
    let keyring = Keyring::in_memory();
    let described = keyring.create_key(Some("alias/calls"), NOW).unwrap();
    let alias_arn = "arn:aws:kms:us-west-2:111122223333:alias/calls";
    for name in [&described.id, &described.arn, "alias/calls", alias_arn] {
        assert_eq!(wait(keyring.describe(&id(name))).unwrap(), described, "{name}");
    }
    let elsewhere = described.arn.replace("us-west-2", "eu-west-1");
    for name in ["alias/other", "calls", &elsewhere, "arn:aws:kms:eu-west-1:111122223333:alias/calls"] {
        assert!(matches!(wait(keyring.describe(&id(name))), Err(KmsError::NotFound(_))), "{name}");
    }
    let of_any_region = id("arn:aws:kms:eu-west-1:999999999999:alias/aws/kinesisvideo");
    assert!(wait(keyring.describe(&of_any_region)).is_ok());
}

#[test]
fn a_disabled_key_neither_wraps_nor_unwraps_until_enabled() {
    let keyring = Keyring::in_memory();
    let key = KeyId::default();
    let (_, wrapped) = generate(&keyring, &key).unwrap();
    assert_eq!(keyring.disable(&key).unwrap().state, KeyState::Disabled);
    let refusals = [generate(&keyring, &key).map(drop), unwrap(&keyring, &wrapped).map(drop)];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().kvs_code(), 4501);
    }
    assert_eq!(wait(keyring.describe(&key)).unwrap().state, KeyState::Disabled);
    keyring.enable(&key).unwrap();
    assert!(unwrap(&keyring, &wrapped).is_ok());
}

#[test]
fn rotation_keeps_what_was_wrapped_before() {
    let keyring = Keyring::in_memory();
    let (old_key, old) = generate(&keyring, &KeyId::default()).unwrap();
    let described = keyring.rotate(&KeyId::default(), NOW).unwrap();
    assert_eq!(described.rotated, NOW);
    let (_, new) = generate(&keyring, &KeyId::default()).unwrap();
    assert_ne!(old.as_bytes()[..21], new.as_bytes()[..21], "the material's number differs");
    assert_eq!(unwrap(&keyring, &old).unwrap().expose(), old_key.expose());
    assert!(unwrap(&keyring, &new).is_ok());
}

#[test]
fn rewrapping_moves_a_data_key_to_another_master_key() {
    let keyring = Keyring::in_memory();
    let (key, old) = generate(&keyring, &KeyId::default()).unwrap();
    keyring.create_key(Some("alias/next"), NOW).unwrap();
    let new = keyring.rewrap(&old, &context(), &id("alias/next")).unwrap();
    keyring.disable(&KeyId::default()).unwrap();
    assert!(unwrap(&keyring, &old).is_err());
    assert_eq!(unwrap(&keyring, &new).unwrap().expose(), key.expose());
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn after_days(days: i64) -> WallTime {
    NOW.plus_ms(days * DAY_MS)
}

#[test]
fn a_key_whose_deletion_is_scheduled_cannot_be_used_and_comes_back_disabled() {
    let keyring = Keyring::in_memory();
    let key = id(&keyring.create_key(None, NOW).unwrap().id);
    let (_, wrapped) = generate(&keyring, &key).unwrap();
    let described = keyring.schedule_deletion(&key, 7, NOW).unwrap();
    assert_eq!(described.state, KeyState::PendingDeletion { deletion_unix_ms: after_days(7) });
    let refusals = [generate(&keyring, &key).map(drop), unwrap(&keyring, &wrapped).map(drop)];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().kvs_code(), 4505);
    }
    for refusal in [keyring.enable(&key), keyring.disable(&key), keyring.schedule_deletion(&key, 8, NOW)] {
        assert!(matches!(refusal, Err(KeyringError::Key(KmsError::InvalidState(_)))));
    }
    assert_eq!(keyring.cancel_deletion(&key).unwrap().state, KeyState::Disabled);
    assert!(keyring.cancel_deletion(&key).is_err());
    keyring.enable(&key).unwrap();
    assert!(unwrap(&keyring, &wrapped).is_ok());
}

#[test]
fn a_key_waits_7_to_30_days_for_its_deletion() {
    let keyring = Keyring::in_memory();
    for days in [0, 6, 31, u32::MAX] {
        let refusal = keyring.schedule_deletion(&KeyId::default(), days, NOW);
        assert!(matches!(refusal, Err(KeyringError::BadWindow { .. })), "{days}");
    }
}

#[test]
fn a_destroyed_key_leaves_no_byte_of_itself_behind() {
    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join("keys");
    let file = keys.join("keyring.json");
    let keyring = open(&keys).unwrap();
    let key = id(&keyring.create_key(Some("alias/calls"), NOW).unwrap().id);
    let (_, wrapped) = generate(&keyring, &key).unwrap();
    keyring.schedule_deletion(&key, 7, NOW).unwrap();
    let secret = {
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        json["keys"][1]["material"][0]["aes_256"].as_str().unwrap().to_owned()
    };
    // What still holds the old file sees that its bytes are gone.
    let mut old = std::fs::File::open(&file).unwrap();
    assert_eq!(keyring.upkeep(after_days(7).plus_ms(-1)).unwrap(), Upkeep::default());
    let done = keyring.upkeep(after_days(7)).unwrap();
    assert_eq!(done.destroyed, ["arn:aws:kms:us-west-2:111122223333:key/".to_owned() + key.as_str()]);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut old, &mut bytes).unwrap();
    assert!(!bytes.is_empty() && bytes.iter().all(|byte| *byte == 0));
    assert!(!std::fs::read_to_string(&file).unwrap().contains(&secret));
    let names: Vec<_> = keys.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["keyring.json"]);
    for keyring in [keyring, open(&keys).unwrap()] {
        assert_eq!(unwrap(&keyring, &wrapped).unwrap_err().kvs_code(), 4506);
        assert_eq!(generate(&keyring, &id("alias/calls")).unwrap_err().kvs_code(), 4506);
    }
}

#[test]
fn a_reader_that_meets_a_wiped_file_reads_the_new_one() {
    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join("keys");
    let keyring = open(&keys).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let other = open(&keys).unwrap_or_else(|error| panic!("{error}"));
                    assert!(!other.keys().unwrap().is_empty());
                }
            });
        }
        for round in 0..20 {
            let key = id(&keyring.create_key(None, NOW).unwrap().id);
            keyring.schedule_deletion(&key, 7, NOW).unwrap();
            assert_eq!(keyring.upkeep(after_days(7)).unwrap().destroyed.len(), 1, "{round}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn the_services_own_key_is_rotated_each_year() {
    let home = tempfile::tempdir().unwrap();
    let keyring = open(&home.path().join("keys")).unwrap();
    let (_, wrapped) = generate(&keyring, &KeyId::default()).unwrap();
    assert_eq!(keyring.upkeep(after_days(364)).unwrap(), Upkeep::default());
    assert_eq!(keyring.upkeep(after_days(366)).unwrap().rotated.len(), 1);
    assert_eq!(keyring.upkeep(after_days(366)).unwrap(), Upkeep::default());
    assert_eq!(keyring.keys().unwrap()[0].rotated, after_days(366));
    assert!(unwrap(&keyring, &wrapped).is_ok());
}

#[test]
fn a_keyring_of_version_1_still_opens_and_becomes_version_2_by_an_edit() {
    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/keyring/");
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("keyring.json");
    let old = std::fs::read(format!("{FIXTURES}version-1.json")).unwrap();
    std::fs::write(&file, &old).unwrap();
    set_mode(&file, 0o600);
    let keyring = open(&file).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), old, "reading changes nothing");

    let context = EncryptionContext::new()
        .with("tympan:stream-arn", "arn:aws:kinesisvideo:us-west-2:111122223333:stream/a/1");
    let wrapped: Vec<WrappedKey> = std::fs::read_to_string(format!("{FIXTURES}version-1.wrapped"))
        .unwrap()
        .lines()
        .map(|line| {
            let byte = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
            WrappedKey::from_bytes((0..line.len()).step_by(2).map(byte).collect::<Vec<u8>>())
        })
        .collect();
    let unwrap = |keyring: &Keyring, at: usize| wait(keyring.unwrap(&wrapped[at], &context)).map(drop);
    let [services, calls] = keyring.keys().unwrap().try_into().unwrap_or_else(|_| panic!("two keys"));
    assert_eq!(services.aliases, ["alias/aws/kinesisvideo"]);
    assert_eq!(
        (services.created.unix_ms(), services.rotated.unix_ms()),
        (1_711_124_585_823, 1_712_000_000_000)
    );
    assert_eq!(
        (calls.aliases.as_slice(), calls.state),
        (&["alias/calls".to_owned()][..], KeyState::Disabled)
    );
    unwrap(&keyring, 0).unwrap();
    assert_eq!(unwrap(&keyring, 1).unwrap_err().kvs_code(), 4501);

    keyring.enable(&id("alias/calls")).unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().contains("\"version\": 2"));
    let again = open(&file).unwrap();
    assert_eq!(again.keys().unwrap()[0], services);
    unwrap(&again, 0).unwrap();
    unwrap(&again, 1).unwrap();
    // The year of the service's key counts from its last rotation.
    let year_over = WallTime::from_unix_ms(1_712_000_000_000).plus_ms(365 * DAY_MS);
    assert_eq!(again.upkeep(year_over.plus_ms(-1)).unwrap(), Upkeep::default());
    assert_eq!(again.upkeep(year_over).unwrap().rotated, [services.arn]);
}

#[test]
fn moving_the_default_alias_changes_which_key_wraps() {
    let keyring = Keyring::in_memory();
    let next = keyring.create_key(None, NOW).unwrap();
    let (_, before) = generate(&keyring, &KeyId::default()).unwrap();
    keyring.point_alias(KeyId::DEFAULT, &id(&next.arn), NOW).unwrap();
    assert_eq!(wait(keyring.describe(&KeyId::default())).unwrap().id, next.id);
    assert!(unwrap(&keyring, &before).is_ok());
    assert!(matches!(keyring.point_alias("alias/", &id(&next.arn), NOW), Err(KeyringError::BadAlias { .. })));
    assert!(matches!(keyring.create_key(Some("alias/a b"), NOW), Err(KeyringError::BadAlias { .. })));
    assert_eq!(keyring.keys().unwrap().len(), 2, "a refused edit leaves no key behind");
}

#[test]
fn a_key_of_another_keyring_is_not_found() {
    let (_, wrapped) = generate(&Keyring::in_memory(), &KeyId::default()).unwrap();
    assert!(matches!(unwrap(&Keyring::in_memory(), &wrapped), Err(KmsError::NotFound(_))));
}

#[test]
fn keys_survive_a_restart_in_a_private_place() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("deep/keys");
    let (key, wrapped) = generate(&open(&directory).unwrap(), &KeyId::default()).unwrap();
    assert_eq!((mode(&directory), mode(&directory.join("keyring.json"))), (0o700, 0o600));
    let again = open(&directory).unwrap();
    assert_eq!(unwrap(&again, &wrapped).unwrap().expose(), key.expose());
    assert_eq!(again.path(), Some(directory.join("keyring.json").as_path()));
    let names: Vec<_> = directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["keyring.json"], "nothing else is left behind");
}

#[test]
fn a_single_file_may_be_the_keyring() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("master.json");
    let (_, wrapped) = generate(&open(&file).unwrap(), &KeyId::default()).unwrap();
    assert_eq!(mode(&file), 0o600);
    // A service manager hands credentials over without an extension and without the right to write.
    let credential = home.path().join("credential");
    std::fs::rename(&file, &credential).unwrap();
    set_mode(&credential, 0o400);
    assert!(unwrap(&open(&credential).unwrap(), &wrapped).is_ok());
}

#[test]
fn keys_that_others_may_read_are_refused_with_the_remedy() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("keys");
    let file = directory.join("keyring.json");
    let keyring = open(&directory).unwrap();
    set_mode(&file, 0o640);
    let error = open(&directory).unwrap_err();
    assert!(matches!(error, KeyringError::Exposed { mode: 0o640, .. }));
    assert!(error.to_string().contains("chmod 600"), "{error}");
    assert!(
        matches!(generate(&keyring, &KeyId::default()), Err(KmsError::Unavailable(_))),
        "also while running"
    );
    set_mode(&file, 0o600);
    assert!(generate(&keyring, &KeyId::default()).is_ok());
    set_mode(&directory, 0o755);
    let error = open(&directory).unwrap_err();
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[test]
fn an_edit_by_another_process_counts_at_once_and_none_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join("keys");
    let (server, operator) = (open(&keys).unwrap(), open(&keys).unwrap());
    operator.disable(&KeyId::default()).unwrap();
    assert_eq!(generate(&server, &KeyId::default()).unwrap_err().kvs_code(), 4501);
    server.create_key(Some("alias/b"), NOW).unwrap();
    operator.create_key(Some("alias/c"), NOW).unwrap();
    assert_eq!(server.keys().unwrap().len(), 3);
    assert_eq!(open(&keys).unwrap().keys().unwrap()[0].state, KeyState::Disabled);
}

#[test]
fn a_file_that_vanished_makes_the_keys_unavailable() {
    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join("keys");
    let keyring = open(&keys).unwrap();
    std::fs::remove_file(keys.join("keyring.json")).unwrap();
    assert!(matches!(generate(&keyring, &KeyId::default()), Err(KmsError::Unavailable(_))));
}

#[test]
fn what_is_not_a_keyring_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("notes.json");
    std::fs::write(&file, "{\"secret\": 1}").unwrap();
    set_mode(&file, 0o600);
    let error = open(&file).unwrap_err();
    assert!(matches!(error, KeyringError::Malformed { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"secret\": 1}");
}

#[test]
fn an_interrupted_edit_does_not_stand_in_the_way() {
    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join("keys");
    let keyring = open(&keys).unwrap();
    std::fs::write(keys.join("keyring.json.new"), "half").unwrap();
    keyring.rotate(&KeyId::default(), NOW).unwrap();
    assert!(!keys.join("keyring.json.new").exists());
}

#[test]
fn printing_a_keyring_shows_no_key() {
    assert_eq!(format!("{:?}", Keyring::in_memory()), "Keyring { path: None, .. }");
}

proptest! {
    #[test]
    fn any_flipped_bit_of_a_wrapped_key_refuses(at in 0..81usize, bit in 0..8u8) {
        let keyring = Keyring::in_memory();
        let (_, wrapped) = generate(&keyring, &KeyId::default()).unwrap();
        let mut bytes = wrapped.as_bytes().to_vec();
        bytes[at] ^= 1 << bit;
        let error = unwrap(&keyring, &WrappedKey::from_bytes(bytes)).unwrap_err();
        prop_assert!(matches!(error, KmsError::Validation(_) | KmsError::NotFound(_)));
    }

    #[test]
    fn any_other_bytes_refuse(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        prop_assert!(unwrap(&Keyring::in_memory(), &WrappedKey::from_bytes(bytes)).is_err());
    }

    #[test]
    fn another_context_refuses(name in "[a-z]{0,10}", value in "[a-z0-9]{0,10}") {
        let keyring = Keyring::in_memory();
        let (_, wrapped) = generate(&keyring, &KeyId::default()).unwrap();
        let other = context().with(name, value);
        prop_assume!(other != context());
        for other in [other, EncryptionContext::new()] {
            let error = wait(keyring.unwrap(&wrapped, &other)).unwrap_err();
            prop_assert_eq!(error.kvs_code(), 4502);
        }
    }

    #[test]
    fn another_key_of_the_same_keyring_refuses(bit in 0..8u8) {
        // The id within the wrapped key is altered to that of a second key, which must not open it.
        let keyring = Keyring::in_memory();
        let (_, wrapped) = generate(&keyring, &KeyId::default()).unwrap();
        keyring.create_key(Some("alias/second"), NOW).unwrap();
        let (_, second) = generate(&keyring, &id("alias/second")).unwrap();
        let mut bytes = wrapped.as_bytes().to_vec();
        bytes[1..17].copy_from_slice(&second.as_bytes()[1..17]);
        prop_assert!(unwrap(&keyring, &WrappedKey::from_bytes(bytes.clone())).is_err());
        bytes[40] ^= 1 << bit;
        prop_assert!(unwrap(&keyring, &WrappedKey::from_bytes(bytes)).is_err());
    }
}
