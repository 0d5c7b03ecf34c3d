//! A split in two: samples to fit with, and samples that are held out.

use super::Split;
use super::selection::Selection;
use crate::random::Random;
use crate::{Error, Result};

impl Split {
    /// Two splits in random order: about a `share` of the samples to fit with, and the others. By class, both have every class in
    /// the proportions of the whole; otherwise the share is of all samples. Without `by_class`, samples with
    /// labels are divided by class.
    ///
    /// # Errors
    /// A share that is not between 0 and 1, or leaves one of the two empty; by class, samples without a label or classes of a
    /// single sample.
    pub fn parted(&self, share: f64, seed: u64, by_class: Option<bool>) -> Result<[Self; 2]> {
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::new(format!("{self}.split({share}, {seed}): the share is between 0 and 1"))
                .hint("by numbers of samples: `let s = data.shuffle(1); s.take(100)` and `s.skip(100)`"));
        }
        let count = self.len();
        let fit = (share * count as f64).round() as usize;
        if count < 2 || !(1..count).contains(&fit) {
            let message = format!("{self}.split({share}, {seed}) of {count} samples leaves one of the two empty");
            return Err(Error::new(message).hint("take another share, or more samples"));
        }
        let by_class = by_class.unwrap_or(self.classes() > 0);
        let classes = if by_class { self.labels()? } else { vec![0; count] };
        let mut wanted = self.shares(&classes, fit)?;
        let mut list: Vec<(u32, u32)> = self.selection.indices().map(|i| i as u32).zip(classes).collect();
        Random::new(seed, &["split"]).shuffle(&mut list);
        let mut parts = [Vec::new(), Vec::new()];
        for (i, class) in list {
            let left = &mut wanted[class as usize];
            parts[usize::from(*left == 0)].push(i);
            *left = left.saturating_sub(1);
        }
        let [fit, held] = parts;
        let part = |list: Vec<u32>, name: &str| {
            self.with(Selection::from_list(list), format!("split({share}, {seed}).{name}"))
        };
        Ok([part(fit, "fit"), part(held, "held")])
    }

    /// How many samples of every class are fitted with, `fit` in all where that is possible: the largest remainders are rounded up,
    /// and each class has a sample on both sides.
    fn shares(&self, classes: &[u32], fit: usize) -> Result<Vec<usize>> {
        let mut counts = vec![0_usize; classes.iter().max().map_or(0, |&class| class as usize + 1)];
        classes.iter().for_each(|&class| counts[class as usize] += 1);
        if let Some(class) = counts.iter().position(|&count| count == 1) {
            return Err(Error::new(format!("class {class} of {self} has one sample, which cannot be in both parts"))
                .hint("split without regard to classes: `#{ by_class: false }`"));
        }
        let exact = |class: usize| (counts[class] * fit) as f64 / classes.len() as f64;
        let most = |class: usize| counts[class].saturating_sub(1);
        let mut wanted: Vec<usize> =
            (0..counts.len()).map(|class| (exact(class) as usize).max(1).min(most(class))).collect();
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by(|&a, &b| exact(b).fract().total_cmp(&exact(a).fract()));
        let mut left = fit.saturating_sub(wanted.iter().sum());
        for class in order {
            if left > 0 && wanted[class] < most(class) && (wanted[class] as f64) < exact(class) {
                wanted[class] += 1;
                left -= 1;
            }
        }
        Ok(wanted)
    }
}
