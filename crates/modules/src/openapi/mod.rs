//! An OpenAPI 3 document as a manifest: every operation that can be a module becomes one, and what
//! cannot be is listed. Nothing is fetched, and text of the document stays text.
//!
//! Each module is checked as the manifest's loader does it before it is written, so that a manifest
//! that was imported can be loaded.

mod operation;
mod schema;
mod write;

use std::collections::BTreeSet;
use std::path::PathBuf;

use model::text::{cut, quote};
use serde_json::Value as Json;
use url::Url;

use crate::declaration::{Way, fault_of_name};
use crate::document::File;
use crate::fault::{Faults, ManifestFault};
use crate::limits::{FILE_BYTES_MAX, MODULES_MAX, NOTES_MAX, OPENAPI_BYTES_MAX};
use crate::manifest::read_declarations;
use operation::{Operation, identifier};
use schema::Document;
use write::{comment, text};

const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];
/// What a path may hold beside operations.
const OTHER_METHODS: [&str; 2] = ["options", "trace"];

/// A manifest made of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The manifest.
    pub manifest: String,
    /// How many operations have become modules.
    pub imported: usize,
    /// How many operations were looked at.
    pub operations: usize,
    /// What was left out, and why; foreign text is cut and escaped.
    pub notes: Vec<String>,
}

/// Makes a manifest of an OpenAPI 3 document, which is JSON or YAML. The source is called `name`, and
/// so is the namespace of the modules. With `only`, operations are left alone unless their id, one of
/// their tags or their path begins with one of these texts.
///
/// Fails if the document cannot be read, is of another version, or gives no module at all.
pub fn import_openapi(document: &str, name: &str, only: &[String]) -> Result<Import, String> {
    if document.len() as u64 > OPENAPI_BYTES_MAX {
        return Err(format!("the document is longer than {OPENAPI_BYTES_MAX} bytes"));
    }
    let document = Document { root: read(document)? };
    let version = document.root.get("openapi").and_then(Json::as_str).unwrap_or_default();
    if !version.starts_with("3.") {
        let is_older = document.root.get("swagger").is_some();
        let what = if is_older { "a Swagger 2 document" } else { "no OpenAPI 3 document" };
        return Err(format!("this is {what}; OpenAPI 3.0 and 3.1 can be imported"));
    }
    let mut importer = Importer::new(&document, identifier(name));
    importer.operations(only)?;
    importer.finish(name)
}

/// The document as data. What a YAML document repeats by its anchors is bounded by the reader.
fn read(document: &str) -> Result<Json, String> {
    let told = |error: String| {
        let line = error.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        format!("the document cannot be read: {}", cut(line.trim(), 200))
    };
    if document.trim_start().starts_with('{') {
        return serde_json::from_str(document).map_err(|error| told(error.to_string()));
    }
    serde_saphyr::from_str(document).map_err(|error| told(error.to_string()))
}

struct Importer<'d> {
    document: &'d Document,
    source: String,
    head: String,
    tables: Vec<String>,
    bytes: usize,
    names: BTreeSet<String>,
    operations: usize,
    notes: Vec<String>,
}

impl<'d> Importer<'d> {
    fn new(document: &'d Document, source: String) -> Importer<'d> {
        let mut notes = Vec::new();
        let servers = document.root.get("servers").and_then(Json::as_array);
        let url = servers.and_then(|servers| base_url(servers.first()?));
        let url = url.unwrap_or_else(|| {
            notes.push(
                "the document does not say where the service is: write its `base_url`".into(),
            );
            "https://localhost".to_owned()
        });
        let head = format!("[source.{source}]\nkind = \"http\"\nbase_url = {}\n", text(&url));
        if document.root.get("webhooks").is_some() {
            notes.push("its webhooks are left out: they are no calls of ours".to_owned());
        }
        let (tables, names) = (Vec::new(), BTreeSet::new());
        Importer { document, source, head, tables, bytes: 0, names, operations: 0, notes }
    }

    fn operations(&mut self, only: &[String]) -> Result<(), String> {
        let paths = self.document.root.get("paths").and_then(Json::as_object);
        for (path, item) in paths.into_iter().flatten() {
            let item = match self.document.follow(item) {
                Ok(item) => item,
                Err(reason) => {
                    self.notes.push(format!("{}: {reason}", quote(path)));
                    continue;
                }
            };
            let shared = item.get("parameters").and_then(Json::as_array);
            let shared = shared.map_or(&[][..], Vec::as_slice);
            for (method, body) in item.as_object().into_iter().flatten() {
                let is_known = METHODS.contains(&method.as_str());
                let is_operation = is_known || OTHER_METHODS.contains(&method.as_str());
                if !is_operation || !is_wanted(only, path, body) {
                    continue;
                }
                self.operations += 1;
                let method = method.to_ascii_uppercase();
                let added = match is_known {
                    true => self.add(&Operation { method: &method, path, body, shared }),
                    false => Err("requests of this kind are not made".to_owned()),
                };
                if let Err(reason) = added {
                    self.notes.push(format!("{method} {}: left out: {reason}", quote(path)));
                }
                if self.bytes as u64 > FILE_BYTES_MAX || self.tables.len() > MODULES_MAX {
                    return Err("the manifest would be too long; choose operations with `--only`"
                        .to_owned());
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let draft = operation.draft(self.document)?;
        let name = self.name(operation);
        let table = draft.table(&name, &self.source, operation.method);
        if let Some(fault) = check(format!("{}\n{table}", self.head)).into_iter().next() {
            self.names.remove(&name);
            return Err(fault.message);
        }
        let label = format!("{} {}", operation.method, quote(operation.path));
        let all = draft.notes.len();
        for note in draft.notes.into_iter().take(NOTES_MAX) {
            self.notes.push(format!("{label}: {note}"));
        }
        if all > NOTES_MAX {
            self.notes.push(format!("{label}: {} more are left out", all - NOTES_MAX));
        }
        self.bytes += table.len() + 1;
        self.tables.push(table);
        Ok(())
    }

    /// A name for the module that no other has: its operation's id, or its method and path.
    fn name(&mut self, operation: &Operation<'_>) -> String {
        let id = operation.body.get("operationId").and_then(Json::as_str);
        let made = id.map(str::to_owned).unwrap_or_else(|| {
            let words = operation.path.split(|c: char| !c.is_ascii_alphanumeric());
            let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
            format!("{}_{}", operation.method.to_ascii_lowercase(), words.join("_"))
        });
        let base = format!("{}.{}", self.source, identifier(&made));
        let mut name = base.clone();
        let mut number = 2;
        while !self.names.insert(name.clone()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        name
    }

    fn finish(self, name: &str) -> Result<Import, String> {
        if let Some((message, help)) = fault_of_name(&self.source) {
            return Err(format!("{message}. {help}"));
        }
        if self.tables.is_empty() {
            let first = self.notes.last().map_or(String::new(), |note| format!(": {note}"));
            return Err(format!(
                "none of its {} operations can be a module{first}",
                self.operations
            ));
        }
        let said = |key: &str| {
            let text = self.document.root.pointer(key).and_then(Json::as_str).unwrap_or_default();
            cut(text, 100)
        };
        let mut manifest = comment(&format!(
            "{} {}: {} of {} operations. Made from an OpenAPI document; it is yours to change.",
            said("/info/title"),
            said("/info/version"),
            self.tables.len(),
            self.operations
        ));
        manifest.push_str(&comment("An argument of a body that is `none` is sent as null."));
        for note in &self.notes {
            manifest.push_str(&comment(&format!("- {note}")));
        }
        manifest.push('\n');
        manifest.push_str(&self.head);
        if self.document.root.pointer("/components/securitySchemes").is_some() {
            let variable = identifier(name).to_ascii_uppercase();
            manifest.push_str("# The service asks who calls. Depending on what it takes:\n");
            manifest.push_str(&format!(
                "# headers = {{ Authorization = \"Bearer ${{env:{variable}_TOKEN}}\" }}\n"
            ));
        }
        for table in &self.tables {
            manifest.push('\n');
            manifest.push_str(table);
        }
        let (imported, operations) = (self.tables.len(), self.operations);
        Ok(Import { manifest, imported, operations, notes: self.notes })
    }
}

fn is_wanted(only: &[String], path: &str, operation: &Json) -> bool {
    let id = operation.get("operationId").and_then(Json::as_str);
    let tags = operation.get("tags").and_then(Json::as_array);
    let tags = tags.into_iter().flatten().filter_map(Json::as_str);
    let mut said = id.into_iter().chain(tags).chain([path]);
    only.is_empty() || said.any(|said| only.iter().any(|only| said.starts_with(only.as_str())))
}

/// The address of a server, with its variables' defaults, if a source can have it.
fn base_url(server: &Json) -> Option<String> {
    let mut url = server.get("url")?.as_str()?.to_owned();
    for (name, variable) in server.get("variables").and_then(Json::as_object).into_iter().flatten()
    {
        if let Some(default) = variable.get("default").and_then(Json::as_str) {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    let mut url = Url::parse(&url).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.contains(['{', '}', '$']))
        && url.username().is_empty()
        && url.password().is_none()
        && !url.path().contains('$');
    is_plain.then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// What is wrong with a manifest of HTTP modules, as far as it can be told without their services.
fn check(text: String) -> Vec<ManifestFault> {
    let files = [File { path: PathBuf::from("openapi"), text }];
    let mut faults = Faults::default();
    let declared = read_declarations(&files, &mut faults);
    for module in declared.modules.values() {
        if let Some(body) = &module.body
            && let Way::Http(call) = &body.way
        {
            call.check(module, body, &mut faults);
        }
    }
    faults.or(()).err().unwrap_or_default()
}
