//! What one `[source.NAME]` and one `[module.NAME]` table say, checked as far as the table alone
//! tells. A declaration with a fault is still given on where others refer to it, so that one fault
//! does not cause a second.

use std::ops::Range;
use std::time::Duration;

use model::text::{did_you_mean, quote};
use model::{Effect, Signature};

use crate::document::{File, Named, Section, Words};
use crate::fault::{Faults, ManifestFault};
use crate::http::{HttpCall, HttpDeclaration};
use crate::limits::{
    MAX_RUNNING_DEFAULT, MAX_RUNNING_MAX, REPLICAS_MAX, TIMEOUT_DEFAULT, TIMEOUT_MAX,
};
use crate::recorded::Test;

const KINDS: [&str; 4] = ["sqlite", "postgres", "http", "process"];

/// Namespaces whose functions are not the user's to declare.
const RESERVED_NAMESPACES: &[&str] = &["stdlib", "pipeline"];

/// One `[source.NAME]`.
pub(crate) struct SourceDeclaration<'f> {
    pub(crate) file: &'f File,
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
    /// `None` if its table has a fault.
    pub(crate) body: Option<SourceBody>,
}

/// What sources of every kind say, and what only this kind says.
pub(crate) struct SourceBody {
    pub(crate) bounds: SourceBounds,
    pub(crate) kind: SourceKind,
}

/// How much of a source its calls may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceBounds {
    /// Of one attempt.
    pub(crate) timeout: Duration,
    /// Calls that run at once.
    pub(crate) max_running: usize,
}

/// What there is to connect to.
pub(crate) enum SourceKind {
    Sqlite(SqliteDeclaration),
    Http(HttpDeclaration),
    Process(ProcessDeclaration),
    Postgres(PostgresDeclaration),
}

impl<'f> SourceDeclaration<'f> {
    /// Reads the table; `None` if it is no table at all.
    pub(crate) fn read(file: &'f File, named: Named<'f>, faults: &mut Faults) -> Option<Self> {
        let (name, span) = (named.name.clone(), named.span.clone());
        let before = faults.count();
        let section = Section::of(file, "source", named, faults)?;
        let body = read_source(section, faults).filter(|_| faults.count() == before);
        Some(SourceDeclaration { file, name, span, body })
    }

    /// A fault of this source, under `key`.
    pub(crate) fn fault(
        &self,
        span: Range<usize>,
        key: &str,
        message: impl Into<String>,
    ) -> ManifestFault {
        let path = format!("source.{}.{key}", quote(&self.name));
        ManifestFault::new(self.file, span, path.trim_end_matches('.'), message)
    }
}

impl SourceDeclaration<'_> {
    /// A fault of the modules that the source declares by itself.
    pub(crate) fn module_fault(&self, message: impl Into<String>) -> ManifestFault {
        match &self.body {
            Some(SourceBody { kind: SourceKind::Process(process), .. }) => {
                self.fault(process.span.clone(), "command", message)
            }
            _ => self.fault(self.span.clone(), "", message),
        }
    }
}

fn read_source(mut section: Section<'_>, faults: &mut Faults) -> Option<SourceBody> {
    let kind = section.required("kind", "A SQLite database is `kind = \"sqlite\"`", faults)?;
    let bounds = SourceBounds::read(&mut section, faults);
    let kind = match kind.text.as_str() {
        "sqlite" => SqliteDeclaration::read(&mut section, faults).map(SourceKind::Sqlite),
        "http" => HttpDeclaration::read(&mut section, faults).map(SourceKind::Http),
        "postgres" => PostgresDeclaration::read(&mut section, faults).map(SourceKind::Postgres),
        "process" => ProcessDeclaration::read(&mut section, faults).map(SourceKind::Process),
        _ => {
            faults.push(unknown_kind(&section, kind));
            return None;
        }
    };
    section.finish(faults);
    Some(SourceBody { bounds, kind: kind? })
}

fn unknown_kind(section: &Section<'_>, kind: Words) -> ManifestFault {
    let message = format!("unknown kind `{}`", quote(&kind.text));
    let expected = || format!("Expected one of `{}`", KINDS.join("`, `"));
    let help = did_you_mean(&kind.text, KINDS).unwrap_or_else(expected);
    section.fault(kind.span, "kind", message).help(help)
}

impl SourceBounds {
    fn read(section: &mut Section<'_>, faults: &mut Faults) -> SourceBounds {
        let timeout = read_timeout(section, faults);
        let max_running = section.integer("max_running", 1..=MAX_RUNNING_MAX, faults);
        let max_running = max_running.map_or(MAX_RUNNING_DEFAULT, |count| count as usize);
        SourceBounds { timeout, max_running }
    }
}

/// A SQLite database to open.
pub(crate) struct SqliteDeclaration {
    pub(crate) path: Words,
    pub(crate) init: Option<Words>,
    pub(crate) write: bool,
}

impl SqliteDeclaration {
    fn read(section: &mut Section<'_>, faults: &mut Faults) -> Option<SqliteDeclaration> {
        let help = "Give the database file: `path = \"shop.db\"`";
        let path = section.required("path", help, faults);
        let init = section.words("init", faults);
        let write = section.boolean("write", faults).unwrap_or(false);
        Some(SqliteDeclaration { path: path?, init, write })
    }
}

/// A PostgreSQL database to connect to.
pub(crate) struct PostgresDeclaration {
    pub(crate) url: Words,
    pub(crate) write: bool,
}

impl PostgresDeclaration {
    fn read(section: &mut Section<'_>, faults: &mut Faults) -> Option<PostgresDeclaration> {
        let help = "Say where it is: `url = \"${env:DATABASE_URL}\"`";
        let url = section.required("url", help, faults);
        let write = section.boolean("write", faults).unwrap_or(false);
        Some(PostgresDeclaration { url: url?, write })
    }
}

/// A program to start, which says itself what modules it has.
pub(crate) struct ProcessDeclaration {
    /// The program and its arguments; never empty.
    pub(crate) command: Vec<Words>,
    /// Where the whole command stands.
    pub(crate) span: Range<usize>,
    pub(crate) env: Vec<(Words, Words)>,
    pub(crate) replicas: usize,
}

impl ProcessDeclaration {
    fn read(section: &mut Section<'_>, faults: &mut Faults) -> Option<ProcessDeclaration> {
        const HELP: &str =
            "Give the program and its arguments: `command = [\"python3\", \"tools.py\"]`";
        if !section.has_any(&["command"]) {
            let fault = section.fault(section.span.clone(), "", "`command` is missing");
            faults.push(fault.help(HELP));
        }
        let command = section.texts("command", faults);
        if let Some((_, span)) = command.as_ref().filter(|(texts, _)| texts.is_empty()) {
            faults.push(section.fault(span.clone(), "command", "the command is empty").help(HELP));
        }
        let env = section.text_table("env", faults);
        let replicas = section.integer("replicas", 1..=REPLICAS_MAX, faults);
        let replicas = replicas.map_or(1, |count| count as usize);
        let (command, span) = command?;
        Some(ProcessDeclaration { command, span, env: env?, replicas })
    }
}

fn read_timeout(section: &mut Section<'_>, faults: &mut Faults) -> Duration {
    let Some(words) = section.words("timeout", faults) else { return TIMEOUT_DEFAULT };
    match lang::duration_ms(&words.text).map(Duration::from_millis) {
        Some(timeout) if !timeout.is_zero() && timeout <= TIMEOUT_MAX => timeout,
        _ => {
            let message = format!("`{}` is not a duration up to a day", quote(&words.text));
            let help = "A duration is a whole number and `ms`, `s`, `min` or `h`: `\"30s\"`";
            faults.push(section.fault(words.span, "timeout", message).help(help));
            TIMEOUT_DEFAULT
        }
    }
}

/// One `[module.NAME]`.
pub(crate) struct ModuleDeclaration<'f> {
    pub(crate) file: &'f File,
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
    /// `None` if its table has a fault.
    pub(crate) body: Option<ModuleBody>,
}

/// What modules of every kind say, and how this one is called.
pub(crate) struct ModuleBody {
    pub(crate) doc: String,
    pub(crate) signature: Signature,
    pub(crate) signature_words: Words,
    pub(crate) effect: Effect,
    /// Where the effect stands; the name of the module if it is not given.
    pub(crate) effect_span: Range<usize>,
    pub(crate) source: Words,
    pub(crate) way: Way,
    pub(crate) tests: Vec<Test>,
}

/// How a module asks its source.
pub(crate) enum Way {
    /// By a SQL statement.
    Sql(Words),
    /// By an HTTP request.
    Http(HttpCall),
}

impl<'f> ModuleDeclaration<'f> {
    /// Reads the table; `None` if it is no table at all.
    pub(crate) fn read(file: &'f File, named: Named<'f>, faults: &mut Faults) -> Option<Self> {
        let (name, span) = (named.name.clone(), named.span.clone());
        let before = faults.count();
        let section = Section::of(file, "module", named, faults)?;
        // `[module.crm.Fetch]` without quotes is a table `Fetch` of a module `crm`.
        if let (false, Some((inner, at))) = (section.has_any(&["signature"]), section.first_table())
        {
            let message = format!("`{}` is not a part of a module", quote(inner));
            let help = format!(
                "A module in a namespace is written with quotes: `[module.\"{}.{}\"]`",
                quote(&name),
                quote(inner)
            );
            faults.push(section.fault(at, "", message).help(help));
            return Some(ModuleDeclaration { file, name, span, body: None });
        }
        if let Some((message, help)) = fault_of_name(&name) {
            faults.push(section.fault(span.clone(), "", message).help(help));
        }
        let body = read_body(section, file, faults).filter(|_| faults.count() == before);
        Some(ModuleDeclaration { file, name, span, body })
    }

    /// A fault of this module, under `key`.
    pub(crate) fn fault(
        &self,
        span: Range<usize>,
        key: &str,
        message: impl Into<String>,
    ) -> ManifestFault {
        let path = format!("module.{}.{key}", quote(&self.name));
        ManifestFault::new(self.file, span, path.trim_end_matches('.'), message)
    }
}

fn read_body(mut section: Section<'_>, file: &File, faults: &mut Faults) -> Option<ModuleBody> {
    let doc = section.words("doc", faults).map_or(String::new(), |words| words.text);
    let signature_words = section.required(
        "signature",
        "Write what it takes and gives: `signature = \"(id: String) -> Optional<{ id: String }>\"`",
        faults,
    );
    let effect = read_effect(&mut section, faults);
    let source = section.required("source", "Name the `[source.NAME]` that it asks", faults);
    let way = read_way(&mut section, faults);
    let signature = signature_words.as_ref().and_then(|words| {
        let read = lang::signature(&words.text);
        read.map_err(|found| report(&section, file, words, found, faults)).ok()
    });
    let mut tests = Vec::new();
    for table in section.array_of_tables("test", faults) {
        if let (Some(signature), Some(way)) = (&signature, &way) {
            tests.extend(Test::read(table, signature, way, faults));
        }
    }
    let name_span = section.span.clone();
    section.finish(faults);
    let (effect, effect_span) = effect.unwrap_or((Effect::Read, name_span));
    Some(ModuleBody {
        doc: doc.trim().to_string(),
        signature: signature?,
        signature_words: signature_words?,
        effect,
        effect_span,
        source: source?,
        way: way?,
        tests,
    })
}

fn read_way(section: &mut Section<'_>, faults: &mut Faults) -> Option<Way> {
    if section.has_any(HttpCall::KEYS) {
        return HttpCall::read(section, faults).map(Way::Http);
    }
    let help = "Write one statement, with an argument `orderId` as `:orderId`";
    section.required("sql", help, faults).map(Way::Sql)
}

fn report(
    section: &Section<'_>,
    file: &File,
    words: &Words,
    diagnostics: Vec<model::Diagnostic>,
    faults: &mut Faults,
) {
    for diagnostic in diagnostics {
        let inner = diagnostic.span.start as usize..diagnostic.span.end as usize;
        let span = words.part(file, inner);
        faults
            .push(section.fault(span, "signature", diagnostic.message).maybe_help(diagnostic.help));
    }
}

fn read_effect(section: &mut Section<'_>, faults: &mut Faults) -> Option<(Effect, Range<usize>)> {
    let words = section.words("effect", faults)?;
    let all = [Effect::Pure, Effect::Read, Effect::Write];
    let effect = all.into_iter().find(|effect| effect.as_str() == words.text);
    if effect.is_none() {
        let message = format!("unknown effect `{}`", quote(&words.text));
        let help = did_you_mean(&words.text, all.map(Effect::as_str))
            .unwrap_or("Expected `pure`, `read` or `write`".into());
        faults.push(section.fault(words.span.clone(), "effect", message).help(help));
    }
    effect.map(|effect| (effect, words.span))
}

/// Whether a module can have this qualified name; else what is wrong with it.
pub fn check_name(name: &str) -> Result<(), String> {
    match fault_of_name(name) {
        Some((message, help)) => Err(format!("{message}. {help}")),
        None => Ok(()),
    }
}

/// What is wrong with a qualified name, and what to do.
pub(crate) fn fault_of_name(name: &str) -> Option<(String, &'static str)> {
    let mut segments = name.split('.');
    let first = segments.next().unwrap_or_default();
    if !is_identifier(first) || !segments.all(is_identifier) {
        return Some((
            format!("`{}` is not a name that a pipeline can call", quote(name)),
            "A name is letters, digits, `_` and `-`, not beginning with a digit or `-`; a namespace goes in front with a dot",
        ));
    }
    if lang::is_reserved(first) {
        return Some((format!("`{first}` is a reserved word"), "Choose another name"));
    }
    if RESERVED_NAMESPACES.contains(&first) && name != first {
        return Some((
            format!("the namespace `{first}` belongs to Tidegate"),
            "Choose another namespace",
        ));
    }
    None
}

pub(crate) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_a_pipeline_can_write() {
        for name in ["GetOrder", "crm.Fetch", "a-b", "_x", "crm.in", "stdlib"] {
            assert_eq!(fault_of_name(name), None, "{name}");
        }
        for name in ["", "3x", "crm.", ".x", "in", "in.x", "a b", "stdlib.math.add", "pipeline.x"] {
            assert!(fault_of_name(name).is_some(), "{name}");
        }
    }
}
