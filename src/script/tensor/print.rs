//! A tensor in words, much as numpy prints one.

/// More numbers than these are not all printed, …
const MOST: usize = 100;
/// … but these many at each end of an axis.
const EDGE: usize = 3;

/// Shape, then numbers in columns.
pub(super) fn in_words(shape: &[usize], numbers: &[f32]) -> String {
    let short = numbers.len() > MOST;
    let shown: Vec<String> = shown(shape, short).into_iter().map(|at| number(numbers[at])).collect();
    let width = shown.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let mut text = format!("tensor {shape:?}\n");
    rows(&mut text, shape, short, &mut shown.iter(), width, 1);
    text
}

/// The places along an axis that are printed; `None` stands for what is left out.
fn places(size: usize, short: bool) -> Vec<Option<usize>> {
    if short && size > 2 * EDGE {
        (0..EDGE).map(Some).chain([None]).chain((size - EDGE..size).map(Some)).collect()
    } else {
        (0..size).map(Some).collect()
    }
}

/// Which numbers are printed.
fn shown(shape: &[usize], short: bool) -> Vec<usize> {
    shape.iter().fold(vec![0], |starts, &size| {
        starts
            .into_iter()
            .flat_map(|start| places(size, short).into_iter().flatten().map(move |at| start * size + at))
            .collect()
    })
}

fn rows<'a>(
    text: &mut String,
    shape: &[usize],
    short: bool,
    numbers: &mut impl Iterator<Item = &'a String>,
    width: usize,
    indent: usize,
) {
    let [size, inner @ ..] = shape else {
        *text += format!("{:>width$}", numbers.next().map_or("", String::as_str)).as_str();
        return;
    };
    text.push('[');
    for (i, place) in places(*size, short).into_iter().enumerate() {
        match i {
            0 => {}
            _ if inner.is_empty() => text.push_str(", "),
            // Matrices of a stack are further apart than rows.
            _ => *text += format!(",{}{:indent$}", "\n".repeat(inner.len()), "").as_str(),
        }
        match place {
            Some(_) => rows(text, inner, short, numbers, width, indent + 1),
            None => text.push('…'),
        }
    }
    text.push(']');
}

/// Six digits, without zeros at the end.
fn number(x: f32) -> String {
    if !x.is_finite() || x == 0.0 {
        return rhai::Dynamic::from_float(x.into()).to_string();
    }
    let text = format!("{x:.5e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    match power.parse() {
        Ok(power @ -4..=5) => trimmed(&format!("{x:.*}", (5 - power) as usize)).to_owned(),
        _ => format!("{}e{power}", trimmed(digits)),
    }
}

fn trimmed(digits: &str) -> &str {
    match digits.find('.') {
        Some(point) => {
            let text = digits.trim_end_matches('0');
            // "1." is not how Rhai writes a number.
            if text.len() == point + 1 { &digits[..point + 2] } else { text }
        }
        None => digits,
    }
}
