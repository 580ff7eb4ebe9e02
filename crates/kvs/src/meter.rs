//! Which limits of calls a second a request falls under.

use crate::rate::{Bucket, Meters};
use crate::{KvsError, KvsService, Limits, Operation, Playback, StreamIdentity};
use tokio::time::Instant;
use tympan_types::{AccountId, Caller, Region, StreamName};

/// What has a bucket of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum MeterKey {
    /// Calls of one operation by one account in one region.
    Account(Operation, AccountId, Region),
    /// Calls of one operation to one stream. By its name: a stream that does not exist can be asked for too.
    Stream(Operation, AccountId, Region, StreamName),
    /// Points of archived media of one stream.
    Points(Points, AccountId, Region, StreamName),
}

/// What points are spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Points {
    /// ListFragments: as many as its MaxResults.
    Listing,
    /// Media: one for each fragment.
    Reading,
}

/// The buckets of a service.
pub(crate) type CallMeters = Meters<MeterKey>;

/// Calls a second of an operation: by one account, and to one stream.
fn rates(limits: &Limits, operation: Operation) -> (Option<u32>, Option<u32>) {
    match operation {
        Operation::CreateStream | Operation::ListStreams => (limits.changes_per_account_per_s, None),
        Operation::DescribeStream | Operation::GetDataEndpoint => {
            (limits.lookups_per_account_per_s, limits.control_calls_per_stream_per_s)
        }
        Operation::PutMedia => (None, limits.put_media_calls_per_stream_per_s),
        Operation::GetMedia => (None, limits.get_media_calls_per_stream_per_s),
        Operation::ListFragments | Operation::GetMediaForFragmentList => (None, None),
        Operation::Playback(Playback::GetHlsStreamingSessionUrl | Playback::GetDashStreamingSessionUrl) => {
            (None, limits.session_urls_per_stream_per_s)
        }
        Operation::Playback(Playback::GetClip | Playback::GetImages) => (None, None),
        _ => (limits.changes_per_account_per_s, limits.control_calls_per_stream_per_s),
    }
}

impl KvsService {
    /// Counts a call of `operation`, to a stream if one is named.
    ///
    /// # Errors
    /// `ClientLimitExceededException` where it is one too many.
    pub(crate) fn meter_call(
        &self,
        caller: &Caller,
        operation: Operation,
        stream: Option<&StreamName>,
    ) -> Result<(), KvsError> {
        let (by_account, to_stream) = rates(self.limits(), operation);
        let owner = || (caller.account.clone(), caller.region.clone());
        if let Some(per_s) = by_account {
            let (account, region) = owner();
            let key = MeterKey::Account(operation, account, region);
            self.meter(operation, key, per_s, |bucket, now| bucket.take(now, 1))?;
        }
        if let Some(per_s) = to_stream
            && let Some(stream) = stream
        {
            let (account, region) = owner();
            let key = MeterKey::Stream(operation, account, region, stream.clone());
            self.meter(operation, key, per_s, |bucket, now| bucket.take(now, 1))?;
        }
        Ok(())
    }

    /// Spends points of archived media.
    ///
    /// # Errors
    /// `ClientLimitExceededException` while earlier points are owed.
    pub(crate) fn meter_points(
        &self,
        caller: &Caller,
        points: Points,
        stream: &StreamIdentity,
        count: usize,
    ) -> Result<(), KvsError> {
        let (operation, limit) = match points {
            Points::Listing => (Operation::ListFragments, self.limits().list_points_per_stream_per_s),
            Points::Reading => {
                (Operation::GetMediaForFragmentList, self.limits().read_points_per_stream_per_s)
            }
        };
        let Some(per_s) = limit else { return Ok(()) };
        let (account, region) = (caller.account.clone(), caller.region.clone());
        let key = MeterKey::Points(points, account, region, stream.name().clone());
        self.meter(operation, key, per_s, |bucket, now| bucket.take_on_credit(now, count as u64))
    }

    fn meter(
        &self,
        operation: Operation,
        key: MeterKey,
        per_s: u32,
        take: impl FnOnce(&mut Bucket, Instant) -> bool,
    ) -> Result<(), KvsError> {
        let now = self.stopwatch().now();
        if self.meters().with(now, key, per_s, |bucket| take(bucket, now)) {
            Ok(())
        } else {
            Err(KvsError::throttled(operation.name()))
        }
    }
}
