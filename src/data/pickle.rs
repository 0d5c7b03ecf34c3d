//! The pictures and labels in a batch of CIFAR for Python: a pickle of a dictionary with an array of bytes and lists of labels.
//! Only what such a file consists of is read, and nothing in it is executed. Source: CPython, `Lib/pickletools.py`.

use std::collections::BTreeMap;
use std::rc::Rc;

/// What a pickle builds.
#[derive(Debug, Clone)]
enum Object {
    Bytes(Rc<[u8]>),
    Int(i64),
    List(Vec<Object>),
    Dict(Vec<(Object, Object)>),
    /// Where a list of arguments begins.
    Mark,
    True,
    /// Python 3's way to write bytes in protocol 2: as a text.
    Encode,
    /// Anything else.
    Other,
}

/// How a pickle of a protocol from 2 on begins.
pub(super) fn is_pickle(start: &[u8]) -> bool {
    matches!(start, [0x80, 2..=5, ..])
}

/// A batch of pictures.
pub(super) struct Batch {
    /// The array `data`, row by row.
    pub(super) data: Rc<[u8]>,
    /// Lists of labels.
    pub(super) labels: Vec<Vec<u8>>,
}

/// The batch in a file, with its lists of labels called `names`; none if the file is another kind of pickle.
pub(super) fn batch(bytes: &[u8], names: &[&str]) -> Option<Batch> {
    let Object::Dict(items) = build(bytes)? else { return None };
    let find = |name: &str| {
        items.iter().find_map(|(key, value)| match key {
            Object::Bytes(key) if **key == *name.as_bytes() => Some(value),
            _ => None,
        })
    };
    let Object::Bytes(data) = find("data")? else { return None };
    let labels = |name: &&str| {
        let Object::List(labels) = find(name)? else { return None };
        let label = |label: &Object| match label {
            Object::Int(label) => u8::try_from(*label).ok(),
            _ => None,
        };
        labels.iter().map(label).collect()
    };
    Some(Batch { data: data.clone(), labels: names.iter().map(labels).collect::<Option<_>>()? })
}

/// Bytes that are read from the start on.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A little-endian number.
    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    fn text(&mut self, bytes: usize) -> Option<Object> {
        let length = self.number(bytes)?;
        Some(Object::Bytes(self.take(length)?.into()))
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|&byte| byte == b'\n')?;
        self.take(end + 1)
    }
}

/// The object that a pickle stands for.
fn build(bytes: &[u8]) -> Option<Object> {
    let (mut reader, mut stack, mut memo) = (Reader(bytes), Vec::new(), BTreeMap::new());
    loop {
        let code = reader.number(1)? as u8;
        match code {
            b'.' => return stack.pop(),
            0x80 => drop(reader.take(1)?),
            // A frame's length.
            0x95 => drop(reader.take(8)?),
            b'(' => stack.push(Object::Mark),
            b'}' => stack.push(Object::Dict(Vec::new())),
            b']' => stack.push(Object::List(Vec::new())),
            0x88 => stack.push(Object::True),
            b')' | b'N' | 0x89 => stack.push(Object::Other),
            b'K' => stack.push(Object::Int(reader.number(1)? as i64)),
            b'M' => stack.push(Object::Int(reader.number(2)? as i64)),
            b'J' => stack.push(Object::Int(i64::from(reader.number(4)? as u32 as i32))),
            b'U' | b'C' | 0x8c => stack.push(reader.text(1)?),
            b'T' | b'X' | b'B' => stack.push(reader.text(4)?),
            0x8d | 0x8e | 0x96 => stack.push(reader.text(8)?),
            b'q' => drop(memo.insert(reader.number(1)?, remembered(&stack)?)),
            b'r' => drop(memo.insert(reader.number(4)?, remembered(&stack)?)),
            0x94 => drop(memo.insert(memo.len(), remembered(&stack)?)),
            b'h' => stack.push(memo.get(&reader.number(1)?)?.clone()),
            b'j' => stack.push(memo.get(&reader.number(4)?)?.clone()),
            b'c' => {
                let called = (reader.line()?, reader.line()?);
                stack.push(if called == (b"_codecs\n", b"encode\n") { Object::Encode } else { Object::Other });
            }
            // A class by its name.
            0x93 => {
                stack.truncate(stack.len().checked_sub(2)?);
                stack.push(Object::Other);
            }
            0x85..=0x87 => one(&mut stack, usize::from(code - 0x84))?,
            b't' => {
                let items = marked(&mut stack)?;
                stack.push(whole(items));
            }
            // A call of a class.
            b'R' | 0x81 => {
                let (arguments, class) = (stack.pop()?, stack.pop()?);
                stack.push(match (class, arguments) {
                    (Object::Encode, Object::Bytes(text)) => Object::Bytes(encoded(&text)?),
                    (_, Object::True) => Object::Other,
                    (_, arguments) => arguments,
                });
            }
            // The state of an object.
            b'b' => one(&mut stack, 2)?,
            b'a' => {
                let item = flat(stack.pop()?);
                let Object::List(list) = stack.last_mut()? else { return None };
                list.push(item);
            }
            b'e' => {
                let items = marked(&mut stack)?;
                let Object::List(list) = stack.last_mut()? else { return None };
                list.extend(items.into_iter().map(flat));
            }
            b's' | b'u' => {
                let items =
                    if code == b's' { stack.split_off(stack.len().checked_sub(2)?) } else { marked(&mut stack)? };
                let Object::Dict(dict) = stack.last_mut()? else { return None };
                dict.extend(items.chunks_exact(2).map(|pair| {
                    let value = if let Object::Dict(_) = pair[1] { Object::Other } else { pair[1].clone() };
                    (flat(pair[0].clone()), value)
                }));
            }
            _ => return None,
        }
    }
}

/// The objects after the last mark, which goes with them.
fn marked(stack: &mut Vec<Object>) -> Option<Vec<Object>> {
    let mark = stack.iter().rposition(|object| matches!(object, Object::Mark))?;
    let items = stack.split_off(mark + 1);
    stack.pop();
    Some(items)
}

/// The last object, for a memo. Lists are not repeated in a batch, and a file could double one without end.
fn remembered(stack: &[Object]) -> Option<Object> {
    match stack.last()? {
        Object::List(_) | Object::Dict(_) | Object::Mark => Some(Object::Other),
        object => Some(object.clone()),
    }
}

/// An object inside a list, which holds no others: a file could put a million into one another.
fn flat(object: Object) -> Object {
    match object {
        Object::List(_) | Object::Dict(_) | Object::Mark => Object::Other,
        object => object,
    }
}

/// The bytes that a text stands for in Latin-1; the name of the encoding itself is such a text.
fn encoded(text: &[u8]) -> Option<Rc<[u8]>> {
    std::str::from_utf8(text).ok()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// Replaces the last objects by one.
fn one(stack: &mut Vec<Object>, count: usize) -> Option<()> {
    let items = stack.split_off(stack.len().checked_sub(count)?);
    stack.push(whole(items));
    Some(())
}

/// What several objects are together: the longest text among them, which is an array's content. The state of an array whose
/// first axis varies fastest has a `True`, or an "F", and is not read.
fn whole(items: Vec<Object>) -> Object {
    let is_fortran = |item: &Object| match item {
        Object::Bytes(bytes) => **bytes == *b"F",
        item => matches!(item, Object::True),
    };
    if items.iter().any(is_fortran) {
        return Object::True;
    }
    let texts = items.into_iter().filter_map(|object| match object {
        Object::Bytes(bytes) => Some(bytes),
        _ => None,
    });
    texts.max_by_key(|bytes| bytes.len()).map_or(Object::Other, Object::Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dropping lists inside lists would overflow the stack.
    #[test]
    fn lists_are_not_nested_without_end() {
        let nested = 1_000_000;
        let bytes = [&b"\x80\x02"[..], &vec![b']'; nested], &vec![b'a'; nested - 1], b"."].concat();
        assert!(batch(&bytes, &["labels"]).is_none());
    }
}
