//! The Unix socket: taken over from systemd, or bound here.
//!
//! A socket file that nobody answers on is left over from a crash and replaced; one that somebody answers on is another
//! daemon's and refused.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::Path;
use tokio::net::UnixListener;

/// Permissions of a socket bound here: owner and group.
const SOCKET_MODE: u32 = 0o660;

/// The listening socket, and whether its file is ours to remove at the end.
#[derive(Debug)]
pub struct Bound {
    /// Where connections come in.
    pub listener: UnixListener,
    /// The file was made here (systemd's sockets stay).
    pub ours: bool,
}

/// Takes the socket that systemd passed, else binds `path`. Errors name the path.
pub fn bind(path: &Path) -> io::Result<Bound> {
    if let Some(listener) = super::notify::activated()? {
        return Ok(Bound {
            listener: asynchronous(listener)?,
            ours: false,
        });
    }
    let listener = fresh(path).map_err(|e| at(path, &e))?;
    Ok(Bound {
        listener: asynchronous(listener)?,
        ours: true,
    })
}

fn asynchronous(listener: StdListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

fn fresh(path: &Path) -> io::Result<StdListener> {
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file of another kind in the socket's place: move it away or choose another --socket",
            ));
        }
        match StdStream::connect(path) {
            Ok(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::AddrInUse,
                    "another process answers on this socket: stop it or choose another --socket",
                ));
            }
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
            Err(e) => return Err(e),
        }
    } else if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let listener = StdListener::bind(path)?;
    if let Err(e) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE)) {
        let _ = std::fs::remove_file(path);
        return Err(e);
    }
    Ok(listener)
}

fn at(path: &Path, e: &io::Error) -> io::Error {
    io::Error::new(e.kind(), format!("socket {}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/slad.sock");
        let first = bind(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            SOCKET_MODE
        );
        let refused = bind(&path).unwrap_err();
        assert!(
            refused.to_string().contains("another process answers"),
            "{refused}"
        );
        drop(first); // the file stays, as after a crash
        assert!(path.exists());
        bind(&path).unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert!(bind(&file).unwrap_err().to_string().contains("another kind"));
        assert_eq!(std::fs::read(&file).unwrap(), b"x");
    }
}
