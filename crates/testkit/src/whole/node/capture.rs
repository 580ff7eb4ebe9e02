//! Captures of the node: leases, uploads and what is acknowledged of them.

use super::{Node, Site, Task};
use crate::whole::watch::acknowledged;
use tympan_capture::{
    self as capture, CaptureAcks, CutterSpec, Lease, LeaseSpec, OpenedCapture, TrackProfile, Upload,
};
use tympan_contact::{CaptureEvent, CaptureRequest, Input};
use tympan_store::simulation::now_or_never;
use tympan_types::{CaptureId, ContactId, LegId, StreamArn};

/// One capture from its Start block to its last acknowledgement.
pub(crate) struct CaptureSession {
    /// Opened, and neither attached nor dropped yet.
    upload: Option<Box<dyn Upload>>,
    acks: CaptureAcks,
    /// The stream is free for another call only when its last fragment is safe.
    lease: Lease,
}

impl CaptureSession {
    pub(super) fn stream(&self) -> &StreamArn {
        self.lease.arn()
    }
}

impl Node {
    pub(super) fn open_capture(
        &mut self,
        site: &mut Site,
        conversation: ContactId,
        leg: LegId,
        id: CaptureId,
        request: CaptureRequest,
    ) {
        let CaptureRequest { contact, instance, tracks, settings, goes_on } = request;
        let key = site.core.random.key();
        let [(uid, _), (stream_uuid, _)] = [key.split_first_chunk(), key[16..].split_first_chunk()]
            .map(|halves| halves.map_or(([0; 16], ()), |(half, _)| (*half, ())));
        let profile = TrackProfile::Current;
        self.open_taps(
            site,
            leg,
            id,
            CutterSpec { contact, instance, tracks, profile, segment_uid: uid, has_lead_in: !goes_on },
        );
        let conditions = site.conditions();
        let is_slow = site.core.random.permille(conditions.slow_open_permille);
        let ms = match is_slow {
            true => site.core.random.between(3_000, 9_000),
            false => site.core.random.between(0, conditions.open_ms),
        };
        let spec = Box::new(LeaseSpec { contact, settings, stream_uuid });
        site.later(self.epoch, ms, Task::OpenUpload { contact: conversation, capture: id, spec });
    }

    pub(super) fn open_upload(
        &mut self,
        site: &mut Site,
        contact: ContactId,
        id: CaptureId,
        spec: &LeaseSpec,
    ) {
        let opened = now_or_never(capture::open(&self.leases, &self.sink, spec));
        let event = match opened {
            Some(Ok(OpenedCapture { lease, upload, acks })) => {
                let stream = lease.arn().clone();
                site.core.event(&contact, "has an upload", &format!("{id} to {}", stream.name()));
                if let Some(contact) = self.contacts.get_mut(&contact) {
                    contact.leases.push(lease.clone());
                }
                let session = CaptureSession { upload: Some(upload), acks, lease };
                self.captures.insert((contact, id), session);
                CaptureEvent::Opened { stream }
            }
            Some(Err(error)) => CaptureEvent::Failed { reason: error.to_string() },
            None => CaptureEvent::Failed { reason: "the store waits".to_owned() },
        };
        if self.contacts.contains_key(&contact) {
            self.tell(site, contact, Input::Capture { capture: id, event });
        } else {
            self.drop_upload(contact, id);
        }
    }

    pub(super) fn attach_upload(&mut self, leg: LegId, contact: ContactId, id: CaptureId) {
        let upload = self.captures.get_mut(&(contact, id)).and_then(|session| session.upload.take());
        if let (Some(upload), Some(leg)) = (upload, self.legs.get_mut(&leg)) {
            leg.captures.attach(id, upload);
        }
    }

    pub(super) fn drop_upload(&mut self, contact: ContactId, id: CaptureId) {
        if let Some(session) = self.captures.get_mut(&(contact, id)) {
            session.upload = None;
        }
    }

    /// Hands on what is captured, and tells contacts what is safe.
    pub(super) fn feed(&mut self, site: &mut Site) {
        for (stream, number) in self.sink.feed(site.core.now()) {
            site.core.event(&stream.name(), "keeps", &number.to_string());
            site.core.tally.persisted += 1;
            if site.keeps {
                let outcome = site.watches.acknowledged.persisted(&stream, number);
                site.core.check(acknowledged::NAME, &stream.name(), outcome);
            }
        }
        let keys: Vec<(ContactId, CaptureId)> = self.captures.keys().copied().collect();
        for (contact, id) in keys {
            while let Some(session) = self.captures.get_mut(&(contact, id)) {
                match now_or_never(session.acks.next()) {
                    Some(Some(event)) => {
                        let event = of_contact(event);
                        self.tell(site, contact, Input::Capture { capture: id, event });
                    }
                    Some(None) => {
                        site.watches.taps.safe(contact, id, site.core.now());
                        self.captures.remove(&(contact, id));
                    }
                    None => break,
                }
            }
        }
    }

    /// Contacts of which not everything captured is safe.
    pub(crate) fn unsafe_contacts(&self) -> impl Iterator<Item = ContactId> {
        self.captures.keys().map(|(contact, _)| *contact)
    }

    /// Streams that are captured to now.
    pub(super) fn captured_streams(&self) -> Vec<StreamArn> {
        self.captures.values().map(|session| session.stream().clone()).collect()
    }
}

fn of_contact(event: capture::CaptureEvent) -> CaptureEvent {
    match event {
        capture::CaptureEvent::Opened { stream } => CaptureEvent::Opened { stream },
        capture::CaptureEvent::Acknowledged { number } => CaptureEvent::Acknowledged { number },
        capture::CaptureEvent::Failed { reason } => CaptureEvent::Failed { reason },
        capture::CaptureEvent::Closed => CaptureEvent::Closed,
    }
}
