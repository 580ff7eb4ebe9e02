//! Kinds that a migration of earlier files fills. Who reads them implements [`Row`](crate::Row) on them; format 1 of each is
//! the JSON that release 0.1.0 kept in `settings.db`.

use crate::row::{Column, Kind};

/// Connect instances, by id.
pub const INSTANCE: Kind =
    Kind { name: "connect-instance", columns: &[Column::text("account"), Column::text("alias")] };

/// Contact flows, by id.
pub const FLOW: Kind = Kind { name: "connect-flow", columns: &[Column::text("instance")] };

/// Claimed numbers, by id.
pub const PHONE_NUMBER: Kind =
    Kind { name: "connect-phone-number", columns: &[Column::text("instance"), Column::text("number")] };

pub(crate) const MIGRATED: &[&Kind] = &[&INSTANCE, &FLOW, &PHONE_NUMBER];
