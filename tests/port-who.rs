//! port-who, run as a user runs it: who holds these ports.

mod support;
