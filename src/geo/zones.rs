use std::sync::Arc;

use h3o::CellIndex;

use super::Polygon;
use super::bands::Bands;
use super::extent::{Containment, Extent};
use super::levels::{LEVELS, judged};
use super::rect::Rect;

/// Areas in an order. A point that lies in several is in the first of them, and in no other.
#[derive(Debug)]
pub struct Zones {
    polygons: Vec<Arc<Polygon>>,
    /// The zones by their latitudes.
    bands: Bands,
}

/// Which zone the points filed under a cell are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneOfCell {
    /// All of them are in the zone of that number, or all of them in none.
    Whole(Option<u32>),
    /// They may be in different zones.
    Edge,
}

impl Zones {
    /// Zones in their order, numbered from 0.
    #[must_use]
    pub fn new(polygons: Vec<Arc<Polygon>>) -> Self {
        let rects = polygons.iter().map(|polygon| polygon.rect());
        let spans: Vec<_> = rects.map(|rect| (rect.south, rect.north)).collect();
        Self {
            bands: Bands::new(&spans),
            polygons,
        }
    }

    /// The zone of a point.
    #[must_use]
    pub fn find(&self, lon: f64, lat: f64) -> Option<u32> {
        let mut near = self.bands.at(lat).iter().copied();
        near.find(|&zone| self.polygons[zone as usize].contains(lon, lat))
    }

    /// The zone of the points filed under a cell of resolution 0–9.
    #[must_use]
    pub fn of_cell(&self, cell: CellIndex) -> ZoneOfCell {
        judged(cell, |extent| match self.of_extent(extent) {
            ZoneOfCell::Edge => None,
            whole @ ZoneOfCell::Whole(_) => Some(whole),
        })
        .unwrap_or(ZoneOfCell::Edge)
    }

    /// A cell's descendants of the next level, with their zones: up to 49, and none for a leaf cell.
    pub fn refine(&self, cell: CellIndex) -> impl Iterator<Item = (CellIndex, ZoneOfCell)> {
        LEVELS
            .into_iter()
            .map(h3o::Resolution::from)
            .find(|&level| level > cell.resolution())
            .into_iter()
            .flat_map(move |level| cell.children(level))
            .map(|child| (child, self.of_cell(child)))
    }

    fn of_extent(&self, extent: &Extent) -> ZoneOfCell {
        let touches = |rect: &Rect, zone: &u32| self.polygons[*zone as usize].rect().touches(rect);
        let mut near: Vec<u32> = Vec::new();
        for rect in extent.rects() {
            let zones = self.bands.between(rect.south, rect.north).iter();
            near.extend(zones.filter(|zone| touches(&rect, zone)));
        }
        near.sort_unstable();
        near.dedup();
        for zone in near {
            match self.polygons[zone as usize].containment(extent) {
                Containment::Inside => return ZoneOfCell::Whole(Some(zone)),
                Containment::Edge => return ZoneOfCell::Edge,
                Containment::Outside => {}
            }
        }
        ZoneOfCell::Whole(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::testing::{Random, all_resolutions};
    use crate::geo::{leaf_cell, parent};

    #[test]
    fn points_are_in_the_first_zone_that_contains_them() {
        let mut random = Random::new(70);
        let (mut whole, mut edge) = ([0; 2], 0);
        for _ in 0..300 {
            let around = random.point();
            let size = random.scale(1e-3, 30.0);
            let polygons: Vec<_> = (0..=random.below(30))
                .map(|_| {
                    let corners = 3 + random.below(8);
                    let mut ring: Vec<_> = (0..corners)
                        .map(|_| {
                            let point = random.near(around.lon(), around.lat(), size);
                            [point.lon(), point.lat()]
                        })
                        .collect();
                    ring.push(ring[0]);
                    Arc::new(Polygon::new(vec![vec![ring]]).unwrap())
                })
                .collect();
            let zones = Zones::new(polygons.clone());
            for _ in 0..50 {
                let point = random.near(around.lon(), around.lat(), size);
                let first = polygons
                    .iter()
                    .position(|zone| zone.contains(point.lon(), point.lat()))
                    .map(|zone| u32::try_from(zone).unwrap());
                assert_eq!(zones.find(point.lon(), point.lat()), first);
                for resolution in all_resolutions() {
                    match zones.of_cell(parent(leaf_cell(point), resolution)) {
                        ZoneOfCell::Whole(zone) => {
                            assert_eq!(zone, first, "{point:?}");
                            whole[usize::from(zone.is_some())] += 1;
                        }
                        ZoneOfCell::Edge => edge += 1,
                    }
                }
            }
        }
        assert!(whole[0].min(whole[1]).min(edge) > 1_000, "{whole:?} {edge}");
    }
}
