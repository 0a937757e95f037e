//! Rows that were recorded, read as if the database had given them: they are put into a table in memory,
//! so that a test meets the same conversions and the same complaints.

use model::{Text, Type};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value as Json};

use super::calls::{CallResult, explain};
use super::check::Checker;
use super::statement::Statement;
use crate::declaration::{ModuleBody, ModuleDeclaration};
use crate::document::Words;
use crate::fault::Faults;
use crate::rows::Rows;

/// The result of a statement whose rows have been recorded: they stand in a table of a database that
/// is empty otherwise. A column that a row does not name is null. `None` if rows cannot become the
/// result, which is then a fault.
pub(crate) fn recorded(
    (module, body, sql): (&ModuleDeclaration<'_>, &ModuleBody, &Words),
    rows: &[Map<String, Json>],
    faults: &mut Faults,
) -> Option<CallResult> {
    let mut columns: Vec<Text> = Vec::new();
    let mut add = |name: &str| {
        if !columns.iter().any(|column| column == name) {
            columns.push(name.into());
        }
    };
    rows.iter().flat_map(Map::keys).for_each(|name| add(name));
    match Rows::of(&body.signature.result).1 {
        Type::Record(record) => record.slots().for_each(|field| add(&field.name)),
        _ if rows.is_empty() => add("value"),
        _ => {}
    }
    let conn = match Connection::open_in_memory() {
        Ok(conn) => conn,
        Err(error) => return Some(Err(explain(&error))),
    };
    let checker = Checker { conn: &conn, module, body, sql };
    let (kind, shape) = checker.check_result(&columns, faults)?;
    let sql = "select * from recorded order by rowid".to_owned();
    let statement = Statement { sql, arguments: Vec::new(), rows: kind, shape };
    let filled = fill(&conn, &columns, rows).map_err(|error| explain(&error));
    Some(filled.and_then(|()| statement.run(&conn, &[])))
}

fn fill(conn: &Connection, columns: &[Text], rows: &[Map<String, Json>]) -> rusqlite::Result<()> {
    let names: Vec<String> =
        columns.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    conn.execute_batch(&format!("create table recorded ({})", names.join(", ")))?;
    let places = vec!["?"; columns.len()].join(", ");
    let mut insert = conn.prepare(&format!("insert into recorded values ({places})"))?;
    for row in rows {
        let cells = columns.iter().map(|name| match row.get(name.as_str()) {
            None => Cell::Null,
            Some(Json::Bool(value)) => Cell::Integer(i64::from(*value)),
            Some(Json::String(text)) => Cell::Text(text.clone()),
            Some(Json::Number(number)) => match number.as_i64() {
                Some(number) => Cell::Integer(number),
                None => Cell::Real(number.as_f64().unwrap_or_default()),
            },
            Some(other) => Cell::Text(other.to_string()),
        });
        insert.execute(params_from_iter(cells))?;
    }
    Ok(())
}
