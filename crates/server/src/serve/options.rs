//! What the parts of the server are given out of the configuration.

use super::kvs_limits::kvs_limits;
use super::wire::Site;
use crate::call::AdmissionOptions;
use crate::clock::ServiceClock;
use crate::config::{self, Config, TrackNaming};
use crate::media::MediaPlaneOptions;
use crate::sip::SipOptions;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tympan_capture::{Rest, TrackProfile};
use tympan_connect::Options as ConnectOptions;
use tympan_contact::ContactOptions;
use tympan_kvs::KvsOptions;

pub(super) fn stream_rest(config: &Config) -> Rest {
    let began = Instant::now();
    Rest { time: Duration::from_secs(config.connect.stream_rest_s), clock: Arc::new(move || began.elapsed()) }
}

pub(super) fn sip_options(config: &Config, site: &Site) -> anyhow::Result<SipOptions> {
    let config::Sip { calls_max, half_open_per_source, requests_per_source_per_s, .. } = config.sip;
    let limits = tympan_sip::agent::Limits {
        // More than calls, so that it is the call side that refuses one too many, and its metrics say why.
        legs_max: calls_max.saturating_mul(2).saturating_add(1_024),
        half_open_per_source,
        requests_per_source_per_s,
        sources_max: config.sip.sources_max,
        transactions_max: config.sip.transactions_max,
        registration_min_s: config.sip.registration_min_s,
        registration_max_s: config.sip.registration_max_s,
        bindings_per_phone_max: config.sip.devices_per_phone_max,
        wrong_passwords_per_source_per_min: config.sip.wrong_passwords_per_source_per_min,
        ..Default::default()
    };
    let mut seed = [0; 32];
    for half in seed.chunks_exact_mut(16) {
        half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    }
    // Two UUIDs have 244 random bits; the agent spreads them.
    Ok(SipOptions {
        listen: config.sip.listen,
        public: config.sip.public_address,
        tcp: site.limits.sip_tcp(config),
        limits,
        trunks: config::sip_trunks(&config.sip.trunks)?,
        phones: config::sip_phones(&config.sip)?,
        outbound: config::sip_outbound(&config.sip)?,
        agents: config::sip_agents(&config.sip),
        seed,
    })
}

pub(super) fn kvs_options(config: &Config, url: &str, clock: &ServiceClock) -> KvsOptions {
    let close_after = Duration::from_millis(config.kvs.put_media_idle_ms);
    KvsOptions {
        limits: kvs_limits(&config.kvs),
        status_delay: Duration::from_millis(config.kvs.status_delay_ms),
        put_media_idle_ack: close_after / 6,
        put_media_idle_close: close_after,
        put_media_resume: Duration::from_millis(config.kvs.put_media_resume_ms),
        get_media_idle: Duration::from_millis(config.kvs.get_media_idle_ms),
        get_media_lifetime: Duration::from_secs(config.kvs.get_media_lifetime_s),
        get_media_stall: Duration::from_millis(config.kvs.get_media_stall_ms),
        ..KvsOptions::new(url, Arc::new(clock.clone()))
    }
}

/// Without `lambda.require_association`, functions that the configuration maps need no association, and under `--dev` none does.
pub(super) fn connect_options(config: &Config, site: &Site) -> ConnectOptions {
    let required = config.lambda.require_association;
    let mapped = config.lambda.functions.iter().map(|function| function.arn.clone());
    ConnectOptions {
        require_lambda_association: required || site.faults.is_none(),
        unassociated_functions: if required { BTreeSet::new() } else { mapped.collect() },
        number_ranges: config.connect.number_ranges.clone(),
        time_zone: config.connect.time_zone.clone(),
        ..ConnectOptions::new(site.account.clone(), site.region.clone())
    }
}

pub(super) fn media_options(config: &Config, address: IpAddr) -> MediaPlaneOptions {
    MediaPlaneOptions {
        address,
        ports: (config.rtp.port_first, config.rtp.port_last),
        threads: config.rtp.threads,
        tick: Duration::from_millis(config.rtp.tick_ms.max(1)),
    }
}

/// How much longer than its voice a prompt may take to be ready.
const PROMPT_GRACE_MS: u64 = 2_000;

pub(super) fn admission_options(config: &Config) -> AdmissionOptions {
    let limit_ms = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
    let track_profile = match config.capture.track_profile {
        TrackNaming::Current => TrackProfile::Current,
        TrackNaming::Seed2019 => TrackProfile::Seed2019,
    };
    AdmissionOptions {
        calls_max: config.sip.calls_max,
        silence_grace: Duration::from_millis(config.rtp.silence_grace_ms),
        media: config::TrunkMediaRules::new(&config.sip.trunks),
        track_profile,
        contact: ContactOptions {
            start_limit_ms: limit_ms(config.capture.start_timeout_ms),
            stop_limit_ms: limit_ms(config.capture.stop_timeout_ms),
            close_limit_ms: limit_ms(config.capture.stop_timeout_ms),
            // The voice gives up first, and then a prompt is silence instead.
            prompt_limit_ms: limit_ms(config.speech.timeout_ms.saturating_add(PROMPT_GRACE_MS)),
            keys_ahead: config.connect.keys_ahead,
            flow_traces: config.connect.flow_traces,
            flow_log_values: config.flow_log.values,
            ..ContactOptions::default()
        },
    }
}
