use super::random::Random;

/// Units of a coordinate per degree.
pub(super) const UNITS: i64 = 100_000_000_000_000;

/// Hubs of a city: stations, offices, malls.
const HUBS: usize = 16;
/// Trip ends around a hub, in thousandths.
const AROUND_HUBS: u64 = 700;

/// A city: a box on the map, and hubs in it.
#[derive(Debug)]
pub(super) struct City {
    pub(super) name: &'static str,
    /// Trips in this city, in thousandths.
    pub(super) weight: u16,
    west: i64,
    south: i64,
    east: i64,
    north: i64,
    hubs: [Hub; HUBS],
}

#[derive(Debug, Clone, Copy)]
struct Hub {
    lon: i64,
    lat: i64,
    /// Standard deviation of the latitude around the hub, in [`UNITS`].
    spread: i64,
}

/// The cities of the sample file, in similar boxes.
pub(super) static CITIES: [City; 3] = [
    City::new("Prague", 340, [1432, 4999, 1468, 5013]),
    City::new("Turin", 380, [751, 4497, 778, 4514]),
    City::new("Hamburg", 280, [979, 5341, 1022, 5366]),
];

impl City {
    /// A city in a box (west, south, east, north in hundredths of a degree). Its hubs do not depend
    /// on the seed of the trips, so that files of several seeds fit together.
    const fn new(name: &'static str, weight: u16, bounds: [i64; 4]) -> Self {
        let [west, south, east, north] = [
            bounds[0] * (UNITS / 100),
            bounds[1] * (UNITS / 100),
            bounds[2] * (UNITS / 100),
            bounds[3] * (UNITS / 100),
        ];
        let mut random = Random::new(west.unsigned_abs());
        let (lon_margin, lat_margin) = ((east - west) / 8, (north - south) / 8);
        let mut hubs = [Hub {
            lon: 0,
            lat: 0,
            spread: 0,
        }; HUBS];
        let mut index = 0;
        while index < HUBS {
            hubs[index] = Hub {
                lon: random.between(west + lon_margin, east - lon_margin),
                lat: random.between(south + lat_margin, north - lat_margin),
                // About 220 m to 900 m.
                spread: random.between(UNITS / 500, UNITS / 125),
            };
            index += 1;
        }
        Self {
            name,
            weight,
            west,
            south,
            east,
            north,
            hubs,
        }
    }

    /// A random trip end: longitude and latitude, in [`UNITS`].
    pub(super) fn trip_end(&self, random: &mut Random) -> (i64, i64) {
        if random.below(1_000) < AROUND_HUBS {
            let hub = &self.hubs[self.hub(random)];
            // A degree of longitude is about two thirds of one of latitude here.
            let lon = hub.lon + random.normal(hub.spread * 3 / 2);
            let lat = hub.lat + random.normal(hub.spread);
            if (self.west..=self.east).contains(&lon) && (self.south..=self.north).contains(&lat) {
                return (lon, lat);
            }
        }
        (
            random.between(self.west, self.east),
            random.between(self.south, self.north),
        )
    }

    /// The index of a random hub; the first hubs are busier (the smaller of two numbers).
    fn hub(&self, random: &mut Random) -> usize {
        let hubs = self.hubs.len() as u64;
        let number = random.below(hubs).min(random.below(hubs));
        usize::try_from(number).unwrap_or_default()
    }
}
