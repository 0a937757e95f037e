//! Whether a declared statement fits its database and its signature. PostgreSQL itself prepares it, so
//! wrong names and types are found when the manifest loads; nulls are found when rows come.
//!
//! The statement is asked for JSON texts of its rows, so that the database writes values and the
//! language's own reader reads them.

use std::ops::Range;
use std::sync::Arc;

use model::text::{did_you_mean, quote, suggestions};
use model::{Effect, Field, Record, Type};
use tokio_postgres::types::{Kind, Type as SqlType};
use tokio_postgres::{Client, Column};

use super::calls::Statement;
use super::text::{Numbered, number};
use crate::declaration::{ModuleBody, ModuleDeclaration};
use crate::document::Words;
use crate::fault::{Faults, ManifestFault};
use crate::limits::SQL_BYTES_MAX;
use crate::rows::Rows;
use crate::sqlite::first_word;

/// What a statement may begin with; nothing that would change the connection for later calls.
const FIRST_WORDS: [&str; 7] = ["select", "with", "values", "insert", "update", "delete", "merge"];

/// What the statement's rows are called, and one of them; no column should have the same name.
const WHOLE: &str = "tidegate_rows";
const ROW: &str = "tidegate_row";

/// What the database says of a statement.
pub(super) struct Described {
    pub(super) parameters: Vec<SqlType>,
    pub(super) columns: Vec<(String, SqlType)>,
}

/// Prepares a statement; else says what is wrong, and at which byte of it.
pub(super) async fn describe(
    client: &Client,
    sql: &str,
) -> Result<Described, (String, Option<usize>)> {
    let prepared = client.prepare(sql).await.map_err(|error| match error.as_db_error() {
        Some(failure) => {
            let at = match failure.position() {
                Some(tokio_postgres::error::ErrorPosition::Original(at)) => Some(*at as usize),
                _ => None,
            };
            // The database counts characters, from 1.
            let at = at.and_then(|at| Some(sql.char_indices().nth(at.checked_sub(1)?)?.0));
            (quote(failure.message()), at)
        }
        None => (quote(&error.to_string()), None),
    })?;
    let column = |column: &Column| (column.name().to_owned(), column.type_().clone());
    Ok(Described {
        parameters: prepared.params().to_vec(),
        columns: prepared.columns().iter().map(column).collect(),
    })
}

/// The declaration of a module on this database.
pub(super) struct Checker<'a, 'f> {
    pub(super) module: &'a ModuleDeclaration<'f>,
    pub(super) body: &'a ModuleBody,
    pub(super) sql: &'a Words,
    pub(super) is_writable: bool,
}

impl Checker<'_, '_> {
    /// The statement with numbered parameters, if it may be asked at all.
    pub(super) fn numbered(&self, faults: &mut Faults) -> Option<Numbered> {
        let text = &self.sql.text;
        if text.len() > SQL_BYTES_MAX {
            faults.push(
                self.fault(0..0, format!("the statement is longer than {SQL_BYTES_MAX} bytes")),
            );
            return None;
        }
        let word = first_word(text);
        if !FIRST_WORDS.contains(&word.as_str()) {
            let message =
                format!("a module cannot run a statement that begins with `{}`", quote(&word));
            let help = "It must be a `select`, `insert`, `update` or `delete`";
            faults.push(self.fault(0..0, message).help(help));
            return None;
        }
        let writes = !matches!(word.as_str(), "select" | "with" | "values");
        if writes && self.body.effect != Effect::Write {
            let effect = self.body.effect;
            let message =
                format!("the statement writes, but the effect of the module is `{effect}`");
            let help = match self.is_writable {
                true => "Write `effect = \"write\"`",
                false => "Write `effect = \"write\"`, and `write = true` in the source",
            };
            faults.push(self.fault(0..0, message).help(help));
            return None;
        }
        let trimmed = text.trim_end().trim_end_matches(';');
        Some(number(trimmed))
    }

    /// The statement, once the database has described it.
    pub(super) fn statement(
        &self,
        numbered: &Numbered,
        described: &Described,
        faults: &mut Faults,
    ) -> Option<Statement> {
        let before = faults.count();
        let arguments = self.arguments(numbered, described, faults);
        let (rows, row, sql) = self.result(numbered, &described.columns, faults)?;
        let is_write = self.body.effect == Effect::Write;
        let sql: Arc<str> = sql.into();
        (faults.count() == before).then_some(Statement { sql, arguments, rows, row, is_write })
    }

    fn arguments(
        &self,
        numbered: &Numbered,
        described: &Described,
        faults: &mut Faults,
    ) -> Vec<(usize, Type)> {
        let parameters = &self.body.signature.parameters;
        let mut arguments = Vec::new();
        for (at, (name, place)) in numbered.names.iter().zip(&numbered.places).enumerate() {
            let Some(argument) = parameters.iter().position(|it| it.name == name.as_str()) else {
                let message = format!("the signature has no parameter `{}`", quote(name));
                let names = parameters.iter().map(|it| it.name.as_str());
                let fault = self.fault(place.clone(), message);
                faults.push(fault.maybe_help(did_you_mean(name, names)));
                continue;
            };
            let ty = &parameters[argument].ty;
            if let Some(wanted) = described.parameters.get(at)
                && !is_bindable(ty.content(), wanted)
            {
                let message = format!("`:{name}` is `{ty}`, but the database wants `{wanted}`");
                let help = format!("Cast it if that is what you mean: `:{name}::text`");
                faults.push(self.fault(place.clone(), message).help(help));
            }
            arguments.push((argument, ty.clone()));
        }
        for (at, parameter) in parameters.iter().enumerate() {
            if !arguments.iter().any(|(argument, _)| *argument == at) {
                let name = &parameter.name;
                let message = format!("the statement never uses the argument `{name}`");
                let help = format!("Use it as `:{name}`, or remove it from the signature");
                faults.push(self.signature_fault(name, message).help(help));
            }
        }
        arguments
    }

    /// How many rows there may be, what each is, and the statement that gives them as JSON.
    fn result(
        &self,
        numbered: &Numbered,
        columns: &[(String, SqlType)],
        faults: &mut Faults,
    ) -> Option<(Rows, Type, String)> {
        let result = &self.body.signature.result;
        if columns.is_empty() {
            if *result == Type::Int {
                return Some((Rows::Changed, Type::Int, numbered.sql.clone()));
            }
            let message =
                format!("the statement gives no columns, so its result cannot be `{result}`");
            let help = "The result of such a statement is `Int`, the rows that it changed; \
                        `returning` gives columns";
            faults.push(self.signature_fault("->", message).help(help));
            return None;
        }
        let (rows, content) = Rows::of(result);
        let (row, json, from) = match content {
            Type::Record(record) => {
                let fields = self.fields(record, columns, faults)?;
                let from = format!("(select {fields} from {WHOLE}) {ROW}");
                (content, format!("row_to_json({ROW})"), from)
            }
            scalar if columns.len() == 1 => {
                let (name, ty) = &columns[0];
                let read = self.read(name, ty, scalar, faults)?;
                // A null in the only column of an Optional result is as absent as no row.
                let row = if rows == Rows::AtMostOne { result } else { scalar };
                (row, format!("to_json({read})"), WHOLE.to_owned())
            }
            _ => {
                let message = format!(
                    "the statement gives {} columns, but `{result}` takes exactly one",
                    columns.len()
                );
                faults.push(self.fault(0..0, message));
                return None;
            }
        };
        let inner = &numbered.sql;
        let sql = format!("with {WHOLE} as ({inner}\n) select ({json})::text from {from}");
        Some((rows, row.clone(), sql))
    }

    /// The columns of a record's fields, each in the form that its type is read from.
    fn fields(
        &self,
        record: &Record,
        columns: &[(String, SqlType)],
        faults: &mut Faults,
    ) -> Option<String> {
        let mut fields = Vec::with_capacity(record.len());
        for Field { name, ty } in record.fields() {
            let mut found = columns.iter().filter(|(column, _)| column == name.as_str());
            match (found.next(), found.next()) {
                (Some((column, of)), None) => {
                    let read = self.read(column, of, ty, faults);
                    fields.extend(read.map(|read| format!("{read} as {}", identifier(name))));
                }
                (Some(_), Some(_)) => {
                    let message = format!("two columns are called `{}`", quote(name));
                    let help = "Give one of them another name with `as`";
                    faults.push(self.fault(0..0, message).help(help));
                }
                (None, _) => {
                    let names = columns.iter().map(|(name, _)| name.as_str());
                    let near = suggestions(name, names);
                    let help = near.first().map(|near| {
                        format!("Write `{} as \"{name}\"`, or name the field so", quote(near))
                    });
                    let message = format!("the statement gives no column `{name}`");
                    faults.push(self.fault(0..0, message).maybe_help(help));
                }
            }
        }
        (fields.len() == record.len()).then(|| fields.join(", "))
    }

    /// A column in the form that values of `ty` are read from.
    fn read(&self, column: &str, of: &SqlType, ty: &Type, faults: &mut Faults) -> Option<String> {
        let name = format!("{WHOLE}.{}", identifier(column));
        match form(ty.content(), of) {
            Some(Form::Json) => Some(name),
            Some(Form::Text) => Some(format!("{name}::text")),
            None => {
                let message =
                    format!("the column `{}` is `{of}`, and cannot be `{ty}`", quote(column));
                faults.push(self.fault(0..0, message));
                None
            }
        }
    }

    /// A fault of a part of the statement; of all of it if the part is empty.
    pub(super) fn fault(&self, part: Range<usize>, message: impl Into<String>) -> ManifestFault {
        let words = self.sql;
        let span =
            if part.is_empty() { words.span.clone() } else { words.part(self.module.file, part) };
        self.module.fault(span, "sql", message)
    }

    fn signature_fault(&self, part: &str, message: impl Into<String>) -> ManifestFault {
        let span = self.body.signature_words.find(self.module.file, part);
        self.module.fault(span, "signature", message)
    }
}

/// A quoted name.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

enum Form {
    /// As `to_json` writes it.
    Json,
    /// The text form.
    Text,
}

/// The form in which a column is read as `ty`, if it can be.
fn form(ty: &Type, of: &SqlType) -> Option<Form> {
    let is_text = |ty: &Type| match ty {
        Type::String | Type::Literal(_) => true,
        Type::Union(union) => {
            union.members().iter().all(|it| matches!(it.ty, Type::String | Type::Literal(_)))
        }
        _ => false,
    };
    match *of {
        SqlType::INT2 | SqlType::INT4 | SqlType::INT8 => {
            matches!(ty, Type::Int | Type::Float).then_some(Form::Json)
        }
        SqlType::FLOAT4 | SqlType::FLOAT8 => (*ty == Type::Float).then_some(Form::Json),
        SqlType::NUMERIC if *ty == Type::Float => Some(Form::Json),
        SqlType::BOOL => (*ty == Type::Boolean).then_some(Form::Json),
        SqlType::JSON | SqlType::JSONB => Some(Form::Json),
        _ if matches!(of.kind(), Kind::Array(_)) => {
            matches!(ty, Type::List(_)).then_some(Form::Json)
        }
        _ => is_text(ty).then_some(Form::Text),
    }
}

/// Whether an argument of this type can be what the database wants.
fn is_bindable(ty: &Type, wanted: &SqlType) -> bool {
    match (ty, wanted.kind()) {
        (Type::List(element), Kind::Array(of)) => is_bindable(element.content(), of),
        (Type::Record(_) | Type::Map(..) | Type::List(_), _) => {
            matches!(*wanted, SqlType::JSON | SqlType::JSONB)
        }
        (Type::Int, _) => matches!(
            *wanted,
            SqlType::INT2
                | SqlType::INT4
                | SqlType::INT8
                | SqlType::FLOAT4
                | SqlType::FLOAT8
                | SqlType::NUMERIC
        ),
        (Type::Float, _) => {
            matches!(*wanted, SqlType::FLOAT4 | SqlType::FLOAT8 | SqlType::NUMERIC)
        }
        (Type::Boolean, _) => *wanted == SqlType::BOOL,
        // The text form of anything.
        _ => !matches!(wanted.kind(), Kind::Array(_)),
    }
}
