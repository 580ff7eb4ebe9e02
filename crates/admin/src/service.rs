//! The service: what it stands on, and how it words what the kit finds wrong.

use crate::access::{AccessParts, Sessions};
use crate::contacts::{ContactIndex, Sounds, Waveforms};
use crate::error::{AdminError, ErrorCode};
use crate::events::EventReaders;
use crate::prompts::PromptSounds;
use crate::upkeep::{Backups, Doctor, Health};
use std::sync::Arc;
use tympan_auth::Refusal;
use tympan_aws::{Cx, Malformed, Service, Unknown};
use tympan_connect::ConnectService;
use tympan_connect::live_calls::LiveCalls;
use tympan_db::Db;
use tympan_kvs::KvsService;
use tympan_store::MediaStore;
use tympan_types::WallTime;

/// The service. Cheap to clone; every clone is the same service.
#[derive(Clone)]
pub struct AdminService(Arc<AdminParts>);

/// What the service stands on.
pub struct AdminParts {
    /// The contacts.
    pub contacts: Arc<dyn ContactIndex>,
    /// The calls that are up.
    pub live: Arc<dyn LiveCalls>,
    /// Instances and their flows.
    pub connect: ConnectService,
    /// Draws waveforms.
    pub waveforms: Arc<dyn Waveforms>,
    /// Reads their sound.
    pub sounds: Arc<dyn Sounds>,
    /// Reads the sound of prompts.
    pub prompt_sounds: Arc<dyn PromptSounds>,
    /// Where changes of contacts are read.
    pub db: Db,
    /// Places for readers of events.
    pub event_readers: EventReaders,
    /// Streams and fragments.
    pub store: MediaStore,
    /// Who reads them.
    pub kvs: KvsService,
    /// Makes backups.
    pub backups: Arc<dyn Backups>,
    /// Looks at the machine.
    pub doctor: Arc<dyn Doctor>,
    /// Who may do what, and who did what.
    pub access: AccessParts,
    /// Looks at the running parts.
    pub health: Arc<dyn Health>,
    /// The version of the program.
    pub version: &'static str,
    /// When the program started.
    pub started: WallTime,
}

pub(crate) type Context<'a> = Cx<'a, AdminService>;

impl AdminService {
    /// The service on these parts.
    pub fn new(parts: AdminParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The sessions of the web console.
    pub fn sessions(&self) -> &Sessions {
        &self.0.access.sessions
    }

    pub(crate) fn parts(&self) -> &AdminParts {
        &self.0
    }
}

impl Service for AdminService {
    type Error = AdminError;

    fn malformed(operation: &'static str, malformed: &Malformed) -> AdminError {
        AdminError::validation(match malformed {
            Malformed::TooLong { limit_bytes } => format!("The body is larger than {limit_bytes} bytes."),
            Malformed::NotAnObject => "The body must be a JSON object.".to_owned(),
            other => format!("The request is not what {operation} takes: {other}."),
        })
    }

    fn denied(_: &'static str, refusal: &Refusal) -> AdminError {
        AdminError::new(ErrorCode::AccessDenied, refusal.to_string())
    }

    fn not_offered(operation: &'static str, _: &'static str) -> AdminError {
        AdminError::new(ErrorCode::UnknownOperation, format!("{operation} is not offered by this server."))
    }

    fn unknown(_: Unknown<'_>) -> AdminError {
        let message =
            "No operation of this service has this method and path: GET /tympan/openapi.json lists them.";
        AdminError::new(ErrorCode::UnknownOperation, message)
    }

    fn fault(cause: String) -> AdminError {
        AdminError::internal(cause)
    }
}
