//! Session timers (RFC 4028), both roles.
//!
//! Every INVITE, re-INVITE and UPDATE that gets a 2xx negotiates anew: the interval, and which side refreshes. That side does so
//! at half the interval. Without a refresh, each side ends the session 32 s before it expires, or a third of the interval
//! before, whichever is less (section 10).

#[cfg(test)]
mod tests;

use crate::wire::{Message, Name, Request, Response, SessionExpires, decimal};
use tympan_types::Mono;

/// No interval may be less (RFC 4028 section 4).
const INTERVAL_MIN_S: u32 = 90;
/// A request goes again so often after 422.
const RETRIES_MAX: u8 = 2;
/// A refresh that was refused goes again after this time, or half of what is left, whichever is more.
const RETRY_MIN_MS: i64 = 2_500;

/// What a trunk wants of session timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerRules {
    /// The interval that we ask for and accept at most, in seconds; `None`: we ask for none, but do what a peer asks.
    pub session_expires_s: Option<u32>,
    /// The least interval that we take, in seconds; at least 90.
    pub min_se_s: u32,
}

/// A request asks for less than Min-SE: 422 with this Min-SE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSmall {
    /// For the header Min-SE.
    pub min_se_s: u32,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshDue {
    /// We refresh: UPDATE where the peer allows it, else re-INVITE with what was described last.
    Refresh,
    /// The peer did not refresh in time, or our refresh failed: BYE.
    Expired,
}

/// The session timer of one dialog.
#[derive(Debug, Clone)]
pub struct Refresh {
    rules: TimerRules,
    /// The largest Min-SE of a 422 or of a request of the peer (section 7.4).
    min_se_s: u32,
    retries: u8,
    /// True once a peer agreed to a timer: from then on its silence means that there is none.
    was_agreed: bool,
    timer: Option<Timer>,
}

#[derive(Debug, Clone, Copy)]
struct Timer {
    interval_s: u32,
    refresher: Refresher,
    /// Taken once it is due.
    refresh_at: Option<Mono>,
    end_at: Mono,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refresher {
    Us,
    /// Us, of a peer that knows no timers: we see by our refreshes that it is there.
    UsAlone,
    Peer,
}

impl Refresh {
    /// No timer runs.
    pub fn new(rules: TimerRules) -> Self {
        Self {
            rules,
            min_se_s: rules.min_se_s.max(INTERVAL_MIN_S),
            retries: 0,
            was_agreed: false,
            timer: None,
        }
    }

    /// Session-Expires (with refresher where it is known) and Min-SE for a request of ours: the first INVITE or a refresh.
    /// Min-SE is left out where it is the 90 s that hold without it.
    pub fn request_headers(&self) -> (Option<SessionExpires>, Option<u32>) {
        let min_se_s = Some(self.min_se_s).filter(|&min_se_s| min_se_s > INTERVAL_MIN_S);
        let (interval_s, refresher_is_uas) = match self.timer {
            Some(timer) => (timer.interval_s, Some(timer.refresher == Refresher::Peer)),
            None => match self.rules.session_expires_s {
                Some(interval_s) => (interval_s, None),
                None => return (None, None),
            },
        };
        let interval_s = interval_s.max(self.min_se_s);
        (Some(SessionExpires { interval_s, refresher_is_uas }), min_se_s)
    }

    /// A request of the peer (INVITE, re-INVITE, UPDATE) that will be answered 2xx: the Session-Expires for that answer, and
    /// whether `Require: timer` goes with it. Starts or restarts the timer when the answer is sent. Table 2 of RFC 4028 says who
    /// refreshes; where it leaves that to us, it stays as it is, and it is us at first: so we see soonest that a peer is gone.
    pub fn accept(
        &mut self,
        now: Mono,
        request: &Request,
    ) -> Result<Option<(SessionExpires, bool)>, TooSmall> {
        let is_supported =
            request.message.lists(Name::Supported, "timer") || request.message.lists(Name::Require, "timer");
        let asked = session_expires(&request.message);
        // A peer without timers cannot understand 422 (section 9): a proxy asked, and we do it.
        if let Some(asked) = asked
            && is_supported
            && asked.interval_s < self.rules.min_se_s.max(INTERVAL_MIN_S)
        {
            return Err(TooSmall { min_se_s: self.rules.min_se_s.max(INTERVAL_MIN_S) });
        }
        let least_s = min_se(&request.message).unwrap_or(INTERVAL_MIN_S).max(INTERVAL_MIN_S);
        self.min_se_s = self.min_se_s.max(least_s);
        let wanted_s = self.rules.session_expires_s;
        let Some(interval_s) = asked.map(|asked| asked.interval_s).into_iter().chain(wanted_s).min() else {
            self.timer = None;
            return Ok(None);
        };
        let current = self.timer.map(|timer| timer.refresher);
        let peer_refreshes = is_supported
            && match asked.and_then(|asked| asked.refresher_is_uas) {
                Some(is_uas) => !is_uas,
                None => current == Some(Refresher::Peer),
            };
        let refresher = match (peer_refreshes, is_supported) {
            (true, _) => Refresher::Peer,
            (false, true) => Refresher::Us,
            (false, false) => Refresher::UsAlone,
        };
        let timer = self.start(now, interval_s.max(least_s), refresher);
        let answer = SessionExpires { interval_s: timer.interval_s, refresher_is_uas: Some(!peer_refreshes) };
        Ok(Some((answer, is_supported)))
    }

    /// A 2xx to our request. Without Session-Expires there is no timer any more (section 7.2), except with a peer that never
    /// agreed to one: there we refresh alone, if our trunk asks for a timer.
    pub fn accepted(&mut self, now: Mono, response: &Response) {
        let (asked, _) = self.request_headers();
        self.retries = 0;
        match (session_expires(&response.message), asked) {
            (Some(agreed), _) => {
                let refresher =
                    if agreed.refresher_is_uas == Some(true) { Refresher::Peer } else { Refresher::Us };
                self.start(now, agreed.interval_s, refresher);
            }
            (None, Some(asked)) if !self.was_agreed => {
                self.start(now, asked.interval_s, Refresher::UsAlone);
            }
            (None, _) => self.timer = None,
        }
    }

    /// A 422 to our request: the request goes again with at least its Min-SE. False where it has none or that was done twice.
    pub fn refused(&mut self, response: &Response) -> bool {
        let Some(least_s) = min_se(&response.message).filter(|_| self.retries < RETRIES_MAX) else {
            return false;
        };
        self.retries += 1;
        self.min_se_s = self.min_se_s.max(least_s);
        true
    }

    /// Our refresh failed. `fatal` (408, 481, timed out): the session is expired at once. Other refusals: it is tried again
    /// before the session ends; but from a peer without timers, any answer shows that it is there.
    pub fn refresh_failed(&mut self, now: Mono, fatal: bool) {
        self.retries = 0;
        let Some(timer) = &mut self.timer else { return };
        if fatal {
            timer.end_at = now;
        } else if timer.refresher == Refresher::UsAlone {
            let interval_s = timer.interval_s;
            self.start(now, interval_s, Refresher::UsAlone);
        } else if timer.refresher == Refresher::Us {
            let left_ms = timer.end_at.ms_since(now);
            timer.refresh_at = Some(now.plus_ms(RETRY_MIN_MS.max(left_ms / 2)));
        }
    }

    /// The refresh that is due could not be sent now: it is tried again soon.
    pub fn refresh_postponed(&mut self, now: Mono) {
        if let Some(timer) = self.timer.as_mut().filter(|timer| timer.refresher != Refresher::Peer) {
            timer.refresh_at = Some(now.plus_ms(RETRY_MIN_MS));
        }
    }

    /// What is due now, once each. After [`RefreshDue::Refresh`], the outcome is due: [`Refresh::accepted`],
    /// [`Refresh::refused`], [`Refresh::refresh_failed`] or [`Refresh::refresh_postponed`]; without any, the session expires.
    pub fn poll(&mut self, now: Mono) -> Option<RefreshDue> {
        let timer = self.timer.as_mut()?;
        if now >= timer.end_at {
            self.timer = None;
            return Some(RefreshDue::Expired);
        }
        timer.refresh_at.take_if(|at| now >= *at).map(|_| RefreshDue::Refresh)
    }

    /// When something is due.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.timer.map(|timer| timer.refresh_at.map_or(timer.end_at, |at| at.min(timer.end_at)))
    }

    fn start(&mut self, now: Mono, interval_s: u32, refresher: Refresher) -> Timer {
        // A peer that answers with less than is allowed would make us refresh without pause.
        let interval_s = interval_s.max(INTERVAL_MIN_S);
        self.was_agreed |= refresher != Refresher::UsAlone;
        let interval_ms = i64::from(interval_s) * 1_000;
        let early_ms = (interval_ms / 3).min(32_000);
        let refresh_at = (refresher != Refresher::Peer).then(|| now.plus_ms(interval_ms / 2));
        let timer = Timer { interval_s, refresher, refresh_at, end_at: now.plus_ms(interval_ms - early_ms) };
        self.timer = Some(timer);
        timer
    }
}

fn session_expires(message: &Message) -> Option<SessionExpires> {
    message.value(Name::SessionExpires).and_then(SessionExpires::parse)
}

/// Min-SE may have parameters (section 5).
fn min_se(message: &Message) -> Option<u32> {
    let value = message.value(Name::MinSe)?;
    decimal(value.split(|&byte| byte == b';').next()?)
}
