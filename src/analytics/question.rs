//! Questions as values: what they are answered from, and what is answered.

use super::AnalyticsError;
use crate::store::Snapshot;

/// A question that one snapshot answers.
pub(super) trait Question: Send + Sync + 'static {
    /// What is answered.
    type Answer: Send + 'static;

    /// Reads the answer.
    fn answer(
        &self,
        snapshot: &Snapshot,
    ) -> impl Future<Output = Result<Self::Answer, AnalyticsError>> + Send;
}
