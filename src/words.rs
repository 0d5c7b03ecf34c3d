//! Sizes and times in words.

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
