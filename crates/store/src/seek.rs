//! Where a reader begins that asks for a producer's time.
//!
//! Producers' times need not rise with fragment numbers: a device may upload last year's recording after today's. So the
//! first fragment by number whose span contains the instant is sought in all of the stream, and, where there is none,
//! the one that begins next after it by time. From there on a reader goes by numbers.

use crate::store::Core;
use crate::stream_cell::StreamCell;
use crate::{ErrorKind, FirstMatch, FragmentMeta, StoreError, TimeAxis};
use tympan_types::FragmentNumber;

const AXIS: TimeAxis = TimeAxis::Producer;

/// The best that was found so far.
struct Search {
    at_ms: i64,
    /// Where and under which number the nearest later fragment begins.
    nearest: Option<(i64, FragmentNumber)>,
}

impl Search {
    /// Looks at a fragment that reaches to `end_ms`; `true` if it contains the instant.
    fn look_at(&mut self, number: FragmentNumber, start_ms: i64, end_ms: i64) -> bool {
        if start_ms <= self.at_ms && end_ms >= self.at_ms {
            return true;
        }
        if start_ms >= self.at_ms && self.nearest.is_none_or(|(nearest_ms, _)| start_ms < nearest_ms) {
            self.nearest = Some((start_ms, number));
        }
        false
    }

    fn look_at_meta(&mut self, meta: &FragmentMeta) -> bool {
        let start_ms = AXIS.start_ms(meta);
        self.look_at(meta.number, start_ms, start_ms.saturating_add(i64::from(meta.duration_ms)))
    }
}

impl Core {
    /// The fragment with which a reader begins that asks for a producer's time; `None` if there is none yet.
    pub(crate) fn seek_producer(
        &self,
        cell: &StreamCell,
        at_ms: i64,
    ) -> Result<Option<FragmentNumber>, StoreError> {
        let now = self.now();
        // The young end first: what a chunk takes over meanwhile is then not missed.
        let (young, chunked_through, gone) = {
            let tail = cell.tail();
            (tail.spans(now, &self.options), tail.chunked_through(), tail.gone(now.wall))
        };
        let mut search = Search { at_ms, nearest: None };
        let matching = FirstMatch::Reaching { axis: AXIS, at_ms };
        let mut after = FragmentNumber::MIN;
        while after < chunked_through {
            let Some(chunk) = self.backend.find_chunk(cell.id, after, matching)? else { break };
            after = chunk.last;
            let earliest_ms = chunk.producer_ms.0;
            if earliest_ms > at_ms && search.nearest.is_some_and(|(nearest_ms, _)| nearest_ms <= earliest_ms)
            {
                continue;
            }
            let parts = match self.backend.chunk_parts(&chunk) {
                // Reading comes to it and tells it.
                Err(error) if *error.kind() == ErrorKind::Corrupt => continue,
                parts => parts?.unwrap_or_default(),
            };
            for part in parts.iter().filter(|part| !gone.has(&part.meta)) {
                if search.look_at_meta(&part.meta) {
                    return Ok(Some(part.meta.number));
                }
            }
        }
        for (number, start_ms, end_ms) in young {
            if search.look_at(number, start_ms, end_ms) {
                return Ok(Some(number));
            }
        }
        Ok(search.nearest.map(|(_, number)| number))
    }
}
