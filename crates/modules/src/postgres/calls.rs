//! Connections to one database and the statements that run on them.
//!
//! They live on a small runtime of their own, so that a manifest can be loaded with and without a runtime
//! around it. A call that nobody waits for any more is cancelled in the database, and its connection is
//! closed.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use engine::ports::{Module, ModuleCall, ModuleError};
use futures_util::future::BoxFuture;
use futures_util::{TryStreamExt, pin_mut};
use model::json;
use model::text::quote;
use model::{Code, Type, Value};
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Format, IsNull, ToSql, to_sql_checked};
use tokio_postgres::{CancelToken, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::limits::{CONNECT_MAX, STATEMENTS_KEPT_MAX};
use crate::rows::{Gathered, Rows, misfit};
use crate::secret::Secrets;

/// What all connections run on; `None` if the system has no threads left.
static RUNTIME: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).thread_name("postgres").enable_all().build().ok()
});

/// One database.
pub(crate) struct Database {
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
    pub(crate) secrets: Secrets,
    pub(crate) timeout: Duration,
    pub(crate) idle: Mutex<Vec<Connection>>,
}

/// A connection that nobody uses meanwhile.
pub(crate) struct Connection {
    pub(crate) client: Client,
    prepared: HashMap<Arc<str>, tokio_postgres::Statement>,
}

/// A statement that fits its signature; each of its rows is one JSON text.
pub(crate) struct Statement {
    pub(crate) sql: Arc<str>,
    /// For each parameter of the statement the argument that it takes, with its type.
    pub(crate) arguments: Vec<(usize, Type)>,
    pub(crate) rows: Rows,
    /// The type of a row.
    pub(crate) row: Type,
    pub(crate) is_write: bool,
}

type CallResult = Result<Value, ModuleError>;

/// Runs work on the connections' runtime and waits for it, from a thread that may wait.
pub(crate) fn wait_for<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    RUNTIME.as_ref()?.spawn(async move { tell.send(work.await).unwrap_or_default() });
    told.recv().ok()
}

impl Database {
    /// A connection that reads only, until a transaction says otherwise.
    pub(crate) async fn connect(&self) -> Result<Connection, ModuleError> {
        let connecting = self.config.connect(self.tls.clone());
        let (client, connection) = tokio::time::timeout(CONNECT_MAX, connecting)
            .await
            .map_err(|_| ModuleError::new(Code::R001, "the database does not answer", true))?
            .map_err(|error| self.explain(&error))?;
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        let session = format!(
            "set default_transaction_read_only = on; set statement_timeout = {}",
            self.timeout.as_millis()
        );
        client.batch_execute(&session).await.map_err(|error| self.explain(&error))?;
        Ok(Connection { client, prepared: HashMap::new() })
    }

    /// A connection that nobody else uses.
    pub(crate) async fn take(&self) -> Result<Connection, ModuleError> {
        match self.idle() {
            Some(connection) => Ok(connection),
            None => self.connect().await,
        }
    }

    /// Keeps a connection for the next one.
    pub(crate) fn give_back(&self, connection: Connection) {
        if !connection.client.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    fn idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if !connection.client.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    async fn run(self: Arc<Database>, statement: Arc<Statement>, call: ModuleCall) -> CallResult {
        let attending = self.clone().attend(statement, call);
        tokio::time::timeout(self.timeout, attending).await.unwrap_or_else(|_| {
            let message = format!("the database gave no answer within {:?}", self.timeout);
            Err(ModuleError::new(Code::R002, message, true))
        })
    }

    async fn attend(
        self: Arc<Database>,
        statement: Arc<Statement>,
        call: ModuleCall,
    ) -> CallResult {
        let mut connection = self.take().await?;
        let mut cancelling =
            Cancelling { token: Some(connection.client.cancel_token()), tls: self.tls.clone() };
        let result = match statement.is_write {
            true => self.write(&mut connection, &statement, &call).await,
            false => self.read(&mut connection, &statement, &call).await,
        };
        cancelling.token = None;
        self.give_back(connection);
        result
    }

    /// In a transaction of its own, which is undone if the result does not fit.
    async fn write(
        &self,
        connection: &mut Connection,
        statement: &Statement,
        call: &ModuleCall,
    ) -> CallResult {
        let told = |error: tokio_postgres::Error| self.explain(&error);
        connection.client.batch_execute("begin read write").await.map_err(told)?;
        let result = self.read(connection, statement, call).await;
        let end = if result.is_ok() { "commit" } else { "rollback" };
        let ended = connection.client.batch_execute(end).await.map_err(told);
        match result {
            Ok(value) => ended.map(|()| value),
            Err(error) => Err(error),
        }
    }

    async fn read(
        &self,
        connection: &mut Connection,
        statement: &Statement,
        call: &ModuleCall,
    ) -> CallResult {
        let told = |error: tokio_postgres::Error| self.explain(&error);
        let prepared = connection.prepare(&statement.sql).await.map_err(told)?;
        let arguments = statement.arguments.iter();
        let arguments: Vec<Argument> =
            arguments.map(|(at, ty)| Argument::of(ty, &call.arguments[*at])).collect();
        if statement.rows == Rows::Changed {
            let parameters: Vec<&(dyn ToSql + Sync)> =
                arguments.iter().map(|argument| argument as &(dyn ToSql + Sync)).collect();
            let changed = connection.client.execute(&prepared, &parameters).await.map_err(told)?;
            return Ok(Value::Int(changed as i64));
        }
        let rows = connection.client.query_raw(&prepared, arguments).await.map_err(told)?;
        pin_mut!(rows);
        let mut gathered = Gathered::new(statement.rows);
        while let Some(row) = rows.try_next().await.map_err(told)? {
            let text: Option<&str> = row.try_get(0).map_err(told)?;
            gathered.push(|number| read_row(&statement.row, text.unwrap_or("null"), number))?;
        }
        gathered.value()
    }

    /// What a failure of the database means: whether another attempt may succeed.
    pub(crate) fn explain(&self, error: &tokio_postgres::Error) -> ModuleError {
        let Some(failure) = error.as_db_error() else {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            return ModuleError::new(Code::R001, quote(&self.secrets.hide(&cause)), true);
        };
        let code = failure.code();
        if *code == SqlState::QUERY_CANCELED {
            return ModuleError::new(Code::R002, "the database stopped the statement", true);
        }
        // Connections, lack of resources, and whatever a repeated transaction may not meet again.
        let is_passing = ["08", "53", "57P", "40", "55P03", "58"]
            .iter()
            .any(|class| code.code().starts_with(class));
        ModuleError::new(Code::R001, quote(&self.secrets.hide(failure.message())), is_passing)
    }
}

impl Connection {
    async fn prepare(
        &mut self,
        sql: &Arc<str>,
    ) -> Result<tokio_postgres::Statement, tokio_postgres::Error> {
        if let Some(known) = self.prepared.get(sql) {
            return Ok(known.clone());
        }
        let prepared = self.client.prepare(sql).await?;
        if self.prepared.len() >= STATEMENTS_KEPT_MAX {
            self.prepared.clear();
        }
        self.prepared.insert(sql.clone(), prepared.clone());
        Ok(prepared)
    }
}

/// A row that the database has written as JSON.
pub(crate) fn read_row(ty: &Type, text: &str, number: usize) -> CallResult {
    json::read(ty, text).map_err(|faults| {
        let fault = faults.first();
        let place = fault.map_or("", |fault| fault.pointer.trim_start_matches('/'));
        let message = fault.map_or("it cannot be read", |fault| fault.message.as_str());
        misfit(match place {
            "" => format!("row {number}: {message}"),
            column => format!("row {number}, column `{}`: {message}", quote(column)),
        })
    })
}

/// Tells the database to stop, when the one who waits is gone.
struct Cancelling {
    token: Option<CancelToken>,
    tls: MakeRustlsConnect,
}

impl Drop for Cancelling {
    fn drop(&mut self) {
        if let (Some(token), Some(runtime)) = (self.token.take(), RUNTIME.as_ref()) {
            let tls = self.tls.clone();
            runtime.spawn(async move { token.cancel_query(tls).await.unwrap_or_default() });
        }
    }
}

/// An argument in the text form of whatever type the database wants.
#[derive(Debug)]
struct Argument(Option<String>);

impl Argument {
    fn of(ty: &Type, value: &Value) -> Argument {
        Argument(match value.unmarked() {
            Value::None => None,
            Value::String(text) => Some(text.to_string()),
            Value::List(items) => {
                let ty = match ty.content() {
                    Type::List(element) => element,
                    other => other,
                };
                let items = items.iter().map(|item| match Argument::of(ty, item).0 {
                    None => "NULL".to_owned(),
                    Some(text) => {
                        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
                    }
                });
                Some(format!("{{{}}}", items.collect::<Vec<_>>().join(",")))
            }
            // Numbers, Booleans and records are written as JSON has them.
            _ => Some(json::to_string(ty.content(), value)),
        })
    }
}

impl ToSql for Argument {
    fn to_sql(
        &self,
        _: &tokio_postgres::types::Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match &self.0 {
            None => IsNull::Yes,
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                IsNull::No
            }
        })
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }

    fn encode_format(&self, _: &tokio_postgres::types::Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A statement as the engine calls it.
pub(crate) struct PostgresModule {
    pub(crate) database: Arc<Database>,
    pub(crate) statement: Arc<Statement>,
}

impl Module for PostgresModule {
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, CallResult> {
        let (database, statement) = (self.database.clone(), self.statement.clone());
        Box::pin(async move {
            let Some(runtime) = RUNTIME.as_ref() else {
                return Err(ModuleError::new(Code::R900, "there are no threads", true));
            };
            let work = runtime.spawn(database.run(statement, call));
            let _ending = Ending(work.abort_handle());
            work.await.unwrap_or_else(|_| {
                Err(ModuleError::new(Code::R900, "the call of the database broke off", false))
            })
        })
    }
}

/// Ends the work when nobody waits for it any more.
struct Ending(tokio::task::AbortHandle);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a PostgreSQL database")
    }
}
