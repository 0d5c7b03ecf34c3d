//! Tables for reading: Markdown, and LaTeX without a package. Numbers have seven digits; names of known quantities are their
//! symbols, as figures show them: `weight_var` is σ_w².

use super::{Records, Scalar};
use crate::figure::math_label;

/// Greek letters and signs beside LaTeX's commands in mathematics.
const COMMANDS: [(char, &str); 40] = [
    ('α', r"\alpha"),
    ('β', r"\beta"),
    ('γ', r"\gamma"),
    ('δ', r"\delta"),
    ('ε', r"\varepsilon"),
    ('ζ', r"\zeta"),
    ('η', r"\eta"),
    ('θ', r"\theta"),
    ('κ', r"\kappa"),
    ('λ', r"\lambda"),
    ('μ', r"\mu"),
    ('ν', r"\nu"),
    ('ξ', r"\xi"),
    ('π', r"\pi"),
    ('ρ', r"\rho"),
    ('σ', r"\sigma"),
    ('τ', r"\tau"),
    ('φ', r"\varphi"),
    ('χ', r"\chi"),
    ('ψ', r"\psi"),
    ('ω', r"\omega"),
    ('Γ', r"\Gamma"),
    ('Δ', r"\Delta"),
    ('Θ', r"\Theta"),
    ('Λ', r"\Lambda"),
    ('Σ', r"\Sigma"),
    ('Φ', r"\Phi"),
    ('Ψ', r"\Psi"),
    ('Ω', r"\Omega"),
    ('ℓ', r"\ell"),
    ('²', "^2"),
    ('³', "^3"),
    ('₀', "_0"),
    ('₁', "_1"),
    ('₂', "_2"),
    ('±', r"\pm"),
    ('×', r"\times"),
    ('≤', r"\le"),
    ('≥', r"\ge"),
    ('∞', r"\infty"),
];

impl Records {
    /// A `tabular` of LaTeX; numbers stand to the right, holes are dashes.
    pub fn latex(&self) -> String {
        let columns: String = self.are_numbers().into_iter().map(|numbers| if numbers { 'r' } else { 'l' }).collect();
        let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
        let mut text = format!("\\begin{{tabular}}{{{columns}}}\n\\hline\n");
        text += &line(self.columns.iter().map(|name| latex_name(&math_label(name))).collect());
        text += "\\hline\n";
        text.extend(self.rows.iter().map(|row| line(row.iter().map(latex_value).collect())));
        text + "\\hline\n\\end{tabular}\n"
    }

    /// A table of Markdown; numbers stand to the right, holes are dashes.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let name = |name: &String| markdown_text(&math_label(name).replace("^2", "²"));
        let mut text = line(self.columns.iter().map(name).collect());
        let rules = self.are_numbers().into_iter().map(|numbers| if numbers { "---:" } else { "---" }.to_owned());
        text += &line(rules.collect());
        let cell = |cell: &Scalar| match cell {
            Scalar::Empty => "–".to_owned(),
            _ => markdown_text(&cell.label()),
        };
        text.extend(self.rows.iter().map(|row| line(row.iter().map(cell).collect())));
        text
    }

    /// For every column, whether it holds numbers.
    fn are_numbers(&self) -> Vec<bool> {
        let is_number = |cell: &Scalar| *cell == Scalar::Empty || cell.number().is_some();
        (0..self.columns.len()).map(|i| self.rows.iter().all(|row| is_number(&row[i]))).collect()
    }
}

/// A number or a text of a cell.
fn latex_value(value: &Scalar) -> String {
    let Some(number) = value.number() else {
        return if *value == Scalar::Empty { "--".to_owned() } else { latex_text(&value.label()) };
    };
    let label = value.label();
    match label.split_once('e') {
        _ if number.is_nan() => "NaN".to_owned(),
        _ if number.is_infinite() => format!("${}\\infty$", if number < 0.0 { "-" } else { "" }),
        Some((mantissa, power)) => format!("${mantissa} \\times 10^{{{power}}}$"),
        None if number < 0.0 => format!("${label}$"),
        None => label,
    }
}

/// A label with the markup of figures, `σ_w^2` or `depth ℓ`: its symbols as mathematics, its words as text.
fn latex_name(label: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let (first, second) = (letters.next().unwrap_or(' '), letters.next());
        let is_symbol = first.is_alphabetic() && matches!(second, Some('_' | '^'));
        if is_symbol { format!("${}$", latex_symbol(word)) } else { latex_text(word) }
    };
    label.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The inside of a formula: a symbol with scripts, each of several letters in braces.
fn latex_symbol(word: &str) -> String {
    let mut formula = String::new();
    for (i, part) in word.split_inclusive(['_', '^']).enumerate() {
        let (script, mark) = match part.strip_suffix(['_', '^']) {
            Some(script) => (script, &part[script.len()..]),
            None => (part, ""),
        };
        let script = script.strip_prefix('{').and_then(|inside| inside.strip_suffix('}')).unwrap_or(script);
        let shown: String = script
            .chars()
            .map(|letter| command(letter).unwrap_or_else(|| latex_text(letter.encode_utf8(&mut [0; 4]))))
            .collect();
        let is_short = i == 0 || script.chars().count() < 2;
        let (open, close) = if is_short { ("", "") } else { ("{", "}") };
        formula.extend([open, &shown, close]);
        formula += mark;
    }
    formula
}

fn command(letter: char) -> Option<String> {
    COMMANDS.iter().find(|(known, _)| *known == letter).map(|(_, command)| (*command).to_owned())
}

/// A text with LaTeX's special characters escaped.
fn latex_text(text: &str) -> String {
    let letter = |letter: char| match letter {
        '\\' => r"\textbackslash{}".to_owned(),
        '~' => r"\textasciitilde{}".to_owned(),
        '^' => r"\textasciicircum{}".to_owned(),
        '<' | '>' | '|' => format!("${letter}$").replace('|', r"\vert"),
        '$' | '&' | '#' | '%' | '_' | '{' | '}' => format!("\\{letter}"),
        // At the beginning of a row they would belong to the `\\` before it.
        '[' | ']' | '*' => format!("{{{letter}}}"),
        _ if letter.is_control() => " ".to_owned(),
        _ => command(letter).map_or_else(|| letter.to_string(), |command| format!("${command}$")),
    };
    text.chars().map(letter).collect()
}

/// A text whose characters mean nothing to Markdown.
fn markdown_text(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            _ if letter.is_control() => escaped.push(' '),
            '\\' | '|' | '*' | '_' | '`' | '<' | '[' | '~' | '&' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Records {
        let row =
            |name: &str, variance: f64, value: Scalar| vec![Scalar::Text(name.into()), Scalar::Number(variance), value];
        Records {
            columns: ["activation", "weight_var", "50% & more_{x}"].map(str::to_owned).to_vec(),
            axes: 2,
            rows: vec![
                row("gelu_1|a", 1.7999999999999998, Scalar::Integer(3)),
                row(r"\~^<", 1e-20, Scalar::Empty),
                row("σ²", f64::NEG_INFINITY, Scalar::Number(-0.5)),
                row("", f64::NAN, Scalar::Number(2.0)),
            ],
        }
    }

    #[test]
    fn latex_has_symbols_and_escapes() {
        let expected = r"\begin{tabular}{lrr}
\hline
activation & $\sigma_w^2$ & 50\% \& more\_\{x\} \\
\hline
gelu\_1$\vert$a & 1.8 & 3 \\
\textbackslash{}\textasciitilde{}\textasciicircum{}$<$ & $1 \times 10^{-20}$ & -- \\
$\sigma$$^2$ & $-\infty$ & $-0.5$ \\
 & NaN & 2.0 \\
\hline
\end{tabular}
";
        assert_eq!(records().latex(), expected);
        assert_eq!(latex_name(&math_label("xi_c")), r"$\xi_c$");
        assert_eq!(latex_name(&math_label("depth")), r"depth $\ell$");
        assert_eq!(latex_name("x_{max}^2"), "$x_{max}^2$");
        assert_eq!(latex_name(&math_label("test_accuracy")), "test accuracy");
    }

    #[test]
    fn markdown_has_symbols_and_escapes() {
        let expected = r"| activation | σ\_w² | 50% \& more\_{x} |
| --- | ---: | ---: |
| gelu\_1\|a | 1.8 | 3 |
| \\\~^\< | 1e-20 | – |
| σ² | -inf | -0.5 |
|  | NaN | 2.0 |
";
        assert_eq!(records().markdown(), expected);
    }
}
