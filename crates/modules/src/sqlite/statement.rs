//! One SQL statement that fits its signature: run with arguments, its rows becoming one value of
//! the result type.
//!
//! The result type decides how many rows there may be: `List<..>` takes all, `Optional<..>` none
//! or one, anything else exactly one. Of its content a record takes the columns of its fields'
//! names (further columns are ignored), a scalar the only column. A statement without columns
//! gives an `Int`: the rows it changed.

use engine::ports::ModuleError;
use model::text::quote;
use model::{Code, Text, Type, Value};
use rusqlite::{Connection, Row, TransactionBehavior};

use super::calls::{CallResult, explain};
use super::cells;
use crate::rows::{Gathered, Rows, misfit};

/// A statement that fits its signature and its database.
pub(crate) struct Statement {
    pub(crate) sql: String,
    /// For each parameter of the statement, the argument that it takes.
    pub(crate) arguments: Vec<usize>,
    pub(crate) rows: Rows,
    pub(crate) shape: Shape,
}

/// What a row becomes.
pub(crate) enum Shape {
    /// The fields in slot order.
    Record(Vec<Column>),
    /// Its only column.
    Scalar(Column),
}

pub(crate) struct Column {
    pub(crate) index: usize,
    /// By it is noticed that the database has changed since the check: `select *` follows it.
    pub(crate) name: Text,
    pub(crate) ty: Type,
}

impl Statement {
    /// Runs it in a transaction of its own, which is undone if the result does not fit.
    pub(crate) fn run_in_transaction(
        &self,
        conn: &mut Connection,
        arguments: &[Value],
    ) -> CallResult {
        let begun = conn.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(|error| explain(&error))?;
        let value = self.run(&transaction, arguments)?;
        transaction.commit().map_err(|error| explain(&error))?;
        Ok(value)
    }

    /// Runs it.
    pub(crate) fn run(&self, conn: &Connection, arguments: &[Value]) -> CallResult {
        let mut statement = conn.prepare_cached(&self.sql).map_err(|error| explain(&error))?;
        for (at, argument) in self.arguments.iter().enumerate() {
            let cell = arguments.get(*argument).and_then(cells::bind).ok_or_else(|| {
                let message = "an argument is not what the signature says";
                ModuleError::new(Code::R011, message, false)
            })?;
            statement.raw_bind_parameter(at + 1, cell).map_err(|error| explain(&error))?;
        }
        if self.rows == Rows::Changed {
            let changed = statement.raw_execute().map_err(|error| explain(&error))?;
            return Ok(Value::Int(changed as i64));
        }
        self.read(&mut statement.raw_query())
    }

    fn read(&self, rows: &mut rusqlite::Rows<'_>) -> CallResult {
        let mut gathered = Gathered::new(self.rows);
        while let Some(row) = rows.next().map_err(|error| explain(&error))? {
            if gathered.count() == 0 {
                self.shape.check(row)?;
            }
            gathered.push(|number| {
                let read = self.shape.read(row);
                read.map_err(|problem| misfit(format!("row {number}, {problem}")))
            })?;
        }
        gathered.value()
    }
}

impl Shape {
    fn check(&self, row: &Row<'_>) -> Result<(), ModuleError> {
        let is_there = |column: &Column| {
            row.as_ref().column_name(column.index).is_ok_and(|name| name == column.name)
        };
        let fits = match self {
            Shape::Record(columns) => columns.iter().all(is_there),
            Shape::Scalar(column) => row.as_ref().column_count() == 1 && is_there(column),
        };
        let changed = || misfit("the columns have changed since the manifest was loaded");
        if fits { Ok(()) } else { Err(changed()) }
    }

    /// The row as a value, or which column is wrong and how.
    fn read(&self, row: &Row<'_>) -> Result<Value, String> {
        let cell = |column: &Column| {
            let cell = row.get_ref(column.index).map_err(|error| quote(&error.to_string()))?;
            cells::read(&column.ty, cell)
                .map_err(|problem| format!("column `{}`: {problem}", quote(&column.name)))
        };
        match self {
            Shape::Record(columns) => {
                let fields: Result<Vec<Value>, String> = columns.iter().map(cell).collect();
                Ok(Value::Record(fields?.into()))
            }
            Shape::Scalar(column) => cell(column),
        }
    }
}
