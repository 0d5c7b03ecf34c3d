//! Sobol's low-discrepancy sequence with the direction numbers of Joe and Kuo, "Constructing Sobol sequences with better
//! two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), file new-joe-kuo-6.21201.

/// The number of axes for which direction numbers are here.
pub(super) const MOST_AXES: usize = DIRECTIONS.len() + 1;

/// For each axis but the first: the inner coefficients of its polynomial as bits, and its first odd numbers, as many as its
/// degree.
const DIRECTIONS: [(u32, &[u32]); 15] = [
    (0, &[1]),
    (1, &[1, 3]),
    (1, &[1, 3, 1]),
    (2, &[1, 1, 1]),
    (1, &[1, 1, 3, 3]),
    (4, &[1, 3, 5, 13]),
    (2, &[1, 1, 5, 5, 17]),
    (4, &[1, 1, 5, 5, 5]),
    (7, &[1, 1, 7, 11, 19]),
    (11, &[1, 1, 5, 1, 1]),
    (13, &[1, 1, 1, 3, 11]),
    (14, &[1, 3, 5, 5, 31]),
    (1, &[1, 3, 3, 9, 7, 49]),
    (13, &[1, 1, 1, 15, 21, 21]),
    (16, &[1, 3, 1, 13, 27, 49]),
];

/// The numbers of one axis, in [0, 1).
pub(super) struct Sobol {
    directions: [u32; 32],
    index: u32,
    bits: u32,
}

impl Sobol {
    /// Axis `axis`, from 0; it is below [`MOST_AXES`].
    pub fn new(axis: usize) -> Self {
        let mut directions = std::array::from_fn(|i| 1 << (31 - i));
        if let Some((coefficients, first)) = axis.checked_sub(1).and_then(|i| DIRECTIONS.get(i)) {
            let degree = first.len();
            for i in 0..32 {
                directions[i] = match first.get(i) {
                    Some(odd) => odd << (31 - i),
                    None => (1..degree).fold(directions[i - degree] ^ (directions[i - degree] >> degree), |sum, k| {
                        let is_there = (coefficients >> (degree - 1 - k)) & 1;
                        sum ^ (is_there * directions[i - k])
                    }),
                };
            }
        }
        Self { directions, index: 0, bits: 0 }
    }

    /// The next number; the first is 0.
    pub fn next(&mut self) -> f64 {
        let value = f64::from(self.bits) / 2_f64.powi(32);
        // Gray code: consecutive points differ by one direction.
        self.bits ^= self.directions[self.index.trailing_ones().min(31) as usize];
        self.index = self.index.wrapping_add(1);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of scipy 1.17's `qmc.Sobol(16, scramble=False)`, times 1024: points 3, 500 and 1023 on every axis.
    #[test]
    fn numbers_are_those_of_scipy() {
        let scipy = [
            (3, [256, 768, 768, 768, 256, 256, 768, 256, 256, 256, 256, 256, 768, 768, 256, 768]),
            (500, [450, 66, 354, 418, 554, 962, 58, 794, 546, 142, 670, 530, 254, 774, 570, 598]),
            (1023, [1, 771, 627, 149, 191, 449, 143, 633, 353, 871, 695, 37, 133, 681, 371, 475]),
        ];
        for axis in 0..MOST_AXES {
            let mut sequence = Sobol::new(axis);
            let numbers: Vec<f64> = (0..1024).map(|_| 1024.0 * sequence.next()).collect();
            scipy
                .iter()
                .for_each(|(point, of_axes)| assert_eq!(numbers[*point], f64::from(of_axes[axis]), "{axis} {point}"));
        }
    }
}
