//! Bits of a scan, and the codes in which they speak.

use super::{DAMAGED, ENDS_EARLY};

/// Bits from a scan, up to the next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, held: 0, count: 0 }
    }

    /// Where the next byte stands that was not looked at: at a marker, or before one.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Takes bytes in as long as there is room; a zero behind 0xff only says that this is no marker.
    fn fill(&mut self) {
        while self.count <= 56 {
            let skip = match self.bytes.get(self.at..) {
                Some([0xff, 0, ..]) => 2,
                Some([0xff, ..] | []) | None => return,
                Some(_) => 1,
            };
            self.held = self.held << 8 | u64::from(self.bytes[self.at]);
            self.count += 8;
            self.at += skip;
        }
    }

    /// The next `n` bits, up to 16, with zeros behind the end.
    fn peek(&mut self, n: u32) -> usize {
        if self.count < n {
            self.fill();
        }
        let bits = if self.count < n { self.held << (n - self.count) } else { self.held >> (self.count - n) };
        (bits & ((1 << n) - 1)) as usize
    }

    fn skip(&mut self, n: u32) -> Result<(), String> {
        self.count = self.count.checked_sub(n).ok_or(ENDS_EARLY)?;
        Ok(())
    }

    /// The next `n` bits, up to 16, as a number.
    pub(super) fn take(&mut self, n: u32) -> Result<i32, String> {
        let bits = self.peek(n) as i32;
        self.skip(n)?;
        Ok(bits)
    }

    pub(super) fn flag(&mut self) -> Result<bool, String> {
        Ok(self.take(1)? == 1)
    }

    /// A number of `n` bits with its sign: its first bit is 0 if it is negative (figure F.12 of the standard).
    pub(super) fn signed(&mut self, n: u32) -> Result<i32, String> {
        let bits = self.take(n)?;
        Ok(if n > 0 && bits < 1 << (n - 1) { bits - (1 << n) + 1 } else { bits })
    }

    /// Goes on behind the restart marker of this number, which has to stand here.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), String> {
        (self.held, self.count) = (0, 0);
        match self.bytes.get(self.at..) {
            Some([0xff, marker, ..]) if *marker == 0xd0 + number => self.at += 2,
            Some([]) | None => return Err(ENDS_EARLY.into()),
            _ => return Err(DAMAGED.into()),
        }
        Ok(())
    }
}

/// Bits by which a short code is looked up.
const SHORT: u32 = 8;

/// A Huffman code.
#[derive(Clone)]
pub(super) struct Code {
    /// By the next bits: how many of them are the code, 0 if it is longer, and what it says.
    short: [(u8, u8); 1 << SHORT],
    /// By length: behind the largest code, and what is added to a code for its place among the values.
    ends: [i32; 17],
    offsets: [i32; 17],
    values: Vec<u8>,
}

impl Code {
    /// From how many codes there are of each length, and what they say, the shorter ones first (annex C of the standard).
    pub(super) fn new(lengths: &[u8; 16], values: &[u8]) -> Result<Self, String> {
        let mut it = Self { short: [(0, 0); 1 << SHORT], ends: [0; 17], offsets: [0; 17], values: values.to_vec() };
        let (mut code, mut place) = (0, 0);
        for length in 1..=16 {
            let count = i32::from(lengths[length - 1]);
            it.offsets[length] = place - code;
            for _ in 0..count {
                let room = SHORT as usize - length.min(SHORT as usize);
                if length <= SHORT as usize {
                    let first = (code as usize) << room;
                    let value = *values.get(place as usize).ok_or(DAMAGED)?;
                    it.short.get_mut(first..first + (1 << room)).ok_or(DAMAGED)?.fill((length as u8, value));
                }
                code += 1;
                place += 1;
            }
            if code > 1 << length {
                return Err(DAMAGED.into());
            }
            it.ends[length] = code;
            code <<= 1;
        }
        Ok(it)
    }

    pub(super) fn read(&self, bits: &mut Bits<'_>) -> Result<u8, String> {
        let (length, value) = self.short[bits.peek(SHORT)];
        if length > 0 {
            bits.skip(length.into())?;
            return Ok(value);
        }
        let ahead = bits.peek(16) as i32;
        for length in SHORT + 1..=16 {
            let code = ahead >> (16 - length);
            if code < self.ends[length as usize] {
                bits.skip(length)?;
                let place = usize::try_from(code + self.offsets[length as usize]).map_err(|_| DAMAGED)?;
                return self.values.get(place).copied().ok_or_else(|| DAMAGED.into());
            }
        }
        // Only where there are no more bits is a wrong code an early end.
        bits.skip(16)?;
        Err(DAMAGED.into())
    }
}
