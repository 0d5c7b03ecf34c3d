//! Arithmetic that Rhai does with whole numbers and that a reader of formulas expects otherwise: `3 / 2` is 1, `2 ^ 3` is a
//! bitwise operation, and `//` begins a comment. Each is done as in Rhai, with a warning at its place.

use rhai::{Engine, EvalAltResult, INT, NativeCallContext, Position};

use super::diagnostic::{Diagnostic, Sources};
use super::session::{Native, Session};
use super::stdlib;
use crate::Error;

/// Replaces Rhai's division and `^` of whole numbers by those that warn.
pub(super) fn register(engine: &mut Engine) {
    engine
        // Otherwise Rhai prefers its own operators.
        .set_fast_operators(false)
        .register_fn("/", |context: NativeCallContext, a: INT, b: INT| divided(&context, a, b))
        .register_fn("/=", |context: NativeCallContext, a: &mut INT, b: INT| divided(&context, *a, b).map(|c| *a = c))
        .register_fn("^", |context: NativeCallContext, a: INT, b: INT| bitwise(&context, a, b))
        .register_fn("^=", |context: NativeCallContext, a: &mut INT, b: INT| bitwise(&context, *a, b).map(|c| *a = c));
}

fn divided(context: &NativeCallContext<'_>, a: INT, b: INT) -> Native<INT> {
    let wrong = |what: &str| EvalAltResult::ErrorArithmetic(format!("{what}: {a} / {b}"), Position::NONE);
    if b == 0 {
        return Err(wrong("division by zero").into());
    }
    let quotient = a.checked_div(b).ok_or_else(|| wrong("the quotient is too large"))?;
    if a % b != 0 {
        warn(
            context,
            Error::new(format!("{a} / {b} is {quotient} here: the quotient of whole numbers drops its remainder"))
                .hint(format!("write `{a} / {b}.0`, or `x / {b}.0` for a variable"))
                .hint(format!("if it is meant, say so: `({a} / {b}.0).to_int()`")),
        )?;
    }
    Ok(quotient)
}

fn bitwise(context: &NativeCallContext<'_>, a: INT, b: INT) -> Native<INT> {
    warn(
        context,
        Error::new(format!("{a} ^ {b} is {} here: `^` is the bitwise exclusive or of whole numbers", a ^ b))
            .hint(format!("the power is `{a} ** {b}`")),
    )?;
    Ok(a ^ b)
}

/// Warns once for a place, of the first values that it had there.
fn warn(context: &NativeCallContext<'_>, warning: Error) -> Native<()> {
    let session = Session::from_context(context)?;
    // The program's own modules mean what they write.
    let is_stdlib = context.call_source().is_some_and(stdlib::is_file);
    if !is_stdlib && session.is_first_at(context) {
        session.warn_at(context, warning);
    }
    Ok(())
}

/// Warnings about comments that look like a division: `60 // 2`.
pub(super) fn divisions_in_comments(text: &str, file: &str, sources: &Sources) -> Vec<Diagnostic> {
    let of = |(line, column, before, after): (usize, usize, &str, &str)| {
        // Rhai counts no lines or columns beyond this.
        let position = match (u16::try_from(line), u16::try_from(column)) {
            (Ok(line), Ok(column)) => Position::new(line, column),
            _ => Position::NONE,
        };
        Diagnostic::error(format!("`//` begins a comment: `{before} // {after}` divides nothing"))
            .hint(
                "the quotient is `/`, and of whole numbers it is a whole one; or put the comment on a line of its own",
            )
            .at(sources.place(file, position))
            .as_warning()
    };
    comments(text)
        .into_iter()
        .filter_map(|(line, column, before, after)| {
            let operand = before.rsplit(|c: char| !(c.is_alphanumeric() || "_.)]".contains(c))).next()?;
            is_division(operand, after).then(|| of((line, column, operand, after)))
        })
        .collect()
}

/// Whether a comment after `before` reads like the divisor of a division.
fn is_division(before: &str, comment: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().is_ok();
    let divisor = comment.trim_end_matches([';', ',', ')', ']', '}', ' ']);
    let is_name = !divisor.is_empty() && divisor.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
    // A lone word at the end of a line may be a comment; with the punctuation of an expression behind it, it is none.
    !before.is_empty() && (number(divisor) || is_name && divisor.len() < comment.len())
}

/// The comments behind code on their line: line and column from 1, the code before, the comment without its slashes.
fn comments(text: &str) -> Vec<(usize, usize, &str, &str)> {
    let mut found = Vec::new();
    // The quote that a text was begun with, and how many block comments are open.
    let (mut quote, mut blocks) = (None, 0);
    for (number, line) in text.lines().enumerate() {
        let mut letters = line.char_indices().enumerate().peekable();
        while let Some((column, (at, c))) = letters.next() {
            let next = letters.peek().map(|&(_, (_, next))| next);
            match (quote, c) {
                (Some('"'), '\\') => _ = letters.next(),
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '*') if blocks > 0 && next == Some('/') => {
                    blocks -= 1;
                    letters.next();
                }
                (None, '/') if next == Some('*') => {
                    blocks += 1;
                    letters.next();
                }
                (None, _) if blocks > 0 => {}
                (None, '"' | '`') => quote = Some(c),
                (None, '/') if next == Some('/') => {
                    let (before, comment) = (line[..at].trim(), line[at + 2..].trim());
                    if !before.is_empty() {
                        found.push((number + 1, column + 1, before, comment));
                    }
                    break;
                }
                (None, _) => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_that_reads_like_a_divisor_is_found_and_others_are_not() {
        let text = "let a = 60 // 2;\nlet b = 60; // 2\nlet c = [x // 4\n];\nlet d = \"60 // 2\"; // a text\n/* 60 // 2 */\n\
                    let e = #{ f: n // depth\n};\nfoo(n // m);\nlet g = h // 3 values\n;\nlet i = `60 // 2`;";
        let found: Vec<usize> = divisions_in_comments(text, "", &Sources::default()).iter().map(|_| 0).collect();
        assert_eq!(found.len(), 3);
        let lines: Vec<usize> = comments(text).iter().map(|(line, ..)| *line).collect();
        assert_eq!(lines, [1, 2, 3, 5, 7, 9, 10]);
    }
}
