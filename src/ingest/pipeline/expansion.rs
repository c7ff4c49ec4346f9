//! Expansion: bounds what a file may decompress to.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::ReadError;
use super::packing::UnpackError;

/// A file may decompress to this many bytes, whatever its size. Tests have a smaller bound.
const ALWAYS_ALLOWED: u64 = if cfg!(debug_assertions) {
    4 << 20
} else {
    1 << 30
};

/// A file may decompress to this many times its size. Files of trips decompress to 3 to 50 times.
const RATIO: u64 = 250;

/// The bytes that a file has decompressed to, up to a limit.
pub(super) struct Expansion {
    limit: u64,
    bytes: AtomicU64,
}

impl Expansion {
    /// Nothing yet, of a file of that size.
    pub(super) fn new(stored: u64) -> Self {
        Self {
            limit: ALWAYS_ALLOWED.max(stored.saturating_mul(RATIO)),
            bytes: AtomicU64::new(0),
        }
    }

    /// Adds bytes. Fails if there are more than a file of its size may have.
    pub(super) fn add(&self, bytes: usize) -> io::Result<()> {
        let before = self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if before + bytes as u64 <= self.limit {
            return Ok(());
        }
        let error = UnpackError::TooLarge {
            limit: self.limit,
            ratio: RATIO,
        };
        Err(ReadError::Unpack(error).into())
    }
}
