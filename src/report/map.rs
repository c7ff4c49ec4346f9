//! A map of flows: cells where trips start, and lines to where they end.
//!
//! There is no base map: the page must not ask another host. Longitudes are shortened by the cosine
//! of the middle latitude, which keeps the shape of a city.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use h3o::CellIndex;
use maud::{Markup, html};

use super::{grouped, pixels};
use crate::geo;

const WIDTH: f64 = 720.0;
const MAX_HEIGHT: f64 = 560.0;
const MARGIN: f64 = 24.0;
/// Maximum number of lines, and of cells.
const MAX_FLOWS: usize = 80;
const MAX_CELLS: usize = 1_500;
/// Kilometres of a degree of latitude.
const KM_PER_DEGREE: f64 = 111.2;

/// Draws flows: origin, destination and trips, most trips first. `None` if there are none.
pub(super) fn map(flows: &[(u64, u64, u64)]) -> Option<Markup> {
    let shown: Vec<_> = flows
        .iter()
        .take(MAX_FLOWS)
        .filter_map(|&(origin, destination, trips)| {
            let cell = |index| CellIndex::try_from(index).ok();
            Some((cell(origin)?, cell(destination)?, trips))
        })
        .collect();
    let frame = Frame::around(shown.iter().flat_map(|flow| [flow.0, flow.1]))?;
    let mut starts: BTreeMap<u64, u64> = BTreeMap::new();
    for &(origin, _, trips) in flows {
        *starts.entry(origin).or_default() += trips;
    }
    let mut starts: Vec<_> = starts.into_iter().collect();
    starts.sort_by_key(|start| std::cmp::Reverse(start.1));
    let most_starts = starts.first().map_or(1, |start| start.1).max(1) as f64;
    let cells = starts.iter().filter_map(|&(index, trips)| {
        let cell = CellIndex::try_from(index).ok()?;
        frame.outline(cell).map(|path| (path, trips))
    });
    let cells: Vec<_> = cells.take(MAX_CELLS).collect();
    let most = shown.first().map_or(1, |flow| flow.2).max(1) as f64;
    let (bar, km) = frame.scale_bar();
    let bottom = frame.height - 10.0;
    Some(html! {
        svg.map viewBox=(format!("0 0 {WIDTH} {}", pixels(frame.height))) role="img"
            aria-label="Map of trips" {
            @for (path, trips) in &cells {
                path.cell d=(path)
                    fill-opacity=(format!("{:.3}", 0.06 + 0.6 * (*trips as f64 / most_starts).sqrt())) {
                    title { (grouped(*trips)) " trips start here" }
                }
            }
            // The largest last, on top.
            @for &(origin, destination, trips) in shown.iter().rev() {
                @let share = (trips as f64 / most).sqrt();
                @if origin == destination {
                    @let [x, y] = frame.center(origin);
                    circle.flow cx=(pixels(x)) cy=(pixels(y)) r=(pixels(3.0 + 6.0 * share))
                        stroke-width=(pixels(0.6 + 3.0 * share)) stroke-opacity=(opacity(share)) {
                        title { (grouped(trips)) " trips within this cell" }
                    }
                } @else {
                    path.flow d=(frame.curve(origin, destination))
                        stroke-width=(pixels(0.6 + 4.0 * share)) stroke-opacity=(opacity(share)) {
                        title { (grouped(trips)) " trips" }
                    }
                }
            }
            path.scale d=(format!("M{} {b}v4h{}v-4", MARGIN, pixels(bar), b = pixels(bottom - 4.0))) {}
            text.axis x=(pixels(MARGIN + bar + 6.0)) y=(pixels(bottom)) { (km) " km" }
        }
    })
}

fn opacity(share: f64) -> String {
    format!("{:.2}", 0.25 + 0.6 * share)
}

/// Where degrees are on the drawing.
struct Frame {
    /// Longitudes are taken within half a turn of this one.
    around: f64,
    west: f64,
    north: f64,
    /// Pixels of a degree of longitude and of latitude.
    scale: [f64; 2],
    height: f64,
}

impl Frame {
    /// The frame that shows some cells; `None` without cells.
    fn around(cells: impl Iterator<Item = CellIndex> + Clone) -> Option<Self> {
        let around = geo::center(cells.clone().next()?).lon();
        let corners = cells.flat_map(|cell| geo::ring(cell).into_iter());
        let corners = corners.map(|[lon, lat]| [near(lon, around), lat]);
        let none = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        let (low, high) = corners.fold(none, |(low, high), [x, y]| {
            (
                [low[0].min(x), low[1].min(y)],
                [high[0].max(x), high[1].max(y)],
            )
        });
        let shortened = low[1].midpoint(high[1]).to_radians().cos().max(0.01);
        let (width, height) = ((high[0] - low[0]) * shortened, high[1] - low[1]);
        let fit = |room: f64, size: f64| (room - 2.0 * MARGIN) / size.max(1e-9);
        let scale = fit(WIDTH, width).min(fit(MAX_HEIGHT, height));
        let scales = [scale * shortened, scale];
        // In the middle of the width.
        let spare = (WIDTH - 2.0 * MARGIN - width * scale) / scales[0];
        Some(Self {
            around,
            west: low[0] - spare / 2.0,
            north: high[1],
            scale: scales,
            height: height * scale + 2.0 * MARGIN,
        })
    }

    fn place(&self, [lon, lat]: [f64; 2]) -> [f64; 2] {
        [
            MARGIN + (near(lon, self.around) - self.west) * self.scale[0],
            MARGIN + (self.north - lat) * self.scale[1],
        ]
    }

    fn center(&self, cell: CellIndex) -> [f64; 2] {
        let center = geo::center(cell);
        self.place([center.lon(), center.lat()])
    }

    /// The outline of a cell as a path, if its middle is on the drawing.
    fn outline(&self, cell: CellIndex) -> Option<String> {
        let [x, y] = self.center(cell);
        if !(0.0..=WIDTH).contains(&x) || !(0.0..=self.height).contains(&y) {
            return None;
        }
        let mut path = String::new();
        for corner in geo::ring(cell) {
            let [x, y] = self.place(corner).map(pixels);
            let step = if path.is_empty() { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(path, "{step}{x} {y}");
        }
        path.push('Z');
        Some(path)
    }

    /// A path that bends to the right, so that both directions are seen.
    fn curve(&self, origin: CellIndex, destination: CellIndex) -> String {
        let [x, y] = self.center(origin);
        let [to_x, to_y] = self.center(destination);
        let bend = 0.15;
        let middle_x = x.midpoint(to_x) - bend * (to_y - y);
        let middle_y = y.midpoint(to_y) + bend * (to_x - x);
        let [x, y, middle_x, middle_y, to_x, to_y] =
            [x, y, middle_x, middle_y, to_x, to_y].map(pixels);
        format!("M{x} {y}Q{middle_x} {middle_y} {to_x} {to_y}")
    }

    /// Length of a scale bar in pixels, and what it stands for in kilometres.
    fn scale_bar(&self) -> (f64, f64) {
        let pixels_per_km = self.scale[1] / KM_PER_DEGREE;
        let longest = WIDTH / 4.0 / pixels_per_km;
        let power = 10_f64.powf(longest.log10().floor());
        let mut lengths = [5.0, 2.0, 1.0].map(|factor| factor * power).into_iter();
        let km = lengths.find(|&km| km <= longest).unwrap_or(power);
        (km * pixels_per_km, km)
    }
}

/// The longitude plus the multiple of 360° that brings it nearest to another.
fn near(lon: f64, to: f64) -> f64 {
    lon - 360.0 * ((lon - to) / 360.0).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Point, Resolution, leaf_cell, parent};

    fn cell(lon: f64, lat: f64) -> u64 {
        parent(leaf_cell(Point::new(lon, lat).unwrap()), Resolution::FLOW).into()
    }

    #[test]
    fn flows_are_drawn_inside_the_frame() {
        let prague = [cell(14.4, 50.0), cell(14.5, 50.1)];
        let taveuni = [cell(179.99, -16.8), cell(-179.98, -16.9)];
        let pole = [cell(0.0, 89.9), cell(120.0, 89.95)];
        for [a, b] in [prague, taveuni, pole] {
            let flows = [(a, b, 9), (b, a, 4), (a, a, 1)];
            let frame = Frame::around([a, b].into_iter().map(|c| CellIndex::try_from(c).unwrap()));
            let frame = frame.unwrap();
            for index in [a, b] {
                let [x, y] = frame.center(CellIndex::try_from(index).unwrap());
                assert!((0.0..=WIDTH).contains(&x) && (0.0..=frame.height).contains(&y));
            }
            assert!(frame.height <= MAX_HEIGHT + 1.0);
            let svg = map(&flows).unwrap().into_string();
            assert_eq!(svg.matches("class=\"flow\"").count(), 3);
            assert_eq!(svg.matches("class=\"cell\"").count(), 2);
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
        assert!(map(&[]).is_none());
    }
}
