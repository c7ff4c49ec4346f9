//! Failpoints: places where a test ends the program, breaks the connection to the database, or lets time
//! pass. Only test builds reach them: the feature `failpoints` is switched on by a dev-dependency.
//!
//! The environment variable `FAILPOINTS` sets them, for instance `publish.before=abort@3,claim.after=pause`:
//! the process ends before the third commit of a publication, and each claim takes longer. The actions are
//! those of [`Action`].

use std::io;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::Error;

/// How long a failpoint pauses.
const PAUSE: Duration = Duration::from_millis(700);

static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let settings = std::env::var("FAILPOINTS").unwrap_or_default();
    settings.split(',').filter_map(Setting::parse).collect()
});

/// What a failpoint does.
#[derive(Debug, Clone, Copy)]
enum Action {
    /// The process ends at once.
    Abort,
    /// The connection breaks: a commit that comes next is not carried out, and the answer to one that
    /// came before is lost.
    Error,
    /// Time passes.
    Pause,
}

impl FromStr for Action {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "abort" => Ok(Self::Abort),
            "error" => Ok(Self::Error),
            "pause" => Ok(Self::Pause),
            _ => Err(()),
        }
    }
}

/// A failpoint that is set.
#[derive(Debug)]
struct Setting {
    name: String,
    action: Action,
    /// The only time at which it acts; `None` for each time.
    time: Option<u32>,
    reached: AtomicU32,
}

impl Setting {
    fn parse(text: &str) -> Option<Self> {
        let (name, action) = text.trim().split_once('=')?;
        let (action, time) = match action.split_once('@') {
            Some((action, time)) => (action, Some(time.parse().ok()?)),
            None => (action, None),
        };
        Some(Self {
            name: name.to_owned(),
            action: action.parse().ok()?,
            time,
            reached: AtomicU32::new(0),
        })
    }

    fn acts(&self) -> bool {
        let time = self.reached.fetch_add(1, Ordering::Relaxed) + 1;
        self.time.is_none_or(|only| only == time)
    }
}

/// Does what is set for a failpoint.
pub(super) async fn reach(point: &str, moment: &str) -> Result<(), Error> {
    let name = format!("{point}.{moment}");
    let set = SETTINGS.iter().find(|setting| setting.name == name);
    let Some(Setting { action, .. }) = set.filter(|setting| setting.acts()) else {
        return Ok(());
    };
    tracing::warn!(failpoint = name, ?action, "reached");
    match action {
        Action::Abort => std::process::abort(),
        Action::Error => {
            let broken = io::Error::new(io::ErrorKind::ConnectionAborted, name);
            Err(Error::Load(sqlx::Error::Io(broken)))
        }
        Action::Pause => {
            tokio::time::sleep(PAUSE).await;
            Ok(())
        }
    }
}
