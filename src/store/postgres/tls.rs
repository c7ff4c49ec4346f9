//! TLS towards a server whose certificate or version of TLS the driver can't use.

use std::io::ErrorKind;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::store::Error;

/// Whether server and driver could not agree on TLS. The driver hands on what its TLS library says
/// about a handshake as invalid data.
pub(super) fn is_handshake(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == ErrorKind::InvalidData,
        _ => false,
    }
}

/// The options to go on with after a handshake has failed. `sslmode=prefer`, which is the default,
/// falls back to no TLS, as libpq does; the stricter modes do not.
pub(super) fn fall_back(
    options: PgConnectOptions,
    error: sqlx::Error,
    url: String,
) -> Result<PgConnectOptions, Error> {
    if !matches!(options.get_ssl_mode(), PgSslMode::Prefer) {
        return Err(Error::Tls { url, source: error });
    }
    tracing::warn!(%error, "TLS to the database failed: connecting without, as sslmode=prefer allows");
    Ok(options.ssl_mode(PgSslMode::Disable))
}
