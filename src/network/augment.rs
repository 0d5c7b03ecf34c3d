//! Pictures that are changed at random before every step, so that no epoch shows the same ones.

use serde::Serialize;

use crate::random::Random;
use crate::{Error, Result};

/// Random changes of a picture, in this order; none by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Augmentation {
    /// A window that is so many pixels smaller in height and width, at a random place, is enlarged to the picture's size.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub crop: usize,
    /// Half of the pictures, at random, are mirrored left to right.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flip: bool,
    /// The picture is moved by up to so many pixels in each direction; what is uncovered is 0.
    #[serde(skip_serializing_if = "super::is_zero")]
    pub shift: usize,
}

impl Augmentation {
    /// Whether it changes pictures at all.
    pub fn is_some(self) -> bool {
        self != Self::default()
    }

    /// # Errors
    /// When a picture of shape `[channels, height, width]` is too small.
    pub fn check(self, [_, height, width]: [usize; 3]) -> Result<()> {
        let least = height.min(width);
        match [("crop", self.crop), ("shift", self.shift)].into_iter().find(|(_, pixels)| *pixels >= least) {
            Some((name, pixels)) => Err(Error::new(format!(
                "`augment`: {name} is {pixels} pixels, which leaves nothing of a picture of {height}×{width}"
            ))),
            None => Ok(()),
        }
    }

    /// Changes a picture, `[channels, height, width]`, as sample `sample` of epoch `epoch`.
    pub fn apply(self, picture: &mut [f32], shape: [usize; 3], seed: u64, epoch: usize, sample: u32) {
        let mut random = Random::new(seed, &["augment", &epoch.to_string(), &sample.to_string()]);
        let mut below = |n: usize| random.below(n as u32) as usize;
        let [_, height, width] = shape;
        if self.crop > 0 {
            let corner = [below(self.crop + 1), below(self.crop + 1)];
            enlarged(picture, shape, corner, [height - self.crop, width - self.crop]);
        }
        if self.flip && below(2) == 1 {
            picture.chunks_mut(width).for_each(<[f32]>::reverse);
        }
        if self.shift > 0 {
            let by = [0; 2].map(|_: usize| below(2 * self.shift + 1) as isize - self.shift as isize);
            moved(picture, shape, by);
        }
    }
}

/// Fills a picture with its window of `size` at `corner`, between whose pixels it interpolates.
fn enlarged(picture: &mut [f32], [_, height, width]: [usize; 3], corner: [usize; 2], size: [usize; 2]) {
    // The pixels before and behind, and the share of the latter; pixels are squares whose centres are compared.
    let between = |at: usize, axis: usize, whole: usize| {
        let place = ((at as f64 + 0.5) * size[axis] as f64 / whole as f64 - 0.5).clamp(0.0, (size[axis] - 1) as f64);
        let before = (place as usize).min(size[axis].saturating_sub(2));
        let behind = (before + 1).min(size[axis] - 1);
        (corner[axis] + before, corner[axis] + behind, (place - before as f64) as f32)
    };
    let from = picture.to_vec();
    for (to, from) in picture.chunks_mut(height * width).zip(from.chunks(height * width)) {
        for row in 0..height {
            let (above, below, down) = between(row, 0, height);
            for column in 0..width {
                let (left, right, across) = between(column, 1, width);
                let mixed = |row: usize| from[row * width + left] * (1.0 - across) + from[row * width + right] * across;
                to[row * width + column] = mixed(above) * (1.0 - down) + mixed(below) * down;
            }
        }
    }
}

/// Moves a picture by so many rows and columns.
fn moved(picture: &mut [f32], [_, height, width]: [usize; 3], [down, across]: [isize; 2]) {
    let from = picture.to_vec();
    let inside = |at: usize, by: isize, size: usize| at.checked_add_signed(-by).filter(|&at| at < size);
    for (to, from) in picture.chunks_mut(height * width).zip(from.chunks(height * width)) {
        for (row, to) in to.chunks_mut(width).enumerate() {
            for (column, to) in to.iter_mut().enumerate() {
                let source = inside(row, down, height).zip(inside(column, across, width));
                *to = source.map_or(0.0, |(row, column)| from[row * width + column]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [2, 3, 4];

    fn picture() -> Vec<f32> {
        (0..24).map(|i| 1.0 + i as f32).collect()
    }

    #[test]
    fn pictures_move_and_grow_as_they_should() {
        let mut found = picture();
        moved(&mut found, SHAPE, [1, -1]);
        assert_eq!(found[..12], [0.0, 0.0, 0.0, 0.0, 2.0, 3.0, 4.0, 0.0, 6.0, 7.0, 8.0, 0.0]);
        let mut found = picture();
        enlarged(&mut found, SHAPE, [0, 0], [3, 4]);
        assert_eq!(found, picture());
        // Of a plane, a window's numbers lie on the same plane: from its first pixel to its last.
        let mut found = picture();
        enlarged(&mut found, SHAPE, [1, 2], [2, 2]);
        assert_eq!((found[0], found[3], found[8], found[11]), (7.0, 8.0, 11.0, 12.0));
    }

    #[test]
    fn the_same_sample_of_the_same_epoch_is_changed_alike_and_others_are_not() {
        let all = Augmentation { crop: 1, flip: true, shift: 1 };
        let changed = |epoch, sample| {
            let mut found = picture();
            all.apply(&mut found, SHAPE, 3, epoch, sample);
            found
        };
        assert_eq!(changed(2, 5), changed(2, 5));
        let different: std::collections::BTreeSet<String> =
            (0..20).map(|sample| format!("{:?}", changed(0, sample))).collect();
        assert!(different.len() > 10, "{}", different.len());
        let mirrored = Augmentation { flip: true, ..Augmentation::default() };
        let flipped = (0..200).filter(|&sample| {
            let mut found = picture();
            mirrored.apply(&mut found, SHAPE, 0, 0, sample);
            found != picture()
        });
        assert!((70..130).contains(&flipped.count()));
        assert!(Augmentation { shift: 3, ..Augmentation::default() }.check(SHAPE).is_err());
    }
}
