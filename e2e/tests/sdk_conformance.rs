//! Every operation, its successes and each error of its model, through three unmodified SDKs; and the page that says so.

use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};
use tympan_e2e::conformance::{self, NOT_IMPLEMENTED, Sdk, Sight, Table};
use tympan_e2e::python;
use tympan_testkit::TestServer;

#[test]
fn three_sdks_see_what_the_table_and_the_page_say() -> anyhow::Result<()> {
    let table = Table::read()?;
    let sdks = conformance::here();
    let sights: BTreeMap<_, _> = std::thread::scope(|scope| {
        let running: Vec<_> =
            sdks.iter().map(|sdk| (*sdk, scope.spawn(|| conformance::run(*sdk, &table)))).collect();
        let joined = running.into_iter().map(|(sdk, thread)| {
            let sights = thread.join().map_err(|_| anyhow::anyhow!("{sdk}: the thread panicked"))?;
            Ok((sdk, sights?))
        });
        joined.collect::<anyhow::Result<_>>()
    })?;
    let differences: Vec<_> =
        sights.iter().flat_map(|(sdk, sights)| conformance::differences(*sdk, &table, sights)).collect();
    assert!(differences.is_empty(), "not as e2e/conformance/cases.json has it:\n{}", differences.join("\n"));

    if sights.len() < Sdk::ALL.len() {
        println!("skipped: the page is compared with what all three saw");
        return Ok(());
    }
    let file = conformance::page_file();
    let page = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let expected = conformance::replace(&page, &conformance::render(&table, &sights)?)?;
    if std::env::var_os("TYMPAN_COMPAT_WRITE").is_some() {
        std::fs::write(&file, expected)?;
    } else {
        let differs = page.lines().zip(expected.lines()).find(|(is, should)| is != should);
        assert!(
            page == expected,
            "docs/kvs-compat.md is not what the tests show: run `cargo xtask compat`\n{differs:#?}"
        );
    }
    Ok(())
}

#[test]
fn every_operation_and_error_of_the_models_is_in_the_table() -> anyhow::Result<()> {
    let table = Table::read()?;
    let model = python::ask("sdk_model.py")?;
    let model = model.as_object().context("no model")?;

    let offered = table.operations.iter().map(|operation| operation.operation.as_str());
    let named: Vec<_> = offered.chain(table.refused.keys().map(String::as_str)).collect();
    let distinct: BTreeSet<_> = named.iter().copied().collect();
    assert_eq!(distinct.len(), named.len(), "an operation is in the table twice");
    assert_eq!(distinct, model.keys().map(String::as_str).collect(), "operations");

    for operation in &table.operations {
        let name = &operation.operation;
        let errors = model[name].as_array().into_iter().flatten().filter_map(|error| error.as_str());
        let modelled: BTreeSet<&str> = errors.collect();
        let cases: Vec<_> = operation.cases().collect();
        let seen: BTreeSet<&str> =
            cases.iter().filter(|case| !case.succeeds()).map(|case| case.gives.as_str()).collect();
        assert!(seen.is_subset(&modelled), "{name} has cases of errors that are not in its model: {seen:?}");
        let own: BTreeSet<&str> = operation.never.keys().map(String::as_str).collect();
        assert!(own.is_subset(&modelled), "{name} excuses errors that are not in its model: {own:?}");
        assert!(own.is_disjoint(&seen), "{name} has cases of errors that it says never come: {own:?}");
        let excused: BTreeSet<&str> = table.never.keys().map(String::as_str).chain(own).collect();
        let unaccounted: Vec<_> =
            modelled.iter().filter(|error| !seen.contains(*error) && !excused.contains(*error)).collect();
        assert!(unaccounted.is_empty(), "{name}: neither a case nor a reason for {unaccounted:?}");
    }
    for error in table.never.keys() {
        let cases = table.cases();
        let case = cases.iter().find(|case| case.gives == *error);
        assert!(case.is_none(), "{error} is said to come never, and has a case: {case:?}");
    }
    for (operation, error) in table.refused.iter().filter(|(_, error)| *error != NOT_IMPLEMENTED) {
        let modelled = model[operation].as_array().into_iter().flatten().any(|known| known == error);
        assert!(modelled, "{operation} is refused with an error that is not in its model: {error}");
    }
    Ok(())
}

#[test]
fn recorded_uploads_of_other_producers_are_read_by_three_sdks() -> anyhow::Result<()> {
    let server = TestServer::builder().env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 500).start()?;
    python::run(
        &server,
        "sdk_recordings.py",
        &["uploads_are_sent_in_the_pieces_in_which_they_were_recorded"],
    );
    let recordings = conformance::recordings();
    for sdk in conformance::here() {
        let sights = sdk.run(&server, &recordings)?;
        for recording in &recordings {
            let sight = sights.get(&recording.key());
            assert!(matches!(sight, Some(Sight::Success)), "{sdk}: {}: {sight:?}", recording.case);
        }
    }
    python::run(&server, "sdk_recordings.py", &["an_independent_parser_reads_every_frame"]);
    Ok(())
}
