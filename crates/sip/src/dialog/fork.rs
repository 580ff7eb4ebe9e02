//! The several dialogs that one INVITE of ours can have (RFC 3261 section 13.2.2.4): forks by proxies behind the first hop.

/// Early dialogs of one INVITE at most; a provisional response of a further fork is not looked at.
pub const FORKS_MAX: usize = 8;
/// Further 2xx of one INVITE at most that are acknowledged and ended with BYE.
pub const STRAYS_MAX: usize = 8;

/// What belongs to one fork each, by the tag of To. The first one that is answered is the call.
#[derive(Debug, Clone)]
pub struct Forks<T> {
    of: Vec<(Box<str>, T)>,
    max: usize,
}

impl<T> Forks<T> {
    /// None yet.
    pub fn new(max: usize) -> Self {
        Self { of: Vec::new(), max }
    }

    /// The fork with this tag.
    pub fn get_mut(&mut self, tag: &str) -> Option<&mut T> {
        self.of.iter_mut().find(|(known, _)| **known == *tag).map(|(_, fork)| fork)
    }

    /// True where there is one with this tag.
    pub fn contains(&self, tag: &str) -> bool {
        self.of.iter().any(|(known, _)| **known == *tag)
    }

    /// The fork with this tag, made where it is new; `None` where there are too many.
    pub fn entry(&mut self, tag: &str, make: impl FnOnce() -> T) -> Option<&mut T> {
        if self.get_mut(tag).is_none() {
            if self.of.len() >= self.max {
                return None;
            }
            self.of.push((tag.into(), make()));
        }
        self.get_mut(tag)
    }

    /// Takes a fork out.
    pub fn remove(&mut self, tag: &str) -> Option<T> {
        let at = self.of.iter().position(|(known, _)| **known == *tag)?;
        Some(self.of.remove(at).1)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.of.iter_mut().map(|(_, fork)| fork)
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forks_are_kept_by_tag_and_no_more_than_the_limit() {
        let mut forks = Forks::new(2);
        assert_eq!(forks.entry("a", || 1).copied(), Some(1));
        assert_eq!(forks.entry("a", || 9).copied(), Some(1));
        assert_eq!(forks.entry("b", || 2).copied(), Some(2));
        assert_eq!(forks.entry("c", || 3).copied(), None);
        assert_eq!((forks.remove("a"), forks.remove("a")), (Some(1), None));
        assert_eq!(forks.entry("c", || 3).copied(), Some(3));
    }
}
