//! What fuzzers run: functions that take any bytes and panic if something does not hold that must.
//!
//! Each stands beside the code that it is about. `fuzz/` runs them under libFuzzer; the tests below run
//! them with the committed inputs of `fuzz/seeds/` and with random changes of these.

use crate::{geo, graphql, http, ingest, model};

/// A function that takes any bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of the folder of its inputs.
    pub name: &'static str,
    /// Panics if something does not hold.
    pub run: fn(&[u8]),
}

/// Everything that is fuzzed.
pub const TARGETS: [Target; 16] = {
    const fn target(name: &'static str, run: fn(&[u8])) -> Target {
        Target { name, run }
    }
    [
        target("records", ingest::parse::fuzz::records),
        target("rows", ingest::parse::fuzz::rows),
        target("times", ingest::parse::fuzz::times),
        target("places", ingest::parse::fuzz::places),
        target("conversions", ingest::parse::fuzz::conversions),
        target("formats", ingest::parse::fuzz::formats),
        target("files", ingest::pipeline::fuzz::files),
        target("counters", model::fuzz::counters),
        target("flows", model::fuzz::flows),
        target("patch", model::fuzz::patch),
        target("packing", model::fuzz::packing),
        target("geojson", geo::fuzz::geojson),
        target("polygon", geo::fuzz::polygon),
        target("multipart", http::multipart::fuzz::multipart),
        target("document", graphql::fuzz::document),
        target("cursor", graphql::fuzz::cursor),
    ]
};

/// Runs the target of this name.
///
/// # Panics
///
/// If there is none, or if it finds that something does not hold.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("there is no target {name}"));
    (target.run)(data);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::panic::catch_unwind;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    use fastrand::Rng;

    use super::*;

    /// Changed inputs for each target, unless `FUZZ_SECONDS` says how long it is run.
    const INPUTS: u64 = 64;

    /// How long each target is run with changed inputs, if that is said.
    fn time() -> Option<Duration> {
        let seconds = std::env::var("FUZZ_SECONDS").ok()?;
        seconds.parse().ok().map(Duration::from_secs)
    }

    /// The committed inputs of a target.
    fn seeds(target: Target) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        let files = fs::read_dir(folder.join(target.name)).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files
            .into_iter()
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }

    /// Changes some bytes as fuzzers do: bits, bytes, and pieces of another input.
    fn change(random: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..random.usize(1..=4) {
            let at = random.usize(0..=bytes.len());
            let end = random.usize(at..=bytes.len()).min(at + 16);
            match random.u8(0..5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(0..8),
                1 => drop(bytes.splice(at..end, [random.u8(..)])),
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => {
                    let from = random.usize(0..=other.len());
                    let to = random.usize(from..=other.len()).min(from + 64);
                    bytes.splice(at..end, other[from..to].iter().copied());
                }
            }
        }
    }

    #[test]
    fn properties_hold_for_the_seeds_and_for_changes_of_them() {
        // For longer runs, others than the last time.
        let time = time();
        let mut random = time.map_or_else(|| Rng::with_seed(26), |_| Rng::new());
        let mut failed = Vec::new();
        for target in TARGETS {
            let seeds = seeds(target);
            assert!(!seeds.is_empty(), "{} has no seeds", target.name);
            let fails = |bytes: &[u8]| catch_unwind(|| (target.run)(bytes)).is_err();
            let known = seeds.iter().filter(|(_, bytes)| fails(bytes));
            failed.extend(known.map(|(path, _)| path.display().to_string()));
            let (start, mut runs) = (Instant::now(), 0_u64);
            while time.map_or(runs < INPUTS, |time| start.elapsed() < time) {
                let mut bytes = seeds[random.usize(0..seeds.len())].1.clone();
                let other = random.usize(0..seeds.len());
                change(&mut random, &mut bytes, &seeds[other].1);
                runs += 1;
                if fails(&bytes) {
                    failed.push(format!("{}: {}", target.name, bytes.escape_ascii()));
                    break;
                }
            }
            println!("{}: {runs} changed inputs", target.name);
        }
        assert!(failed.is_empty(), "{failed:#?}");
    }

    #[test]
    fn every_target_has_a_fuzzer() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for Target { name, .. } in TARGETS {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            assert!(
                folder
                    .join("fuzz_targets")
                    .join(format!("{name}.rs"))
                    .is_file()
            );
        }
    }
}
