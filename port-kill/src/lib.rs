//! port-kill
