//! Fingerprint of a command: the same for the same command with its fields in any order, whatever their case.
//!
//! `xxh3(name, each positional argument with its length) + Σ xxh3(field \0 value)`, wrapping, over all fields but
//! `token`. It is logged and compared after restarts, so it must never change. Not a defence against somebody who
//! constructs collisions: those would only make their own commands repeats of each other.

use xxhash_rust::xxh3::xxh3_64;

/// Bytes that are put together without an allocation.
const SHORT_BYTES: usize = 160;

/// Room in which the pieces are put together; one serves a whole command.
#[derive(Default)]
pub(super) struct Digester(Joined);

impl Digester {
    /// Digest of the name and the positional arguments.
    pub(super) fn head<'a>(&mut self, name: &str, positional: impl Iterator<Item = &'a [u8]>) -> u64 {
        self.0.clear();
        self.0.push(name.as_bytes());
        for argument in positional {
            self.0.push(&(argument.len() as u64).to_le_bytes());
            self.0.push(argument);
        }
        self.0.digest()
    }

    /// Digest of one pair; `rest` is what the given name adds to `field`, and keeps its case.
    pub(super) fn pair(&mut self, field: &str, rest: &[u8], value: &[u8]) -> u64 {
        self.0.clear();
        self.0.push(field.as_bytes());
        if !rest.is_empty() {
            self.0.push(rest);
        }
        self.0.push(&[0]);
        self.0.push(value);
        self.0.digest()
    }
}

/// Bytes one after another; on the stack while they are few.
struct Joined {
    short: [u8; SHORT_BYTES],
    len: usize,
    long: Vec<u8>,
}

impl Default for Joined {
    fn default() -> Self {
        Joined {
            short: [0; SHORT_BYTES],
            len: 0,
            long: Vec::new(),
        }
    }
}

impl Joined {
    fn clear(&mut self) {
        self.len = 0;
        self.long.clear();
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if self.long.is_empty()
            && let Some(room) = self.short.get_mut(self.len..end)
        {
            room.copy_from_slice(bytes);
            self.len = end;
            return;
        }
        if self.long.is_empty() {
            self.long.extend_from_slice(&self.short[..self.len]);
        }
        self.long.extend_from_slice(bytes);
    }

    fn digest(&self) -> u64 {
        if self.long.is_empty() {
            xxh3_64(&self.short[..self.len])
        } else {
            xxh3_64(&self.long)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head<'a>(name: &str, positional: impl Iterator<Item = &'a [u8]>) -> u64 {
        Digester::default().head(name, positional)
    }

    fn pair(field: &str, rest: &[u8], value: &[u8]) -> u64 {
        Digester::default().pair(field, rest, value)
    }

    #[test]
    fn the_digests_are_frozen() {
        assert_eq!(
            head("TICKET.OPEN", [&b"t1"[..]].into_iter()),
            xxh3_64(b"TICKET.OPEN\x02\0\0\0\0\0\0\0t1")
        );
        assert_eq!(pair("attr.", b"Os", b"linux"), xxh3_64(b"attr.Os\0linux"));
        let long = [b'x'; 4 * SHORT_BYTES];
        let mut whole = b"label\0".to_vec();
        whole.extend_from_slice(&long);
        assert_eq!(pair("label", b"", &long), xxh3_64(&whole));
    }

    #[test]
    fn a_long_pair_leaves_nothing_to_the_next() {
        let mut digester = Digester::default();
        digester.pair("attr.", b"a", &[b'x'; 4 * SHORT_BYTES]);
        assert_eq!(digester.pair("by", b"", b"me"), pair("by", b"", b"me"));
    }

    #[test]
    fn lengths_keep_arguments_apart() {
        let digest = |args: [&'static [u8]; 2]| head("X", args.into_iter());
        assert_ne!(digest([b"ab", b"c"]), digest([b"a", b"bc"]));
    }
}
