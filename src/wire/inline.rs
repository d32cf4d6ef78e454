//! Requests typed by hand: words between blanks, quoted as redis-cli and Redis' `sdssplitargs` have it.
//!
//! `"…"` knows `\n \r \t \b \a \xHH` and a backslash before any other byte; `'…'` knows `\'`. A closing quote must be
//! followed by a blank or the end. Costs one pass; the unquoted words are copied one after another.

use super::frame::Span;

/// Why a line is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A quote is not closed, or something follows the closing one.
    Quotes,
    /// More words than allowed.
    TooMany,
}

/// Splits `line` (without its line feed) into words: their bytes go to `words`, their places to `spans`.
pub(crate) fn split(
    line: &[u8],
    words_max: usize,
    words: &mut Vec<u8>,
    spans: &mut Vec<Span>,
) -> Result<(), Fault> {
    let mut rest = line;
    loop {
        while let [first, tail @ ..] = rest
            && blank(*first)
        {
            rest = tail;
        }
        if rest.is_empty() {
            return Ok(());
        }
        if spans.len() == words_max {
            return Err(Fault::TooMany);
        }
        let start = words.len();
        rest = word(rest, words)?;
        // A line is capped far below 4 GiB by `Limits::request_bytes_max`.
        spans.push(Span {
            start: start as u32,
            len: (words.len() - start) as u32,
        });
    }
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Copies one word and returns what follows it. As in Redis a quote may open in the middle of a word.
fn word<'a>(mut rest: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], Fault> {
    loop {
        match rest {
            [] => return Ok(rest),
            [byte, ..] if blank(*byte) => return Ok(rest),
            [b'"', tail @ ..] => return closed(double(tail, words)?),
            [b'\'', tail @ ..] => return closed(single(tail, words)?),
            [byte, tail @ ..] => {
                words.push(*byte);
                rest = tail;
            }
        }
    }
}

fn closed(rest: &[u8]) -> Result<&[u8], Fault> {
    match rest {
        [byte, ..] if !blank(*byte) => Err(Fault::Quotes),
        _ => Ok(rest),
    }
}

fn double<'a>(mut rest: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], Fault> {
    loop {
        rest = match rest {
            [] => return Err(Fault::Quotes),
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                words.push(hex(*high) << 4 | hex(*low));
                tail
            }
            [b'\\', byte, tail @ ..] => {
                words.push(match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                tail
            }
            [byte, tail @ ..] => {
                words.push(*byte);
                tail
            }
        };
    }
}

fn single<'a>(mut rest: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], Fault> {
    loop {
        rest = match rest {
            [] => return Err(Fault::Quotes),
            [b'\\', b'\'', tail @ ..] => {
                words.push(b'\'');
                tail
            }
            [b'\'', tail @ ..] => return Ok(tail),
            [byte, tail @ ..] => {
                words.push(*byte);
                tail
            }
        };
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Vec<Vec<u8>>, Fault> {
        let (mut bytes, mut spans) = (Vec::new(), Vec::new());
        split(line.as_bytes(), 8, &mut bytes, &mut spans)?;
        Ok(spans
            .iter()
            .map(|s| bytes[s.start as usize..(s.start + s.len) as usize].to_vec())
            .collect())
    }

    #[test]
    fn words_and_quotes_as_redis_has_them() {
        for (line, expected) in [
            ("", &[][..]),
            ("  \t\r", &[]),
            ("PING\r", &["PING"]),
            ("a  b", &["a", "b"]),
            (r#"ECHO "a b""#, &["ECHO", "a b"]),
            (r#""\x41\n\t\"\\\q""#, &["A\n\t\"\\q"]),
            (r#"'a "b" \' \n'"#, &["a \"b\" ' \\n"]),
            (r#"pre"fix" x"#, &["prefix", "x"]),
            (r#""" '' x"#, &["", "", "x"]),
            (r#""\xZZ""#, &["xZZ"]),
        ] {
            let expected: Vec<Vec<u8>> = expected.iter().map(|w| w.as_bytes().to_vec()).collect();
            assert_eq!(words(line), Ok(expected), "{line}");
        }
        assert_eq!(words(r#""\xff""#), Ok(vec![vec![0xff]]));
        for line in ["\"a", "'a", "\"a\"b", "'a'b", "\"a\\\"", "\"a\\"] {
            assert_eq!(words(line), Err(Fault::Quotes), "{line}");
        }
        assert_eq!(words("1 2 3 4 5 6 7 8 9"), Err(Fault::TooMany));
    }
}
