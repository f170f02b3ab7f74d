//! health-wait
