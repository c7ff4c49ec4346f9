//! Reading by place from a cluster, where rows are distributed by it.
//!
//! The place of a cell is its ancestor of 250 km², or the cell itself if it is not finer. So a question
//! about a city is sent to the few shards that have its places, and a node finds the rows of a list of
//! ranges by equal places: it has no other good way to look up ranges one by one.

use std::collections::BTreeMap;

use sea_orm::{DbBackend, Value};

use super::list::List;
use super::statement::key;
use crate::geo::{CellRange, LEVELS, Resolution, parent_index};
use crate::model::TripEnd;

/// The resolution of places.
const PLACE: Resolution = LEVELS[2];
/// Places that a statement names at most for the coordinator to find their shards. More are on all
/// shards anyway.
const NAMED_PLACES: usize = 64;
/// Ranges of several places that one statement reads.
const WIDE_RANGES: usize = 64;

/// The place of a cell.
pub(super) const fn place(cell: u64) -> u64 {
    parent_index(cell, PLACE)
}

/// The place of a cell, in SQL; the same as [`place`].
pub(super) fn sql_place(cell: &str) -> String {
    format!(
        "CASE WHEN (({cell} >> 52) & 15) <= 5 THEN {cell} \
         ELSE ({cell} & ~(15::bigint << 52)) | (5::bigint << 52) | ((1::bigint << 30) - 1) END"
    )
}

/// The statements that read columns of a table, named `t`, in some ranges of cells. A row is read once.
pub(super) fn statements(
    table: &str,
    columns: &str,
    end: TripEnd,
    ranges: &[CellRange],
) -> Vec<(String, Vec<Value>)> {
    let mut narrow: BTreeMap<u64, Vec<CellRange>> = BTreeMap::new();
    let mut wide = Vec::new();
    for &range in ranges {
        let first = place(range.first);
        if first == place(range.last) {
            narrow.entry(first).or_default().push(range);
        } else {
            wide.push(range);
        }
    }
    let mut statements = Vec::new();
    if !narrow.is_empty() {
        let places: Vec<_> = narrow.keys().copied().map(u64::cast_signed).collect();
        let rows = narrow.into_iter().flat_map(|(place, ranges)| {
            let row =
                move |range: CellRange| [range.first, range.last, place].map(u64::cast_signed);
            CellRange::merged(ranges).into_iter().map(row)
        });
        let list = List::numbers(DbBackend::Postgres, 1, 3, rows);
        let mut sql = format!(
            "SELECT {columns} FROM {} CROSS JOIN {table} AS t WHERE t.trip_end = $1 \
             AND t.place = list.c2 AND t.cell BETWEEN list.c0 AND list.c1",
            list.table()
        );
        let mut values = vec![end.code().into()];
        values.extend(list.values);
        if places.len() <= NAMED_PLACES {
            sql.push_str(" AND t.place = ANY($5)");
            values.extend(List::column(DbBackend::Postgres, 4, places.into_iter()).values);
        }
        statements.push((sql, values));
    }
    for wide in CellRange::merged(wide).chunks(WIDE_RANGES) {
        let mut values = vec![end.code().into()];
        let mut any = Vec::new();
        for range in wide {
            let first = values.len() + 1;
            any.push(format!("t.cell BETWEEN ${first} AND ${}", first + 1));
            values.extend([key(range.first), key(range.last)]);
        }
        let sql = format!(
            "SELECT {columns} FROM {table} AS t WHERE t.trip_end = $1 AND ({})",
            any.join(" OR ")
        );
        statements.push((sql, values));
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::roots;

    #[test]
    fn ranges_of_one_place_are_looked_up_by_it() {
        let root = roots().next().unwrap();
        let city = root.center_child(PLACE.into()).unwrap();
        let within = |cell| LEVELS.map(|level| CellRange::descendants(cell, level));
        let of = |ranges: &[CellRange]| {
            let statements = statements("trip_patch", "t.cell", TripEnd::Origin, ranges);
            let sql = statements.into_iter().map(|(sql, _)| sql);
            sql.collect::<Vec<_>>()
        };
        let narrow = of(&within(city));
        assert_eq!(narrow.len(), 1);
        assert!(narrow[0].ends_with("t.place = ANY($5)"), "{narrow:?}");
        // The root itself, and its descendants of the four other levels.
        let both = of(&within(root));
        assert_eq!(both.len(), 2);
        assert_eq!(both[1].matches("BETWEEN").count(), 4);
        // All of them hold the same few ranges of cells.
        let all: Vec<_> = roots().flat_map(within).collect();
        assert_eq!(of(&all)[1], both[1]);
        assert!(of(&[]).is_empty());
    }
}
