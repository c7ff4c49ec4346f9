use async_graphql::{Enum, InputObject};

use super::{Date, weeks};
use crate::analytics::{Comparison, Order};
use crate::graphql::ApiError;

/// A period of weeks.
#[derive(Debug, Clone, Copy, InputObject)]
pub(crate) struct PeriodInput {
    /// Any date in the first week.
    from_week: Date,
    /// Any date in the last week.
    to_week: Date,
}

/// Order of a list, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
#[graphql(remote = "Order")]
pub(crate) enum GroupOrder {
    /// By `trips`.
    #[default]
    Trips,
    /// By the difference between `trips` and `tripsBefore`, whether more or fewer; needs
    /// `compareTo`.
    Change,
}

/// The period to compare with, and the order; an error if one of them is invalid.
pub(crate) fn comparison(
    compare_to: Option<PeriodInput>,
    order: GroupOrder,
) -> Result<Comparison, ApiError> {
    if compare_to.is_none() && order == GroupOrder::Change {
        return Err(ApiError::bad_input("`orderBy: CHANGE` needs `compareTo`"));
    }
    let period = |input: PeriodInput| match weeks(Some(input.from_week), Some(input.to_week))? {
        (Some(from), Some(to)) => Ok(Some((from, to))),
        _ => Ok(None),
    };
    let period = compare_to.map_or(Ok(None), period);
    let named =
        |error: ApiError| ApiError::bad_input(format_args!("compareTo: {}", error.message()));
    Ok(Comparison {
        period: period.map_err(named)?,
        order: order.into(),
    })
}
