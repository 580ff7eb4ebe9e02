//! The code in the link that `--dev` prints: it signs in once.

use ring::rand::{SecureRandom, SystemRandom};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tympan_auth::Secret;

/// How long a code is good.
pub(super) const LIFETIME: Duration = Duration::from_secs(600);
const CODE_BYTES: usize = 16;

/// A code that was given out and not used yet.
#[derive(Debug, Default)]
pub(crate) struct SignInCode(Mutex<Option<Open>>);

#[derive(Debug)]
struct Open {
    code: Secret,
    /// The access key that it signs in.
    access_key_id: String,
    ends: Instant,
}

impl SignInCode {
    /// A new code, which signs in as the user of this access key; an earlier one is good no longer. `None`: the system gives no
    /// randomness.
    pub(crate) fn issue(&self, now: Instant, access_key_id: &str) -> Option<Secret> {
        let mut bytes = [0; CODE_BYTES];
        SystemRandom::new().fill(&mut bytes).ok()?;
        let code = Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let access_key_id = access_key_id.to_owned();
        *self.open() = Some(Open { code: code.clone(), access_key_id, ends: now + LIFETIME });
        Some(code)
    }

    /// The access key that a code signs in, once.
    pub(super) fn redeem(&self, now: Instant, code: &str) -> Option<String> {
        let mut open = self.open();
        open.take_if(|open| open.code.matches(code.as_bytes()) && now < open.ends)
            .map(|open| open.access_key_id)
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_signs_in_once_and_for_ten_minutes() {
        let (codes, now) = (SignInCode::default(), Instant::now());
        assert_eq!(codes.redeem(now, ""), None, "none was given out");
        let code = codes.issue(now, "A").unwrap();
        assert_eq!(code.expose().len(), 2 * CODE_BYTES);
        assert_eq!(codes.redeem(now, "wrong"), None);
        assert_eq!(codes.redeem(now, code.expose()).as_deref(), Some("A"));
        assert_eq!(codes.redeem(now, code.expose()), None, "used");
        let code = codes.issue(now, "A").unwrap();
        assert_eq!(codes.redeem(now + LIFETIME, code.expose()), None, "too late");
        let (first, second) = (codes.issue(now, "A").unwrap(), codes.issue(now, "B").unwrap());
        assert_eq!(codes.redeem(now, first.expose()), None, "replaced");
        assert_eq!(codes.redeem(now, second.expose()).as_deref(), Some("B"));
    }
}
