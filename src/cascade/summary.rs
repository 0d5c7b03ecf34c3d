//! A network as a table: its blocks, and the reconstruction network of each.

use super::Inverse;
use crate::network::Architecture;

/// A table of blocks, shapes, parameters and inverses.
pub fn summary(architecture: &Architecture) -> String {
    let title = ["block", "layers", "output", "parameters", "inverse"].map(str::to_owned);
    let rows = architecture.blocks().iter().enumerate().map(|(l, block)| {
        let inverse = Inverse::for_block(block, architecture.shape(l), architecture.shape(l + 1));
        [
            (l + 1).to_string(),
            block.to_string(),
            format!("{:?}", architecture.shape(l + 1)),
            block.parameters().to_string(),
            inverse.map_or_else(|error| error.message, |inverse| inverse.to_string()),
        ]
    });
    let rows: Vec<[String; 5]> = std::iter::once(title).chain(rows).collect();
    let widths = [0, 1, 2, 3, 4].map(|c| rows.iter().map(|row| row[c].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    let (input, parameters, depth) = (architecture.shape(0), architecture.parameters(), architecture.depth());
    text + format!("input {input:?}, {parameters} parameters in {depth} blocks").as_str()
}
