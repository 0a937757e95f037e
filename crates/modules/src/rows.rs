//! Rows of a database that become one result: how many there may be, and how large they may grow.

use engine::ports::ModuleError;
use model::limits::{LIST_LENGTH_MAX, VALUE_BYTES_MAX};
use model::{Code, Type, Value};

/// How many rows make a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Their number alone: how many the statement changed.
    Changed,
    All,
    AtMostOne,
    One,
}

impl Rows {
    /// How many rows become such a result, and the type of one of them.
    pub(crate) fn of(result: &Type) -> (Rows, &Type) {
        match result {
            Type::List(element) => (Rows::All, element),
            Type::Optional(content) => (Rows::AtMostOne, content),
            other => (Rows::One, other),
        }
    }
}

/// The rows that have come so far.
pub(crate) struct Gathered {
    rows: Rows,
    values: Vec<Value>,
    bytes: usize,
}

impl Gathered {
    pub(crate) fn new(rows: Rows) -> Gathered {
        Gathered { rows, values: Vec::new(), bytes: 0 }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }

    /// Takes one more, if there may be one more; `read` is told its number, from 1.
    pub(crate) fn push(
        &mut self,
        read: impl FnOnce(usize) -> Result<Value, ModuleError>,
    ) -> Result<(), ModuleError> {
        let rows_max = if self.rows == Rows::All { LIST_LENGTH_MAX } else { 1 };
        if self.values.len() == rows_max {
            return Err(self.too_many());
        }
        let value = read(self.values.len() + 1)?;
        self.bytes += value.bytes();
        if self.bytes > VALUE_BYTES_MAX {
            return Err(beyond(format!("the result is larger than {VALUE_BYTES_MAX} bytes")));
        }
        self.values.push(value);
        Ok(())
    }

    /// What they are together, once all have come.
    pub(crate) fn value(mut self) -> Result<Value, ModuleError> {
        match self.rows {
            Rows::All => Ok(Value::List(self.values.into())),
            Rows::AtMostOne => Ok(self.values.pop().unwrap_or(Value::None)),
            Rows::One | Rows::Changed => {
                self.values.pop().ok_or_else(|| misfit("expected exactly one row, got none"))
            }
        }
    }

    fn too_many(&self) -> ModuleError {
        match self.rows {
            Rows::All => beyond(format!("the result has more than {LIST_LENGTH_MAX} rows")),
            Rows::AtMostOne => misfit("expected at most one row, got more"),
            Rows::One | Rows::Changed => misfit("expected exactly one row, got more"),
        }
    }
}

/// Rows that are not what the signature says.
pub(crate) fn misfit(message: impl Into<String>) -> ModuleError {
    ModuleError::new(Code::R010, message.into(), false)
}

fn beyond(message: String) -> ModuleError {
    ModuleError::new(Code::R009, message, false)
}
