//! SIGKILL at any moment of mixed writes to the control database: no change that was acknowledged is lost.

use anyhow::ensure;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tympan_e2e::desk::Desk;
use tympan_e2e::flow::{Flow, hang_up};
use tympan_e2e::folder::server;
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::Caller;

const NUMBER: &str = "+18005550123";
/// Kills, unless `TYMPAN_E2E_KILLS` says otherwise.
const KILLS: u64 = 4;
/// Contacts whose attributes change.
const CONTACTS: usize = 6;

/// What was acknowledged before a kill, and what was asked for and may have been done.
#[derive(Default)]
struct Asked {
    /// Flows by name.
    flows: BTreeMap<String, bool>,
    /// For each contact and attribute the last value that was acknowledged and the one that was asked for after it.
    values: BTreeMap<(String, String), (Option<String>, Option<String>)>,
}

impl Asked {
    /// Makes flows until the server is gone.
    fn make_flows(&mut self, desk: &mut Desk, instance: &str, run: u64, over: &AtomicBool) {
        for count in 0.. {
            let name = format!("flow {run}.{count}");
            let content = Flow::new().then("hang up", hang_up()).content();
            let request =
                json!({ "InstanceId": instance, "Name": name, "Type": "CONTACT_FLOW", "Content": content });
            let made = desk.call("connect", "create_contact_flow", request).is_ok();
            self.flows.insert(name, made);
            if !made || over.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Changes attributes until the server is gone.
    fn change(&mut self, desk: &mut Desk, instance: &str, ids: &[String], run: u64, over: &AtomicBool) {
        for count in 0.. {
            let (id, name) = (ids[count % ids.len()].clone(), format!("attribute {}", count / ids.len() % 3));
            let value = format!("{run}.{count}");
            let request =
                json!({ "InstanceId": instance, "InitialContactId": id, "Attributes": { &name: value } });
            let kept = self.values.entry((id, name)).or_default();
            let made = desk.call("connect", "update_contact_attributes", request).is_ok();
            match made {
                true => *kept = (Some(value), None),
                false => kept.1 = Some(value),
            }
            if !made || over.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

#[test]
fn no_acknowledged_change_of_settings_contacts_or_attributes_is_lost_by_a_kill() -> anyhow::Result<()> {
    let setting = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let by_clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
    let seed = setting("TYMPAN_E2E_SEED").unwrap_or(u64::try_from(by_clock())?);
    let kills = setting("TYMPAN_E2E_KILLS").unwrap_or(KILLS);
    println!("seed {seed}: repeat with TYMPAN_E2E_SEED={seed}");
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    let mut office = Office::open_with(server(&data))?;
    office.answer(NUMBER, Flow::new().then("hang up", hang_up()))?;
    let call = |office: &Office, calls: u32| {
        Caller::dialling(NUMBER).call().be_hung_up().start_many(office.server.sip(), calls, 40)
    };
    call(&office, u32::try_from(CONTACTS)?)?.wait()?;
    let ended: Vec<String> =
        office.records(CONTACTS)?.iter().map(|record| text(&record["ContactId"])).collect();
    let mut known: BTreeSet<String> = ended.iter().cloned().collect();
    let mut asked = Asked::default();
    let mut changing = Desk::new(&office.server)?;
    let mut listing = Desk::new(&office.server)?;
    let (mut flows, mut values) = (0, 0);
    for run in 0..kills {
        changing.point_at(&office.server)?;
        listing.point_at(&office.server)?;
        let over = AtomicBool::new(false);
        let instance = office.instance.clone();
        let (mut by_flows, mut by_values) = (Asked::default(), Asked::default());
        let pid = office.server.pid().to_string();
        let pause = Duration::from_millis(200 + seed.wrapping_mul(run + 11) % 701);
        // Calls go on meanwhile: contacts begin, change and end.
        let calls = call(&office, 200)?;
        let seen: anyhow::Result<BTreeSet<String>> = std::thread::scope(|scope| {
            scope.spawn(|| by_flows.make_flows(&mut office.desk, &instance, run, &over));
            scope.spawn(|| by_values.change(&mut changing, &instance, &ended, run, &over));
            let lister = scope.spawn(|| {
                let mut seen = BTreeSet::new();
                while !over.load(Ordering::Relaxed) {
                    let Ok(page) = listing.ask("contacts", json!({ "limit": 50 })) else { break };
                    let is_over = |contact: &&serde_json::Value| contact["DisconnectTimestamp"].is_string();
                    let page = page.as_array().cloned().unwrap_or_default();
                    seen.extend(page.iter().filter(is_over).map(|contact| text(&contact["ContactId"])));
                }
                seen
            });
            std::thread::sleep(pause);
            let killed = std::process::Command::new("kill").args(["-9", &pid]).status();
            over.store(true, Ordering::Relaxed);
            ensure!(killed?.success(), "kill {pid}");
            lister.join().map_err(|_| anyhow::anyhow!("the lister panicked"))
        });
        known.extend(seen?);
        office = office.kill_and_restart(server(&data), None)?;
        drop(calls);
        flows += by_flows.flows.values().filter(|made| **made).count();
        values += by_values.values.len();
        asked.flows.append(&mut by_flows.flows);
        for (name, (kept, last)) in by_values.values {
            let before = asked.values.entry(name).or_default();
            // What was not acknowledged may have been done in an earlier run as well.
            *before = (kept.or(before.0.take()), last.or(before.1.take()));
        }

        let mut listed = BTreeSet::new();
        let mut request = json!({ "InstanceId": office.instance, "MaxResults": 100 });
        loop {
            let page = office.desk.call("connect", "list_contact_flows", request.clone())?;
            let names = page["ContactFlowSummaryList"].as_array().into_iter().flatten();
            listed.extend(names.map(|flow| text(&flow["Name"])));
            let Some(next) = page["NextToken"].as_str() else { break };
            request["NextToken"] = next.into();
        }
        let lost = asked.flows.iter().filter(|(name, made)| **made && !listed.contains(*name));
        let lost: Vec<&String> = lost.map(|(name, _)| name).collect();
        ensure!(lost.is_empty(), "kill {run}: flows that were made are gone: {lost:?}");
        for ((id, name), (kept, last)) in &mut asked.values {
            let request = json!({ "InstanceId": office.instance, "InitialContactId": id });
            let found = office.desk.call("connect", "get_contact_attributes", request)?;
            let found = found["Attributes"][name.as_str()].as_str().map(ToOwned::to_owned);
            ensure!(
                found == *kept || found == *last,
                "kill {run}: {name} of {id} is {found:?}, not {kept:?}"
            );
            // From here on it is what it is.
            (*kept, *last) = (found, None);
        }
        for id in &known {
            let request = json!({ "InstanceId": office.instance, "ContactId": id });
            let described = office.desk.call("connect", "describe_contact", request)?;
            ensure!(
                !described["Contact"]["DisconnectTimestamp"].is_null(),
                "kill {run}: contact {id} is open again"
            );
        }
    }
    println!("{kills} kills: {flows} flows, {values} attributes, {} contacts, nothing lost", known.len());
    ensure!(kills == 0 || flows > 0 && values > 0, "nothing was acknowledged");
    Ok(())
}
