use crate::geo::Point;

/// The straight line between two points on a map, the shorter way around.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Line {
    /// Longitude and latitude of both ends.
    Whole([[f64; 2]; 2]),
    /// Cut in two at the antimeridian, as section 3.1.9 of RFC 7946 has it.
    Cut([[[f64; 2]; 2]; 2]),
}

impl Line {
    pub(super) fn between([from, to]: [Point; 2]) -> Self {
        let [start, end] = [from, to].map(|point| [point.lon(), point.lat()]);
        if (to.lon() - from.lon()).abs() <= 180.0 {
            return Self::Whole([start, end]);
        }
        let border = 180.0_f64.copysign(from.lon());
        // Degrees of longitude from either end to the antimeridian.
        let (before, after) = (180.0 - from.lon().abs(), 180.0 - to.lon().abs());
        let way = before + after;
        let share = if way > 0.0 { before / way } else { 0.0 };
        let lat = from.lat() + share * (to.lat() - from.lat());
        Self::Cut([[start, [border, lat]], [[-border, lat], end]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_the_antimeridian() {
        let line = |from: (f64, f64), to: (f64, f64)| {
            Line::between([from, to].map(|(lon, lat)| Point::new(lon, lat).unwrap()))
        };
        assert_eq!(
            line((14.4, 50.0), (14.5, 50.1)),
            Line::Whole([[14.4, 50.0], [14.5, 50.1]])
        );
        assert_eq!(
            line((179.0, -16.0), (-178.0, -19.0)),
            Line::Cut([
                [[179.0, -16.0], [180.0, -17.0]],
                [[-180.0, -17.0], [-178.0, -19.0]],
            ])
        );
        assert_eq!(
            line((-180.0, 1.0), (180.0, 2.0)),
            Line::Cut([[[-180.0, 1.0], [-180.0, 1.0]], [[180.0, 1.0], [180.0, 2.0]]])
        );
    }
}
