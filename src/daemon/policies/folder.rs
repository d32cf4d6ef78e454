//! The folder of policies as it is on the disk: every `NAME.toml` is a policy, every `calendars/NAME.toml` a calendar.
//!
//! Everything else in it is left alone, so that editors may keep their copies beside. What cannot be read is a mistake like
//! any other: half a folder is never taken for the whole.

use super::Mistake;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A larger file is refused: policies are written by people.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Files at most, so that all of them fit one frame of the log.
const FILES_MAX: usize = 512;
/// Where calendars are.
const CALENDARS: &str = "calendars";

/// A file.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name below the folder: `service-levels.toml`, `calendars/cn-office.toml`.
    pub name: String,
    /// The name without what is before and behind.
    pub stem: String,
    /// What it says.
    pub text: String,
}

/// What the folder holds, by name.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// The policies.
    pub policies: Vec<File>,
    /// The calendars.
    pub calendars: Vec<File>,
    /// What could not be read.
    pub mistakes: Vec<Mistake>,
}

impl Folder {
    /// Reads the folder; without one there is nothing in it.
    pub fn read(path: Option<&Path>) -> Folder {
        let mut folder = Folder::default();
        let Some(path) = path else {
            return folder;
        };
        let Folder {
            policies,
            calendars,
            mistakes,
        } = &mut folder;
        take(path, "", policies, mistakes);
        let below = path.join(CALENDARS);
        // It may be missing; anything else there has to be looked at.
        if !matches!(below.try_exists(), Ok(false)) {
            take(&below, "calendars/", calendars, mistakes);
        }
        let files = policies.len() + calendars.len();
        if files > FILES_MAX {
            mistakes.push(Mistake::of_file(
                &path.display().to_string(),
                format!("{files} files: at most {FILES_MAX} are taken"),
            ));
        }
        folder
    }
}

/// Reads the `.toml` files of one folder.
fn take(path: &Path, prefix: &str, files: &mut Vec<File>, mistakes: &mut Vec<Mistake>) {
    let mut unread = |path: &Path, e: &io::Error| {
        let shown = path.display().to_string();
        mistakes.push(Mistake::of_file(&shown, format!("cannot be read: {e}")));
    };
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) => return unread(path, &e),
    };
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => found.push(entry.path()),
            Err(e) => unread(path, &e),
        }
    }
    found.sort();
    for path in found {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some(stem) = name
            .strip_suffix(".toml")
            .filter(|stem| !stem.is_empty() && !stem.starts_with('.'))
        else {
            continue;
        };
        match read_file(&path) {
            Ok(text) => files.push(File {
                name: format!("{prefix}{name}"),
                stem: stem.to_owned(),
                text,
            }),
            Err(e) => unread(&path, &e),
        }
    }
}

/// Of a pipe nobody may ever write to the other end, and a device has no end: only files are read, and no more of them than
/// is taken.
fn read_file(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut text = String::new();
    let bytes = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if bytes as u64 > FILE_BYTES_MAX {
        let why = format!("it is longer than the {FILE_BYTES_MAX} bytes that are taken");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_or_a_device_is_told_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("x.toml");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        for path in [&*pipe, Path::new("/dev/zero")] {
            assert_eq!(read_file(path).unwrap_err().to_string(), "it is no file");
        }
    }

    #[test]
    fn files_by_name_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| std::fs::write(dir.path().join(name), text).unwrap();
        std::fs::create_dir(dir.path().join("calendars")).unwrap();
        for name in [
            "b.toml",
            "a.toml",
            "a.toml~",
            ".a.toml.swp",
            ".x.toml",
            ".toml",
            "calendars/c.toml",
        ] {
            write(name, name.as_bytes());
        }
        let names = |files: &[File]| files.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
        let folder = Folder::read(Some(dir.path()));
        assert_eq!(names(&folder.policies), ["a.toml", "b.toml"]);
        assert_eq!(names(&folder.calendars), ["calendars/c.toml"]);
        assert_eq!(
            (folder.policies[0].stem.as_str(), &*folder.calendars[0].stem),
            ("a", "c")
        );
        assert!(folder.mistakes.is_empty());
        write("b.toml", &[0xff, 0xfe]);
        write("huge.toml", &vec![b'#'; FILE_BYTES_MAX as usize + 1]);
        let said: Vec<String> = Folder::read(Some(dir.path()))
            .mistakes
            .iter()
            .map(Mistake::to_string)
            .collect();
        assert!(
            said.len() == 2 && said[0].contains("b.toml: cannot be read") && said[1].contains("huge.toml")
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::read(Some(&dir.path().join("nowhere")));
        assert_eq!(folder.mistakes.len(), 1);
        assert!(Folder::read(None).mistakes.is_empty());
    }
}
