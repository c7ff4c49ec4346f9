//! Made-up trips in the CSV format, repeatable on every platform.
//!
//! All arithmetic is on integers, coordinates too, so the same seed gives the same bytes everywhere.
//! The first rows of a file do not depend on how many follow.

mod city;
mod random;
mod text;

use std::io::{self, Write};

use city::{CITIES, UNITS};
use random::Random;
use text::{Days, push_coordinate, push_pair};

/// Bytes that are written at a time.
const BUFFER_BYTES: usize = 256 * 1024;
/// Bytes of a row at most.
const MAX_ROW_BYTES: usize = 256;
/// Departures of each hour of a weekday, in thousandths: two rush hours.
const WEEKDAY_HOURS: [u16; 24] = [
    8, 5, 3, 3, 5, 15, 40, 85, 95, 60, 42, 42, 48, 46, 46, 56, 80, 98, 75, 52, 36, 28, 20, 12,
];
/// The same for Saturdays and Sundays: late, and flat.
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

/// How trips lie on the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// Dense: three cities, seven of ten trip ends around their hubs.
    #[default]
    Cities,
    /// Sparse: trips strewn over the whole world, few to a cell; regions are zones of 6° longitude.
    World,
}

/// Writes a header and `rows` trips of three cities in the 104 weeks from 2017-01-02 on, in no order.
pub fn write(writer: impl Write, rows: u64, seed: u64) -> io::Result<()> {
    write_shape(writer, Shape::Cities, rows, seed)
}

/// Writes a header and `rows` trips of that shape.
pub fn write_shape(mut writer: impl Write, shape: Shape, rows: u64, seed: u64) -> io::Result<()> {
    let days = Days::of_104_weeks();
    let mut random = Random::new(seed);
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    buffer.extend_from_slice(b"region,origin_coord,destination_coord,datetime,datasource\n");
    for _ in 0..rows {
        if buffer.len() + MAX_ROW_BYTES > BUFFER_BYTES {
            writer.write_all(&buffer)?;
            buffer.clear();
        }
        match shape {
            Shape::Cities => push_city_ends(&mut buffer, &mut random),
            Shape::World => push_world_ends(&mut buffer, &mut random),
        }
        push_time(&mut buffer, &days, &mut random);
        buffer.push(b',');
        let datasource = weighted(DATASOURCES.map(|(weight, _)| weight), &mut random);
        buffer.extend_from_slice(DATASOURCES[datasource].1.as_bytes());
        buffer.push(b'\n');
    }
    writer.write_all(&buffer)?;
    writer.flush()
}

fn push_city_ends(buffer: &mut Vec<u8>, random: &mut Random) {
    let city = &CITIES[weighted(CITIES.each_ref().map(|city| city.weight), random)];
    buffer.extend_from_slice(city.name.as_bytes());
    buffer.push(b',');
    push_point(buffer, city.place(random));
    push_point(buffer, city.place(random));
}

fn push_world_ends(buffer: &mut Vec<u8>, random: &mut Random) {
    let origin = world_place(random);
    let zone = (origin.0 + 180 * UNITS) / (6 * UNITS) + 1;
    buffer.extend_from_slice(b"Zone ");
    push_pair(buffer, zone.unsigned_abs());
    buffer.push(b',');
    push_point(buffer, origin);
    push_point(buffer, world_place(random));
}

/// A place on Earth, poles and cells about as dense as elsewhere: the cosine of the latitude, by
/// which circles of latitude shrink, is taken as a parabola.
fn world_place(random: &mut Random) -> (i64, i64) {
    // A tenth of the precision, as whole degrees have a digit more.
    let lon = random.between(-180 * UNITS / 10, 180 * UNITS / 10 - 1) * 10;
    loop {
        let lat = random.between(-90 * UNITS / 10, 90 * UNITS / 10) * 10;
        let degrees = lat / (UNITS / 100);
        if random.between(0, 81_000_000 - 1) >= degrees * degrees {
            return (lon, lat);
        }
    }
}

fn push_point(buffer: &mut Vec<u8>, (lon, lat): (i64, i64)) {
    buffer.extend_from_slice(b"POINT (");
    push_coordinate(buffer, lon);
    buffer.push(b' ');
    push_coordinate(buffer, lat);
    buffer.extend_from_slice(b"),");
}

fn push_time(buffer: &mut Vec<u8>, days: &Days, random: &mut Random) {
    let weekday = weighted(WEEKDAYS, random);
    let hours = if weekday < 5 {
        WEEKDAY_HOURS
    } else {
        WEEKEND_HOURS
    };
    buffer.extend_from_slice(days.get(random.below(Days::WEEKS), weekday));
    buffer.push(b' ');
    push_pair(buffer, weighted(hours, random) as u64);
    buffer.push(b':');
    let second = random.below(3600);
    push_pair(buffer, second / 60);
    buffer.push(b':');
    push_pair(buffer, second % 60);
}

/// A number of the list, as often as its weight says; the weights add up to 1,000.
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
