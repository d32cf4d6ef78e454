//! Floor 3: the outside world.
//!
//! | file | idea |
//! |---|---|
//! | [`config`] | one row a key: reading, checking, showing and the default file derive from it |
//! | [`metrics`] | what Prometheus sees: cells laid out at start, recorders owned by their threads |
//! | [`http`] | the pages on the loopback |
//! | [`notify`] | what systemd is told, and the socket it passes |
//! | [`signals`] | the signals that ask the daemon to stop |

pub mod config;
pub mod http;
pub mod metrics;
pub mod notify;
pub mod signals;
