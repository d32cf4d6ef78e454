//! Calendars by their corners; the vectors and the naive models are in `tests/calendar`.
