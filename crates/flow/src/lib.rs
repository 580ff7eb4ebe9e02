//! Contact-flow documents, the typed graph and its interpreter, sans-IO
