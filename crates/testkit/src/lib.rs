//! Dev only: a spawned server, a scripted peer, fake Lambda, audio makers
