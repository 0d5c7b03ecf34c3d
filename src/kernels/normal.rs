//! Normal numbers many at a time: Box–Muller in double precision with the steps of `libm`'s `log` and `sincos` (FreeBSD's
//! msun), but without their branches. The loop vectorises, and every bit is the same as with `libm`.

use super::vectorised;

/// Pairs that are computed at a time.
pub const PAIRS: usize = 32;

/// Pairs of independent standard normal numbers, √(−2 ln(1 − u)) times cosine and sine of 2π v. `words` holds the 53-bit
/// uniform numbers u and v in [0, 1): high and low words of u, then of v.
pub fn box_muller(words: &[[u32; PAIRS]; 4], cosines: &mut [f64; PAIRS], sines: &mut [f64; PAIRS]) {
    let mut near = [0.0; PAIRS];
    vectorised(
        #[inline(always)]
        || {
            for i in 0..PAIRS {
                let radius = (-2.0 * log(1.0 - uniform(words[0][i], words[1][i]))).sqrt();
                let turn = std::f64::consts::TAU * uniform(words[2][i], words[3][i]);
                let (sin, cos, rest) = sin_cos(turn);
                cosines[i] = radius * cos;
                sines[i] = radius * sin;
                near[i] = rest;
            }
        },
    );
    // Very close to a multiple of π/2, about once in a thousand, more digits of π are needed.
    if near.iter().any(|rest| rest.abs() < NEAR) {
        for i in (0..PAIRS).filter(|&i| near[i].abs() < NEAR) {
            let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(words[0][i], words[1][i])));
            let (sin, cos) = libm::sincos(std::f64::consts::TAU * uniform(words[2][i], words[3][i]));
            (cosines[i], sines[i]) = (radius * cos, radius * sin);
        }
    }
}

/// Distance to a multiple of π/2 below which `libm` uses more digits: more than 2⁻¹⁶ of 2π.
const NEAR: f64 = 1e-4;

/// Uniform in [0, 1), from 53 bits of two words.
#[inline(always)]
pub fn uniform(high: u32, low: u32) -> f64 {
    (whole(u64::from(high)) * 2_097_152.0 + whole(u64::from(low >> 11))) / 9_007_199_254_740_992.0
}

/// An integer below 2⁵² as a float, in operations that vector units have.
#[inline(always)]
fn whole(n: u64) -> f64 {
    f64::from_bits(0x4330_0000_0000_0000 | n) - 4_503_599_627_370_496.0
}

/// Natural logarithm of a normal (not subnormal) number up to 1.
#[inline(always)]
fn log(x: f64) -> f64 {
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const EVEN: [f64; 3] = [1.531_383_769_920_937_3e-1, 2.222_219_843_214_978_4e-1, 3.999_999_999_940_942e-1];
    const ODD: [f64; 4] =
        [1.479_819_860_511_658_6e-1, 1.818_357_216_161_805e-1, 2.857_142_874_366_239e-1, 6.666_666_666_666_735e-1];
    // x = 2ᵏ m, m from √½ to √2.
    let bits = x.to_bits() + ((0x3ff0_0000 - 0x3fe6_a09e) << 32);
    let k = whole(bits >> 52) - 1023.0;
    let f = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + (0x3fe6_a09e << 32)) - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (EVEN[2] + w * (EVEN[1] + w * EVEN[0]));
    let odd = z * (ODD[3] + w * (ODD[2] + w * (ODD[1] + w * ODD[0])));
    s * (half_square + (odd + even)) + k * LN2_LOW - half_square + f + k * LN2_HIGH
}

/// Sine and cosine of a number from 0 to 2π, and its distance from the nearest multiple of π/2 (1 if that multiple is 0).
#[inline(always)]
fn sin_cos(x: f64) -> (f64, f64, f64) {
    const PIO2_HIGH: f64 = 1.570_796_326_734_125_6;
    const PIO2_LOW: f64 = 6.077_100_506_506_192e-11;
    const S: [f64; 6] = [
        -1.666_666_666_666_663_2e-1,
        8.333_333_333_322_49e-3,
        -1.984_126_982_985_795e-4,
        2.755_731_370_707_006_8e-6,
        -2.505_076_025_340_686_3e-8,
        1.589_690_995_211_55e-10,
    ];
    const C: [f64; 6] = [
        4.166_666_666_666_66e-2,
        -1.388_888_888_887_411e-3,
        2.480_158_728_947_673e-5,
        -2.755_731_435_139_066_3e-7,
        2.087_572_321_298_175e-9,
        -1.135_964_755_778_819_5e-11,
    ];
    // The multiple, decided by the high word as in `rem_pio2`.
    let from = |high: u64| if x >= f64::from_bits((high + 1) << 32) { 1.0 } else { 0.0 };
    let n = from(0x3fe9_21fb) + from(0x4002_d97c) + from(0x400f_6a7a) + from(0x4015_fdbc);
    let high = x - n * PIO2_HIGH;
    let y = high - n * PIO2_LOW;
    let low = (high - y) - n * PIO2_LOW;

    let z = y * y;
    let w = z * z;
    let r = S[1] + z * (S[2] + z * S[3]) + z * w * (S[4] + z * S[5]);
    let v = z * y;
    let sin = if n == 0.0 { y + v * (S[0] + z * r) } else { y - ((z * (0.5 * low - v * r) - low) - v * S[0]) };
    let r = z * (C[0] + z * (C[1] + z * C[2])) + w * w * (C[3] + z * (C[4] + z * C[5]));
    let half = 0.5 * z;
    let one = 1.0 - half;
    let cos = one + (((1.0 - one) - half) + (z * r - y * low));

    let crossed = n == 1.0 || n == 3.0;
    let (s, c) = if crossed { (cos, sin) } else { (sin, cos) };
    let s = if n == 2.0 || n == 3.0 { -s } else { s };
    let c = if n == 1.0 || n == 2.0 { -c } else { c };
    (s, c, if n == 0.0 { 1.0 } else { y })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn every_bit_is_that_of_libm() {
        let mut random = Random::new(0, &["box-muller"]);
        let quarters = [0_u64, 1 << 51, 1 << 52, 3 << 51, (1 << 53) - 1, 1 << 50, 7 << 50];
        for round in 0..20_000 {
            let mut words = [[0_u32; PAIRS]; 4];
            words.iter_mut().flatten().for_each(|word| *word = random.bits());
            // The ends, and the neighbourhoods of the multiples of π/4, where the steps change.
            for (i, quarter) in quarters.iter().enumerate() {
                let near = quarter.wrapping_add((u64::from(random.bits()) << 21 >> (round % 54)).wrapping_sub(1 << 8));
                let near = if round == 0 { *quarter } else { near % (1 << 53) } << 11;
                (words[2][i], words[3][i]) = ((near >> 32) as u32, near as u32);
                if round % 3 == 0 {
                    (words[0][i], words[1][i]) = (words[2][i], words[3][i]);
                }
            }
            let (mut cosines, mut sines) = ([0.0; PAIRS], [0.0; PAIRS]);
            box_muller(&words, &mut cosines, &mut sines);
            for i in 0..PAIRS {
                let uniform = |high: u32, low: u32| {
                    ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 / (1_u64 << 53) as f64
                };
                let (u, v) = (uniform(words[0][i], words[1][i]), uniform(words[2][i], words[3][i]));
                let radius = libm::sqrt(-2.0 * libm::log(1.0 - u));
                let (sin, cos) = libm::sincos(std::f64::consts::TAU * v);
                let expected = [(radius * cos).to_bits(), (radius * sin).to_bits()];
                assert_eq!([cosines[i].to_bits(), sines[i].to_bits()], expected, "{u} {v}");
            }
        }
    }
}
