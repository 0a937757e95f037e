//! Tests that stand beside modules in a manifest: what is given, what the source once replied, and what
//! must come of it. They are played without the source, so they need no network, database or secret.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::ports::ModuleError;
use engine::supply;
use model::json;
use model::text::{did_you_mean, quote};
use model::{Code, Signature, Text, Type, Value};
use reqwest::StatusCode;
use serde_json::{Map, Value as Json};

use crate::declaration::{ModuleBody, ModuleDeclaration, SourceKind, Way};
use crate::document::Section;
use crate::fault::{Faults, ManifestFault};
use crate::http::Exchange;
use crate::manifest::{Declared, read_declarations, read_files};
use crate::{postgres, sqlite};

/// One `[[module.NAME.test]]`.
pub(crate) struct Test {
    name: Option<String>,
    at: usize,
    given: Arc<[Value]>,
    reply: Reply,
    expected: Expected,
    /// The method, path and query that must be asked for.
    sends: Option<String>,
    /// The body that must be sent.
    sends_body: Option<Json>,
}

enum Reply {
    Answer(StatusCode, String),
    Rows(Vec<Map<String, Json>>),
    /// How many rows a statement changed.
    Affected(i64),
}

enum Expected {
    Value(Value),
    Failure(Code),
}

/// A test that was played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The module's qualified name.
    pub module: Text,
    /// Which of the module's tests it is, from 1.
    pub number: usize,
    /// What the manifest calls it; foreign text, not escaped.
    pub name: Option<String>,
    /// Its file, below the folder as it was named.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: u32,
    /// What differs from what was expected, a sentence each; it has passed if nothing does.
    pub differences: Vec<String>,
}

/// Plays the tests of all modules of a folder, or of the one that is called `only`: in the order of
/// the modules' names. All that is wrong with the declarations is found, but for what only a source
/// could tell; no source is opened.
pub fn test(folder: &Path, only: Option<&str>) -> Result<Vec<Tested>, Vec<ManifestFault>> {
    let mut faults = Faults::default();
    let files = read_files(folder, &mut faults);
    let declared = read_declarations(&files, &mut faults);
    if faults.count() > 0 {
        return faults.or(Vec::new());
    }
    if let Some(name) = only.filter(|name| !declared.modules.contains_key(*name)) {
        let message = format!("there is no module `{}`", quote(name));
        let help = did_you_mean(name, declared.modules.keys().map(Text::as_str));
        return Err(vec![ManifestFault::of_file(folder, message).maybe_help(help)]);
    }
    let mut played = Vec::new();
    for (name, module) in &declared.modules {
        let Some(body) = module.body.as_ref().filter(|_| only.is_none_or(|only| only == name))
        else {
            continue;
        };
        for (at, test) in body.tests.iter().enumerate() {
            if let Some(differences) = test.play(&declared, module, body, &mut faults) {
                let place = module.fault(test.at..test.at, "", "").place;
                played.push(Tested {
                    module: name.clone(),
                    number: at + 1,
                    name: test.name.clone(),
                    file: module.file.path.clone(),
                    line: place.map_or(1, |place| place.line),
                    differences,
                });
            }
        }
    }
    faults.or(played)
}

impl Test {
    /// Reads one; `None` if it has a fault.
    pub(crate) fn read(
        mut section: Section<'_>,
        signature: &Signature,
        way: &Way,
        faults: &mut Faults,
    ) -> Option<Test> {
        let before = faults.count();
        let name = section.words("name", faults).map(|words| words.text);
        let given = read_given(&mut section, signature, faults);
        let reply = read_reply(&mut section, signature, way, faults);
        let expected = read_expected(&mut section, &signature.result, faults);
        let (sends, sends_body) = match way {
            Way::Http(_) => (section.words("sends", faults), section.json("sends_body", faults)),
            Way::Sql(_) => (None, None),
        };
        let at = section.span.start;
        section.finish(faults);
        let test = Test {
            name,
            at,
            given: given?,
            reply: reply?,
            expected: expected?,
            sends: sends.map(|words| words.text),
            sends_body: sends_body.map(|(body, _)| body),
        };
        (faults.count() == before).then_some(test)
    }

    /// What differs; `None` if the module cannot be played, which is then a fault.
    fn play(
        &self,
        declared: &Declared<'_>,
        module: &ModuleDeclaration<'_>,
        body: &ModuleBody,
        faults: &mut Faults,
    ) -> Option<Vec<String>> {
        let mut differences = Vec::new();
        let result = match (&body.way, &self.reply) {
            (Way::Http(call), Reply::Answer(status, text)) => {
                let parts = (module, body, call);
                let exchange = Exchange::play(parts, &self.given, (*status, text), faults)?;
                self.compare_request(&exchange, &mut differences);
                exchange.result
            }
            (_, Reply::Affected(rows)) => Ok(Value::Int(*rows)),
            (Way::Sql(sql), Reply::Rows(rows)) => {
                let source = declared.sources.get(&body.source.text);
                match source.and_then(|source| Some(&source.body.as_ref()?.kind)) {
                    Some(SourceKind::Postgres(_)) => {
                        postgres::recorded(&body.signature.result, rows)
                    }
                    Some(SourceKind::Sqlite(_)) => {
                        sqlite::recorded((module, body, sql), rows, faults)?
                    }
                    _ => {
                        let message = "the source is no database of this folder";
                        faults.push(module.fault(body.source.span.clone(), "source", message));
                        return None;
                    }
                }
            }
            // The reply was read by the way in which the module asks.
            (Way::Http(_), Reply::Rows(_)) | (Way::Sql(_), Reply::Answer(..)) => return None,
        };
        differences.extend(self.expected.compare(&body.signature.result, result));
        Some(differences)
    }

    fn compare_request(&self, exchange: &Exchange, differences: &mut Vec<String>) {
        if let (Some(expected), Ok(sent)) = (&self.sends, &exchange.request)
            && expected != sent
        {
            differences.push(differs("to send", &quote(expected), &quote(sent)));
        }
        let Some(expected) = &self.sends_body else { return };
        match &exchange.body {
            Ok(sent) => {
                let sent = sent.as_deref();
                let is_equal = sent
                    .and_then(|text| serde_json::from_str::<Json>(text).ok())
                    .is_some_and(|sent| is_equal(&sent, expected));
                if !is_equal {
                    let sent = sent.unwrap_or("nothing");
                    let expected = quote(&expected.to_string());
                    differences.push(differs("to send the body", &expected, &quote(sent)));
                }
            }
            Err(error) => differences.push(error.message.clone()),
        }
    }
}

impl Expected {
    /// What differs, if anything does.
    fn compare(&self, ty: &Type, result: Result<Value, ModuleError>) -> Option<String> {
        let shown = |value: &Value| quote(&json::to_string(ty, value));
        match (self, result) {
            (Expected::Value(expected), Ok(value)) => {
                let (expected, value) = (shown(expected), shown(&value));
                (expected != value).then(|| differs("", &expected, &value))
            }
            (Expected::Failure(code), Err(error)) if error.code == *code => None,
            (Expected::Value(expected), Err(error)) => {
                Some(differs("", &shown(expected), &failed(&error)))
            }
            (Expected::Failure(code), Err(error)) => {
                Some(differs("", &format!("failure {code}"), &failed(&error)))
            }
            (Expected::Failure(code), Ok(value)) => {
                Some(differs("", &format!("failure {code}"), &shown(&value)))
            }
        }
    }
}

fn failed(error: &ModuleError) -> String {
    format!("failure {}: {}", error.code, error.message)
}

fn differs(what: &str, expected: &str, got: &str) -> String {
    let space = if what.is_empty() { "" } else { " " };
    format!("expected{space}{what} {expected}, got {got}")
}

/// Whether two JSON values are the same but for how a number is written.
fn is_equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_equal(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            let same = |(name, a): (&String, &Json)| b.get(name).is_some_and(|b| is_equal(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => a == b,
    }
}

fn read_given(
    section: &mut Section<'_>,
    signature: &Signature,
    faults: &mut Faults,
) -> Option<Arc<[Value]>> {
    let (members, span) = match section.has_any(&["given"]) {
        true => section.json_object("given", faults)?,
        false => (Map::new(), section.span.clone()),
    };
    let text = Json::Object(members).to_string();
    let members = json::entries(&text).ok()?;
    let arguments = supply::arguments(signature, &members, "");
    let wrong = |found: Vec<json::Fault>| {
        for fault in found {
            let message = told(&fault);
            faults.push(section.fault(span.clone(), "given", message).maybe_help(fault.help));
        }
    };
    arguments.map_err(wrong).ok()
}

fn told(fault: &json::Fault) -> String {
    match fault.pointer.trim_start_matches('/') {
        "" => fault.message.clone(),
        place => format!("{}: {}", quote(place), fault.message),
    }
}

fn read_reply(
    section: &mut Section<'_>,
    signature: &Signature,
    way: &Way,
    faults: &mut Faults,
) -> Option<Reply> {
    let help = match way {
        Way::Http(_) => {
            "Write what the service answered: `reply = { status = 200, body = { .. } }`"
        }
        Way::Sql(_) => "Write what the database gave: `reply = { rows = [{ .. }] }`",
    };
    if !section.has_any(&["reply"]) {
        faults.push(section.fault(section.span.clone(), "", "`reply` is missing").help(help));
    }
    let (mut members, span) = section.json_object("reply", faults)?;
    let reply = match way {
        Way::Http(_) => answer(&mut members),
        Way::Sql(_) => rows(&mut members, &signature.result),
    };
    let reply = reply.and_then(|reply| match members.keys().next() {
        None => Ok(reply),
        Some(name) => Err(format!("unknown key `{}`", quote(name))),
    });
    reply.map_err(|message| faults.push(section.fault(span, "reply", message).help(help))).ok()
}

fn answer(members: &mut Map<String, Json>) -> Result<Reply, String> {
    let status = match members.remove("status") {
        None => Some(StatusCode::OK),
        Some(number) => {
            number.as_u64().and_then(|it| StatusCode::from_u16(u16::try_from(it).ok()?).ok())
        }
    };
    let status = status.ok_or("`status` is not the status of an HTTP answer")?;
    let text = match (members.remove("body"), members.remove("text")) {
        (Some(_), Some(_)) => {
            return Err("there are `body` and `text`; one of them is sent".to_owned());
        }
        (Some(body), None) => body.to_string(),
        (None, Some(Json::String(text))) => text,
        (None, Some(_)) => return Err("`text` is no text".to_owned()),
        (None, None) => String::new(),
    };
    Ok(Reply::Answer(status, text))
}

fn rows(members: &mut Map<String, Json>, result: &Type) -> Result<Reply, String> {
    match (members.remove("rows"), members.remove("affected")) {
        (Some(Json::Array(items)), None) => {
            let row = |item| match item {
                Json::Object(row) => Ok(row),
                _ => Err("each of `rows` is a table of columns".to_owned()),
            };
            Ok(Reply::Rows(items.into_iter().map(row).collect::<Result<_, _>>()?))
        }
        (None, Some(number)) if *result == Type::Int => {
            Ok(Reply::Affected(number.as_i64().ok_or("`affected` is no number of rows")?))
        }
        (None, Some(_)) => Err("`affected` needs a module whose result is `Int`".to_owned()),
        _ => Err("expected `rows`, an array of tables, or `affected`".to_owned()),
    }
}

fn read_expected(section: &mut Section<'_>, ty: &Type, faults: &mut Faults) -> Option<Expected> {
    let before = faults.count();
    let value = section.json("expect", faults);
    let absent = section.boolean("absent", faults);
    let failure = section.words("fails", faults);
    if faults.count() > before {
        return None;
    }
    match (value, absent, failure) {
        (Some((value, span)), None, None) => match json::read(ty, &value.to_string()) {
            Ok(value) => Some(Expected::Value(value)),
            Err(found) => {
                for fault in found {
                    let message = told(&fault);
                    let fault =
                        section.fault(span.clone(), "expect", message).maybe_help(fault.help);
                    faults.push(fault);
                }
                None
            }
        },
        (None, Some(true), None) if ty.is_optional() => Some(Expected::Value(Value::None)),
        (None, Some(true), None) => {
            let message = format!("a `{ty}` is never absent");
            faults.push(section.fault(section.span.clone(), "absent", message));
            None
        }
        (None, None, Some(words)) => {
            let code = words.text.parse().ok();
            if code.is_none() {
                let message = format!("`{}` is no code of a failure", quote(&words.text));
                let help = "A reply that does not fit is R010, one that tells of a failure R001";
                faults.push(section.fault(words.span, "fails", message).help(help));
            }
            code.map(Expected::Failure)
        }
        _ => {
            let message = "expected one of `expect`, `absent = true` and `fails`";
            faults.push(section.fault(section.span.clone(), "", message));
            None
        }
    }
}
