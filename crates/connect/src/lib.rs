//! The Amazon Connect service and its calls, transport-free
