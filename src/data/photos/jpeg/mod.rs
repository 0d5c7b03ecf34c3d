//! JPEG, to the last bit as libjpeg-turbo decodes it, which Pillow and so PyTorch's own pictures rest on: baseline and
//! progressive, of 8 bits. Other decoders differ from it by up to 5 of 255, which a network's answers show in the third
//! digit. What is not whole is an error: nothing is guessed. Source: ITU-T T.81.

mod bits;
mod colour;
mod idct;
mod scan;

use bits::{Bits, Code};
use colour::{Colours, Plane};
use scan::{Scan, ZIGZAG};

use super::Picture;
use super::picture::{DAMAGED, ENDS_EARLY, check_size};

/// What the parts of a file have said so far.
struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    steps: [Option<[u16; 64]>; 4],
    first: [Option<Code>; 4],
    others: [Option<Code>; 4],
    restart: usize,
    frame: Option<Frame>,
    jfif: bool,
    /// What Adobe's programs note of the colours.
    adobe: Option<u8>,
}

struct Frame {
    progressive: bool,
    width: usize,
    height: usize,
    components: Vec<Component>,
    /// Units of all components together, across and down.
    units: [usize; 2],
}

struct Component {
    id: u8,
    /// Blocks in a unit.
    across: usize,
    down: usize,
    /// Its own size in pixels.
    width: usize,
    height: usize,
    table: usize,
    /// Of its table when its first scan came.
    steps: Option<[u16; 64]>,
    /// Blocks in a row of them, whole units.
    stride: usize,
    blocks: Vec<[i16; 64]>,
}

/// Decodes a file; an error is a clause that follows the file's name.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    const NONE: Option<Code> = None;
    let mut decoder = Decoder {
        bytes,
        at: 2,
        steps: [None; 4],
        first: [NONE; 4],
        others: [NONE; 4],
        restart: 0,
        frame: None,
        jfif: false,
        adobe: None,
    };
    while let Some(marker) = decoder.marker()? {
        decoder.part(marker)?;
    }
    decoder.picture()
}

impl Decoder<'_> {
    /// The next marker; `None` at the end of the picture.
    fn marker(&mut self) -> Result<Option<u8>, String> {
        loop {
            match self.bytes.get(self.at..) {
                Some([0xff, 0xd9, ..]) => return Ok(None),
                // Fill bytes, zeros that are no markers, and restarts, which a scan left behind.
                Some([0xff, marker, ..]) if !matches!(marker, 0 | 1 | 0xd0..=0xd8 | 0xff) => {
                    self.at += 2;
                    return Ok(Some(*marker));
                }
                Some([_, _, ..]) => self.at += 1,
                _ => return Err(ENDS_EARLY.into()),
            }
        }
    }

    fn part(&mut self, marker: u8) -> Result<(), String> {
        let length = match self.bytes.get(self.at..self.at + 2) {
            Some(&[high, low]) => usize::from(high) << 8 | usize::from(low),
            _ => return Err(ENDS_EARLY.into()),
        };
        let content = self.bytes.get(self.at + 2..self.at + length.max(2)).ok_or(ENDS_EARLY)?;
        self.at += length.max(2);
        match marker {
            0xc0..=0xc2 => self.frame(content, marker == 0xc2),
            0xc4 => self.codes(content),
            0xc3 | 0xc5..=0xcf => Err(format!("it is a JPEG of a kind that is not read (SOF{})", marker - 0xc0)),
            0xda => self.scan(content),
            0xdb => self.tables(content),
            0xdd => {
                self.restart =
                    usize::from(*content.first().ok_or(DAMAGED)?) << 8 | usize::from(*content.get(1).ok_or(DAMAGED)?);
                Ok(())
            }
            0xe0 => {
                self.jfif |= content.starts_with(b"JFIF\0");
                Ok(())
            }
            0xee if content.starts_with(b"Adobe") => {
                self.adobe = content.get(11).copied().or(self.adobe);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tables(&mut self, mut content: &[u8]) -> Result<(), String> {
        while let [head, rest @ ..] = content {
            let wide = usize::from(head >> 4 > 0);
            let numbers = rest.get(..64 << wide).ok_or(DAMAGED)?;
            let mut steps = [0; 64];
            for (number, place) in numbers.chunks_exact(1 << wide).zip(ZIGZAG) {
                steps[place] = number.iter().fold(0, |so_far, &byte| so_far << 8 | u16::from(byte));
            }
            *self.steps.get_mut(usize::from(head & 15)).ok_or(DAMAGED)? = Some(steps);
            content = &rest[64 << wide..];
        }
        Ok(())
    }

    fn codes(&mut self, mut content: &[u8]) -> Result<(), String> {
        while let [head, rest @ ..] = content {
            let (lengths, rest) = rest.split_first_chunk::<16>().ok_or(DAMAGED)?;
            let count = lengths.iter().map(|&count| usize::from(count)).sum();
            let code = Code::new(lengths, rest.get(..count).ok_or(DAMAGED)?)?;
            let codes = if head >> 4 == 0 { &mut self.first } else { &mut self.others };
            *codes.get_mut(usize::from(head & 15)).ok_or(DAMAGED)? = Some(code);
            content = &rest[count..];
        }
        Ok(())
    }

    fn frame(&mut self, content: &[u8], progressive: bool) -> Result<(), String> {
        let &[bits, h1, h0, w1, w0, count, ref components @ ..] = content else { return Err(DAMAGED.into()) };
        let (width, height) = (usize::from(w1) << 8 | usize::from(w0), usize::from(h1) << 8 | usize::from(h0));
        if self.frame.is_some() {
            return Err(DAMAGED.into());
        }
        if bits != 8 || ![1, 3, 4].contains(&count) {
            return Err(format!("it is a JPEG of a kind that is not read ({count} channels of {bits} bits)"));
        }
        check_size(width, height)?;
        let components = components.as_chunks::<3>().0;
        let factor = |factor: u8| (1..=4).contains(&factor).then_some(usize::from(factor)).ok_or(DAMAGED);
        let most = |shift: u32| components.iter().map(|c| usize::from(c[1] >> shift & 15)).max().unwrap_or(1).max(1);
        let (most_across, most_down) = (most(4), most(0));
        let units = [width.div_ceil(8 * most_across), height.div_ceil(8 * most_down)];
        let component = |&[id, factors, table]: &[u8; 3]| {
            let (across, down) = (factor(factors >> 4)?, factor(factors & 15)?);
            if !most_across.is_multiple_of(across) || !most_down.is_multiple_of(down) {
                return Err("its channels differ in size by a fraction, which is not read".to_owned());
            }
            let stride = units[0] * across;
            Ok(Component {
                id,
                across,
                down,
                width: (width * across).div_ceil(most_across),
                height: (height * down).div_ceil(most_down),
                table: table.into(),
                steps: None,
                stride,
                blocks: vec![[0; 64]; stride * units[1] * down],
            })
        };
        let components = components.iter().map(component).collect::<Result<Vec<_>, _>>()?;
        if components.len() != usize::from(count) {
            return Err(DAMAGED.into());
        }
        self.frame = Some(Frame { progressive, width, height, components, units });
        Ok(())
    }

    fn scan(&mut self, content: &[u8]) -> Result<(), String> {
        let frame = self.frame.as_mut().ok_or(DAMAGED)?;
        let [count, rest @ ..] = content else { return Err(DAMAGED.into()) };
        let (chosen, &[start, end, bits, ..]) = rest.split_at_checked(2 * usize::from(*count)).ok_or(DAMAGED)? else {
            return Err(DAMAGED.into());
        };
        let mut components = Vec::new();
        for &[id, codes] in chosen.as_chunks::<2>().0 {
            let place = frame.components.iter().position(|component| component.id == id).ok_or(DAMAGED)?;
            let component = &mut frame.components[place];
            component.steps = component.steps.or(*self.steps.get(component.table).ok_or(DAMAGED)?);
            let first = self.first.get(usize::from(codes >> 4)).and_then(Option::as_ref);
            let others = self.others.get(usize::from(codes & 15)).and_then(Option::as_ref);
            components.push((place, first, others));
        }
        let (start, end) = if frame.progressive { (start.into(), end.into()) } else { (0, 63) };
        let low = if frame.progressive { u32::from(bits & 15) } else { 0 };
        let is_sound = start <= end && end < 64 && low < 14 && (start == 0 || components.len() == 1);
        if !is_sound || components.is_empty() || components.len() > 4 {
            return Err(DAMAGED.into());
        }
        let scan =
            Scan { components, start, end, refines: frame.progressive && bits >> 4 > 0, low, restart: self.restart };
        let mut bits = Bits::new(self.bytes, self.at);
        scan.read(frame, &mut bits)?;
        self.at = bits.position();
        Ok(())
    }

    fn picture(self) -> Result<Picture, String> {
        let Frame { width, height, components, .. } = self.frame.ok_or("it holds no picture")?;
        let ids: Vec<u8> = components.iter().map(|component| component.id).collect();
        let colours = match (&ids[..], self.adobe) {
            ([_], _) => Colours::Grey,
            ([_, _, _], _) if self.jfif => Colours::Ycc,
            ([_, _, _], Some(0)) => Colours::Rgb,
            ([b'R', b'G', b'B'], None) => Colours::Rgb,
            ([_, _, _], _) => Colours::Ycc,
            (_, None | Some(0)) => Colours::Cmyk,
            _ => Colours::Ycck,
        };
        let most = components.iter().fold((1, 1), |(a, d), c| (c.across.max(a), c.down.max(d)));
        let plane = |component: Component| {
            let (across, down) = (most.0 / component.across, most.1 / component.down);
            Ok(component.plane()?.enlarged(across, down, width, height))
        };
        let planes = components.into_iter().map(plane).collect::<Result<Vec<_>, String>>()?;
        let pixels = colour::pixels(&planes, colours);
        Ok(Picture { width, height, channels: if colours == Colours::Grey { 1 } else { 3 }, pixels })
    }
}

impl Component {
    fn plane(self) -> Result<Plane, String> {
        let Self { width, height, stride, blocks, .. } = self;
        let steps = self.steps.ok_or("some of its channels are missing")?;
        let mut bytes = vec![0; width * height];
        for (y, rows) in bytes.chunks_mut(8 * width).enumerate() {
            for (x, block) in blocks[y * stride..].iter().take(width.div_ceil(8)).enumerate() {
                let block = idct::inverse(block, &steps);
                for (row, block) in rows.chunks_exact_mut(width).zip(block.as_chunks::<8>().0) {
                    row[8 * x..].iter_mut().zip(block).for_each(|(byte, &value)| *byte = value);
                }
            }
        }
        Ok(Plane { width, height, bytes })
    }
}
