//! One operation of a document as a module of a manifest.

use std::collections::BTreeSet;

use model::Type;
use model::text::{cut, quote};
use serde_json::Value as Json;

use super::schema::{Document, Mapper, Use};
use super::write::{inline_table, text};
use crate::declaration::is_identifier;
use crate::http::is_scalar;

/// Characters of a module's documentation.
const DOC_MAX: usize = 200;

/// Parameters that HTTP itself is about; a document must not describe them so.
const IGNORED_HEADERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// An operation with what stands beside it on its path.
pub(super) struct Operation<'d> {
    /// `GET`.
    pub(super) method: &'d str,
    pub(super) path: &'d str,
    pub(super) body: &'d Json,
    /// The parameters that all operations of the path share.
    pub(super) shared: &'d [Json],
}

/// A module that does not stand in a file yet.
#[derive(Default)]
pub(super) struct Draft {
    parameters: Vec<(String, Type)>,
    taken: BTreeSet<String>,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    result: String,
    is_absent_on_404: bool,
    doc: String,
    /// What is not as the document says, in sentences.
    pub(super) notes: Vec<String>,
}

impl<'d> Operation<'d> {
    /// The operation as a module; else why it cannot be one.
    pub(super) fn draft(&self, document: &'d Document) -> Result<Draft, String> {
        let mut draft = Draft { path: self.path.to_owned(), ..Draft::default() };
        self.parameters(document, &mut draft)?;
        self.request_body(document, &mut draft)?;
        self.result(document, &mut draft)?;
        let said = |key: &str| self.body.get(key).and_then(Json::as_str);
        let doc = said("summary").or_else(|| said("description")).unwrap_or_default();
        draft.doc = cut(doc.trim().lines().next().unwrap_or_default(), DOC_MAX);
        // The compiler takes what must be given first; the order means nothing else.
        draft.parameters.sort_by_key(|(_, ty)| ty.is_optional());
        Ok(draft)
    }

    fn parameters(&self, document: &'d Document, draft: &mut Draft) -> Result<(), String> {
        let own =
            self.body.get("parameters").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let mut found: Vec<(&str, &str, &Json)> = Vec::new();
        for parameter in self.shared.iter().chain(own) {
            let parameter = document.follow(parameter)?;
            let said = |key: &str| parameter.get(key).and_then(Json::as_str);
            let (Some(name), Some(place)) = (said("name"), said("in")) else { continue };
            found.retain(|(other, there, _)| (*other, *there) != (name, place));
            found.push((name, place, parameter));
        }
        for (name, place, parameter) in found {
            if place == "header" && IGNORED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                continue;
            }
            let is_required =
                place == "path" || parameter.get("required") == Some(&Json::Bool(true));
            let shown = format!("the {} parameter `{}`", quote(place), quote(name));
            match self.scalar(document, parameter, place) {
                Ok(ty) => {
                    let ty = if is_required { ty } else { Type::optional(ty) };
                    draft.add_parameter(name, place, ty)?;
                }
                Err(reason) if is_required => return Err(format!("{shown} is needed: {reason}")),
                Err(reason) => draft.notes.push(format!("{shown} is left out: {reason}")),
            }
        }
        // Declared ones are marked by now.
        match draft.path.contains(['{', '}']) {
            true => Err("its path has a placeholder that is no parameter".to_owned()),
            false => Ok(()),
        }
    }

    fn scalar(
        &self,
        document: &'d Document,
        parameter: &'d Json,
        place: &str,
    ) -> Result<Type, String> {
        if !matches!(place, "path" | "query" | "header") {
            return Err("only paths, queries and headers take arguments".to_owned());
        }
        let schema = parameter.get("schema").ok_or("it has no schema")?;
        let ty = Mapper::new(document, Use::Write).ty(schema, "")?;
        // `deepObject` and lists have forms that a placeholder has not.
        if is_scalar(&ty) {
            Ok(ty)
        } else {
            Err(format!("a `{}` cannot stand in a URL or header", cut(&ty.to_string(), 60)))
        }
    }

    fn request_body(&self, document: &'d Document, draft: &mut Draft) -> Result<(), String> {
        let Some(body) = self.body.get("requestBody") else { return Ok(()) };
        let body = document.follow(body)?;
        let Some(content) = body.get("content") else { return Ok(()) };
        let mapped = match json_content(content) {
            Some(media) => media.get("schema").ok_or_else(|| "it has no schema".to_owned()),
            None => Err(media_types(content)),
        };
        let mut mapper = Mapper::new(document, Use::Write);
        match mapped.and_then(|schema| mapper.ty(schema, "body")) {
            Ok(ty) => {
                draft.notes.append(&mut mapper.notes);
                draft.set_body(self.method, ty);
                Ok(())
            }
            Err(reason) => Err(format!("its body: {reason}")),
        }
    }

    fn result(&self, document: &'d Document, draft: &mut Draft) -> Result<(), String> {
        let responses = self.body.get("responses").and_then(Json::as_object);
        let success = responses.and_then(|all| {
            let is_success = |status: &str| status.starts_with('2');
            let first = all.iter().find(|(status, _)| is_success(status));
            Some(first.or_else(|| all.iter().find(|(status, _)| *status == "default"))?.1)
        });
        let content = match success {
            Some(response) => document.follow(response)?.get("content"),
            None => None,
        };
        let is_empty = |content: &&Json| content.as_object().is_some_and(|it| it.is_empty());
        let ty = match content.filter(|content| !is_empty(content)) {
            // No answer: an empty body is read as null.
            None => Ok(nothing()),
            Some(content) => match json_content(content) {
                Some(media) => {
                    let mut mapper = Mapper::new(document, Use::Read);
                    let schema = media.get("schema").ok_or("it has no schema".to_owned());
                    let ty = schema.and_then(|schema| mapper.ty(schema, "answer"));
                    draft.notes.append(&mut mapper.notes);
                    ty
                }
                None => Err(media_types(content)),
            },
        };
        let ty = ty.map_err(|reason| format!("its answer: {reason}"))?;
        let is_one = self.method == "GET" && self.path.contains('{');
        draft.is_absent_on_404 = is_one && responses.is_some_and(|all| all.contains_key("404"));
        let ty = if draft.is_absent_on_404 { Type::optional(ty) } else { ty };
        draft.result = ty.to_string();
        Ok(())
    }
}

/// The result of a request whose answer says nothing.
fn nothing() -> Type {
    Type::optional(Type::Record(model::Record::new([])))
}

/// The description of the JSON among the forms of a body.
fn json_content(content: &Json) -> Option<&Json> {
    let is_json = |name: &str| {
        let essence = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || essence.ends_with("+json") || essence == "*/*"
    };
    Some(content.as_object()?.iter().find(|(name, _)| is_json(name))?.1)
}

fn media_types(content: &Json) -> String {
    let names =
        content.as_object().map_or(Vec::new(), |it| it.keys().map(|name| quote(name)).collect());
    cut(&format!("`{}`, not JSON", names.join("`, `")), 100)
}

impl Draft {
    fn add_parameter(&mut self, name: &str, place: &str, ty: Type) -> Result<(), String> {
        let argument = self.argument(name);
        let placeholder = format!("{{{argument}}}");
        match place {
            "path" => {
                let written = format!("{{{name}}}");
                if !self.path.contains(&written) {
                    return Err(format!("its path has no `{}`", quote(&written)));
                }
                // A mark that no path has, so that one replacement is not replaced again.
                self.path = self.path.replace(&written, &format!("\u{1}{argument}\u{2}"));
            }
            "query" => self.query.push((name.to_owned(), placeholder)),
            _ => self.headers.push((name.to_owned(), placeholder)),
        }
        self.parameters.push((argument, ty));
        Ok(())
    }

    /// A name that a parameter can have, like `name`.
    fn argument(&mut self, name: &str) -> String {
        let base = identifier(name);
        let mut argument = base.clone();
        let mut number = 2;
        while !self.taken.insert(argument.clone()) {
            argument = format!("{base}{number}");
            number += 1;
        }
        argument
    }

    /// The fields of an object become parameters, unless they cannot be told from others.
    fn set_body(&mut self, method: &str, ty: Type) {
        if let Type::Record(record) = &ty
            && matches!(method, "POST" | "PUT" | "PATCH")
            && record
                .fields()
                .iter()
                .all(|it| !lang::is_reserved(&it.name) && !self.taken.contains(it.name.as_str()))
        {
            for field in record.fields() {
                self.taken.insert(field.name.to_string());
                self.parameters.push((field.name.to_string(), field.ty.clone()));
            }
            return;
        }
        let argument = self.argument("body");
        self.body = Some(argument.clone());
        self.parameters.push((argument, ty));
    }

    /// The table that declares the module.
    pub(super) fn table(&self, name: &str, source: &str, method: &str) -> String {
        let parameters: Vec<String> =
            self.parameters.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        let signature = format!("({}) -> {}", parameters.join(", "), self.result);
        let path = self.path.replace('\u{1}', "{").replace('\u{2}', "}");
        let mut lines = vec![format!("[module.{}]", text(name))];
        if !self.doc.is_empty() {
            lines.push(format!("doc = {}", text(&self.doc)));
        }
        lines.push(format!("signature = {}", text(&signature)));
        if !matches!(method, "GET" | "HEAD") {
            lines.push("effect = \"write\"".to_owned());
        }
        lines.push(format!("source = {}", text(source)));
        lines.push(format!("request = {}", text(&format!("{method} {path}"))));
        for (key, entries) in [("query", &self.query), ("headers", &self.headers)] {
            if !entries.is_empty() {
                lines.push(format!("{key} = {}", inline_table(entries)));
            }
        }
        if let Some(body) = &self.body {
            lines.push(format!("body = {}", text(body)));
        }
        if self.is_absent_on_404 {
            lines.push("absent_on = [404]".to_owned());
        }
        lines.join("\n") + "\n"
    }
}

/// A name of the language, as like `name` as can be.
pub(super) fn identifier(name: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut made: String = name.chars().map(|c| if is_part(c) { c } else { '_' }).collect();
    if !is_identifier(&made) {
        made.insert(0, '_');
    }
    if lang::is_reserved(&made) {
        made.push('_');
    }
    made
}
