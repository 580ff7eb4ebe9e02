//! The Kinesis Video Streams service, transport-free
