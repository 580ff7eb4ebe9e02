//! Key providers, data keys and envelopes
