//! Files that commands write.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use tempfile::{Builder, NamedTempFile};

/// Where a file is written to.
pub(super) enum Destination {
    Stdout,
    /// A device or a pipe.
    Special(PathBuf),
    /// A file that gets its name when it is whole.
    File(NamedTempFile, PathBuf),
}

impl Destination {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        match path.metadata() {
            Ok(there) if there.is_dir() => bail!("{} is a directory", path.display()),
            Ok(there) if !there.is_file() => return Ok(Self::Special(path.to_owned())),
            _ => {}
        }
        // A link stays one: the file that it leads to is replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let parent = path.parent().filter(|parent| *parent != Path::new(""));
        let mut builder = Builder::new();
        builder.prefix(".tripgraph-export-");
        let file = permit_all(&mut builder).tempfile_in(parent.unwrap_or(Path::new(".")));
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::File(file, path))
    }

    pub(super) fn writer(&self) -> anyhow::Result<Box<dyn Write + Send>> {
        let failed = |path: &Path| format!("cannot write {}", path.display());
        Ok(match self {
            Self::Stdout => Box::new(BufWriter::with_capacity(BUFFER, io::stdout())),
            Self::Special(path) => {
                let file = std::fs::OpenOptions::new().write(true).open(path);
                let file = file.with_context(|| failed(path))?;
                Box::new(BufWriter::with_capacity(BUFFER, file))
            }
            Self::File(file, path) => {
                let file = file.as_file().try_clone().with_context(|| failed(path))?;
                Box::new(BufWriter::with_capacity(BUFFER, file))
            }
        })
    }

    /// Gives the file its name. What was written must have been flushed.
    pub(super) fn keep(self) -> anyhow::Result<()> {
        if let Self::File(file, path) = self {
            let failed = || format!("cannot write {}", path.display());
            file.as_file().sync_all().with_context(failed)?;
            file.persist(&path).with_context(failed)?;
        }
        Ok(())
    }
}

/// The outcome of work that is dropped at Ctrl-C, so that it leaves no file behind.
pub(super) async fn unless_interrupted<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        // Signals are waited for before the work begins.
        biased;
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("cannot wait for signals")?;
            Err(anyhow!("interrupted: no file was written"))
        }
        outcome = work => outcome,
    }
}

/// Size of a buffer before a file, in bytes.
const BUFFER: usize = 256 << 10;

/// The permissions of a file that is created in the usual way: temporary files are private.
fn permit_all<'a, 'p, 's>(builder: &'a mut Builder<'p, 's>) -> &'a mut Builder<'p, 's> {
    #[cfg(unix)]
    {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;

        // The umask applies.
        builder.permissions(Permissions::from_mode(0o666));
    }
    builder
}
