//! The order of a peer's requests in a dialog (RFC 3261 section 12.2.2).

/// The highest CSeq of the peer that was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Order {
    last: Option<u32>,
}

impl Order {
    /// Begins after a request with this CSeq.
    pub fn after(cseq: u32) -> Self {
        Self { last: Some(cseq) }
    }

    /// Takes a request other than ACK and CANCEL. False where its number is not above the last one: 500. Gaps are fine, for a
    /// challenge of a proxy takes a number too; a repetition of the same request never comes here, its transaction absorbs it.
    pub fn take(&mut self, cseq: u32) -> bool {
        let in_order = self.last.is_none_or(|last| cseq > last);
        if in_order {
            self.last = Some(cseq);
        }
        in_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_up_with_gaps_and_never_down() {
        let mut order = Order::after(7);
        assert_eq!(
            [8, 8, 7, 20, 19, 21].map(|cseq| order.take(cseq)),
            [true, false, false, true, false, true]
        );
        assert!(Order::default().take(0));
    }
}
