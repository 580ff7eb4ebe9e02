//! tympan, the one deployable: sockets, tokio, config, wiring
