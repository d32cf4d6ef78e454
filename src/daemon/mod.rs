//! Floor 3: the outside world. Threads, sockets, files' owners, clocks.
pub mod alarm;
pub mod clients;
pub mod clock;
pub mod listener;
pub mod output;
pub mod wake;
