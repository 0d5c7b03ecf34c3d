//! Rounding as if it had fallen out otherwise: how far a result moves when every number that it rests on moves by one unit
//! in its last place. That is the band within which the same computation on another processor or device may lie (as in
//! stochastic arithmetic: Vignes, Math. Comput. Simul. 35, 1993).

use super::array::{Array, Data};
use super::{Fingerprint, Value};
use crate::random::Random;

/// The value with every finite number but 0 moved by one unit in the last place, up or down. The same `seed` and `key` move
/// it alike.
pub(super) fn moved(value: &Value, seed: u64, key: Fingerprint) -> Value {
    let mut coins = Coins { random: Random::new(seed, &["rounding", &key.to_string()]), bits: 0, left: 0 };
    value.arrays().fold(Value::default(), |moved, (name, Array { shape, data })| {
        let data = match data {
            Data::F32(numbers) => Data::F32(coins.each(numbers, f32::is_finite, f32::next_up, f32::next_down)),
            Data::F64(numbers) => Data::F64(coins.each(numbers, f64::is_finite, f64::next_up, f64::next_down)),
            Data::U32(numbers) => Data::U32(numbers.clone()),
        };
        moved.with_array(name, Array { shape: shape.clone(), data })
    })
}

/// Fair coins, 32 from every draw.
struct Coins {
    random: Random,
    bits: u32,
    left: u32,
}

impl Coins {
    /// Numbers, each moved up or down, but for 0 and what is not finite.
    fn each<T: Copy + PartialEq + Default>(
        &mut self,
        numbers: &[T],
        is_finite: fn(T) -> bool,
        up: fn(T) -> T,
        down: fn(T) -> T,
    ) -> Vec<T> {
        let is_still = |x: T| x == T::default() || !is_finite(x);
        let moved = |&x: &T| match self.toss() {
            _ if is_still(x) => x,
            true => up(x),
            false => down(x),
        };
        numbers.iter().map(moved).collect()
    }

    fn toss(&mut self) -> bool {
        if self.left == 0 {
            (self.bits, self.left) = (self.random.bits(), u32::BITS);
        }
        let is_head = self.bits & 1 == 1;
        self.bits >>= 1;
        self.left -= 1;
        is_head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_moves_by_one_unit_in_the_last_place_and_nothing_else_does() {
        let x = vec![1.0f32, -3.5, 0.0, f32::NAN, f32::INFINITY, 1e-30];
        let value =
            Value::default().with("x", &[6], x.clone()).with("n", &[2], vec![7u32, 8]).with("y", &[1], vec![0.1f64]);
        let key = Fingerprint::from_json(&serde_json::json!("a"));
        let moved_value = moved(&value, 0, key);
        let (_, moved_x) = moved_value.f32s("x").unwrap();
        for (a, b) in x.iter().zip(moved_x) {
            let is_still = *a == 0.0 || !a.is_finite();
            assert!(
                if is_still { a.to_bits() == b.to_bits() } else { a.to_bits().abs_diff(b.to_bits()) == 1 },
                "{a} {b}"
            );
        }
        assert_eq!(moved_value.f64s("y").unwrap().1[0].to_bits().abs_diff(0.1f64.to_bits()), 1);
        assert_eq!(moved_value.array("n").unwrap(), value.array("n").unwrap());
        // Again alike; with another seed not.
        let many = Value::default().with("x", &[64], vec![1.0f32; 64]);
        assert_eq!(moved(&many, 1, key), moved(&many, 1, key));
        assert!(moved(&many, 1, key) != moved(&many, 2, key));
    }
}
