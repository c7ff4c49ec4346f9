//! Generated trips in the CSV format, reproducible on every platform.
//!
//! All arithmetic is on integers, coordinates too, so the same seed gives the same bytes everywhere.
//! The first rows of a file do not depend on how many follow.

mod city;
mod random;

use std::borrow::Cow;
use std::io::{self, Write};

use chrono::{Days, NaiveDate};

use city::{CITIES, UNITS};
use random::Random;

/// Size of the write buffer in bytes.
const BUFFER_BYTES: usize = 256 * 1024;
const HEADER: [&str; 5] = [
    "region",
    "origin_coord",
    "destination_coord",
    "datetime",
    "datasource",
];
/// Number of weeks with trips.
const WEEKS: u64 = 104;
/// First day of the first week.
const FIRST_MONDAY: NaiveDate = NaiveDate::from_ymd_opt(2017, 1, 2).expect("a date");
/// Departures of each hour of a weekday, in thousandths: two rush hours.
const WEEKDAY_HOURS: [u16; 24] = [
    8, 5, 3, 3, 5, 15, 40, 85, 95, 60, 42, 42, 48, 46, 46, 56, 80, 98, 75, 52, 36, 28, 20, 12,
];
/// Departures of each hour of a Saturday or Sunday, in thousandths: late, and flat.
const WEEKEND_HOURS: [u16; 24] = [
    26, 20, 14, 9, 6, 6, 10, 18, 30, 46, 60, 68, 72, 72, 70, 68, 66, 64, 62, 56, 48, 42, 38, 29,
];
/// Departures of each day of the week, Monday first, in thousandths.
const WEEKDAYS: [u16; 7] = [155, 160, 160, 160, 165, 110, 90];
/// Trips of each datasource, in thousandths.
const DATASOURCES: [(u16, &str); 5] = [
    (330, "cheap_mobile"),
    (200, "pt_search_app"),
    (180, "bad_diesel_vehicles"),
    (160, "baba_car"),
    (130, "funny_car"),
];

/// Geographic distribution of the trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// Dense: three cities, seven of ten trip ends around their hubs.
    #[default]
    Cities,
    /// Sparse: trips scattered over the whole world, few to a cell; regions are zones of 6° longitude.
    World,
}

/// Writes a header and `rows` trips in the 104 weeks from 2017-01-02 on, in random order.
pub fn write(writer: impl Write, shape: Shape, rows: u64, seed: u64) -> io::Result<()> {
    write_csv(writer, shape, rows, seed).map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    })
}

fn write_csv(writer: impl Write, shape: Shape, rows: u64, seed: u64) -> csv::Result<()> {
    let mut random = Random::new(seed);
    let mut writer = csv::WriterBuilder::new()
        .buffer_capacity(BUFFER_BYTES)
        .from_writer(writer);
    writer.write_record(HEADER)?;
    for _ in 0..rows {
        let (region, origin, destination) = match shape {
            Shape::Cities => city_ends(&mut random),
            Shape::World => world_ends(&mut random),
        };
        writer.write_field(region.as_ref())?;
        writer.write_field(point(origin))?;
        writer.write_field(point(destination))?;
        writer.write_field(time(&mut random))?;
        let (_, datasource) =
            DATASOURCES[weighted(DATASOURCES.map(|(weight, _)| weight), &mut random)];
        writer.write_field(datasource)?;
        writer.write_record(None::<&[u8]>)?;
    }
    Ok(writer.flush()?)
}

/// A longitude and a latitude in [`UNITS`].
type Coordinates = (i64, i64);

fn city_ends(random: &mut Random) -> (Cow<'static, str>, Coordinates, Coordinates) {
    let city = &CITIES[weighted(CITIES.each_ref().map(|city| city.weight), random)];
    (
        city.name.into(),
        city.trip_end(random),
        city.trip_end(random),
    )
}

fn world_ends(random: &mut Random) -> (Cow<'static, str>, Coordinates, Coordinates) {
    let origin = world_trip_end(random);
    let zone = (origin.0 + 180 * UNITS) / (6 * UNITS) + 1;
    (
        format!("Zone {zone:02}").into(),
        origin,
        world_trip_end(random),
    )
}

/// A point that is about uniformly distributed on Earth: the cosine of the latitude, by which
/// circles of latitude shrink, is approximated by a parabola.
fn world_trip_end(random: &mut Random) -> (i64, i64) {
    // A tenth of the precision, since whole degrees may have a digit more.
    let lon = random.between(-180 * UNITS / 10, 180 * UNITS / 10 - 1) * 10;
    loop {
        let lat = random.between(-90 * UNITS / 10, 90 * UNITS / 10) * 10;
        let degrees = lat / (UNITS / 100);
        if random.between(0, 81_000_000 - 1) >= degrees * degrees {
            return (lon, lat);
        }
    }
}

fn point((lon, lat): Coordinates) -> String {
    format!("POINT ({} {})", degrees(lon), degrees(lat))
}

/// A coordinate in degrees, without trailing zeros, but with at least one digit after the point.
fn degrees(units: i64) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let (whole, fraction) = (units.abs() / UNITS, units.abs() % UNITS);
    let mut text = format!("{sign}{whole}.{fraction:014}");
    let zeros = text
        .bytes()
        .rev()
        .take_while(|&digit| digit == b'0')
        .count();
    text.truncate(text.len() - zeros.min(13));
    text
}

fn time(random: &mut Random) -> String {
    let weekday = weighted(WEEKDAYS, random);
    let hours = if weekday < 5 {
        WEEKDAY_HOURS
    } else {
        WEEKEND_HOURS
    };
    let date = FIRST_MONDAY + Days::new(random.below(WEEKS) * 7 + weekday as u64);
    let hour = weighted(hours, random);
    let second = random.below(3600);
    format!("{date} {hour:02}:{:02}:{:02}", second / 60, second % 60)
}

/// A random index of the list, by weights in thousandths; the weights add up to 1,000.
fn weighted<const N: usize>(weights: [u16; N], random: &mut Random) -> usize {
    let mut left = random.below(1_000);
    for (index, weight) in weights.into_iter().enumerate() {
        match left.checked_sub(u64::from(weight)) {
            Some(less) => left = less,
            None => return index,
        }
    }
    N - 1
}

#[cfg(test)]
mod tests;
