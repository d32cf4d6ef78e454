//! How two texts differ, by lines: what POLICY.RELOAD DRYRUN shows of a policy that changed.
//!
//! The longest common subsequence of the lines between what both texts begin and end with alike. Cost: the product of the
//! lines in between, at most `CELLS_MAX`; beyond that all of the old ones count as gone and all of the new as come.

/// Cells of the table: 16 MiB.
const CELLS_MAX: usize = 4 << 20;

/// The lines that went (`-12: old`) and came (`+12: new`), with their numbers in the text that they are of.
pub fn lines(old: &str, new: &str) -> Vec<String> {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = (old.len() - head).min(new.len() - head);
    let tail = (1..=rest)
        .take_while(|back| old[old.len() - back] == new[new.len() - back])
        .count();
    let gone = &old[head..old.len() - tail];
    let come = &new[head..new.len() - tail];
    let mut out = Vec::new();
    let went = |out: &mut Vec<String>, i: usize| out.push(format!("-{}: {}", head + i + 1, gone[i]));
    let came = |out: &mut Vec<String>, j: usize| out.push(format!("+{}: {}", head + j + 1, come[j]));
    let (mut i, mut j) = (0, 0);
    if gone.len().saturating_mul(come.len()) <= CELLS_MAX {
        let common = table(gone, come);
        let width = come.len() + 1;
        while i < gone.len() && j < come.len() {
            if gone[i] == come[j] {
                (i, j) = (i + 1, j + 1);
            } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
                went(&mut out, i);
                i += 1;
            } else {
                came(&mut out, j);
                j += 1;
            }
        }
    }
    (i..gone.len()).for_each(|i| went(&mut out, i));
    (j..come.len()).for_each(|j| came(&mut out, j));
    out
}

/// Length of the longest common subsequence of what is from line `i` and `j` on, row by row.
fn table(gone: &[&str], come: &[&str]) -> Vec<u32> {
    let width = come.len() + 1;
    let mut common = vec![0u32; (gone.len() + 1) * width];
    for i in (0..gone.len()).rev() {
        for j in (0..come.len()).rev() {
            common[i * width + j] = if gone[i] == come[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_and_what_came() {
        for (old, new, differs) in [
            ("a\nb\nc", "a\nb\nc", &[][..]),
            ("a\nb\nc", "a\nx\nc", &["-2: b", "+2: x"]),
            ("a\nc", "a\nb\nc", &["+2: b"]),
            ("a\nb\nc\nd", "b\nd", &["-1: a", "-3: c"]),
            ("", "a", &["+1: a"]),
            ("a\na", "a", &["-2: a"]),
            ("1\n2\n3\n4", "1\n3\n5\n4", &["-2: 2", "+3: 5"]),
        ] {
            assert_eq!(lines(old, new), differs, "{old:?} {new:?}");
        }
    }

    #[test]
    fn texts_too_long_to_compare_are_shown_whole() {
        let text = |word: &str| (0..3_000).map(|n| format!("{word}{n}\n")).collect::<String>();
        let differs = lines(&text("a"), &text("b"));
        assert_eq!(differs.len(), 6_000);
        assert_eq!((&*differs[0], &*differs[3_000]), ("-1: a0", "+1: b0"));
    }
}
