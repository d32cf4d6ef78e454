//! Floor 3: the outside world.
//!
//! | file | idea |
//! |---|---|
//! | [`config`] | one row a key: reading, checking, showing and the default file derive from it |

pub mod config;
