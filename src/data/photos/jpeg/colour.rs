//! From planes to pixels, as libjpeg-turbo does it: colours told at half the resolution are smoothed ("fancy upsampling",
//! jdsample.c), and luma and chroma become red, green and blue (jdcolor.c).

/// Bytes of one component, row by row.
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bytes: Vec<u8>,
}

/// What the components of a picture are.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Colours {
    Grey,
    Rgb,
    /// Luma, blueness, redness.
    Ycc,
    Cmyk,
    /// Those of the inverse of cyan, magenta and yellow, and black.
    Ycck,
}

impl Plane {
    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.width)
    }

    /// Enlarged by whole factors, and cut to the size of the picture.
    pub(super) fn enlarged(self, across: usize, down: usize, width: usize, height: usize) -> Vec<u8> {
        // Too narrow a plane has no neighbours to be smoothed with.
        let smooth = self.width > 2;
        let rows: Box<dyn Iterator<Item = Vec<u8>> + '_> = match (across, down) {
            (1, 1) => Box::new(self.rows().map(<[u8]>::to_vec)),
            (2, 1) if smooth => Box::new(
                self.rows().map(|row| twice(&row.iter().map(|&byte| byte.into()).collect::<Vec<_>>(), [1, 2], 2)),
            ),
            (1, 2) => Box::new(self.sums().enumerate().map(|(y, sums)| {
                let bias = 1 + y as u32 % 2;
                sums.into_iter().map(|sum| ((sum + bias) >> 2) as u8).collect()
            })),
            (2, 2) if smooth => Box::new(self.sums().map(|sums| twice(&sums, [8, 7], 4))),
            _ => Box::new(self.rows().flat_map(move |row| {
                let row: Vec<u8> = row.iter().flat_map(|&byte| std::iter::repeat_n(byte, across)).collect();
                std::iter::repeat_n(row, down)
            })),
        };
        let mut bytes = Vec::with_capacity(width * height);
        rows.take(height).for_each(|row| bytes.extend_from_slice(&row[..width]));
        bytes
    }

    /// Twice as many rows: each three times, and once its neighbour above or below.
    fn sums(&self) -> impl Iterator<Item = Vec<u32>> + '_ {
        let row = |y: usize| &self.bytes[y.min(self.height - 1) * self.width..][..self.width];
        (0..2 * self.height).map(move |i| {
            let (near, far) = (row(i / 2), row(if i % 2 == 0 { (i / 2).saturating_sub(1) } else { i / 2 + 1 }));
            near.iter().zip(far).map(|(&near, &far)| 3 * u32::from(near) + u32::from(far)).collect()
        })
    }
}

/// Twice as many numbers: each three times, and once its neighbour to the left or right, divided by a power of two.
fn twice(row: &[u32], bias: [u32; 2], shift: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * row.len());
    for (x, &near) in row.iter().enumerate() {
        let (left, right) = (row[x.saturating_sub(1)], row[(x + 1).min(row.len() - 1)]);
        out.push(((3 * near + left + bias[0]) >> shift) as u8);
        out.push(((3 * near + right + bias[1]) >> shift) as u8);
    }
    out
}

/// Pixels of one channel or three, side by side.
pub(super) fn pixels(planes: &[Vec<u8>], colours: Colours) -> Vec<u8> {
    match (colours, planes) {
        (Colours::Rgb, [r, g, b]) => each([r, g, b], |rgb| rgb),
        (Colours::Ycc, [y, b, r]) => each([y, b, r], |[y, b, r]| rgb(y, b, r)),
        // Stored inverted, as Adobe's programs do it and Pillow takes it to be.
        (Colours::Cmyk, [c, m, y, k]) => each([c, m, y, k], |[c, m, y, k]| [c, m, y].map(|ink| beneath(ink, k))),
        (Colours::Ycck, [y, b, r, k]) => {
            each([y, b, r, k], |[y, b, r, k]| rgb(y, b, r).map(|light| beneath(255 - light, k)))
        }
        _ => planes.concat(),
    }
}

fn each<const N: usize>(planes: [&Vec<u8>; N], convert: impl Fn([u8; N]) -> [u8; 3]) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(3 * planes[0].len());
    (0..planes[0].len()).for_each(|i| pixels.extend(convert(planes.map(|plane| plane[i]))));
    pixels
}

fn rgb(y: u8, blueness: u8, redness: u8) -> [u8; 3] {
    let (y, b, r) = (i32::from(y), i32::from(blueness) - 128, i32::from(redness) - 128);
    // 1.402, 0.34414, 0.71414 and 1.772, with 16 bits behind the point.
    let red = y + ((91881 * r + 32768) >> 16);
    let green = y + ((-22554 * b - 46802 * r + 32768) >> 16);
    let blue = y + ((116130 * b + 32768) >> 16);
    [red, green, blue].map(|value| value.clamp(0, 255) as u8)
}

/// What is left of the light under an ink and under black, both stored inverted: as Pillow's `convert("RGB")`.
fn beneath(ink: u8, black: u8) -> u8 {
    let product = u32::from(255 - ink) * u32::from(black) + 128;
    (u32::from(black) - (((product >> 8) + product) >> 8)) as u8
}
