//! What columns hold: how texts, statuses and names are read from a row, and how numbers are
//! written into one.

use engine::ports::Status;
use model::Text;
use rusqlite::Row;
use rusqlite::types::Type;

/// The number that stands for a status in the database; never to be changed.
pub(crate) fn status_number(status: Status) -> i64 {
    match status {
        Status::Running => 0,
        Status::Suspended => 1,
        Status::Completed => 2,
        Status::Failed => 3,
        Status::Cancelled => 4,
    }
}

/// The status of a row.
pub(crate) fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let number: i64 = row.get(column)?;
    Status::ALL
        .into_iter()
        .find(|&status| status_number(status) == number)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// The pipeline of a row.
pub(crate) fn pipeline(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Text>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.map(Text::new))
}

/// The names of missing inputs of a row.
pub(crate) fn missing(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Text>> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// The text of a row.
pub(crate) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Text> {
    Ok(Text::new(row.get_ref(column)?.as_str()?))
}

/// A count as SQLite knows it, which has none above this.
pub(crate) fn count(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
