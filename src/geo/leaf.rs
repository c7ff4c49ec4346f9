//! Fast lookup of the leaf cells of many points.
//!
//! H3 lays a hexagonal grid over each face of an icosahedron. The gnomonic projection as H3 defines
//! it, with vectors instead of angles, gives a point's coordinates in the grid of leaf cells; a
//! point so close to a border that rounding could matter is left to `h3o`. From there, nine steps
//! lead to the grid of the coarsest cells; each step is a digit of the index. How those digits are
//! rotated in a coarsest cell is derived from the result of `h3o` for the first of its points, and
//! is the same for all others. Pentagons have no such rule, and are left to `h3o`, too.

use std::sync::LazyLock;

use h3o::CellIndex;

use super::cell::{leaf_number, numbered_leaf};
use super::{Point, leaf_cell};

/// Minimum distance of a point from a border, in distances between cells and as a difference of
/// cosines. Rounding errors are about 1e-11.
const MARGIN: f64 = 1e-7;
/// The cosine of 20.9°: middles of faces are 41.81° apart, so a point within this angle of a middle
/// is nearer to it than to any other.
const SURE: f64 = 0.934_204;
/// The sphere's radius in distances between leaf cells, on a face's plane: that of the coarsest
/// cells, times √7 for each of nine resolutions.
const SCALE: f64 = 2_401.0 * 2.645_751_311_064_590_7 / 0.381_966_011_250_105;
/// Rotation of the axes of every other resolution, that of leaf cells included, in radians.
const TURN: f64 = 0.333_473_172_251_832_1;
/// Number of digits of a leaf cell's index.
const DIGITS: usize = 9;
/// Number of coarsest cells of a face along each axis: their coordinates are -2 to 2.
const SPAN: usize = 5;

/// Finds leaf cells as [`leaf_cell`] does, several times as fast.
#[derive(Debug)]
pub struct LeafCells {
    /// By face and coordinates in the coarsest grid.
    roots: Vec<[Root; SPAN * SPAN]>,
    /// The face of the last point.
    face: usize,
}

/// A coarsest cell, as seen from a face.
#[derive(Debug, Clone, Copy)]
enum Root {
    Unknown,
    Pentagon,
    Hexagon {
        base_cell: u64,
        /// The digit of each [direction](Path::directions).
        digits: [u8; 7],
    },
}

impl Default for LeafCells {
    fn default() -> Self {
        Self {
            roots: vec![[Root::Unknown; SPAN * SPAN]; FACES.len()],
            face: 0,
        }
    }
}

impl LeafCells {
    /// The index of the leaf cell a point is filed under.
    pub fn index(&mut self, point: Point) -> u64 {
        let Some(axial) = axial(point, &mut self.face) else {
            return leaf_cell(point).into();
        };
        let path = Path::to(axial);
        let root = &mut self.roots[self.face][path.root];
        match root {
            Root::Hexagon { base_cell, digits } => path.index(*base_cell, *digits),
            Root::Pentagon => leaf_cell(point).into(),
            Root::Unknown => {
                let leaf = leaf_cell(point);
                *root = path.learn(leaf);
                leaf.into()
            }
        }
    }
}

/// The way from a coarsest cell down to a leaf cell.
struct Path {
    /// The coarsest cell's index in [`LeafCells::roots`].
    root: usize,
    /// From each cell to the next finer: 0 if that has the same middle, or 1–6 counterclockwise
    /// from the first axis.
    directions: [u8; DIGITS],
}

/// Digits of H3, counterclockwise from the first axis (`unitVecs` of `coordijk.c`).
const COUNTERCLOCKWISE: [u8; 6] = [4, 6, 2, 3, 1, 5];
/// The direction of each step along two axes with 120° between them, from step (-1, -1) on; 0 if it
/// has none.
const DIRECTIONS: [u8; 9] = [5, 4, 0, 6, 0, 3, 0, 1, 2];

impl Path {
    /// The path to the leaf cell at grid coordinates.
    fn to((a, b): (i32, i32)) -> Self {
        let (mut i, mut j) = (a + b, b);
        let mut directions = [0; DIGITS];
        for (level, direction) in directions.iter_mut().enumerate().rev() {
            // `_upAp7`, `_upAp7r` and their reverses in `coordijk.c`: grids are rotated to and fro.
            let (up, middle) = if level % 2 == 0 {
                let (i, j) = (seventh(3 * i - j), seventh(i + 2 * j));
                ((i, j), (2 * i + j, 3 * j - i))
            } else {
                let (i, j) = (seventh(2 * i + j), seventh(3 * j - i));
                ((i, j), (3 * i - j, i + 2 * j))
            };
            let step = 3 * (i - middle.0 + 1) + (j - middle.1 + 1);
            *direction = DIRECTIONS[step.cast_unsigned() as usize];
            (i, j) = up;
        }
        let [i, j] = [i, j].map(|at| (at + 2).cast_unsigned() as usize);
        Self {
            root: SPAN * i + j,
            directions,
        }
    }

    /// The index of the leaf cell, by the base cell and the digits of its coarsest cell.
    fn index(&self, base_cell: u64, digits: [u8; 7]) -> u64 {
        let digit = |direction: &u8| u64::from(digits[usize::from(*direction)]);
        let number = self.directions.iter().fold(base_cell, |number, direction| {
            number << 3 | digit(direction)
        });
        numbered_leaf(number)
    }

    /// Derives the properties of a coarsest cell from one of its leaf cells.
    fn learn(&self, leaf: CellIndex) -> Root {
        if leaf.base_cell().is_pentagon() {
            return Root::Pentagon;
        }
        let number = leaf_number(leaf.into());
        // The first digit that has a direction shows how all digits are rotated.
        for (level, &direction) in self.directions.iter().enumerate() {
            let digit = number >> (3 * (DIGITS - 1 - level)) & 7;
            let found = COUNTERCLOCKWISE.iter().position(|&d| u64::from(d) == digit);
            if direction > 0
                && let Some(turned) = found
            {
                let turn = turned + 7 - usize::from(direction);
                let mut digits = [0; 7];
                for (number, digit) in digits[1..].iter_mut().enumerate() {
                    *digit = COUNTERCLOCKWISE[(number + turn) % 6];
                }
                return Root::Hexagon {
                    base_cell: number >> (3 * DIGITS),
                    digits,
                };
            }
        }
        Root::Unknown
    }
}

/// A seventh of a number, rounded to the nearest whole number.
fn seventh(number: i32) -> i32 {
    (number + 3).div_euclid(7)
}

/// The axial coordinates (along two axes with 60° between them) of the cell that holds a point, in
/// the grid of its face; `None` if the point is too close to a border. `face` is a guess, and is set
/// to the face of the point.
fn axial(point: Point, face: &mut usize) -> Option<(i32, i32)> {
    let (sin_lat, cos_lat) = point.lat().to_radians().sin_cos();
    let (sin_lon, cos_lon) = point.lon().to_radians().sin_cos();
    let v = [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat];

    let mut nearest = dot(&v, &FACES[*face].0);
    if nearest < SURE {
        let mut second = f64::MIN;
        nearest = f64::MIN;
        for (index, (middle, _)) in FACES.iter().enumerate() {
            let cosine = dot(&v, middle);
            if cosine > nearest {
                (*face, nearest, second) = (index, cosine, nearest);
            } else if cosine > second {
                second = cosine;
            }
        }
        if nearest - second < MARGIN {
            return None;
        }
    }
    let face = *face;
    let axes = &AXES[face];
    let (a, b) = (dot(&v, &axes.0) / nearest, dot(&v, &axes.1) / nearest);

    // In cube coordinates (<https://www.redblobgames.com/grids/hexagons/#rounding>) the middles of
    // cells have whole numbers, and each difference of two coordinates from a point to the middle
    // of its cell is less than 1.
    let (mut near_a, mut near_b) = (nearest_whole(a), nearest_whole(b));
    let (mut da, mut db) = (a - f64::from(near_a), b - f64::from(near_b));
    for (step_a, step_b) in [(1, 0), (0, 1), (1, -1)] {
        // The distance in this direction, in which the next middle is at 2.
        let (sa, sb) = (f64::from(step_a), f64::from(step_b));
        let far = (2.0 * sa + sb) * da + (2.0 * sb + sa) * db;
        let steps = i32::from(far > 1.0) - i32::from(far < -1.0);
        near_a += steps * step_a;
        near_b += steps * step_b;
        da -= f64::from(steps * step_a);
        db -= f64::from(steps * step_b);
    }
    let far = (2.0 * da + db)
        .abs()
        .max((2.0 * db + da).abs())
        .max((da - db).abs());
    if far > 1.0 - MARGIN {
        return None;
    }
    Some((near_a, near_b))
}

/// Rounds a small number to the nearest whole number; a tie to either.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the grid of a face is some ten thousand cells wide"
)]
fn nearest_whole(number: f64) -> i32 {
    (number + 65_536.5) as i32 - 65_536
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Two vectors of each face. Their dot products with a point, divided by the cosine of its angle to
/// the face's middle, are the point's coordinates in the face's grid, along two axes with 60°
/// between them.
static AXES: LazyLock<[([f64; 3], [f64; 3]); 20]> = LazyLock::new(|| {
    FACES.map(|(middle, azimuth)| {
        let [x, y, z] = middle;
        let level = x.hypot(y);
        let east = [-y / level, x / level, 0.0];
        let north = [-z * x / level, -z * y / level, level];
        let (sin, cos) = (azimuth - TURN).sin_cos();
        let (mut first, mut second) = ([0.0; 3], [0.0; 3]);
        for i in 0..3 {
            // First along orthogonal axes, then along the axes of the grid.
            let across = SCALE * (cos * north[i] + sin * east[i]);
            let up = SCALE * (sin * north[i] - cos * east[i]);
            first[i] = across - up / 3.0_f64.sqrt();
            second[i] = up * 2.0 / 3.0_f64.sqrt();
        }
        (first, second)
    })
});

/// The faces of H3's icosahedron: the middle, and the azimuth in radians of the first axis of its
/// grid there (`faceCenterPoint` and `faceAxesAzRadsCII` of <https://github.com/uber/h3>,
/// `faceijk.c`).
#[rustfmt::skip]
const FACES: [([f64; 3], f64); 20] = [
    ([0.219_930_779_140_460_6, 0.658_369_178_027_499_6, 0.719_847_537_892_618_2], 5.619_958_268_523_939_5),
    ([-0.213_923_483_450_142_1, 0.147_817_182_955_070_3, 0.965_601_793_521_420_5], 5.760_339_081_714_187_5),
    ([0.109_262_527_878_479_7, -0.481_195_157_287_321, 0.869_777_512_128_725_3], 0.780_213_654_393_43),
    ([0.742_856_730_158_679_1, -0.359_394_167_827_802_8, 0.564_800_593_651_703_3], 0.430_469_363_979_999_9),
    ([0.811_253_470_914_096_9, 0.344_895_323_763_938_4, 0.472_138_773_641_393], 6.130_269_123_335_111),
    ([-0.105_549_814_961_392_1, 0.979_445_729_641_141_3, 0.171_887_461_000_936_5], 2.692_877_706_530_643),
    ([-0.807_540_757_997_009_2, 0.153_355_248_589_881_8, 0.569_526_199_488_268_8], 2.982_963_003_477_244),
    ([-0.284_614_806_978_790_7, -0.864_408_097_265_420_6, 0.414_479_255_247_353_9], 3.532_912_002_790_141),
    ([0.740_562_147_385_448_2, -0.667_329_956_456_552_4, -0.078_983_764_632_673_7], 3.494_305_004_259_568),
    ([0.851_230_398_647_429_3, 0.472_234_378_858_268_1, -0.228_913_738_868_780_8], 3.003_214_169_499_538_2),
    ([-0.740_562_147_385_448_1, 0.667_329_956_456_552_4, 0.078_983_764_632_673_7], 5.930_472_956_509_812),
    ([-0.851_230_398_647_429_2, -0.472_234_378_858_268_2, 0.228_913_738_868_780_8], 0.138_378_484_090_254_86),
    ([0.105_549_814_961_391_9, -0.979_445_729_641_141_3, -0.171_887_461_000_936_5], 0.448_714_947_059_150_4),
    ([0.807_540_757_997_009_2, -0.153_355_248_589_881_9, -0.569_526_199_488_268_8], 0.158_629_650_112_549_37),
    ([0.284_614_806_978_790_8, 0.864_408_097_265_420_4, -0.414_479_255_247_353_9], 5.891_865_957_979_238),
    ([-0.742_856_730_158_679_1, 0.359_394_167_827_802_7, -0.564_800_593_651_703_3], 2.711_123_289_609_793),
    ([-0.811_253_470_914_097, -0.344_895_323_763_938_2, -0.472_138_773_641_393], 3.294_508_837_434_268),
    ([-0.219_930_779_140_460_7, -0.658_369_178_027_499_6, -0.719_847_537_892_618_2], 3.804_819_692_245_44),
    ([0.213_923_483_450_142, -0.147_817_182_955_070_4, -0.965_601_793_521_420_5], 3.664_438_879_055_192_3),
    ([-0.109_262_527_878_479_6, 0.481_195_157_287_321, -0.869_777_512_128_725_3], 2.361_378_999_196_363),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::testing::Random;

    #[test]
    fn leaf_cells_are_those_of_h3() {
        let mut random = Random::new(5);
        let mut cells = LeafCells::default();
        for _ in 0..300_000 {
            let anywhere = (random.between(-180.0, 180.0), random.between(-90.0, 90.0));
            let in_a_city = (random.between(14.3, 14.7), random.between(49.9, 50.2));
            let [anywhere, in_a_city] =
                [anywhere, in_a_city].map(|(lon, lat)| Point::new(lon, lat).unwrap());
            for point in [random.point(), anywhere, in_a_city] {
                assert_eq!(cells.index(point), u64::from(leaf_cell(point)), "{point:?}");
            }
        }
    }

    #[test]
    fn a_cell_has_one_place() {
        let mut random = Random::new(6);
        let mut cells = std::collections::HashMap::new();
        let (mut found, mut face) = (0, 0);
        for _ in 0..100_000 {
            let (lon, lat) = (random.between(14.40, 14.42), random.between(50.0, 50.01));
            let point = Point::new(lon, lat).unwrap();
            if let Some(axial) = axial(point, &mut face) {
                let cell = leaf_cell(point);
                assert_eq!(*cells.entry(axial).or_insert(cell), cell);
                found += 1;
            }
        }
        assert!(found > 99_900, "{found}");
        assert!(cells.len() < 50, "{}", cells.len());
    }
}
