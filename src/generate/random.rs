/// `SplitMix64`: a small generator whose numbers never change with a library's version.
///
/// G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA
/// 2014; constants as in S. Vigna's `splitmix64.c` (public domain).
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; the bias is at most `bound` in 2^64.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }

    /// A number from `first` to `last`, both included; for spans that fit an `i64`.
    pub(super) const fn between(&mut self, first: i64, last: i64) -> i64 {
        first + self.below(first.abs_diff(last) + 1).cast_signed()
    }

    /// An approximately normally distributed number with mean 0 and standard deviation `deviation`
    /// (at most 2^50).
    ///
    /// It is the sum of four uniform numbers (Irwin–Hall), so it stays within 3.5 deviations, and
    /// needs no logarithm or cosine, whose last digits differ from platform to platform.
    #[expect(clippy::cast_possible_truncation, reason = "within 3.5 deviations")]
    pub(super) const fn normal(&mut self, deviation: i64) -> i64 {
        let (a, b) = (self.next(), self.next());
        let low = u32::MAX as u64;
        let sum = (a >> 32) + (a & low) + (b >> 32) + (b & low);
        let centred = sum.cast_signed() - (1 << 33);
        // The sum's deviation is 2^32 · √(4/12); √3 = 1.7320508.
        ((centred as i128 * deviation as i128 * 17_320_508 / 10_000_000) >> 32) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // splitmix64.c with x = 1234567.
        let mut random = Random::new(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn normal_numbers_spread_as_asked() {
        let mut random = Random::new(1);
        let numbers: Vec<f64> = (0..100_000)
            .map(|_| random.normal(1_000_000) as f64)
            .collect();
        let mean = numbers.iter().sum::<f64>() / 1e5;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 15_000.0, "{mean}");
        assert!(
            (variance.sqrt() - 1e6).abs() < 15_000.0,
            "{}",
            variance.sqrt()
        );
    }
}
