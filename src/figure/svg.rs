//! Scenes as SVG. Not written by plotters, whose SVG has whole-number coordinates, one font size per text and no pictures.
//! Text stays text, in a font that is embedded in the file.

use super::font;
use super::geometry::Rect;
use super::png;
use super::scene::{Hatch, INK, Mark, Paint, Scene};
use super::text::Text;
use crate::Result;
use base64::prelude::{BASE64_STANDARD, Engine};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// More rectangles than this are written as a picture, which is smaller and as sharp.
const MOST_RECTANGLES: usize = 4_000;

/// The whole file.
pub fn write(scene: &Scene) -> Result<String> {
    let (width, height) = (number(scene.width), number(scene.height));
    let (wide, high) = scene.size.map_or_else(
        || (width.clone(), height.clone()),
        |(width, _)| (format!("{}mm", number(width)), format!("{}mm", number(width / scene.width * scene.height))),
    );
    let (family, face) = font_face(scene);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"{family}\" fill=\"{INK}\">\n{face}"
    );
    svg.push_str(&patterns(scene));
    let _ = writeln!(svg, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
    for mark in &scene.marks {
        draw(&mut svg, mark)?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn draw(svg: &mut String, mark: &Mark) -> Result<()> {
    // Writing to a string cannot fail.
    let _ = match mark {
        Mark::Cells(cells) if cells.len() > MOST_RECTANGLES => {
            let (rect, width, height, rgb) = png::cells(cells)?;
            return image(svg, rect, width, height, &rgb);
        }
        Mark::Raster { rect, width, height, rgb } => {
            // Magnified here, since some viewers smooth despite `image-rendering`; repeated pixels cost few bytes.
            let zoom = ((rect.width() * png::SCALE as f64 / *width as f64).round() as usize).max(1);
            let wide = width * zoom;
            let at = |i: usize| (i / wide / zoom * width + i % wide / zoom) * 3;
            let large: Vec<u8> =
                (0..wide * height * zoom).flat_map(|i| rgb[at(i)..at(i) + 3].iter().copied()).collect();
            return image(svg, *rect, wide, height * zoom, &large);
        }
        Mark::Cells(cells) => {
            cells_path(svg, cells);
            Ok(())
        }
        Mark::Polygon { points, colour, opacity } => {
            let faint = if *opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
            writeln!(svg, "<path fill=\"{colour}\"{faint} d=\"{}z\"/>", path(points))
        }
        Mark::Path { points, colour, width, dash } => {
            let dash: Vec<String> = dash.pattern().iter().map(|length| number(*length)).collect();
            let dash =
                if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", dash.join(" ")) };
            let join = if *width > 1.0 { " stroke-linejoin=\"round\"" } else { "" };
            let (width, path) = (number(*width), path(points));
            writeln!(svg, "<path fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dash}{join} d=\"{path}\"/>")
        }
        Mark::Label { text, at, anchor, size, upward } => {
            label(svg, text, *at, *anchor, *size, *upward);
            Ok(())
        }
    };
    Ok(())
}

/// Rectangles by paint, one path each, with sharp edges so that neighbours leave no seam.
fn cells_path(svg: &mut String, cells: &[(Rect, Paint)]) {
    let mut by_paint: BTreeMap<Paint, String> = BTreeMap::new();
    for (rect, paint) in cells {
        let (left, top) = (number(rect.left), number(rect.top));
        // Relative lengths from the rounded corner, so that neighbours share the very same edge.
        let (across, down) =
            (number(round(rect.right) - round(rect.left)), number(round(rect.bottom) - round(rect.top)));
        let _ = write!(by_paint.entry(*paint).or_default(), "M{left} {top}h{across}v{down}h-{across}z");
    }
    svg.push_str("<g shape-rendering=\"crispEdges\">\n");
    for (paint, path) in by_paint {
        let fill = match paint {
            Paint::Solid(colour) => colour.to_string(),
            _ => paint.hatch().map_or(String::new(), |hatch| format!("url(#entroscope-{})", hatch.name)),
        };
        let _ = writeln!(svg, "<path fill=\"{fill}\" d=\"{path}\"/>");
    }
    svg.push_str("</g>\n");
}

fn image(svg: &mut String, rect: Rect, width: usize, height: usize, rgb: &[u8]) -> Result<()> {
    let data = BASE64_STANDARD.encode(png::encode(width, height, rgb)?);
    let (x, y, w, h) = (number(rect.left), number(rect.top), number(rect.width()), number(rect.height()));
    let _ = writeln!(
        svg,
        "<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" preserveAspectRatio=\"none\" \
         image-rendering=\"pixelated\" href=\"data:image/png;base64,{data}\"/>"
    );
    Ok(())
}

fn label(svg: &mut String, text: &Text, (x, y): (f64, f64), anchor: f64, size: f64, upward: bool) {
    // Upright single runs are anchored by the viewer, so that they stay aligned even in another font.
    let simple = text.runs.len() == 1;
    let shift = if simple { 0.0 } else { -anchor * text.width * size };
    let aligned = match anchor {
        a if !simple || a == 0.0 => "",
        a if a < 1.0 => " text-anchor=\"middle\"",
        _ => " text-anchor=\"end\"",
    };
    let (place, x, y) = if upward {
        (format!(" transform=\"translate({} {})rotate(-90)\"", number(x), number(y)), shift, 0.0)
    } else {
        (String::new(), x + shift, y)
    };
    let (left, base, points) = (number(x), number(y), number(size));
    let _ = write!(svg, "<text{place} x=\"{left}\" y=\"{base}\" font-size=\"{points}\"{aligned}>");
    for run in &text.runs {
        let inside = escape(&run.text);
        if run.x == 0.0 && run.drop == 0.0 {
            svg.push_str(&inside);
        } else {
            let (x, y, size) = (number(x + run.x * size), number(y + run.drop * size), number(run.size * size));
            let _ = write!(svg, "<tspan x=\"{x}\" y=\"{y}\" font-size=\"{size}\">{inside}</tspan>");
        }
    }
    svg.push_str("</text>\n");
}

/// The font with the letters used here. Its name is unique, so that figures on one page do not share fonts.
fn font_face(scene: &Scene) -> (String, String) {
    const FALLBACK: &str = "DejaVu Sans, Verdana, sans-serif";
    let letters = scene.letters();
    let Some(font::Reduced { file, .. }) = font::reduced(&letters).filter(|_| !letters.is_empty()) else {
        return (FALLBACK.into(), String::new());
    };
    // FNV-1a.
    let mix = |hash: u32, letter: &char| (hash ^ *letter as u32).wrapping_mul(0x0100_0193);
    let name = format!("entroscope-{:08x}", letters.iter().fold(0x811c_9dc5, mix));
    let face = format!(
        "<style>@font-face{{font-family:{name};src:url(data:font/ttf;base64,{})}}\
         text{{font-kerning:none;white-space:pre}}</style>\n",
        BASE64_STANDARD.encode(&file)
    );
    (format!("{name}, {FALLBACK}"), face)
}

/// Definitions of the hatches that occur.
fn patterns(scene: &Scene) -> String {
    let cells = scene.marks.iter().filter_map(|mark| if let Mark::Cells(cells) = mark { Some(cells) } else { None });
    let paints: BTreeSet<Paint> = cells.flatten().map(|(_, paint)| *paint).collect();
    let (p, mut all) = (Hatch::PERIOD, String::new());
    for hatch in paints.into_iter().filter_map(Paint::hatch) {
        let Hatch { name, ground, ink, .. } = hatch;
        // Each diagonal runs through the tile and its corners' neighbours.
        let rising = if hatch.rising {
            format!("M-1 1L1 -1M0 {p}L{p} 0M{} {}L{} {}", p - 1.0, p + 1.0, p + 1.0, p - 1.0)
        } else {
            String::new()
        };
        let falling = if hatch.falling {
            format!("M-1 {}L1 {}M0 0L{p} {p}M{} -1L{} 1", p - 1.0, p + 1.0, p - 1.0, p + 1.0)
        } else {
            String::new()
        };
        let width = number(Hatch::STROKE / std::f64::consts::SQRT_2);
        let _ = writeln!(
            all,
            "<pattern id=\"entroscope-{name}\" width=\"{p}\" height=\"{p}\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"{p}\" height=\"{p}\" fill=\"{ground}\"/>\
             <path stroke=\"{ink}\" stroke-width=\"{width}\" d=\"{rising}{falling}\"/></pattern>"
        );
    }
    if all.is_empty() { all } else { format!("<defs>\n{all}</defs>\n") }
}

fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(path, "{}{} {}", if i == 0 { "M" } else { "L" }, number(*x), number(*y));
    }
    path
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// At most two decimals.
fn number(value: f64) -> String {
    format!("{}", round(value) + 0.0)
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // Not allowed in XML.
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
