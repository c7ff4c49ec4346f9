//! Days of the week and hours: a table of cells, the darker the more trips.

use maud::{Markup, html};

use super::grouped;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LEFT: u32 = 44;
const ABOVE: u32 = 20;
const CELL: (u32, u32) = (28, 22);

/// Draws the number of trips of each hour of each day.
pub(super) fn profile(hours: &[[u64; 24]; 7]) -> Markup {
    let most = hours
        .as_flattened()
        .iter()
        .copied()
        .max()
        .unwrap_or(0)
        .max(1);
    let (width, height) = (LEFT + 24 * CELL.0, ABOVE + 7 * CELL.1);
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) role="img"
            aria-label="Trips by day of the week and hour" {
            @for hour in (0..24).step_by(3) {
                text.axis x=(LEFT + hour * CELL.0) y=(ABOVE - 6) { (format!("{hour:02}:00")) }
            }
            @for ((day, name), hours) in (0..).zip(DAYS).zip(hours) {
                text.axis x=(LEFT - 8) y=(ABOVE + day * CELL.1 + 15) text-anchor="end" { (name) }
                @for (hour, &trips) in (0..).zip(hours) {
                    rect.heat x=(LEFT + hour * CELL.0) y=(ABOVE + day * CELL.1)
                        width=(CELL.0 - 1) height=(CELL.1 - 1)
                        fill-opacity=(format!("{:.3}", 0.04 + 0.96 * trips as f64 / most as f64)) {
                        title { (name) " " (format!("{hour:02}:00")) ": " (grouped(trips)) " trips" }
                    }
                }
            }
        }
    }
}
