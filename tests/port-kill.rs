//! port-kill, run as a user runs it: free these ports, and prove it.

mod support;
