//! A PostgreSQL database as a source: asked when the manifest loads what its statements are, and then
//! on a few connections that read only, but for the transactions of modules of effect `write`.

mod calls;
mod check;
mod text;

use std::sync::{Arc, Mutex};

use engine::ports::{Module, ModuleError};
use model::text::quote;
use model::{Effect, Type, Value};
use serde_json::{Map, Value as Json};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::declaration::{
    ModuleBody, ModuleDeclaration, PostgresDeclaration, SourceBounds, SourceDeclaration,
};
use crate::document::Words;
use crate::fault::{Faults, ManifestFault};
use crate::rows::{Gathered, Rows};
use crate::secret::{Expanded, Secrets};
use crate::tls::{self, Use};
use calls::{Connection, Database, PostgresModule, read_row, wait_for};
use check::{Checker, describe};

/// One database.
pub(crate) struct Source {
    name: String,
    database: Arc<Database>,
    is_writable: bool,
}

impl Source {
    /// Connects once, to see whether the database is there.
    pub(crate) fn open(
        source: &SourceDeclaration<'_>,
        postgres: &PostgresDeclaration,
        bounds: SourceBounds,
    ) -> Result<Source, Box<ManifestFault>> {
        let url = Expanded::read(&postgres.url, source, "url")?;
        let secrets = Secrets::of([&url]);
        let fault = |message: String| {
            let message = quote(&secrets.hide(&message));
            Box::new(source.fault(postgres.url.span.clone(), "url", message))
        };
        let mut config: Config = url
            .reveal()
            .parse()
            .map_err(|error: tokio_postgres::Error| fault(error.to_string()))?;
        config.application_name("tidegate");
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => Use::Never,
            SslMode::Require => Use::Always,
            _ => Use::Maybe,
        };
        let tls = MakeRustlsConnect::new(tls::config(tls, &[]).map_err(fault)?);
        let (timeout, idle) = (bounds.timeout, Mutex::default());
        let secrets = secrets.clone();
        let database = Arc::new(Database { config, tls, secrets, timeout, idle });
        let asked = database.clone();
        let connected =
            wait_for(async move { asked.connect().await.map(|it| asked.give_back(it)) });
        match connected {
            Some(Ok(())) => {
                Ok(Source { name: source.name.clone(), database, is_writable: postgres.write })
            }
            Some(Err(error)) => {
                let message = format!("the database cannot be reached: {}", error.message);
                Err(Box::new(source.fault(postgres.url.span.clone(), "url", message)))
            }
            None => Err(Box::new(source.fault(source.span.clone(), "", "there are no threads"))),
        }
    }

    /// The module that runs the declared statement; `None` if the statement does not fit the
    /// signature or the database, which is then a fault.
    pub(crate) fn module(
        &self,
        module: &ModuleDeclaration<'_>,
        body: &ModuleBody,
        sql: &Words,
        faults: &mut Faults,
    ) -> Option<Arc<dyn Module>> {
        if body.effect == Effect::Write && !self.is_writable {
            let name = quote(&self.name);
            let message = format!("the source `{name}` is opened read-only");
            let help = format!("Write `write = true` in `[source.{name}]`");
            faults.push(module.fault(body.effect_span.clone(), "effect", message).help(help));
            return None;
        }
        let checker = Checker { module, body, sql, is_writable: self.is_writable };
        let numbered = checker.numbered(faults)?;
        let described = self.describe(&numbered.sql);
        let described = described.map_err(|(message, at)| {
            // Numbers are shorter or longer than names, so only what stands before the first is exact.
            let first = numbered.places.first().map_or(usize::MAX, |place| place.start);
            let part = at.filter(|at| *at < first).map_or(0..0, |at| at..at + 1);
            faults.push(checker.fault(part, message));
        });
        let statement = checker.statement(&numbered, &described.ok()?, faults)?;
        // What was made of it must be as good as what was written.
        if let Err((message, _)) = self.describe(&statement.sql) {
            faults.push(checker.fault(0..0, message));
            return None;
        }
        let (database, statement) = (self.database.clone(), Arc::new(statement));
        Some(Arc::new(PostgresModule { database, statement }))
    }

    fn describe(&self, sql: &str) -> Result<check::Described, (String, Option<usize>)> {
        let (database, sql) = (self.database.clone(), sql.to_owned());
        let described = wait_for(async move {
            let connection: Connection =
                database.take().await.map_err(|error| (error.message, None))?;
            let described = describe(&connection.client, &sql).await;
            database.give_back(connection);
            described
        });
        described.unwrap_or_else(|| Err(("there are no threads".to_owned(), None)))
    }
}

/// What rows that were recorded become. A column that a row does not name is null.
pub(crate) fn recorded(result: &Type, rows: &[Map<String, Json>]) -> Result<Value, ModuleError> {
    let (kind, content) = Rows::of(result);
    let is_record = matches!(content, Type::Record(_));
    let row_type = if kind == Rows::AtMostOne && !is_record { result } else { content };
    let mut gathered = Gathered::new(kind);
    for row in rows {
        let text = match is_record {
            true => Json::Object(row.clone()).to_string(),
            false => row.values().next().map_or("null".to_owned(), Json::to_string),
        };
        gathered.push(|number| read_row(row_type, &text, number))?;
    }
    gathered.value()
}
