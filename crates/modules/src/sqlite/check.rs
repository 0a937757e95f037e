//! Whether a declared statement fits its database and its signature. SQLite itself prepares it, so
//! a wrong name is found when the manifest loads; what only rows can tell is checked when they come.

use std::ops::Range;

use model::text::{cut, did_you_mean, quote, suggestions};
use model::{Effect, Record, Signature, Text, Type};
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection};

use super::cells;
use super::statement::{Column, Shape, Statement};
use crate::declaration::{ModuleBody, ModuleDeclaration};
use crate::document::Words;
use crate::fault::{Faults, ManifestFault};
use crate::limits::SQL_BYTES_MAX;
use crate::rows::Rows;

/// What a statement may begin with; nothing that would change the connection for later calls.
const FIRST_WORDS: &[&str] =
    &["select", "with", "values", "insert", "update", "delete", "replace", ""];

const TABLE_NAMES: &str = "select name from sqlite_schema where type in ('table', 'view')";
const COLUMN_NAMES: &str =
    "select distinct c.name from sqlite_schema t join pragma_table_info(t.name) c";

/// Prepares the declared statement on `conn`; `None` if it does not fit, which is then a fault.
pub(crate) fn check(
    conn: &Connection,
    module: &ModuleDeclaration<'_>,
    body: &ModuleBody,
    sql: &Words,
    is_writable: bool,
    faults: &mut Faults,
) -> Option<Statement> {
    let checker = Checker { conn, module, body, sql };
    let before = faults.count();
    let statement = checker.prepare(faults)?;
    checker.check_effect(&statement, is_writable, faults);
    let arguments = checker.check_parameters(&statement, faults);
    let columns: Vec<Text> = statement.column_names().map(Text::from).collect();
    let (rows, shape) = checker.check_result(&columns, faults)?;
    let fits = faults.count() == before;
    fits.then(|| Statement { sql: sql.text.clone(), arguments, rows, shape })
}

pub(super) struct Checker<'a, 'f> {
    pub(super) conn: &'a Connection,
    pub(super) module: &'a ModuleDeclaration<'f>,
    pub(super) body: &'a ModuleBody,
    pub(super) sql: &'a Words,
}

impl<'a> Checker<'a, '_> {
    fn signature(&self) -> &Signature {
        &self.body.signature
    }

    /// A fault of the statement.
    fn fault(&self, message: impl Into<String>) -> ManifestFault {
        self.fault_at(0..0, message)
    }

    /// A fault of a part of the statement; of all of it if the part is empty.
    fn fault_at(&self, part: Range<usize>, message: impl Into<String>) -> ManifestFault {
        let words = self.sql;
        let span =
            if part.is_empty() { words.span.clone() } else { words.part(self.module.file, part) };
        self.module.fault(span, "sql", message)
    }

    /// A fault of the signature, at the first place where it says `part`.
    fn signature_fault(&self, part: &str, message: impl Into<String>) -> ManifestFault {
        let span = self.body.signature_words.find(self.module.file, part);
        self.module.fault(span, "signature", message)
    }

    fn prepare(&self, faults: &mut Faults) -> Option<rusqlite::Statement<'a>> {
        let text = &self.sql.text;
        if text.len() > SQL_BYTES_MAX {
            faults.push(self.fault(format!("the statement is longer than {SQL_BYTES_MAX} bytes")));
            return None;
        }
        let word = first_word(text);
        if !FIRST_WORDS.contains(&word.as_str()) {
            let message =
                format!("a module cannot run a statement that begins with `{}`", quote(&word));
            let help = "It must be a `select`, `insert`, `update` or `delete`";
            faults.push(self.fault(message).help(help));
            return None;
        }
        let mut batch = Batch::new(self.conn, text);
        let statement = match batch.next() {
            Ok(Some(statement)) => statement,
            Ok(None) => {
                faults.push(self.fault("there is no statement"));
                return None;
            }
            Err(error) => {
                faults.push(self.explain(&error));
                return None;
            }
        };
        if !matches!(batch.next(), Ok(None)) {
            let help = "Declare a module for each";
            faults.push(self.fault("there is more than one statement").help(help));
            return None;
        }
        Some(statement)
    }

    /// What SQLite says about a statement that it cannot prepare, with the nearest right name.
    fn explain(&self, error: &rusqlite::Error) -> ManifestFault {
        let (message, offset) = match error {
            rusqlite::Error::SqlInputError { msg, offset, .. } => (msg.as_str(), *offset),
            rusqlite::Error::SqliteFailure(_, Some(message)) => (message.as_str(), -1),
            other => return self.fault(quote(&other.to_string())),
        };
        let (name, names) = if let Some(column) = message.strip_prefix("no such column: ") {
            (column.rsplit('.').next().unwrap_or(column), COLUMN_NAMES)
        } else if let Some(table) = message.strip_prefix("no such table: ") {
            (table, TABLE_NAMES)
        } else {
            ("", TABLE_NAMES)
        };
        let at = usize::try_from(offset).ok().or_else(|| self.sql.text.find(name));
        let part = at.map_or(0..0, |at| at..at + name.len().max(1));
        self.fault_at(part, quote(message)).maybe_help(self.did_you_mean(name, names))
    }

    fn did_you_mean(&self, wanted: &str, names: &str) -> Option<String> {
        let mut statement = self.conn.prepare(names).ok()?;
        let names = statement.query_map([], |row| row.get::<_, String>(0)).ok()?;
        let names: Vec<String> = names.filter_map(Result::ok).collect();
        did_you_mean(wanted, names.iter().map(String::as_str))
    }

    fn check_effect(
        &self,
        statement: &rusqlite::Statement<'_>,
        is_writable: bool,
        faults: &mut Faults,
    ) {
        let effect = self.body.effect;
        if statement.readonly() || effect == Effect::Write {
            return;
        }
        let message = format!("the statement writes, but the effect of the module is `{effect}`");
        let help = if is_writable {
            "Write `effect = \"write\"`".to_string()
        } else {
            let source = quote(&self.body.source.text);
            format!("Write `effect = \"write\"`, and `write = true` in `[source.{source}]`")
        };
        faults.push(self.fault(message).help(help));
    }

    /// For each parameter of the statement, the argument that it takes.
    fn check_parameters(
        &self,
        statement: &rusqlite::Statement<'_>,
        faults: &mut Faults,
    ) -> Vec<usize> {
        let parameters = &self.signature().parameters;
        let mut arguments = Vec::new();
        for index in 1..=statement.parameter_count() {
            let name = statement.parameter_name(index).unwrap_or("?");
            let argument = name
                .strip_prefix(':')
                .and_then(|name| parameters.iter().position(|parameter| parameter.name == name));
            match argument {
                Some(argument) => arguments.push(argument),
                None if faults.is_full() => break,
                None => faults.push(self.fault_of_parameter(name)),
            }
        }
        for (at, parameter) in parameters.iter().enumerate() {
            if faults.is_full() {
                break;
            }
            let name = parameter.name.as_str();
            if !cells::is_bindable(&parameter.ty) {
                let message = format!(
                    "an argument of type `{}` is not available in this version",
                    parameter.ty
                );
                faults.push(self.signature_fault(name, message));
            } else if name.contains('-') {
                let message = format!("SQL cannot name the argument `{name}`");
                let help = format!("Write `{}`", camel_case(name));
                faults.push(self.signature_fault(name, message).help(help));
            } else if !arguments.contains(&at) {
                let message = format!("the statement never uses the argument `{name}`");
                let help = format!("Use it as `:{name}`, or remove it from the signature");
                faults.push(self.signature_fault(name, message).help(help));
            }
        }
        arguments
    }

    fn fault_of_parameter(&self, name: &str) -> ManifestFault {
        let part = self.sql.text.find(name).map_or(0..0, |at| at..at + name.len());
        let Some(bare) = name.strip_prefix(':') else {
            let message =
                format!("the parameter `{}` has no name that an argument could have", quote(name));
            return self.fault_at(part, message).help("Write an argument `orderId` as `:orderId`");
        };
        let names = self.signature().parameters.iter().map(|parameter| parameter.name.as_str());
        self.fault_at(part, format!("the signature has no parameter `{}`", quote(bare)))
            .maybe_help(did_you_mean(bare, names))
    }

    /// How many rows there may be, and what each becomes.
    pub(super) fn check_result(
        &self,
        columns: &[Text],
        faults: &mut Faults,
    ) -> Option<(Rows, Shape)> {
        let result = &self.signature().result;
        if columns.is_empty() {
            return self.check_changed(result, faults);
        }
        let (rows, content) = Rows::of(result);
        let shape = match content {
            Type::Record(record) => {
                Some(Shape::Record(self.check_record(record, columns, faults)?))
            }
            // A null in the only column of an Optional result is as absent as no row.
            scalar if cells::is_readable(scalar) => {
                let ty = if rows == Rows::AtMostOne { result } else { scalar };
                Some(Shape::Scalar(Column { index: 0, name: columns[0].clone(), ty: ty.clone() }))
            }
            _ => None,
        };
        match shape {
            Some(Shape::Scalar(_)) if columns.len() != 1 => {
                let message = format!(
                    "the statement gives {} columns, but `{result}` takes exactly one",
                    columns.len()
                );
                faults.push(self.fault(message));
                None
            }
            Some(shape) => Some((rows, shape)),
            None => {
                let message = format!("rows cannot become `{result}`");
                let help = "A record is one row, `Optional<..>` none or one, `List<..>` all of them; \
                            in place of the record may stand the type of a single column";
                faults.push(self.signature_fault("->", message).help(help));
                None
            }
        }
    }

    fn check_changed(&self, result: &Type, faults: &mut Faults) -> Option<(Rows, Shape)> {
        if *result == Type::Int {
            return Some((Rows::Changed, Shape::Record(Vec::new())));
        }
        let message = format!("the statement gives no columns, so its result cannot be `{result}`");
        let help = "The result of such a statement is `Int`, the rows that it changed; \
                    `returning` gives columns";
        faults.push(self.signature_fault("->", message).help(help));
        None
    }

    /// The columns of the record's fields, in slot order.
    fn check_record(
        &self,
        record: &Record,
        columns: &[Text],
        faults: &mut Faults,
    ) -> Option<Vec<Column>> {
        let before = faults.count();
        let mut found = Vec::with_capacity(record.len());
        for field in record.slots() {
            if faults.is_full() {
                break;
            }
            let name = field.name.as_str();
            let mut at = (0..columns.len()).filter(|&at| columns[at] == name);
            match (at.next(), at.next()) {
                _ if !cells::is_readable(&field.ty) => {
                    let message =
                        format!("a field of type `{}` is not available in this version", field.ty);
                    faults.push(self.signature_fault(name, message));
                }
                (Some(index), None) => {
                    found.push(Column { index, name: field.name.clone(), ty: field.ty.clone() });
                }
                (Some(_), Some(_)) => {
                    let message = format!("two columns are called `{}`", quote(name));
                    faults
                        .push(self.fault(message).help("Give one of them another name with `as`"));
                }
                (None, _) => faults.push(self.fault_of_missing(name, columns)),
            }
        }
        (faults.count() == before).then_some(found)
    }

    fn fault_of_missing(&self, name: &str, columns: &[Text]) -> ManifestFault {
        let help = match suggestions(name, columns.iter().map(Text::as_str)).first() {
            Some(near) => {
                let near = quote(near);
                format!("Write `{near} as {name}`, or name the field `{near}`")
            }
            None => {
                let shown: Vec<String> =
                    columns.iter().map(|name| format!("`{}`", quote(name))).collect();
                format!("The columns are {}", cut(&shown.join(", "), 400))
            }
        };
        self.fault(format!("the statement gives no column `{name}`")).help(help)
    }
}

/// The first word of a statement in lower case, behind white space and comments.
pub(crate) fn first_word(sql: &str) -> String {
    let mut rest = sql.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
    loop {
        let behind = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, behind)| behind)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, behind)| behind)
        } else {
            break;
        };
        rest = behind.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    rest[..end].to_ascii_lowercase()
}

/// `order-id` as `orderId`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('-').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_string();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(1);
        name + &head.to_ascii_uppercase() + tail
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_behind_comments() {
        assert_eq!(first_word(" -- a\n /* b */ ; SELECT 1"), "select");
        assert_eq!(first_word("-- only"), "");
        assert_eq!(first_word("/* open"), "");
        assert_eq!(first_word("PRAGMA x"), "pragma");
        assert_eq!(first_word("(select 1)"), "");
    }

    #[test]
    fn hyphens_become_humps() {
        assert_eq!(camel_case("order-id"), "orderId");
        assert_eq!(camel_case("a-"), "a");
    }
}
