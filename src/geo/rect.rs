/// A rectangle of longitudes and latitudes that does not cross the antimeridian, borders included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rect {
    pub(super) west: f64,
    pub(super) south: f64,
    pub(super) east: f64,
    pub(super) north: f64,
}

impl Rect {
    /// No point.
    pub(super) const NOTHING: Self = Self {
        west: f64::INFINITY,
        south: f64::INFINITY,
        east: f64::NEG_INFINITY,
        north: f64::NEG_INFINITY,
    };

    /// The smallest rectangle with a point in addition.
    pub(super) const fn with(self, [lon, lat]: [f64; 2]) -> Self {
        Self {
            west: self.west.min(lon),
            south: self.south.min(lat),
            east: self.east.max(lon),
            north: self.north.max(lat),
        }
    }

    #[inline]
    pub(super) fn contains(&self, lon: f64, lat: f64) -> bool {
        self.west <= lon && lon <= self.east && self.south <= lat && lat <= self.north
    }

    /// Whether the rectangles have a point in common.
    pub(super) fn touches(&self, other: &Self) -> bool {
        self.west <= other.east
            && other.west <= self.east
            && self.south <= other.north
            && other.south <= self.north
    }

    pub(super) const fn corners(&self) -> [[f64; 2]; 4] {
        let Self {
            west,
            south,
            east,
            north,
        } = *self;
        [[west, south], [east, south], [east, north], [west, north]]
    }
}
