//! What the fuzzers share: how long and from which seed, and the inputs that once were interesting.

use std::path::Path;

/// A number of the environment, for example `SLAD_FUZZ_SEED`.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

/// The files of `tests/fuzz/<name>` in the order of their names: at least `least`.
pub(crate) fn corpus(name: &str, least: usize) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz")
        .join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() >= least, "the corpus {name} is there");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}
