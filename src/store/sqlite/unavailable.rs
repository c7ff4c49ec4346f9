use sqlx::sqlite::SqliteError;

use crate::store::Unavailable;

/// `SQLITE_IOERR_CORRUPTFS`: the file system says that the file is damaged.
const CORRUPT_FILE_SYSTEM: i32 = 8_458;
/// `SQLITE_IOERR_WRITE`, `…_FSYNC`, `…_DIR_FSYNC`, `…_TRUNCATE`, `…_SHMSIZE`: as writing fails beyond
/// a quota or a limit on the size of files, where the system does not say that the disk is full.
const CANNOT_WRITE: [i32; 5] = [778, 1_034, 1_290, 1_546, 4_874];

/// Why `SQLite` cannot do now what was asked of it; `None` where trying again would not help.
pub(in crate::store) fn unavailable(error: &sqlx::Error) -> Option<Unavailable> {
    let error = error.as_database_error()?;
    error.try_downcast_ref::<SqliteError>()?;
    of_code(error.code()?.parse().ok()?)
}

/// What an extended result code means (<https://www.sqlite.org/rescode.html>).
fn of_code(code: i32) -> Option<Unavailable> {
    match (code, code & 0xff) {
        (CORRUPT_FILE_SYSTEM, _) => None,
        // SQLITE_READONLY, SQLITE_FULL.
        (_, 8 | 13) => Some(Unavailable::DiskFull),
        (code, _) if CANNOT_WRITE.contains(&code) => Some(Unavailable::DiskFull),
        // SQLITE_CANTOPEN: its folder and file were there when the store was opened.
        (_, 14) => Some(Unavailable::OutOfFiles),
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM, SQLITE_IOERR, SQLITE_PROTOCOL.
        (_, 5 | 6 | 7 | 10 | 15) => Some(Unavailable::Away),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_codes_tell_whether_to_try_again() {
        let (disk, files, away) = (
            Some(Unavailable::DiskFull),
            Some(Unavailable::OutOfFiles),
            Some(Unavailable::Away),
        );
        for (code, expected) in [
            (13, disk),
            (778, disk),
            (1034, disk),
            (4874, disk),
            (1032, disk),
            (14, files),
            (5, away),
            (261, away),
            (7, away),
            (266, away),
            (8458, None),
            (1, None),
            (11, None),
            (19, None),
            (2067, None),
        ] {
            assert_eq!(of_code(code), expected, "{code}");
        }
    }
}
