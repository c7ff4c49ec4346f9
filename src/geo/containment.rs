use h3o::CellIndex;

use super::Area;
use super::extent::Containment;
use super::levels::LEVELS;

/// How the points filed under a cell of resolution 0–9 lie relative to an area.
///
/// A point is filed under its leaf cell and that cell's ancestors. `Inside` and `Outside` are
/// certain for every point, regardless of rounding: a cell is judged by an extent that holds all of
/// its points with a margin. For a leaf cell, it is that of the cell's outline; for a coarser cell,
/// that of a cap around its middle, since descendants extend beyond an ancestor's outline.
#[must_use]
pub fn containment(cell: CellIndex, area: &Area) -> Containment {
    area.containment(cell)
}

/// A cell's descendants of the next level that are not outside the area, with their containment: up
/// to 49, and none for a leaf cell.
pub fn refine(
    cell: CellIndex,
    area: &Area,
) -> impl Iterator<Item = (CellIndex, Containment)> + use<'_> {
    LEVELS
        .into_iter()
        .map(h3o::Resolution::from)
        .find(|&level| level > cell.resolution())
        .into_iter()
        .flat_map(move |level| cell.children(level))
        .map(move |child| (child, containment(child, area)))
        .filter(|&(_, position)| position != Containment::Outside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::testing::{Random, all_resolutions};
    use crate::geo::{BoundingBox, CellRange, Point, Resolution, leaf_cell, parent, roots};

    /// Points filed under their leaf cells, counted by descent.
    struct Index {
        /// Sorted by leaf.
        points: Vec<(u64, Point)>,
    }

    impl Index {
        fn new(points: Vec<Point>) -> Self {
            let mut points: Vec<_> = points
                .into_iter()
                .map(|point| (u64::from(leaf_cell(point)), point))
                .collect();
            points.sort_unstable_by_key(|&(leaf, _)| leaf);
            Self { points }
        }

        fn under(&self, cell: CellIndex) -> &[(u64, Point)] {
            let range = CellRange::descendants(cell, Resolution::LEAF);
            let start = self.points.partition_point(|&(leaf, _)| leaf < range.first);
            let end = self.points.partition_point(|&(leaf, _)| leaf <= range.last);
            &self.points[start..end]
        }

        fn count(&self, area: &Area) -> usize {
            let mut count = 0;
            let mut open: Vec<_> = roots()
                .map(|root| (root, containment(root, area)))
                .collect();
            while let Some((cell, position)) = open.pop() {
                let points = self.under(cell);
                if points.is_empty() {
                    continue;
                }
                match position {
                    Containment::Outside => {}
                    Containment::Inside => count += points.len(),
                    Containment::Edge if cell.resolution() == Resolution::LEAF.into() => {
                        count += points
                            .iter()
                            .filter(|(_, p)| area.contains(p.lon(), p.lat()))
                            .count();
                    }
                    Containment::Edge => open.extend(refine(cell, area)),
                }
            }
            count
        }

        fn scan(&self, area: &Area) -> usize {
            self.points
                .iter()
                .filter(|(_, p)| area.contains(p.lon(), p.lat()))
                .count()
        }
    }

    fn point(lon: f64, lat: f64) -> Point {
        Point::new(lon, lat).unwrap()
    }

    /// Points of some cities, of the poles and the antimeridian, and anywhere.
    fn points(random: &mut Random) -> Vec<Point> {
        let mut points = vec![];
        for lat in [-90.0, -89.999_999, -10.0, 0.0, 47.0, 89.999_999, 90.0] {
            for lon in [
                -180.0,
                (-180.0_f64).next_up(),
                -90.0,
                -0.0,
                0.0,
                180.0_f64.next_down(),
                180.0,
            ] {
                points.push(point(lon, lat));
            }
        }
        for (lon, lat) in [
            (13.4, 52.5),
            (14.4, 50.1),
            (7.7, 45.1),
            (179.99, -16.8),
            (11.2, 58.3),
        ] {
            for _ in 0..400 {
                let spread = random.scale(1e-4, 0.3);
                points.push(random.near(lon, lat, spread));
            }
        }
        for _ in 0..2_000 {
            points.push(random.point());
        }
        points
    }

    #[test]
    fn a_descent_counts_what_a_scan_counts() {
        let mut random = Random::new(20);
        let mut found = 0;
        for _ in 0..4 {
            let index = Index::new(points(&mut random));
            for _ in 0..1_000 {
                let around = index.points[random.below(index.points.len())].1;
                let bbox = random.bbox(around).into();
                let count = index.count(&bbox);
                assert_eq!(count, index.scan(&bbox), "{bbox:?}");
                found += usize::from(count > 0);
            }
        }
        assert!(found > 2_000);
    }

    #[test]
    fn points_on_the_borders_of_the_box_are_counted() {
        let mut random = Random::new(21);
        let index = Index::new(points(&mut random));
        for _ in 0..1_500 {
            // Two points of the set span the box: often of the same city.
            let first = random.below(index.points.len());
            let second = if random.below(2) == 0 {
                random.below(index.points.len())
            } else {
                (first + random.below(200)).min(index.points.len() - 1)
            };
            let (a, b) = (index.points[first].1, index.points[second].1);
            let (south, north) = (a.lat().min(b.lat()), a.lat().max(b.lat()));
            let bbox = BoundingBox::new(a.lon(), south, b.lon(), north)
                .unwrap()
                .into();
            let count = index.count(&bbox);
            assert_eq!(count, index.scan(&bbox), "{bbox:?}");
            assert!(count > 0);
        }
    }

    #[test]
    fn the_whole_globe_is_inside_of_itself() {
        let globe = BoundingBox::new(-180.0, -90.0, 180.0, 90.0).unwrap().into();
        for root in roots() {
            assert_eq!(containment(root, &globe), Containment::Inside);
            assert!(refine(root, &globe).all(|(_, position)| position == Containment::Inside));
        }
    }

    #[test]
    fn positions_hold_for_every_point_at_every_resolution() {
        let mut random = Random::new(22);
        let mut seen = [0; 3];
        for _ in 0..30_000 {
            let near = random.point();
            let bbox = Area::from(random.bbox(near));
            let spread = random.scale(1e-7, 10.0);
            for p in [near, random.near(near.lon(), near.lat(), spread)] {
                let contained = bbox.contains(p.lon(), p.lat());
                for resolution in all_resolutions() {
                    let position = containment(parent(leaf_cell(p), resolution), &bbox);
                    seen[position as usize] += 1;
                    match position {
                        Containment::Inside => assert!(contained, "{p:?} {bbox:?} {resolution:?}"),
                        Containment::Outside => {
                            assert!(!contained, "{p:?} {bbox:?} {resolution:?}");
                        }
                        Containment::Edge => {}
                    }
                }
            }
        }
        assert!(seen.iter().all(|&count| count > 10_000), "{seen:?}");
    }

    #[test]
    fn refining_ends_at_the_leaves() {
        let bbox = BoundingBox::new(13.0, 52.0, 14.0, 53.0).unwrap().into();
        let leaf = leaf_cell(point(13.4, 52.5));
        assert_eq!(refine(leaf, &bbox).count(), 0);
        let mut cell = parent(leaf, LEVELS[0]);
        for level in LEVELS.into_iter().skip(1) {
            let children: Vec<_> = refine(cell, &bbox).collect();
            assert!(children.len() <= 49);
            assert!(
                children
                    .iter()
                    .all(|(child, _)| child.resolution() == level.into())
            );
            cell = parent(leaf, level);
            assert!(children.iter().any(|&(child, _)| child == cell));
        }
    }

    #[test]
    fn most_cells_of_a_city_box_are_settled_without_their_points() {
        // 7 km by 7 km: 470 leaf cells.
        let bbox = BoundingBox::new(13.35, 52.47, 13.453, 52.533)
            .unwrap()
            .into();
        let mut open: Vec<_> = roots()
            .map(|root| (root, containment(root, &bbox)))
            .collect();
        let (mut inside, mut edge) = (0, 0);
        while let Some((cell, position)) = open.pop() {
            match position {
                Containment::Outside => {}
                Containment::Inside => inside += cell.children_count(h3o::Resolution::Nine),
                Containment::Edge if cell.resolution() == Resolution::LEAF.into() => edge += 1,
                Containment::Edge => open.extend(refine(cell, &bbox)),
            }
        }
        println!("{inside} leaf cells inside, {edge} on the edge");
        assert!(
            inside > 300 && edge < 160,
            "{inside} inside, {edge} on the edge"
        );
    }
}
