//! The list of the service: an operation is one line here.

use crate::access::{
    EndSession, GetConfiguration, ListAccessKeys, ListAuditLines, ListPolicies, ListSessions, SimulatePolicy,
};
use crate::contacts::{
    DeleteContact, DescribeContact, GetAudio, GetContactCounts, GetFlowLog, GetWaveform, ListContacts,
    ListenContact, SearchContacts,
};
use crate::documentation::{Documentation, Documented, Form};
use crate::events::WatchEvents;
use crate::flows::{CheckFlow, GetFlowActivity};
use crate::named::Named;
use crate::prompts::{GetPromptAudio, PutPromptAudio, UploadPrompt};
use crate::service::AdminService;
use crate::streams::{ListAcknowledgements, ListReaders, ListStreams};
use crate::upkeep::{
    ConfirmClock, DescribeBackup, DescribeExpiry, GetHealth, GetVersion, RunDoctor, StartBackup,
};
use tympan_aws::{Operation, Operations, register};

/// The signing name of the service, and the prefix of its actions.
pub const SCOPE: &str = "tympan";

/// A row of the table.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) documentation: Documentation,
    /// What it answers with.
    pub(crate) form: Form,
    /// Types of its body, where that is no JSON.
    pub(crate) takes: &'static [&'static str],
    /// The query parameters that the code reads.
    #[cfg_attr(not(test), allow(dead_code, reason = "tests compare it with the documentation"))]
    pub(crate) reads: &'static [&'static str],
}

macro_rules! table {
    ($($method:literal $path:literal $operation:ident;)*) => {
        const CATALOGUE: &[(&str, &str, &str)] =
            &[$(($method, $path, <$operation as Operation>::NAME)),*];

        /// The table with what each operation is documented by.
        pub(crate) const ROWS: &[Row] = &[$(Row {
            method: $method,
            path: $path,
            name: <$operation as Operation>::NAME,
            documentation: <$operation as Documented>::DOCUMENTATION,
            form: <$operation as Documented>::FORM,
            takes: <$operation as Documented>::TAKES,
            reads: <$operation as Operation>::QUERY,
        }),*];

        /// The operations of the service. They block: most of them read a disk.
        pub fn operations() -> Operations<AdminService> {
            Operations::rest_json(SCOPE, CATALOGUE)$(.with(register::<$operation>()))*
                .names(register::<Named>())
                .blocking()
        }
    };
}

table! {
    "GET" "/tympan/contacts" ListContacts;
    "POST" "/tympan/contacts/search" SearchContacts;
    "GET" "/tympan/contact-counts" GetContactCounts;
    "GET" "/tympan/contacts/{ContactId}" DescribeContact;
    "DELETE" "/tympan/contacts/{ContactId}" DeleteContact;
    "GET" "/tympan/contacts/{ContactId}/waveform" GetWaveform;
    "GET" "/tympan/contacts/{ContactId}/audio" GetAudio;
    "GET" "/tympan/contacts/{ContactId}/listen" ListenContact;
    "GET" "/tympan/contacts/{ContactId}/flow-log" GetFlowLog;
    "POST" "/tympan/flows/check" CheckFlow;
    "GET" "/tympan/flows/{ContactFlowId}/activity" GetFlowActivity;
    "POST" "/tympan/instances/{InstanceId}/prompts" UploadPrompt;
    "GET" "/tympan/instances/{InstanceId}/prompts/{PromptId}/audio" GetPromptAudio;
    "PUT" "/tympan/instances/{InstanceId}/prompts/{PromptId}/audio" PutPromptAudio;
    "GET" "/tympan/events" WatchEvents;
    "GET" "/tympan/streams" ListStreams;
    "GET" "/tympan/streams/{StreamName}/acknowledgements" ListAcknowledgements;
    "GET" "/tympan/readers" ListReaders;
    "POST" "/tympan/backup" StartBackup;
    "GET" "/tympan/backup" DescribeBackup;
    "GET" "/tympan/expiry" DescribeExpiry;
    "POST" "/tympan/expiry/clock" ConfirmClock;
    "POST" "/tympan/doctor" RunDoctor;
    "GET" "/tympan/health" GetHealth;
    "GET" "/tympan/version" GetVersion;
    "GET" "/tympan/configuration" GetConfiguration;
    "GET" "/tympan/audit" ListAuditLines;
    "GET" "/tympan/access-keys" ListAccessKeys;
    "GET" "/tympan/sessions" ListSessions;
    "DELETE" "/tympan/sessions/{SessionId}" EndSession;
    "GET" "/tympan/policies" ListPolicies;
    "POST" "/tympan/policies/simulate" SimulatePolicy;
}
