//! Messages to the user: one type for the terminal, the live page and the embedding program.

use std::collections::BTreeMap;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use rhai::{EvalAltResult, LexError, ParseErrorType, Position};

use super::stdlib::{self, STDLIB};
use super::type_names::in_message;
use crate::Error;
use crate::words::{nearest, visible};

/// Characters of a rendered line; longer lines of a script are cut around the place.
const WIDTH: usize = 110;

/// One message: what went wrong, where, the calls that led there, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub message: String,
    pub place: Option<Place>,
    /// The calls that led there, the innermost first.
    pub trace: Vec<CallFrame>,
    pub hints: Vec<String>,
}

/// How Rhai's names of closures begin.
const CLOSURE: &str = "anon$";

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

/// One call that led to an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFrame {
    /// "in `mlp::wide`", "in a closure", "while importing …".
    pub what: String,
    /// The place of the call.
    pub place: Option<Place>,
}

/// The texts of a script and its modules, by the names that Rhai gives them.
#[derive(Debug, Clone, Default)]
pub struct Sources(BTreeMap<String, Arc<str>>);

impl Sources {
    /// Adds a text under the name that Rhai gives it.
    pub fn add(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), text.into());
    }

    /// The text of this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// The texts of the script and of the modules in files, by name.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_files = self.0.iter().filter(|(name, _)| !stdlib::is_file(name));
        of_files.map(|(name, text)| (name.as_str(), &**text))
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

    /// The length of the word there, in characters.
    pub fn length(&self) -> usize {
        let (start, length) = self.span();
        self.source.get(start..start + length).map_or(0, |word| word.chars().count())
    }

    /// The word there: its start and length in bytes of the whole text.
    fn span(&self) -> (usize, usize) {
        let before: usize = self.source.split_inclusive('\n').take(self.line - 1).map(str::len).sum();
        let line = self.text();
        let start = line.char_indices().nth(self.column - 1).map_or(line.len(), |(at, _)| at);
        let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
        let word = line[start..].chars().take_while(is_word).map(char::len_utf8).sum::<usize>();
        // Any other sign counts alone, and may have several bytes, as “ has.
        let sign = line[start..].chars().next().map_or(0, char::len_utf8);
        (before + start, word.max(sign))
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

    /// Turns it into a warning.
    #[must_use]
    pub fn as_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Adds a hint: what to do about it.
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

    /// From an error of the script in `file`: what it or a native function threw, or what Rhai's parser refuses. The calls
    /// that led there become the trace.
    pub(super) fn eval(error: &EvalAltResult, file: &str, sources: &Sources) -> Self {
        let mut trace = Vec::new();
        let (mut error, mut file) = (error, file.to_owned());
        loop {
            match error {
                EvalAltResult::ErrorInFunctionCall(name, source, inner, position) => {
                    let what = match name.as_str() {
                        name if name.starts_with(CLOSURE) => "in a closure".to_owned(),
                        name => format!("in `{name}`"),
                    };
                    trace.insert(0, CallFrame { what, place: sources.place(&file, *position) });
                    if !source.is_empty() {
                        file.clone_from(source);
                    }
                    error = inner;
                }
                EvalAltResult::ErrorInModule(path, inner, position) => {
                    let what = format!("while importing \"{path}\"");
                    trace.insert(0, CallFrame { what, place: sources.place(&file, *position) });
                    path.clone_into(&mut file);
                    error = inner;
                }
                _ => break,
            }
        }
        shorten(&mut trace);
        let (message, hints) = match error {
            EvalAltResult::ErrorParsing(kind, _) => unparsed(kind, sources.0.get(&file).map_or("", |text| text)),
            _ => in_words(error),
        };
        Self { severity: Severity::Error, message, place: sources.place(&file, error.position()), trace, hints }
    }

    /// The message with the line that it is about, its hints and its trace, and an empty line; in colours for a terminal.
    pub fn render(&self, for_terminal: bool) -> String {
        let renderer = if for_terminal { Renderer::styled() } else { Renderer::plain() };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let calls: Vec<String> = self.trace.iter().map(|call| visible(&call.to_string()).into_owned()).collect();
        let mut report = level.primary_title(visible(&self.message)).elements(self.place.as_ref().map(|place| {
            let (start, length) = place.span();
            let annotation = AnnotationKind::Primary.span(start..start + length);
            Snippet::source(&*place.source).path(visible(&place.file)).annotation(annotation)
        }));
        report = report.elements(self.hints.iter().map(|hint| Level::HELP.message(visible(hint))));
        report = report.elements(calls.iter().map(|call| Level::NOTE.message(call)));
        renderer.term_width(WIDTH).render(&[report]) + "\n\n"
    }
}

impl std::fmt::Display for CallFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{}, called at {place}", self.what),
            None => f.write_str(&self.what),
        }
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

/// Leaves out the middle of a long trace, as that of a function that calls itself.
fn shorten(trace: &mut Vec<CallFrame>) {
    const INNERMOST: usize = 8;
    const OUTERMOST: usize = 4;
    if trace.len() > INNERMOST + OUTERMOST + 1 {
        let left_out = trace.len() - INNERMOST - OUTERMOST;
        let between = CallFrame { what: format!("… and {left_out} more calls …"), place: None };
        trace.splice(INNERMOST..trace.len() - OUTERMOST, [between]);
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// An error of Rhai's parser in `text`, in the user's words.
fn unparsed(error: &ParseErrorType, text: &str) -> (String, Vec<String>) {
    match error {
        ParseErrorType::VariableUndefined(name) => {
            let hint = match nearest(name, declared(text)) {
                // It is declared, but not where it is used.
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
            let message = "the script nests expressions too deeply";
            (message.to_owned(), vec!["raise the limit: --max-nesting N".to_owned()])
        }
        ParseErrorType::LiteralTooLarge(what, most) => {
            let message =
                format!("the script makes too large a value ({}, at most {most})", in_message(&sentence(what)));
            (message, vec!["raise the limit: --max-size N".to_owned()])
        }
        ParseErrorType::BadInput(LexError::UnexpectedInput(text)) if text.chars().all(char::is_alphabetic) => {
            let hint = "names consist of the letters a to z, digits and `_`; put other letters in quotes";
            (sentence(&error.to_string()), vec![hint.to_owned()])
        }
        other => (sentence(&other.to_string()), Vec::new()),
    }
}

/// The names that a text declares: the words after `let`, `const`, `for` and `as`. A guess, for suggestions only.
fn declared(text: &str) -> impl Iterator<Item = &str> {
    let words = || text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    words()
        .zip(words().skip(1))
        .filter(|(before, _)| ["let", "const", "for", "as"].contains(before))
        .map(|(_, name)| name)
}

/// How the types of infinitely wide networks and their cascades begin, and the functions that they have.
const INFINITE: &str = "Infinite";
const HAS_INFINITE: [&str; 6] = ["cascade", "reconstruct", "kernel", "kernel_rank", "correlation", "correlation_gap"];

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
        EvalAltResult::ErrorFunctionNotFound(signature, _) => match signature.split_once(" (") {
            Some((name, types)) if types.starts_with(INFINITE) && !HAS_INFINITE.contains(&name) => (
                format!("an infinitely wide network has no `{name}`: nothing of it is drawn or trained"),
                vec!["draw a network: `.init(#{ weight_var: 1.76 })` in place of `.infinite(…)`".to_owned()],
            ),
            Some((name, types)) if name.starts_with(CLOSURE) => {
                let types = in_message(types.trim_end_matches(')'));
                (format!("the closure does not take what it is called with: ({types})"), Vec::new())
            }
            _ => (format!("no function takes these arguments: {}", in_message(signature)), Vec::new()),
        },
        EvalAltResult::ErrorDataRace(_, _) => (
            "a variable is changed while it is in use, as by a closure that captures the array that it is called for"
                .to_owned(),
            vec!["take a copy first: `let copy = a;`".to_owned()],
        ),
        EvalAltResult::ErrorDotExpr(message, _) => match message.split('\'').collect::<Vec<_>>()[..] {
            // "Unknown property 'x' - a getter is not registered for type 'T'"
            [_, property, _, kind, ""] => {
                let article = if kind.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" };
                (format!("{article} {} has no property `{property}`", in_message(kind)), Vec::new())
            }
            _ => (sentence(&in_message(message)), Vec::new()),
        },
        EvalAltResult::ErrorMismatchDataType(expected, found, _)
        | EvalAltResult::ErrorMismatchOutputType(expected, found, _) => {
            (format!("expected {}, got {}", in_message(expected), in_message(found)), Vec::new())
        }
        EvalAltResult::ErrorStackOverflow(_) => limit("calls functions too deeply", "--max-calls N"),
        EvalAltResult::ErrorTooManyModules(_) => limit("imports too many modules", "--max-modules N"),
        EvalAltResult::ErrorDataTooLarge(what, _) => {
            limit(&format!("makes too large a value ({})", in_message(&sentence(what))), "--max-size N")
        }
        EvalAltResult::ErrorTerminated(why, _) => match why.clone().try_cast::<Error>() {
            Some(Error { message, hints, .. }) => (message, hints),
            None => ("the script was stopped".to_owned(), Vec::new()),
        },
        other => {
            let mut text = other.to_string();
            // The frame shows the place.
            if let Some(at) = text.rfind(" (line ") {
                text.truncate(at);
            }
            (sentence(&in_message(&text)), Vec::new())
        }
    }
}
