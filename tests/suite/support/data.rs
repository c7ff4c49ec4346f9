//! Made-up files of trips: dense cities, scattered places, and the corners of the map.

use std::fmt::Write as _;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use super::random::Random;

pub const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";

/// A row that can't be read: its latitude is none.
pub const BROKEN: &str = "Prague,POINT (14.4 95.0),POINT (14.5 50.1),2018-05-28 09:03:40,funny_car";

/// Regions and their middles: one on the antimeridian, one at a pole, one on a pentagon of H3.
pub const REGIONS: [(&str, f64, f64); 6] = [
    ("Prague", 14.42, 50.08),
    ("Turin", 7.68, 45.07),
    ("Hamburg", 9.99, 53.55),
    ("Taveuni", 179.99, -16.85),
    ("Longyearbyen", 15.6, 89.9),
    ("Fredrikstad", 10.536, 58.3),
];

pub const DATASOURCES: [&str; 3] = ["funny_car", "cheap_mobile", "baba_car"];

/// A file under construction.
pub struct File {
    pub csv: String,
}

impl Default for File {
    fn default() -> Self {
        Self {
            csv: HEADER.to_owned(),
        }
    }
}

impl File {
    /// A row of a trip.
    pub fn push(
        &mut self,
        region: &str,
        datasource: &str,
        origin: (f64, f64),
        destination: (f64, f64),
        time: NaiveDateTime,
    ) {
        let ((x, y), (z, w)) = (origin, destination);
        let time = time.format("%Y-%m-%d %H:%M:%S%.f");
        writeln!(
            self.csv,
            "{region},POINT ({x} {y}),POINT ({z} {w}),{time},{datasource}"
        )
        .unwrap();
    }

    /// A row that can't be read.
    pub fn push_broken(&mut self) {
        self.csv.push_str(BROKEN);
        self.csv.push('\n');
    }
}

/// What a file is made of.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub rows: usize,
    /// The first day of departures, and how many days there are.
    pub start: NaiveDate,
    pub days: usize,
    /// Of a hundred trip ends, how many lie in a city.
    pub dense: usize,
    /// Different places in a city; the fewer, the more trips are alike.
    pub places: usize,
}

impl Shape {
    /// From the end of 2019 on, over the 53 weeks of 2020.
    pub fn new(rows: usize) -> Self {
        Self {
            rows,
            start: NaiveDate::from_ymd_opt(2019, 12, 20).unwrap(),
            days: 400,
            dense: 85,
            places: 10_000,
        }
    }

    /// A file of that shape; about one row in a hundred can't be read.
    pub fn file(self, random: &mut Random) -> String {
        let mut file = File::default();
        for _ in 0..self.rows {
            if random.once_in(100) {
                file.push_broken();
            }
            let &(region, lon, lat) = random.pick(&REGIONS);
            let (origin, destination) =
                (self.place(random, lon, lat), self.place(random, lon, lat));
            // A few rows say another region than the one they lie in.
            let region = if random.once_in(20) { "Prague" } else { region };
            let datasource = random.pick(&DATASOURCES);
            file.push(region, datasource, origin, destination, self.time(random));
        }
        file.csv
    }

    fn time(self, random: &mut Random) -> NaiveDateTime {
        let day = self.start + TimeDelta::days(i64::try_from(random.below(self.days)).unwrap());
        let second = u32::try_from(random.below(86_400)).unwrap();
        let micro = if random.once_in(10) { 999_999 } else { 0 };
        let time = chrono::NaiveTime::from_num_seconds_from_midnight_opt(second, micro * 1_000);
        day.and_time(time.unwrap())
    }

    fn place(self, random: &mut Random, lon: f64, lat: f64) -> (f64, f64) {
        if random.once_in(50) {
            return corner(random);
        }
        if random.below(100) >= self.dense {
            return (random.between(-180.0, 180.0), random.between(-90.0, 90.0));
        }
        // One of the city's places, the same in every file.
        let place = random.below(self.places) as u64;
        let mut place = Random::new(place * 7_919 + 1);
        let spread = place.scale(0.002, 0.3);
        onto_globe(place.around(lon, spread), place.around(lat, spread * 0.7))
    }
}

/// A corner of the map: the poles, the antimeridian, the zeros.
fn corner(random: &mut Random) -> (f64, f64) {
    let lons = [
        -180.0,
        (-180.0_f64).next_up(),
        -90.0,
        0.0,
        -0.0,
        180.0_f64.next_down(),
        180.0,
    ];
    let lats = [
        -90.0,
        (-90.0_f64).next_up(),
        -16.85,
        0.0,
        50.08,
        89.999,
        90.0,
    ];
    (*random.pick(&lons), *random.pick(&lats))
}

/// Past the antimeridian is on the other side; past a pole is cut off.
pub fn onto_globe(lon: f64, lat: f64) -> (f64, f64) {
    let lon = if lon > 180.0 {
        lon - 360.0
    } else if lon < -180.0 {
        lon + 360.0
    } else {
        lon
    };
    (lon, lat.clamp(-90.0, 90.0))
}
