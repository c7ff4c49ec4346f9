//! What is found out about a file while it is read: its format, what to warn of, and why rows were
//! rejected.

use std::collections::BTreeMap;

use super::parse::Reason;
use crate::ingest::parse::Header;
use crate::model::{Findings, RejectedReason, Warning};

/// No column and no option names the region.
const UNKNOWN_REGION: &str = "UNKNOWN_REGION";
/// No column and no option names the datasource.
const DATASOURCE_OF_FILE: &str = "DATASOURCE_OF_FILE_NAME";
/// Instants whose time zone is not known.
const NO_TIME_ZONE: &str = "NO_TIME_ZONE";

/// What was found out so far.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Insights {
    findings: Findings,
    unzoned: u64,
    reasons: BTreeMap<(Option<String>, String), u64>,
}

impl Insights {
    /// Continues from what an earlier run found out.
    pub(super) fn resumed(findings: Findings) -> Self {
        let unzoned = findings
            .warnings
            .iter()
            .find(|warning| warning.code == NO_TIME_ZONE)
            .map_or(0, |warning| warning.rows);
        let reasons = findings
            .rejected
            .iter()
            .map(|reason| ((reason.column.clone(), reason.reason.clone()), reason.rows))
            .collect();
        Self {
            findings,
            unzoned,
            reasons,
        }
    }

    /// Adds what the header shows.
    pub(in crate::ingest) fn open(&mut self, header: &Header) {
        let (format, given) = (header.format(), header.given());
        let mut warnings = Vec::new();
        let mut warn = |code: &str, message: String| {
            warnings.push(Warning {
                code: code.to_owned(),
                message,
                rows: 0,
            });
        };
        if let (Some(name), None) = (&format.region_name, &given.region_name) {
            warn(
                UNKNOWN_REGION,
                format!(
                    "the file names no region, so the region of all its trips is {name}: name it \
                     with --region NAME (regionName in TripFormat)"
                ),
            );
        }
        if let (Some(name), None) = (&format.datasource_name, &given.datasource_name) {
            warn(
                DATASOURCE_OF_FILE,
                format!(
                    "the file names no datasource, so the datasource of all its trips is its own \
                     name, {name}: name another with --datasource NAME (datasourceName in \
                     TripFormat)"
                ),
            );
        }
        self.findings.format = format;
        self.findings.warnings = warnings;
    }

    /// Adds trips that have an instant without a known time zone.
    pub(in crate::ingest) const fn add_unzoned(&mut self, trips: u64) {
        self.unzoned += trips;
    }

    /// Adds a rejected row.
    pub(in crate::ingest) fn add_rejected(&mut self, (column, kind): Reason) {
        *self.reasons.entry((column, kind.to_owned())).or_default() += 1;
    }

    /// What was found out so far.
    pub(in crate::ingest) fn findings(&self) -> Findings {
        let mut findings = self.findings.clone();
        findings
            .warnings
            .retain(|warning| warning.code != NO_TIME_ZONE);
        if self.unzoned > 0 {
            findings.warnings.push(Warning {
                code: NO_TIME_ZONE.to_owned(),
                message:
                    "times with a UTC offset, and numbers since 1970, are instants; without a \
                          time zone their wall clock is kept as written: give --time-zone NAME \
                          (timeZone in TripFormat) to convert them to that zone's wall clock"
                        .to_owned(),
                rows: self.unzoned,
            });
        }
        findings.rejected = self
            .reasons
            .iter()
            .map(|((column, reason), rows)| RejectedReason {
                column: column.clone(),
                reason: reason.clone(),
                rows: *rows,
            })
            .collect();
        findings
            .rejected
            .sort_by_key(|reason| std::cmp::Reverse(reason.rows));
        findings
    }
}
