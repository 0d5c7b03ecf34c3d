//! Sizes and times: in words, and from text.

use std::borrow::Cow;

/// Bytes, such as "1.5 GiB".
pub(crate) fn size(bytes: f64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let power = (0..units.len() - 1).find(|&power| bytes < 1024_f64.powi(power as i32 + 1)).unwrap_or(units.len() - 1);
    let digits = usize::from(power > 0);
    format!("{:.digits$} {}", bytes / 1024_f64.powi(power as i32), units[power])
}

/// An estimated time, such as "about 12 min" or "about 1.5 h".
pub(crate) fn time(seconds: f64) -> String {
    if seconds < 1.0 { "less than a second".to_owned() } else { format!("about {}", rounded(seconds)) }
}

/// An estimated time between two: "3 to 8 min", "20 s to 2 min", or as [`time`] if both are the same in words.
pub(crate) fn interval(low: f64, high: f64) -> String {
    if high < 1.0 {
        return time(high);
    }
    let (from, to) = (rounded(low.max(1.0)), rounded(high));
    let unit = |text: &str| text.rsplit(' ').next().map(str::to_owned);
    match from.split_once(' ') {
        _ if from == to => time(high),
        Some((number, _)) if unit(&from) == unit(&to) => format!("{number} to {to}"),
        _ => format!("{from} to {to}"),
    }
}

/// A measured time, such as "0.3 s" or "12 min".
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s > 0.0 && s < 0.1 => format!("{s:.2} s"),
        s if s < 10.0 => format!("{s:.1} s"),
        s => rounded(s),
    }
}

fn rounded(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{} h", (s / 360.0).round() / 10.0),
    }
}

/// Bytes from text: a number, with K, M, G or T behind it for powers of 1024.
///
/// # Errors
/// When the text is no size.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size; write 500M, 20G or a number of bytes");
    let number = text.trim_end_matches(['b', 'B', 'i']);
    let (digits, power) = match number.to_ascii_uppercase().char_indices().last() {
        Some((at, unit @ ('K' | 'M' | 'G' | 'T'))) => (&number[..at], "KMGT".find(unit).map_or(0, |i| i as i32 + 1)),
        _ => (number, 0),
    };
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    if number >= 0.0 && number.is_finite() { Ok((number * 1024_f64.powi(power)) as u64) } else { Err(wrong()) }
}

/// Seconds from text: a number with the unit s, m or h; seconds without a unit.
///
/// # Errors
/// When the text is no time.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3600.0),
        _ => (text, 1.0),
    };
    let number = digits.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.map(|number| number * unit).ok_or_else(|| format!("{text:?} is not a time; write 90s, 5m or 2h"))
}

/// The same, or "0" for none.
///
/// # Errors
/// When the text is no time.
pub(crate) fn seconds_or_none(text: &str) -> Result<f64, String> {
    if text == "0" { Ok(0.0) } else { seconds(text) }
}

/// A text that can be printed: control characters, which a terminal takes for commands, and those that change the direction of
/// writing are shown by their numbers, such as `\u{1b}`. Line ends and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// How many typing errors lie between two names, whatever their case: insertions, deletions, substitutions and swaps of
/// neighbouring letters (Damerau–Levenshtein). `None` if it is more than a third of the letters: the names have nothing to
/// do with each other.
pub(crate) fn typing_errors(a: &str, b: &str) -> Option<usize> {
    let errors = strsim::damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase());
    (errors <= (a.len().max(b.len()) / 3).max(1)).then_some(errors)
}

/// The known name that is nearest to `name`, for "did you mean"; of several as near, one in the same case. `None` if no name
/// is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let errors = known.into_iter().filter_map(|other| {
        let with_case = strsim::damerau_levenshtein(name, other);
        Some(((typing_errors(name, other)?, with_case), other))
    });
    errors.min_by_key(|&(errors, _)| errors).map(|(_, other)| other)
}

/// "1 point", "2 points".
pub(crate) fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_printed_commands_no_terminal() {
        assert!(matches!(visible("α: 1\t2\n"), Cow::Borrowed(_)));
        assert_eq!(
            visible("\x1b]0;title\x07 \u{9b}2J \r \u{202e}"),
            "\\u{1b}]0;title\\u{7} \\u{9b}2J \\u{d} \\u{202e}"
        );
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        assert_eq!(
            [0.4, 89.0, 300.0, 5400.0, 7200.0].map(time),
            ["less than a second", "about 89 s", "about 5 min", "about 1.5 h", "about 2 h"]
        );
        assert_eq!([0.0, 0.03, 0.3, 12.4, 720.0].map(duration), ["0.0 s", "0.03 s", "0.3 s", "12 s", "12 min"]);
    }

    #[test]
    fn intervals_have_one_unit_where_both_ends_have() {
        let shown = [(0.1, 0.4), (0.2, 5.0), (180.0, 480.0), (20.0, 150.0), (61.0, 61.2)].map(|(a, b)| interval(a, b));
        assert_eq!(shown, ["less than a second", "1 to 5 s", "3 to 8 min", "20 s to 2 min", "about 61 s"]);
    }

    #[test]
    fn the_nearest_name_is_one_typing_error_away_and_no_stranger() {
        let known = ["mnist", "noise", "fashion-mnist", "tanh"];
        assert_eq!(nearest("minst", known), Some("mnist"));
        assert_eq!(nearest("MNIST", known), Some("mnist"));
        assert_eq!(nearest("fashon-minst", known), Some("fashion-mnist"));
        assert_eq!(nearest("tan", known), Some("tanh"));
        assert_eq!(nearest("cascde", ["Cascade", "cascade"]), Some("cascade"));
        assert_eq!(nearest("zzz", known), None);
    }
}
