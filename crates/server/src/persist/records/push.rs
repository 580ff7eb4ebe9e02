//! A record straight to a program or a URL, in the event that a Lambda function gets from a data stream: consumers that were written for
//! that run without one.
//!
//! Source: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon Kinesis", the example event.

use super::{Outgoing, PutError, RecordSink};
use crate::lambda::{Kind, Lambda};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;
use tympan_contact::invoke::AttemptError;
use tympan_types::{AccountId, InstanceId, Region};

/// For one record.
const LIMIT: Duration = Duration::from_secs(30);
/// The name of the function in the server's own mapping.
pub(crate) const PUSHED_TO: &str = "contact-records";

/// A program or a URL.
pub(crate) struct Push {
    /// It maps [`PUSHED_TO`] alone.
    lambda: Lambda,
    is_command: bool,
    region: Region,
    account: AccountId,
}

impl Push {
    /// What [`PUSHED_TO`] of `lambda` is.
    pub(crate) fn new(lambda: Lambda, is_command: bool, region: Region, account: AccountId) -> Self {
        Self { lambda, is_command, region, account }
    }

    fn event(&self, record: &Outgoing) -> Value {
        // The same for each attempt, and growing with each change of a contact.
        let sequence = record.updated.unix_ms();
        let stream = format!("arn:aws:kinesis:{}:{}:stream/contact-records", self.region, self.account);
        json!({ "Records": [{
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record.contact,
                "sequenceNumber": sequence.to_string(),
                "data": STANDARD.encode(&record.json),
                "approximateArrivalTimestamp": sequence / 1_000,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("shardId-000000000000:{sequence}"),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": format!("arn:aws:iam::{}:role/tympan", self.account),
            "awsRegion": self.region.to_string(),
            "eventSourceARN": stream,
        }] })
    }
}

#[async_trait]
impl RecordSink for Push {
    async fn put(&self, record: &Outgoing) -> Result<(), PutError> {
        let event = self.event(record).to_string().into_bytes();
        match (self.lambda.attempt(PUSHED_TO, event, LIMIT, Kind::Awaited).await, self.is_command) {
            (Ok(_), _) => Ok(()),
            // A program that runs and fails has seen the record; one that cannot be run has not.
            (Err(AttemptError::Transient { reason }), true)
            | (Err(AttemptError::Refused { reason }), false) => Err(PutError::Refused(reason)),
            (Err(AttemptError::Refused { reason }), true)
            | (Err(AttemptError::Transient { reason }), false) => Err(PutError::Away(reason)),
            (Err(error @ AttemptError::TimedOut { .. }), true) => Err(PutError::Refused(error.to_string())),
            (Err(error), _) => Err(PutError::Away(error.to_string())),
        }
    }

    fn takes(&self, _: InstanceId) -> bool {
        true
    }
}
