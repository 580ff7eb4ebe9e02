//! Signed KVS and Connect clients, the test caller and the CLI's verbs
