//! What the user is told when something is wrong: one type for the terminal, the page and the embedding program.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{EvalAltResult, ParseErrorType, Position};

use super::loader::STDLIB;
use crate::Error;
use crate::words::nearest;

/// One message: what went wrong, where, how the script came there, and ways out.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub message: String,
    pub place: Option<Place>,
    /// The calls that led there, innermost first.
    pub trace: Vec<Frame>,
    pub hints: Vec<String>,
}

/// Whether the script can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// A place in a source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user knows it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    source: Arc<str>,
}

/// One call on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// "in `mlp::wide`", "in a closure", "while importing …".
    pub what: String,
    /// Where the call stands.
    pub place: Option<Place>,
}

/// The texts that a script is made of, by the names that Rhai knows them by.
#[derive(Debug, Clone, Default)]
pub struct Sources(BTreeMap<String, Arc<str>>);

impl Sources {
    /// Adds a text; Rhai calls it `name`.
    pub fn add(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), text.into());
    }

    /// A place in one of the texts.
    pub fn place(&self, file: &str, position: Position) -> Option<Place> {
        let source = self.0.get(file)?.clone();
        Some(Place { file: file.to_owned(), line: position.line()?, column: position.position().unwrap_or(1), source })
    }
}

impl Place {
    /// The line itself.
    pub fn text(&self) -> &str {
        self.source.lines().nth(self.line - 1).unwrap_or_default()
    }

    /// How many characters the word there has.
    pub fn length(&self) -> usize {
        let (start, length) = self.span();
        self.source.get(start..start + length).map_or(0, |word| word.chars().count())
    }

    /// Where it begins, in bytes, and how long the word there is.
    fn span(&self) -> (usize, usize) {
        let before: usize = self.source.split_inclusive('\n').take(self.line - 1).map(str::len).sum();
        let line = self.text();
        let start = line.char_indices().nth(self.column - 1).map_or(line.len(), |(at, _)| at);
        let word =
            line[start..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum::<usize>();
        (before + start, word.max(usize::from(start < line.len())))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), place: None, trace: Vec::new(), hints: Vec::new() }
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Adds a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a place.
    #[must_use]
    pub fn at(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }

    /// From what the script threw, walking in from `file` along its calls, or from a text that is not Rhai.
    pub(super) fn eval(error: &EvalAltResult, file: &str, sources: &Sources) -> Self {
        let mut trace = Vec::new();
        let (mut error, mut file) = (error, file.to_owned());
        loop {
            match error {
                EvalAltResult::ErrorInFunctionCall(name, source, inner, position) => {
                    let what = match name.as_str() {
                        name if name.starts_with("anon$") => "in a closure".to_owned(),
                        name => format!("in `{name}`"),
                    };
                    trace.insert(0, Frame { what, place: sources.place(&file, *position) });
                    if !source.is_empty() {
                        file.clone_from(source);
                    }
                    error = inner;
                }
                EvalAltResult::ErrorInModule(path, inner, position) => {
                    let what = format!("while importing \"{path}\"");
                    trace.insert(0, Frame { what, place: sources.place(&file, *position) });
                    path.clone_into(&mut file);
                    error = inner;
                }
                _ => break,
            }
        }
        let (message, hints) = match error {
            EvalAltResult::ErrorParsing(kind, _) => unparsed(kind, sources.0.get(&file).map_or("", |text| text)),
            _ => in_words(error),
        };
        Self { severity: Severity::Error, message, place: sources.place(&file, error.position()), trace, hints }
    }

    /// The message with its source frame; in colours and wrapped for a terminal, otherwise as a log keeps it, paths whole.
    pub fn render(&self, for_terminal: bool) -> String {
        let theme =
            if for_terminal { miette::GraphicalTheme::unicode() } else { miette::GraphicalTheme::unicode_nocolor() };
        let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(110).with_wrap_lines(for_terminal);
        let mut text = String::new();
        if handler.render_report(&mut text, self).is_err() {
            text.clone_from(&self.message);
        }
        text
    }
}

impl From<Error> for Diagnostic {
    fn from(Error { message, hints, .. }: Error) -> Self {
        Self { hints, ..Self::error(message) }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let calls = self.trace.iter().map(|Frame { what, place }| match place {
            Some(place) => format!("{what}, called at {place}"),
            None => what.clone(),
        });
        let lines: Vec<String> = self.hints.iter().cloned().chain(calls).collect();
        (!lines.is_empty()).then(|| Box::new(lines.join("\n")) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.place.as_ref().map(|place| place as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let (start, length) = self.place.as_ref()?.span();
        Some(Box::new(std::iter::once(miette::LabeledSpan::new(Some("here".into()), start, length))))
    }
}

impl miette::SourceCode for Place {
    fn read_span<'a>(
        &'a self,
        span: &miette::SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let inner = self.source.read_span(span, before, after)?;
        Ok(Box::new(miette::MietteSpanContents::new_named(
            self.file.clone(),
            inner.data(),
            *inner.span(),
            inner.line(),
            inner.column(),
            inner.line_count(),
        )))
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What Rhai's parser refuses in `text`, in the user's words.
fn unparsed(error: &ParseErrorType, text: &str) -> (String, Vec<String>) {
    match error {
        ParseErrorType::VariableUndefined(name) => {
            let hint = match nearest(name, declared(text)) {
                // It is declared, but not where it is asked for.
                Some(near) if near == name => {
                    format!("a function sees only what it is given: make `{name}` one of its parameters")
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => return (format!("there is no variable `{name}`"), Vec::new()),
            };
            (format!("there is no variable `{name}`"), vec![hint])
        }
        ParseErrorType::ModuleUndefined(name) => {
            let modules = declared(text).chain(STDLIB.map(|(module, _)| module));
            let hint = match nearest(name, modules) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("import it: `import \"{name}\" as {name};`"),
            };
            (format!("there is no module `{name}`"), vec![hint])
        }
        ParseErrorType::ExprTooDeep => {
            let message = "the script has too many expressions inside one another";
            (message.to_owned(), vec!["raise the limit: --max-nesting N".to_owned()])
        }
        ParseErrorType::LiteralTooLarge(what, most) => {
            let message = format!("the script makes too large a value ({}, at most {most})", sentence(what));
            (message, vec!["raise the limit: --max-size N".to_owned()])
        }
        other => (sentence(&other.to_string()), Vec::new()),
    }
}

/// The names that a text declares, each behind `let`, `const`, `for` or `as`.
fn declared(text: &str) -> impl Iterator<Item = &str> {
    let words = || text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    words()
        .zip(words().skip(1))
        .filter(|(before, _)| ["let", "const", "for", "as"].contains(before))
        .map(|(_, name)| name)
}

/// Rhai's errors in the user's words.
fn in_words(error: &EvalAltResult) -> (String, Vec<String>) {
    let limit = |what: &str, flag: &str| (format!("the script {what}"), vec![format!("raise the limit: {flag}")]);
    match error {
        EvalAltResult::ErrorRuntime(value, _) => match value.clone().try_cast::<Error>() {
            Some(Error { message, hints, .. }) => (message, hints),
            None => (value.to_string(), Vec::new()),
        },
        EvalAltResult::ErrorVariableNotFound(name, _) => (format!("there is no variable `{name}`"), Vec::new()),
        EvalAltResult::ErrorPropertyNotFound(name, _) => (format!("there is no property `{name}`"), Vec::new()),
        EvalAltResult::ErrorModuleNotFound(name, _) => (format!("there is no module `{name}`"), Vec::new()),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            (format!("no function takes these arguments: {}", readable_types(signature)), Vec::new())
        }
        EvalAltResult::ErrorDotExpr(message, _) => match message.split('\'').collect::<Vec<_>>()[..] {
            // "Unknown property 'x' - a getter is not registered for type 'T'"
            [_, property, _, kind, ""] => {
                (format!("a {} has no property `{property}`", readable_types(kind)), Vec::new())
            }
            _ => (sentence(&readable_types(message)), Vec::new()),
        },
        EvalAltResult::ErrorMismatchDataType(expected, found, _)
        | EvalAltResult::ErrorMismatchOutputType(expected, found, _) => {
            (format!("expected {}, got {}", readable_types(expected), readable_types(found)), Vec::new())
        }
        EvalAltResult::ErrorTooManyOperations(_) => limit("takes too many operations", "--max-operations N"),
        EvalAltResult::ErrorStackOverflow(_) => limit("calls functions too deeply", "--max-calls N"),
        EvalAltResult::ErrorTooManyModules(_) => limit("imports too many modules", "--max-modules N"),
        EvalAltResult::ErrorDataTooLarge(what, _) => {
            limit(&format!("makes too large a value ({})", sentence(what)), "--max-size N")
        }
        EvalAltResult::ErrorTerminated(why, _) => match why.clone().try_cast::<Error>() {
            Some(Error { message, hints, .. }) => (message, hints),
            None => ("the script was stopped".to_owned(), Vec::new()),
        },
        other => {
            let mut text = other.to_string();
            // The place is shown in the frame.
            if let Some(at) = text.rfind(" (line ") {
                text.truncate(at);
            }
            (sentence(&readable_types(&text)), Vec::new())
        }
    }
}

/// `f(i64, f64)` as a script author would say it.
pub(super) fn readable_types(text: &str) -> String {
    let names = [
        ("&str | ImmutableString | String", "string"),
        ("ImmutableString", "string"),
        ("&str", "string"),
        ("i64", "integer"),
        ("f64", "number"),
        ("FLOAT", "number"),
        ("INT", "integer"),
        ("Dynamic", "value"),
        ("map", "#{…}"),
        ("array", "[…]"),
        ("Fn", "function"),
        ("ScriptTensor", "Tensor"),
        ("bool", "true or false"),
    ];
    let mut out = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        let name = names.iter().find(|(rust, _)| rust == word).map_or(word.as_str(), |(_, name)| name);
        out.push_str(name);
        word.clear();
    };
    for c in text.replace("&str | ImmutableString | String", "string").chars() {
        if c.is_alphanumeric() || c == '_' || c == '&' {
            word.push(c);
        } else {
            flush(&mut word, &mut out);
            out.push(c);
        }
    }
    flush(&mut word, &mut out);
    out
}
