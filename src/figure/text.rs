//! Labels that read as mathematics: `weight_var` becomes σ_w², and `_x`, `_{…}`, `^x`, `^{…}` after a symbol become
//! true sub- and superscripts. A label is a list of runs, each placed in ems from the label's start.

use super::font;

/// A piece of a label in one size and height.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub text: String,
    /// Where it starts, in ems of the label.
    pub x: f64,
    /// How far its baseline lies below the label's, in ems of the label.
    pub drop: f64,
    /// Its size over the label's.
    pub size: f64,
}

/// A label ready to be placed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Text {
    pub runs: Vec<Run>,
    /// In ems.
    pub width: f64,
}

/// Size and shift of sub- and superscripts, in ems; close to TeX's.
const SCRIPT: f64 = 0.7;
const SUB_DROP: f64 = 0.23;
const SUPER_DROP: f64 = -0.4;

/// The field's symbols for quantities, by their names in scripts.
fn symbol(name: &str) -> Option<&'static str> {
    Some(match name {
        "weight_var" => "σ_w^2",
        "bias_var" => "σ_b^2",
        "xi_c" => "ξ_c",
        "xi_q" => "ξ_q",
        "chi" | "chi_1" => "χ_1",
        "q_star" => "q^*",
        "c_star" => "c^*",
        "depth" => "depth ℓ",
        _ => return None,
    })
}

/// A quantity's name as words or as mathematics: `weight_var` → `σ_w^2`, `test_accuracy` → `test accuracy`.
pub fn math_label(name: &str) -> String {
    symbol(name).map_or_else(|| if is_words(name) { name.replace('_', " ") } else { name.to_string() }, str::to_string)
}

/// A snake-case name made of words, as opposed to a symbol with a subscript such as `x_c`.
fn is_words(name: &str) -> bool {
    let head = name.split('_').next().unwrap_or_default();
    head.chars().count() > 1 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Text {
    /// Reads a label's markup. Names of known quantities standing alone are replaced by their symbols.
    pub fn new(label: &str) -> Self {
        let words = label.split(' ').map(|word| match symbol(word) {
            Some(symbol) if word != "depth" && word != "chi" => symbol,
            _ => word,
        });
        let label: Vec<char> = words.collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect();
        let mut text = Self::default();
        let (mut plain, mut at) = (String::new(), 0);
        // Where the last script began and ended, so that σ_w^2 stacks its two.
        let mut script: Option<(char, f64)> = None;
        while at < label.len() {
            match scripted(&label, at) {
                Some((inside, end)) => {
                    text.push(&std::mem::take(&mut plain), text.width, 0.0, 1.0);
                    let mark = if label[at] == '_' { '_' } else { '^' };
                    let start = script.filter(|&(other, _)| other != mark).map_or(text.width, |(_, start)| start);
                    let drop = if mark == '_' { SUB_DROP } else { SUPER_DROP };
                    text.push(&inside, start, drop, SCRIPT);
                    script = match script {
                        Some((other, _)) if other != mark => None,
                        _ => Some((mark, start)),
                    };
                    at = end;
                }
                None => {
                    plain.push(label[at]);
                    script = None;
                    at += 1;
                }
            }
        }
        text.push(&plain, text.width, 0.0, 1.0);
        text
    }

    /// A label at the largest size up to `size` at which it fits into `room`; cut short if even the smallest size does not fit.
    pub fn fitted(label: &str, size: f64, room: f64) -> (Self, f64) {
        let fit = |text: &Self| if text.width * size <= room { 1.0 } else { room / (text.width * size) };
        let mut text = Self::new(label);
        let smallest = 0.65;
        let mut letters: Vec<char> = label.chars().collect();
        while fit(&text) < smallest && !letters.is_empty() {
            letters.truncate((letters.len() as f64 * fit(&text) / smallest) as usize);
            text = Self::new(&format!("{}…", letters.iter().collect::<String>().trim_end()));
            letters.pop();
        }
        let scale = fit(&text).max(0.0);
        (text, size * scale)
    }

    fn push(&mut self, text: &str, x: f64, drop: f64, size: f64) {
        if !text.is_empty() {
            self.runs.push(Run { text: text.to_string(), x, drop, size });
            let gap = if drop == 0.0 { 0.0 } else { 0.03 };
            self.width = self.width.max(x + font::width(text) * size + gap);
        }
    }
}

/// The script that begins at `at` and where it ends. `²` and `³` count where they follow a subscript, to be stacked.
fn scripted(label: &[char], at: usize) -> Option<(String, usize)> {
    let before = *label.get(at.checked_sub(1)?)?;
    let mark = label[at];
    if let Some(digit) = "²³".find(mark).map(|i| ["2", "", "3"][i]) {
        let subscript = label[..at].iter().rposition(|&c| c == '_')?;
        let whole = label[subscript + 1..at].iter().all(|c| c.is_alphanumeric());
        return (whole && scripted(label, subscript)?.1 == at).then(|| (digit.to_string(), at + 1));
    }
    // In `test_accuracy` the underscore follows a word: only single letters take subscripts.
    let word = label[..at].iter().rev().take_while(|c| c.is_alphanumeric()).count();
    let applies = match mark {
        '_' => word <= 1 && !before.is_whitespace(),
        '^' => !before.is_whitespace(),
        _ => false,
    };
    if !applies {
        return None;
    }
    let rest = &label[at + 1..];
    if rest.first() == Some(&'{') {
        let close = rest.iter().position(|&c| c == '}')?;
        return Some((rest[1..close].iter().collect(), at + close + 2));
    }
    let sign = usize::from(mark == '^' && rest.first().is_some_and(|c| "-−+*".contains(*c)));
    let length = sign + rest[sign..].iter().take_while(|c| c.is_alphanumeric() && !"²³".contains(**c)).count();
    (length > 0).then(|| (rest[..length].iter().collect::<String>().replace('-', "−"), at + 1 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(label: &str) -> String {
        let level = |run: &Run| {
            if run.drop > 0.0 {
                "↓"
            } else if run.drop < 0.0 {
                "↑"
            } else {
                ""
            }
        };
        Text::new(label).runs.iter().map(|run| format!("{}{}", level(run), run.text)).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn labels_read_as_mathematics() {
        assert_eq!(shown("weight_var"), "σ|↓w|↑2");
        assert_eq!(shown("σ_w²"), "σ|↓w|↑2");
        assert_eq!(shown("6 ξ_c"), "6 ξ|↓c");
        assert_eq!(shown("6 xi_c, tanh"), "6 xi_c, tanh");
        assert_eq!(shown("2 xi_c"), "2 ξ|↓c");
        assert_eq!(shown("10^{−3}"), "10|↑−3");
        assert_eq!(shown("x_{in} + y^2z"), "x|↓in| + y|↑2z");
        assert_eq!(shown("my_file ²"), "my_file ²");
        assert_eq!(shown("a_ b^ _c {"), "a_ b^ _c {");
        assert_eq!(math_label("test_accuracy"), "test accuracy");
        assert_eq!(math_label("x_c"), "x_c");
    }

    #[test]
    fn sub_and_superscript_are_stacked() {
        let text = Text::new("σ_b^2");
        assert_eq!(text.runs[1].x, text.runs[2].x);
        assert_eq!(Text::new("").width, 0.0);
    }
}
