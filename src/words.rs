//! Sizes and times: in words, and from text.

/// Bytes, such as "1.5 GiB".
pub(crate) fn size(bytes: f64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let power = (0..units.len() - 1).find(|&power| bytes < 1024_f64.powi(power as i32 + 1)).unwrap_or(units.len() - 1);
    let digits = usize::from(power > 0);
    format!("{:.digits$} {}", bytes / 1024_f64.powi(power as i32), units[power])
}

/// An estimated time, such as "about 12 min".
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "less than a second".to_owned(),
        s if s < 90.0 => format!("about {s:.0} s"),
        s if s < 5400.0 => format!("about {:.0} min", s / 60.0),
        s => format!("about {:.1} h", s / 3600.0),
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
