//! port-who
