//! The fragment log: journal, chunks, catalogue, live tail, retention
