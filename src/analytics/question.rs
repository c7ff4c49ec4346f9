//! Questions as values, and the types of their answers.

use super::AnalyticsError;
use crate::store::Snapshot;

/// A question that is answered from one snapshot.
pub(super) trait Question: Send + Sync + 'static {
    /// Type of the answer.
    type Answer: Send + 'static;

    /// Computes the answer from a snapshot.
    fn answer(
        &self,
        snapshot: &Snapshot,
    ) -> impl Future<Output = Result<Self::Answer, AnalyticsError>> + Send;
}
