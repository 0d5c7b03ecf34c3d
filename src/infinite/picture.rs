//! Pictures in infinitely many channels: the samples at every pixel. A kernel needs pairs of samples at the same pixel only, since
//! the weights of a convolution are independent from one place in its window to the next; the way back through windows needs pairs
//! of pixels as well.

use std::borrow::Cow;

use super::samples::{Activate, Rules, Samples};
use super::step::Step;
use crate::network::Conv2d;
use crate::theory::Nonlinearity;
use crate::work::{IdleThreads, for_each};
use crate::{Error, Result};

/// Training samples at every pixel of a picture, row by row; at one place where units have none.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    height: usize,
    width: usize,
    at: Vec<Samples>,
}

impl Picture {
    /// Inputs `[samples, channels, height, width]`, or `[samples, numbers]` without places.
    ///
    /// # Errors
    /// None of its own.
    pub fn of_inputs(x: &[f64], shape: &[usize], threads: &dyn IdleThreads) -> Result<Self> {
        let [channels, height, width] = match *shape {
            [channels, height, width] => [channels, height, width],
            _ => [shape.iter().product(), 1, 1],
        };
        let of_pixel = |pixel: usize| -> Vec<f64> {
            let picture = |x: &[f64]| x.iter().skip(pixel).step_by(height * width).copied().collect::<Vec<_>>();
            x.chunks(channels * height * width).flat_map(picture).collect()
        };
        let samples = |pixel: usize| {
            let x = of_pixel(pixel);
            Samples::of_inputs(&x, &x, channels, threads)
        };
        Ok(Self { height, width, at: (0..height * width).map(samples).collect::<Result<_>>()? })
    }

    /// The samples through all units, at whatever pixel.
    pub fn everywhere(&self) -> Cow<'_, Samples> {
        match &self.at[..] {
            [only] => Cow::Borrowed(only),
            all => Cow::Owned(self.mean(all.iter(), all.len())),
        }
    }

    /// The sum of some pixels' samples over `count`.
    fn mean<'a>(&self, pixels: impl Iterator<Item = &'a Samples>, count: usize) -> Samples {
        let mut mean = self.at.first().cloned().unwrap_or_default().scaled(0.0);
        for pixel in pixels {
            let pairs =
                [(&mut mean.squares, &pixel.squares), (&mut mean.means, &pixel.means), (&mut mean.apart, &pixel.apart)];
            for (sum, x) in pairs {
                sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x / count as f64);
            }
        }
        mean
    }

    /// Takes them through a layer.
    ///
    /// # Errors
    /// When the layer has no kernel for pictures, or lengths grow beyond all numbers.
    pub fn through(mut self, step: &Step, rules: &mut Rules, threads: &dyn IdleThreads) -> Result<Self> {
        match step {
            Step::Windows { conv, weight_var, bias_var } => return self.windows(conv, *weight_var, *bias_var, threads),
            // A linear layer sees all pixels.
            Step::Weights { weight_var, bias_var } => {
                return Ok(Self {
                    height: 1,
                    width: 1,
                    at: vec![self.everywhere().into_owned().mixed(*weight_var, *bias_var)],
                });
            }
            Step::Norm { .. } if self.at.len() > 1 => {
                return Err(Error::new("an infinitely wide network has no norm over the pixels of a picture")
                    .hint("put `flatten()` and a linear layer before it, or leave it out"));
            }
            Step::Residual { body, shortcut } => {
                let mut inner = self.clone();
                for step in body {
                    inner = inner.through(step, rules, threads)?;
                }
                for step in shortcut {
                    self = self.through(step, rules, threads)?;
                }
                if (self.height, self.width) != (inner.height, inner.width) {
                    return Err(Error::new("the body of a residual layer changes the size of its pictures"));
                }
                for (x, y) in self.at.iter_mut().zip(&inner.at) {
                    let (means, of_body) = (x.means.clone(), y.means.clone());
                    *x = std::mem::take(x).plus(y, [&means, &of_body]);
                }
                return Ok(self);
            }
            _ => {}
        }
        for samples in &mut self.at {
            [*samples, _] = step.apply(std::mem::take(samples), Samples::default(), rules, threads)?;
        }
        Ok(self)
    }

    /// The activations that follow preactivations.
    ///
    /// # Errors
    /// When lengths have grown beyond all numbers.
    pub fn activated(mut self, function: &Nonlinearity, rules: &mut Rules, threads: &dyn IdleThreads) -> Result<Self> {
        for samples in &mut self.at {
            let activate = Activate::new(function, samples, rules)?;
            *samples = activate.samples(std::mem::take(samples), threads)?;
        }
        Ok(self)
    }

    /// What a convolution makes of them: the mean of the pixels in each window, those beyond the edge being 0.
    fn windows(&self, conv: &Conv2d, weight_var: f64, bias_var: f64, threads: &dyn IdleThreads) -> Result<Self> {
        let [height, width] = [self.height, self.width].map(|size| conv.windows(size));
        let size = conv.kernel * conv.kernel;
        let mut at: Vec<Samples> = (0..height * width).map(|_| Samples::default()).collect();
        for_each(at.iter_mut().enumerate(), threads, |(i, samples)| {
            let rows = conv.seen(i / width.max(1), self.height);
            let pixels = rows.iter().flat_map(|row| {
                let columns = conv.seen(i % width.max(1), self.width);
                columns.into_iter().map(move |column| &self.at[row * self.width + column])
            });
            *samples = self.mean(pixels, size).mixed(weight_var, bias_var);
            Ok(())
        })?;
        Ok(Self { height, width, at })
    }
}
