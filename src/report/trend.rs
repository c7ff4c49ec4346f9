//! The weekly trend: a bar for each week, or for a few weeks where there are many.

use maud::{Markup, html};

use super::{grouped, pixels};
use crate::analytics::WeeklyAverage;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 170.0;
/// Space for the numbers at the left and the dates below.
const LEFT: f64 = 56.0;
const BELOW: f64 = 22.0;
const ABOVE: f64 = 8.0;
/// Maximum number of bars.
const MAX_BARS: usize = 180;

/// Draws the weeks of an average.
pub(super) fn trend(average: &WeeklyAverage) -> Markup {
    let weeks: Vec<_> = average.weeks().collect();
    let per_bar = weeks.len().div_ceil(MAX_BARS).max(1);
    let bars: Vec<_> = weeks
        .chunks(per_bar)
        .map(|weeks| {
            let trips: u64 = weeks.iter().map(|(_, trips)| trips).sum();
            let first = weeks.first().map(|(week, _)| week.monday());
            (first, trips as f64 / weeks.len() as f64)
        })
        .collect();
    let top = bars.iter().fold(0.0, |top: f64, bar| top.max(bar.1));
    let step = nice_step(top);
    let limit = (top / step).ceil().max(1.0) * step;
    let width = (WIDTH - LEFT) / bars.len().max(1) as f64;
    let plot = HEIGHT - BELOW - ABOVE;
    let y = |trips: f64| ABOVE + plot * (1.0 - trips / limit);
    let x = |index: usize| LEFT + width * index as f64;
    let gap = if width > 4.0 { 1.0 } else { 0.0 };
    let ticks = (0..=5_u8).map(|tick| f64::from(tick) * step);
    let ticks: Vec<_> = ticks.take_while(|&tick| tick <= limit).collect();
    let labels = label_positions(bars.len());
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label="Trips a week" {
            @for &tick in &ticks {
                line.grid x1=(LEFT) x2=(WIDTH) y1=(pixels(y(tick))) y2=(pixels(y(tick))) {}
                text.axis x=(LEFT - 6.0) y=(pixels(y(tick) + 4.0)) text-anchor="end" {
                    (tick_label(tick))
                }
            }
            @for (index, (first, trips)) in bars.iter().enumerate() {
                rect.bar x=(pixels(x(index))) y=(pixels(y(*trips)))
                    width=(pixels((width - gap).max(0.4))) height=(pixels(ABOVE + plot - y(*trips))) {
                    title {
                        @if let Some(first) = first { (first) ": " }
                        (tick_label(*trips)) " trips"
                        @if per_bar > 1 { " a week" }
                    }
                }
            }
            @for index in labels {
                @if let Some((Some(first), _)) = bars.get(index) {
                    text.axis x=(pixels(x(index))) y=(HEIGHT - 5.0)
                        text-anchor=(anchor(index, bars.len())) { (first) }
                }
            }
        }
        @if per_bar > 1 {
            p.note { "Each bar is the average of " (per_bar) " weeks." }
        }
    }
}

/// The bars below which a date is written.
fn label_positions(bars: usize) -> Vec<usize> {
    match bars {
        0 => Vec::new(),
        1..=3 => vec![0],
        _ => (0..=4).map(|part| part * (bars - 1) / 4).collect(),
    }
}

fn anchor(index: usize, bars: usize) -> &'static str {
    if index == 0 {
        "start"
    } else if index + 1 == bars {
        "end"
    } else {
        "middle"
    }
}

/// A step of 1, 2 or 5 times a power of ten, four of which at most reach the top.
fn nice_step(top: f64) -> f64 {
    let rough = (top / 4.0).max(1.0);
    let power = 10_f64.powf(rough.log10().floor());
    let mut steps = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter();
    steps.find(|&step| step >= rough).unwrap_or(rough)
}

/// A number of trips, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of trips is positive, and a float that is too large saturates"
)]
fn tick_label(trips: f64) -> String {
    grouped(trips.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Week;

    #[test]
    fn steps_are_round() {
        for (top, step) in [
            (0.0, 1.0),
            (3.0, 1.0),
            (9.0, 5.0),
            (40.0, 10.0),
            (41.0, 20.0),
            (900.0, 500.0),
        ] {
            assert!(
                (nice_step(top) - step).abs() < 1e-9,
                "{top}: {}",
                nice_step(top)
            );
        }
    }

    #[test]
    fn long_periods_have_few_bars() {
        for weeks in [0, 1, 3, 180, 181, 10_000] {
            let average = WeeklyAverage {
                first: Week::from_number(100_000),
                trips: vec![7; weeks],
            };
            let svg = trend(&average).into_string();
            let bars = svg.matches("<rect").count();
            assert!(
                bars <= MAX_BARS && (bars > 0) == (weeks > 0),
                "{weeks}: {bars}"
            );
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
