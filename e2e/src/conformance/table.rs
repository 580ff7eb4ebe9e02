//! `conformance/cases.json`.

use super::folder;
use anyhow::Context;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What says that an operation is not offered, where its model has no error that fits.
pub const NOT_IMPLEMENTED: &str = "NotImplementedException";

/// What every operation is to answer.
#[derive(Debug, Deserialize)]
pub struct Table {
    /// The HTTP status of each error.
    pub statuses: BTreeMap<String, u16>,
    /// Errors of many operations that no request can provoke, and why.
    pub never: BTreeMap<String, String>,
    /// The operations for media streams, in the order of the page.
    pub operations: Vec<Operation>,
    /// Requests that nobody may make.
    signatures: Vec<CaseRow>,
    /// The operations that are not offered, and what each answers to a request about a stream.
    pub refused: BTreeMap<String, String>,
}

/// An operation and its cases.
#[derive(Debug, Deserialize)]
pub struct Operation {
    /// Its name in the API reference.
    pub operation: String,
    cases: Vec<CaseRow>,
    /// Errors of its model that no request can provoke, and why.
    #[serde(default)]
    pub never: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseRow {
    case: String,
    gives: String,
    #[serde(default)]
    server: String,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// The operation, or `Signatures`.
    pub operation: String,
    /// What is asked, in words.
    pub case: String,
    /// `success`, or the code of the error.
    pub gives: String,
    /// The settings of the server; empty where none are needed.
    pub server: String,
    /// Whether the error is one of the operation's model, for which an SDK has a class of its own.
    pub modelled: bool,
}

impl Case {
    /// What it is reported under.
    pub fn key(&self) -> (String, String) {
        (self.operation.clone(), self.case.clone())
    }

    /// Whether it ends well.
    pub fn succeeds(&self) -> bool {
        self.gives == "success"
    }
}

impl Table {
    /// Reads the table.
    ///
    /// # Errors
    /// A file that is not there or not as it should be.
    pub fn read() -> anyhow::Result<Self> {
        let file = folder().join("conformance/cases.json");
        let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| file.display().to_string())
    }

    /// Every case, in the order of the table.
    pub fn cases(&self) -> Vec<Case> {
        let offered = self.operations.iter().flat_map(Operation::cases);
        let signatures = rows("Signatures", &self.signatures, false);
        let refused = self.refused.iter().map(|(operation, gives)| Case {
            operation: operation.clone(),
            case: "a request".into(),
            gives: gives.clone(),
            server: String::new(),
            modelled: gives != NOT_IMPLEMENTED,
        });
        offered.chain(signatures).chain(refused).collect()
    }

    /// The cases by the settings that they need.
    pub(super) fn by_server(&self) -> BTreeMap<String, Vec<Case>> {
        let mut servers = BTreeMap::<_, Vec<_>>::new();
        for case in self.cases() {
            servers.entry(case.server.clone()).or_default().push(case);
        }
        servers
    }
}

impl Operation {
    /// Its cases.
    pub fn cases(&self) -> impl Iterator<Item = Case> + '_ {
        rows(&self.operation, &self.cases, true)
    }
}

fn rows<'a>(operation: &'a str, rows: &'a [CaseRow], modelled: bool) -> impl Iterator<Item = Case> + 'a {
    rows.iter().map(move |row| Case {
        operation: operation.to_owned(),
        case: row.case.clone(),
        gives: row.gives.clone(),
        server: row.server.clone(),
        modelled,
    })
}
