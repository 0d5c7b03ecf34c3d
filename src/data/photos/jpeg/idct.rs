//! The inverse cosine transform of a block, in the integers of libjpeg's "islow" (jidctint.c; Loeffler, Ligtenberg,
//! Moschytz 1989): the same bytes as libjpeg-turbo's.

/// Bits behind the point of a constant.
const POINT: u32 = 13;
/// Bits that the first pass keeps beyond those of its result.
const KEPT: u32 = 2;

const C0_298: i64 = 2446;
const C0_390: i64 = 3196;
const C0_541: i64 = 4433;
const C0_765: i64 = 6270;
const C0_899: i64 = 7373;
const C1_175: i64 = 9633;
const C1_501: i64 = 12299;
const C1_847: i64 = 15137;
const C1_961: i64 = 16069;
const C2_053: i64 = 16819;
const C2_562: i64 = 20995;
const C3_072: i64 = 25172;

/// Bytes of a block, row by row, from its coefficients and their steps.
pub(super) fn inverse(coefficients: &[i16; 64], steps: &[u16; 64]) -> [u8; 64] {
    let mut half = [0; 64];
    for x in 0..8 {
        let column = [0, 1, 2, 3, 4, 5, 6, 7].map(|y| {
            let i = 8 * y + x;
            i64::from(coefficients[i]) * i64::from(steps[i])
        });
        let column = pass(column, POINT - KEPT);
        (0..8).for_each(|y| half[8 * y + x] = column[y]);
    }
    let mut bytes = [0; 64];
    for (row, bytes) in half.as_chunks::<8>().0.iter().zip(bytes.as_chunks_mut::<8>().0) {
        // A block's values lie around 128; 8 is the transform's own factor.
        *bytes = pass(*row, POINT + KEPT + 3).map(|value| (value + 128).clamp(0, 255) as u8);
    }
    bytes
}

/// One line, its result shifted and rounded.
fn pass(line: [i64; 8], shift: u32) -> [i64; 8] {
    let [x0, x1, x2, x3, x4, x5, x6, x7] = line;
    // The even part.
    let z = (x2 + x6) * C0_541;
    let (a, b) = (z - x6 * C1_847, z + x2 * C0_765);
    let (c, d) = ((x0 + x4) << POINT, (x0 - x4) << POINT);
    let even = [c + b, d + a, d - a, c - b];
    // The odd part.
    let (z1, z2, z3, z4) = (x7 + x1, x5 + x3, x7 + x3, x5 + x1);
    let z5 = (z3 + z4) * C1_175;
    let (z1, z2) = (-z1 * C0_899, -z2 * C2_562);
    let (z3, z4) = (z5 - z3 * C1_961, z5 - z4 * C0_390);
    let odd = [x1 * C1_501 + z1 + z4, x3 * C3_072 + z2 + z3, x5 * C2_053 + z2 + z4, x7 * C0_298 + z1 + z3];
    let rounded = |value: i64| (value + (1 << (shift - 1))) >> shift;
    let mut out = [0; 8];
    for i in 0..4 {
        out[i] = rounded(even[i] + odd[i]);
        out[7 - i] = rounded(even[i] - odd[i]);
    }
    out
}
