//! Bands of latitude: an index of items by the latitudes that they span.

/// Average number of bands that an item may be listed in; more would take memory without making
/// lookups faster.
const LISTINGS: usize = 8;

/// Items by bands of latitude of equal height.
#[derive(Debug)]
pub(super) struct Bands {
    south: f64,
    per_degree: f64,
    /// Where the items of each band begin in `items`, and where those of the last one end.
    starts: Vec<u32>,
    /// The numbers of the items of each band, ascending.
    items: Vec<u32>,
}

impl Bands {
    /// Lists items, numbered from 0, by the least and the greatest latitude that each spans.
    pub(super) fn new(spans: &[(f64, f64)]) -> Self {
        let south = spans
            .iter()
            .fold(90.0, |south: f64, span| south.min(span.0));
        let north = spans
            .iter()
            .fold(-90.0, |north: f64, span| north.max(span.1));
        let mut bands = spans.len().clamp(1, 1 << 16);
        loop {
            let index = Self {
                south,
                per_degree: bands as f64 / (north - south).max(f64::MIN_POSITIVE),
                starts: vec![0; bands + 1],
                items: Vec::new(),
            };
            let listings: usize = spans.iter().map(|&span| index.range(span).len()).sum();
            if bands == 1 || listings <= LISTINGS * spans.len() {
                return index.filled(spans);
            }
            bands = bands.div_ceil(2);
        }
    }

    fn filled(mut self, spans: &[(f64, f64)]) -> Self {
        for &span in spans {
            for band in self.range(span) {
                self.starts[band + 1] += 1;
            }
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        let mut next = self.starts.clone();
        self.items = vec![0; sum as usize];
        for (item, &span) in (0..).zip(spans) {
            for band in self.range(span) {
                self.items[next[band] as usize] = item;
                next[band] += 1;
            }
        }
        self
    }

    /// The band of a latitude; the first or the last one beyond them.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "negative and large numbers saturate, and the last band is the limit"
    )]
    fn band(&self, lat: f64) -> usize {
        // Rounding never reverses an order: a latitude of a span is in one of the span's bands.
        (((lat - self.south) * self.per_degree) as usize).min(self.starts.len() - 2)
    }

    fn range(&self, (south, north): (f64, f64)) -> std::ops::Range<usize> {
        self.band(south)..self.band(north) + 1
    }

    /// The items that may span a latitude, ascending.
    #[inline]
    pub(super) fn at(&self, lat: f64) -> &[u32] {
        let band = self.band(lat);
        &self.items[self.starts[band] as usize..self.starts[band + 1] as usize]
    }

    /// The items that may span one of some latitudes; an item may come more than once.
    pub(super) fn between(&self, south: f64, north: f64) -> &[u32] {
        let bands = self.range((south, north));
        &self.items[self.starts[bands.start] as usize..self.starts[bands.end] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::testing::Random;

    #[test]
    fn items_are_found_at_every_latitude_they_span() {
        let mut random = Random::new(40);
        for count in [0, 1, 2, 50, 500] {
            let spans: Vec<_> = (0..count)
                .map(|_| {
                    let south = random.between(-90.0, 90.0);
                    let height = random.scale(1e-9, 100.0);
                    (south, (south + height).min(90.0))
                })
                .collect();
            let bands = Bands::new(&spans);
            assert!(bands.items.len() <= LISTINGS * count.max(1));
            for (item, &(south, north)) in (0..).zip(&spans) {
                for lat in [south, north, south.midpoint(north)] {
                    assert!(bands.at(lat).contains(&item));
                    assert!(bands.at(lat).is_sorted());
                    assert!(bands.between(lat, lat).contains(&item));
                    assert!(bands.between(-90.0, lat).contains(&item));
                }
            }
        }
    }

    #[test]
    fn items_of_one_latitude_are_found() {
        let bands = Bands::new(&[(5.0, 5.0), (5.0, 5.0)]);
        assert_eq!(bands.at(5.0), [0, 1]);
        assert_eq!(bands.between(-90.0, 90.0), [0, 1]);
    }
}
