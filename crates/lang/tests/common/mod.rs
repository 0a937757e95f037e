//! What the tests of the compiler share: a catalog, diagnostics as text, and the runner of
//! programs with expectations in their comments.

#![allow(dead_code, reason = "each test file uses its own part of this")]

mod stored;

use model::{Catalog, Diagnostic, Effect, Function, Image, Origin, Signature};
use tidegate_lang as lang;
use tidegate_lang::compile;

/// The standard library, and the host modules of the language's examples.
pub(crate) fn catalog() -> Catalog {
    let mut catalog = eval::stdlib::catalog();
    for (name, signature, effect) in [
        ("Load", "(id: String) -> { id: String, score: Int }", Effect::Read),
        ("Find", "(id: String) -> Optional<{ id: String, score: Int }>", Effect::Read),
        ("Upper", "(text: String) -> String", Effect::Read),
        ("Slow", "(text: String) -> String", Effect::Read),
        ("Broken", "(text: String) -> String", Effect::Read),
        ("Send", "(message: String) -> String", Effect::Write),
        ("Total", "(numbers: List<Int>) -> Int", Effect::Read),
        ("Weigh", "(x: Float) -> Float", Effect::Read),
        ("shop.Price", "(id: String) -> Float", Effect::Read),
        ("crm.Price", "(id: String) -> Float", Effect::Read),
    ] {
        catalog.insert(module(name, signature, effect));
    }
    stored::insert_documented(&mut catalog, |source, catalog| compile(source, catalog).image);
    catalog
}

/// A module of this qualified name.
pub(crate) fn module(qualified: &str, signature: &str, effect: Effect) -> Function {
    let (namespace, name) = qualified.rsplit_once('.').unwrap_or(("", qualified));
    let signature: Signature = lang::signature(signature).expect("a signature of a test");
    Function {
        namespace: namespace.into(),
        name: name.into(),
        signature,
        overloads: Vec::new(),
        effect,
        origin: Origin::Host,
        doc: "".into(),
    }
}

/// The image of a source without errors.
pub(crate) fn image(source: &str) -> Image {
    let compilation = compile(source, &catalog());
    compilation.image.unwrap_or_else(|| panic!("{}", render(source, &compilation.diagnostics)))
}

/// Diagnostics as text: a line for each, then its labels and its help.
pub(crate) fn render(source: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let place = diagnostic.span.locate(source);
        let text = &source[diagnostic.span.start as usize..diagnostic.span.end as usize];
        let (code, message) = (diagnostic.code, &diagnostic.message);
        out.push_str(&format!("{}:{} {code} `{text}`: {message}\n", place.line, place.column));
        for label in &diagnostic.labels {
            let place = label.span.locate(source);
            out.push_str(&format!("  {}:{} {}\n", place.line, place.column, label.text));
        }
        if let Some(help) = &diagnostic.help {
            out.push_str(&format!("  help: {help}\n"));
        }
    }
    out
}

/// A program in a document.
pub(crate) struct Example {
    /// Line of its first line in the document, from 1.
    pub(crate) line: usize,
    /// Its text, comments included.
    pub(crate) source: String,
}

/// The `cst` blocks of a Markdown text.
pub(crate) fn examples(markdown: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut is_inside = false;
    for (at, line) in markdown.lines().enumerate() {
        match (is_inside, line.trim_end()) {
            (false, "```cst") => {
                is_inside = true;
                found.push(Example { line: at + 2, source: String::new() });
            }
            (true, "```") => is_inside = false,
            (true, _) => {
                if let Some(example) = found.last_mut() {
                    example.source.push_str(line);
                    example.source.push('\n');
                }
            }
            (false, _) => {}
        }
    }
    found
}

/// What is wrong with an example, by the expectations in its comments: `# error: E007`,
/// `# warning: W006` and `# type: T` hold for their line, and a line without `# error:` has none.
/// A program without outputs delivers its last binding, or else its last input.
pub(crate) fn faults(example: &Example) -> Vec<String> {
    let source = with_output(&example.source);
    let catalog = catalog();
    let compilation = compile(&source, &catalog);
    let types = lang::declared_types(&source, &catalog);
    let mut faults = Vec::new();
    for (at, line) in example.source.lines().enumerate() {
        let number = at as u32 + 1;
        let mut fault = |what: String| faults.push(format!("line {}: {what}", example.line + at));
        let here = |diagnostic: &&Diagnostic| diagnostic.span.locate(&source).line == number;
        let of = |is_error: bool| {
            let mut codes: Vec<&str> = compilation
                .diagnostics
                .iter()
                .filter(here)
                .filter(|diagnostic| diagnostic.is_error() == is_error)
                .map(|diagnostic| diagnostic.code.as_str())
                .collect();
            codes.dedup();
            codes
        };
        let wanted: Vec<&str> = expectation(line, "error").into_iter().collect();
        if of(true) != wanted {
            let told: Vec<Diagnostic> =
                compilation.diagnostics.iter().filter(here).cloned().collect();
            fault(format!("expected {wanted:?}, found\n{}", render(&source, &told)));
        }
        if let Some(code) = expectation(line, "warning")
            && !of(false).contains(&code)
        {
            fault(format!("expected {code}, found {:?}", of(false)));
        }
        if let Some(wanted) = expectation(line, "type") {
            let here = types.iter().find(|(span, _)| span.locate(&source).line == number);
            let found = here.map(|(_, ty)| ty.to_string()).unwrap_or_default();
            if found != wanted {
                fault(format!("expected the type `{wanted}`, found `{found}`"));
            }
        }
    }
    faults
}

fn expectation<'s>(line: &'s str, what: &str) -> Option<&'s str> {
    let (_, comment) = line.rsplit_once("# ")?;
    Some(comment.strip_prefix(what)?.strip_prefix(':')?.trim())
}

fn with_output(source: &str) -> String {
    let declares_output = |line: &str| line.starts_with("out ") || line.contains(" out ");
    if source.lines().any(declares_output) {
        return source.to_string();
    }
    let name = |line: &str| {
        let (name, _) = line.split_once('=')?;
        let name = name.trim();
        (!name.contains(' ') && !name.is_empty()).then(|| name.to_string())
    };
    let input = |line: &str| {
        let (name, _) = line.strip_prefix("in ")?.split_once(':')?;
        Some(name.trim().to_string())
    };
    let bare: Vec<&str> =
        source.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
    let is_top = |line: &&&str| !line.starts_with(' ');
    let last = bare.iter().rev().filter(is_top).find_map(|line| name(line));
    let last = last.or_else(|| bare.iter().rev().find_map(|line| input(line)));
    format!("{source}out {}\n", last.unwrap_or_default())
}
