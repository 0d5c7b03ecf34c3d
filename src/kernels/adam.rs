//! One fused step of Adam: moments and parameters are updated in one pass over memory.

use serde::Serialize;

use super::vectorised;

/// Adam's settings (Kingma & Ba 2015; the formula is PyTorch's: ε is added outside the corrected root).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Adam {
    #[serde(rename = "rate")]
    pub learning_rate: f64,
    pub beta_1: f64,
    pub beta_2: f64,
    pub epsilon: f64,
}

impl Adam {
    /// PyTorch's defaults, as in the published program.
    pub const DEFAULT: Self = Self { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
}

impl Default for Adam {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// First and second moments of one parameter tensor.
#[derive(Debug, Clone, Default)]
pub struct Moments {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

impl Moments {
    /// Zeros, for the first step.
    pub fn new(length: usize) -> Self {
        Self { first: vec![0.0; length], second: vec![0.0; length] }
    }
}

impl Adam {
    /// Step number `step` (from 1) of `parameters` along `gradient`.
    pub fn step(&self, step: u32, parameters: &mut [f32], gradient: &[f32], moments: &mut Moments) {
        let correction = |beta: f64| 1.0 - libm::pow(beta, f64::from(step));
        // A root and a division take most of the time, so the other division is a product with a reciprocal.
        let size = (self.learning_rate / correction(self.beta_1)) as f32;
        let by_root = (1.0 / libm::sqrt(correction(self.beta_2))) as f32;
        let (rest_1, beta_2, rest_2) = ((1.0 - self.beta_1) as f32, self.beta_2 as f32, (1.0 - self.beta_2) as f32);
        let epsilon = self.epsilon as f32;
        vectorised(
            #[inline(always)]
            || {
                let moments = moments.first.iter_mut().zip(&mut moments.second);
                for ((p, &g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
                    *m += (g - *m) * rest_1;
                    *v = *v * beta_2 + g * g * rest_2;
                    *p -= size * *m / (v.sqrt() * by_root + epsilon);
                }
            },
        );
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any numbers will do")]
mod tests {
    use super::*;

    /// Against the update written out in double precision.
    #[test]
    fn agrees_with_double_precision() {
        let adam = Adam::default();
        let (mut p, mut moments) = (vec![0.5_f32, -0.25, 1.0], Moments::new(3));
        let (mut q, mut m, mut v) = ([0.5_f64, -0.25, 1.0], [0.0_f64; 3], [0.0_f64; 3]);
        for step in 1..=20_u32 {
            let g: Vec<f32> = (0..3).map(|i| ((step * (i + 1)) as f32).sin() * 0.1).collect();
            adam.step(step, &mut p, &g, &mut moments);
            for i in 0..3 {
                let g = f64::from(g[i]);
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                let (a, b) = (1.0 - 0.9_f64.powi(step as i32), 1.0 - 0.999_f64.powi(step as i32));
                q[i] -= 1e-3 * (m[i] / a) / ((v[i] / b).sqrt() + 1e-8);
            }
        }
        for i in 0..3 {
            assert!((f64::from(p[i]) - q[i]).abs() < 2e-7, "{} {}", p[i], q[i]);
        }
    }
}
