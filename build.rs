//! Builds the console (`console/`, the page at `/graphiql`) into `OUT_DIR/console`, from where it is
//! embedded. Where there is no Node, the page comes from a CDN instead: `cfg(console)` tells.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What the console is built from; nothing else in its folder matters.
const SOURCES: [&str; 6] = [
    "index.html",
    "package-lock.json",
    "package.json",
    "src",
    "tsconfig.json",
    "vite.config.ts",
];
/// The Node that its build tool runs on: of 20 from 20.19 on, and all from 22.12 on.
const NODE: &str = "20.19, 22.12 or newer";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-check-cfg=cfg(console)");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CONSOLE").is_none() {
        return Ok(());
    }
    for source in SOURCES {
        println!("cargo::rerun-if-changed=console/{source}");
    }
    match node() {
        Some((20, 19..) | (22, 12..) | (23.., _)) => {}
        found => {
            let found = found.map_or_else(
                || "is not there".to_owned(),
                |(major, minor)| format!("is {major}.{minor}"),
            );
            println!(
                "cargo::warning=Node.js {NODE}, with npm, is needed to build the console, and it {found}: \
                 /graphiql will load a plain GraphiQL from a CDN. Once it is there: touch build.rs"
            );
            return Ok(());
        }
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    build(Path::new("console"), &out)
        .map_err(|error| format!("{error}; to build without the console: --no-default-features"))?;
    println!("cargo::rustc-cfg=console");
    Ok(())
}

/// The version of Node, if it can be run, and npm too.
fn node() -> Option<(u32, u32)> {
    npm().arg("--version").output().ok()?;
    let output = Command::new("node").arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    let mut parts = version.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// Copies the sources, since a build may write nowhere else than into `out`, and builds them.
fn build(sources: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let work = out.join("console-work");
    let (lock, installed) = ("package-lock.json", work.join("installed.json"));
    fs::create_dir_all(&work)?;
    for source in SOURCES {
        let copy = work.join(source);
        if copy.is_dir() {
            fs::remove_dir_all(&copy)?;
        }
        copy_all(&sources.join(source), &copy)?;
    }
    // What is installed stays for the next time. All that builds is no development dependency.
    if fs::read(&installed).ok() != Some(fs::read(work.join(lock))?) {
        let options = [
            "ci",
            "--omit=dev",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ];
        run(npm().args(options).current_dir(&work))?;
        fs::copy(work.join(lock), &installed)?;
    }
    let bundle = out.join("console");
    let mut vite = npm();
    vite.args(["run", "build", "--", "--emptyOutDir", "--outDir"]);
    run(vite.arg(&bundle).current_dir(&work))
}

fn copy_all(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    if !from.is_dir() {
        fs::copy(from, to).map_err(|error| format!("cannot read {}: {error}", from.display()))?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&text)).into())
}
