//! A map of flows: places where trips start, and lines to where they end.
//!
//! There is no base map: the page must not ask another host. Longitudes are shortened by the cosine
//! of the middle latitude, which keeps the shape of a city.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{grouped, pixels};
use crate::geo::Point;
use crate::text::Printable;

const WIDTH: f64 = 720.0;
const MAX_HEIGHT: f64 = 560.0;
const MARGIN: f64 = 24.0;
/// Maximum number of lines, and of places.
const MAX_FLOWS: usize = 80;
const MAX_PLACES: usize = 1_500;
/// Kilometres of a degree of latitude.
const KM_PER_DEGREE: f64 = 111.2;
/// Corners that are nearer than this to the one before are left out, in pixels.
const DETAIL: f64 = 0.5;

/// A place on a map.
#[derive(Debug)]
pub(super) struct Place {
    /// What it is called, if it has a name.
    pub(super) name: Option<String>,
    /// Where lines start and end.
    pub(super) center: Point,
    /// Its rings, closed or not.
    pub(super) outline: Vec<Vec<[f64; 2]>>,
}

/// The trips from one place to another, by the indexes of places.
pub(super) type Flow = (usize, usize, u64);

/// Draws flows, most trips first. `None` if there are none.
pub(super) fn map(places: &[Place], flows: &[Flow]) -> Option<Markup> {
    let shown = &flows[..flows.len().min(MAX_FLOWS)];
    let ends = shown.iter().flat_map(|flow| [flow.0, flow.1]);
    let frame = Frame::around(ends.map(|place| &places[place]))?;
    let mut starts = vec![0; places.len()];
    for &(origin, _, trips) in flows {
        starts[origin] += trips;
    }
    let mut starts: Vec<(&Place, u64)> = places.iter().zip(starts).collect();
    // Zones are drawn even where no trips start; cells are there only because of trips.
    starts.retain(|(place, trips)| *trips > 0 || place.name.is_some());
    starts.sort_by_key(|start| std::cmp::Reverse(start.1));
    let most_starts = starts.first().map_or(1, |start| start.1).max(1) as f64;
    let outlines = starts.iter().filter_map(|&(place, trips)| {
        let path = frame.outline(place)?;
        Some((path, named(place), trips))
    });
    let outlines: Vec<_> = outlines.take(MAX_PLACES).collect();
    let most = shown.first().map_or(1, |flow| flow.2).max(1) as f64;
    let (bar, km) = frame.scale_bar();
    let bottom = frame.height - 10.0;
    Some(html! {
        svg.map viewBox=(format!("0 0 {WIDTH} {}", pixels(frame.height))) role="img"
            aria-label="Map of trips" {
            @for (path, name, trips) in &outlines {
                path.cell d=(path)
                    fill-opacity=(format!("{:.3}", 0.06 + 0.6 * (*trips as f64 / most_starts).sqrt())) {
                    title { (name) (grouped(*trips)) " trips start here" }
                }
            }
            // The largest last, on top.
            @for &(origin, destination, trips) in shown.iter().rev() {
                @let share = (trips as f64 / most).sqrt();
                @let ends = [&places[origin], &places[destination]];
                @if origin == destination {
                    @let [x, y] = frame.center(ends[0]);
                    circle.flow cx=(pixels(x)) cy=(pixels(y)) r=(pixels(3.0 + 6.0 * share))
                        stroke-width=(pixels(0.6 + 3.0 * share)) stroke-opacity=(opacity(share)) {
                        title { (named(ends[0])) (grouped(trips)) " trips start and end here" }
                    }
                } @else {
                    path.flow d=(frame.curve(ends))
                        stroke-width=(pixels(0.6 + 4.0 * share)) stroke-opacity=(opacity(share)) {
                        title { (route(ends)) (grouped(trips)) " trips" }
                    }
                }
            }
            path.scale d=(format!("M{} {b}v4h{}v-4", MARGIN, pixels(bar), b = pixels(bottom - 4.0))) {}
            text.axis x=(pixels(MARGIN + bar + 6.0)) y=(pixels(bottom)) { (km) " km" }
        }
    })
}

/// How a text about a place begins.
fn named(place: &Place) -> String {
    let name = place.name.as_deref();
    name.map_or_else(String::new, |name| format!("{}: ", Printable(name)))
}

/// How a text about the way between two places begins.
fn route([origin, destination]: [&Place; 2]) -> String {
    match (&origin.name, &destination.name) {
        (Some(from), Some(to)) => format!("{} → {}: ", Printable(from), Printable(to)),
        _ => String::new(),
    }
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
    /// The frame that shows some places; `None` without places.
    fn around<'p>(places: impl Iterator<Item = &'p Place> + Clone) -> Option<Self> {
        let around = places.clone().next()?.center.lon();
        let corners = places.flat_map(|place| place.outline.iter().flatten());
        let corners = corners.map(|&[lon, lat]| [near(lon, around), lat]);
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

    fn center(&self, place: &Place) -> [f64; 2] {
        self.place([place.center.lon(), place.center.lat()])
    }

    /// The outline of a place as a path, if its middle is on the drawing.
    fn outline(&self, place: &Place) -> Option<String> {
        let [x, y] = self.center(place);
        if !(0.0..=WIDTH).contains(&x) || !(0.0..=self.height).contains(&y) {
            return None;
        }
        let mut path = String::new();
        for ring in &place.outline {
            let mut last: Option<[f64; 2]> = None;
            for corner in ring.iter().map(|&corner| self.place(corner)) {
                if last.is_some_and(|last| distance(last, corner) < DETAIL) {
                    continue;
                }
                let step = if last.is_none() { 'M' } else { 'L' };
                let [x, y] = corner.map(pixels);
                // Writing to a string cannot fail.
                let _ = write!(path, "{step}{x} {y}");
                last = Some(corner);
            }
            path.push('Z');
        }
        Some(path)
    }

    /// A path that bends to the right, so that both directions are seen.
    fn curve(&self, ends: [&Place; 2]) -> String {
        let [[x, y], [to_x, to_y]] = ends.map(|place| self.center(place));
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

fn distance(one: [f64; 2], other: [f64; 2]) -> f64 {
    (one[0] - other[0]).hypot(one[1] - other[1])
}

/// The longitude plus the multiple of 360° that brings it nearest to another.
fn near(lon: f64, to: f64) -> f64 {
    lon - 360.0 * ((lon - to) / 360.0).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{self, Resolution, leaf_cell, parent};

    fn cell(lon: f64, lat: f64) -> Place {
        let cell = parent(leaf_cell(Point::new(lon, lat).unwrap()), Resolution::FLOW);
        Place {
            name: None,
            center: geo::center(cell),
            outline: vec![geo::ring(cell)],
        }
    }

    #[test]
    fn flows_are_drawn_inside_the_frame() {
        let prague = [cell(14.4, 50.0), cell(14.5, 50.1)];
        let taveuni = [cell(179.99, -16.8), cell(-179.98, -16.9)];
        let pole = [cell(0.0, 89.9), cell(120.0, 89.95)];
        for places in [prague, taveuni, pole] {
            let flows = [(0, 1, 9), (1, 0, 4), (0, 0, 1)];
            let frame = Frame::around(places.iter()).unwrap();
            for place in &places {
                let [x, y] = frame.center(place);
                assert!((0.0..=WIDTH).contains(&x) && (0.0..=frame.height).contains(&y));
            }
            assert!(frame.height <= MAX_HEIGHT + 1.0);
            let svg = map(&places, &flows).unwrap().into_string();
            assert_eq!(svg.matches("class=\"flow\"").count(), 3);
            assert_eq!(svg.matches("class=\"cell\"").count(), 2);
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
        assert!(map(&[], &[]).is_none());
    }

    #[test]
    fn outlines_have_no_more_corners_than_can_be_seen() {
        let corner = |step: u32| {
            let angle = f64::from(step) / 10_000.0 * std::f64::consts::TAU;
            [14.4 + 0.1 * angle.cos(), 50.0 + 0.1 * angle.sin()]
        };
        let hole = [
            [14.38, 49.98],
            [14.42, 49.98],
            [14.4, 50.02],
            [14.38, 49.98],
        ];
        let place = Place {
            name: Some("Ring <1>".to_owned()),
            center: Point::new(14.4, 50.0).unwrap(),
            outline: vec![(0..=10_000).map(corner).collect(), hole.to_vec()],
        };
        let path = Frame::around([&place].into_iter()).unwrap().outline(&place);
        let path = path.unwrap();
        assert!((500..4_000).contains(&path.matches('L').count()), "{path}");
        assert_eq!(
            [path.matches('M').count(), path.matches('Z').count()],
            [2; 2]
        );
        let svg = map(&[place], &[(0, 0, 3)]).unwrap().into_string();
        assert!(
            svg.contains("Ring &lt;1&gt;: 3 trips start and end here"),
            "{svg}"
        );
    }
}
