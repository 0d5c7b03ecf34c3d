//! One scan: the coefficients of all blocks, or, of a progressive picture, some bits of some of them.
//! Source: ITU-T T.81, annexes F and G.

use super::bits::{Bits, Code};
use super::{Component, DAMAGED, Frame};

/// Where the coefficients of a block lie in it, in the order in which they are told.
pub(super) const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// What a scan tells.
pub(super) struct Scan<'a> {
    /// Components by their place in the frame, with their codes for the first coefficient and for the others.
    pub(super) components: Vec<(usize, Option<&'a Code>, Option<&'a Code>)>,
    /// The first and the last coefficient.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether lower bits are added to what earlier scans told.
    pub(super) refines: bool,
    /// The lowest bit that is told.
    pub(super) low: u32,
    /// Units between restarts; 0 is none.
    pub(super) restart: usize,
}

/// What goes on from block to block.
#[derive(Default)]
struct Running {
    /// The last first coefficient of every component.
    last: [i32; 4],
    /// Blocks that follow without anything new.
    empty: i32,
}

impl Scan<'_> {
    /// Reads it into the frame's blocks.
    pub(super) fn read(&self, frame: &mut Frame, bits: &mut Bits<'_>) -> Result<(), String> {
        // Alone, a component has no blocks beyond its own edge; together, whole units of all are told.
        let alone = matches!(self.components[..], [_]);
        let [columns, rows] = if alone {
            let component = &frame.components[self.components[0].0];
            [component.width.div_ceil(8), component.height.div_ceil(8)]
        } else {
            frame.units
        };
        let mut running = Running::default();
        for unit in 0..columns * rows {
            if self.restart > 0 && unit > 0 && unit.is_multiple_of(self.restart) {
                bits.restart(((unit / self.restart - 1) % 8) as u8)?;
                running = Running::default();
            }
            let (y, x) = (unit / columns, unit % columns);
            for (place, &(component, first, others)) in self.components.iter().enumerate() {
                let Component { across, down, stride, blocks, .. } = &mut frame.components[component];
                let (across, down) = if alone { (1, 1) } else { (*across, *down) };
                for block in 0..across * down {
                    let (by, bx) = (y * down + block / across, x * across + block % across);
                    let block = &mut blocks[by * *stride + bx];
                    if frame.progressive {
                        self.progress(block, first, others, &mut running, place, bits)?;
                    } else {
                        self.first(block, first, &mut running.last[place], bits)?;
                        self.others(block, others, &mut running.empty, bits)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn progress(
        &self,
        block: &mut [i16; 64],
        first: Option<&Code>,
        others: Option<&Code>,
        running: &mut Running,
        place: usize,
        bits: &mut Bits<'_>,
    ) -> Result<(), String> {
        match (self.start, self.refines) {
            (0, false) => self.first(block, first, &mut running.last[place], bits),
            (0, true) => {
                block[0] |= i16::from(bits.flag()?) << self.low;
                Ok(())
            }
            (_, false) => self.others(block, others, &mut running.empty, bits),
            (_, true) => self.refine(block, others, &mut running.empty, bits),
        }
    }

    /// The first coefficient, told as the difference from that of the block before.
    fn first(
        &self,
        block: &mut [i16; 64],
        code: Option<&Code>,
        last: &mut i32,
        bits: &mut Bits<'_>,
    ) -> Result<(), String> {
        let size = code.ok_or(DAMAGED)?.read(bits)?;
        if size > 15 {
            return Err(DAMAGED.into());
        }
        *last = last.wrapping_add(bits.signed(size.into())?);
        block[0] = (*last << self.low) as i16;
        Ok(())
    }

    /// The other coefficients: how many zeros come before the next one, and its bits.
    fn others(
        &self,
        block: &mut [i16; 64],
        code: Option<&Code>,
        empty: &mut i32,
        bits: &mut Bits<'_>,
    ) -> Result<(), String> {
        if *empty > 0 {
            *empty -= 1;
            return Ok(());
        }
        let code = code.ok_or(DAMAGED)?;
        let mut k = self.start.max(1);
        while k <= self.end {
            let said = code.read(bits)?;
            let (zeros, size) = (said >> 4, u32::from(said & 15));
            k += usize::from(zeros);
            match (size, zeros) {
                (0, 15) => {}
                (0, _) => {
                    *empty = (1 << zeros) - 1 + bits.take(zeros.into())?;
                    return Ok(());
                }
                _ => block[*ZIGZAG.get(k).ok_or(DAMAGED)?] = (bits.signed(size)? << self.low) as i16,
            }
            k += 1;
        }
        Ok(())
    }

    /// One more bit of the coefficients that are not zero, and new ones among the zeros.
    fn refine(
        &self,
        block: &mut [i16; 64],
        code: Option<&Code>,
        empty: &mut i32,
        bits: &mut Bits<'_>,
    ) -> Result<(), String> {
        let code = code.ok_or(DAMAGED)?;
        let bit = 1_i16 << self.low;
        let refined = |value: i16, bits: &mut Bits<'_>| {
            let more = bits.flag()? && value & bit == 0;
            Ok::<_, String>(if more { value.wrapping_add(if value < 0 { -bit } else { bit }) } else { value })
        };
        let mut k = self.start;
        while *empty == 0 && k <= self.end {
            let said = code.read(bits)?;
            let (mut zeros, size) = (said >> 4, said & 15);
            let new = match (size, zeros) {
                (0, 15) => 0,
                (0, _) => {
                    *empty = (1 << zeros) + bits.take(zeros.into())?;
                    break;
                }
                _ if bits.flag()? => bit,
                _ => -bit,
            };
            while k <= self.end {
                let value = &mut block[ZIGZAG[k]];
                if *value != 0 {
                    *value = refined(*value, bits)?;
                } else if zeros == 0 {
                    *value = new;
                    break;
                } else {
                    zeros -= 1;
                }
                k += 1;
            }
            k += 1;
        }
        if *empty > 0 {
            for &place in &ZIGZAG[k.min(self.end + 1)..=self.end] {
                if block[place] != 0 {
                    block[place] = refined(block[place], bits)?;
                }
            }
            *empty -= 1;
        }
        Ok(())
    }
}
