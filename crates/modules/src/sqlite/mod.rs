//! A SQLite database as a source: opened (and built, if need be) when the manifest loads, asked on
//! a few connections, each used by one thread at a time.
//!
//! Reads go through connections that SQLite itself keeps from writing; only a source with
//! `write = true` has a connection that writes, and only modules of effect `write` get it.

mod calls;
mod cells;
mod check;
mod init;
mod statement;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::ports::Module;
use model::Effect;
use model::text::quote;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::declaration::{ModuleDeclaration, SourceDeclaration, SqlDeclaration, SqliteDeclaration};
use crate::fault::{Faults, ManifestFault};
use crate::limits::READERS_MAX;
use calls::{Access, Lane, SqlModule};

/// One database.
pub(crate) struct Source {
    name: String,
    readers: Arc<Lane>,
    /// Only with `write = true`.
    writer: Option<Arc<Lane>>,
}

impl Source {
    /// Opens the database, having built it if it is missing and there is a script for that.
    pub(crate) fn open(
        declaration: &SourceDeclaration<'_>,
        sqlite: &SqliteDeclaration,
    ) -> Result<Source, Box<ManifestFault>> {
        let fault = |span: &Range<usize>, key: &str, message: String| {
            let path = format!("source.{}.{key}", quote(&declaration.name));
            Box::new(ManifestFault::new(declaration.file, span.clone(), path, message))
        };
        let folder = declaration.file.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(&sqlite.path.text);
        let is_there = path.try_exists().map_err(|error| {
            fault(&sqlite.path.span, "path", format!("the database cannot be opened: {error}"))
        })?;
        match &sqlite.init {
            _ if is_there => {}
            Some(init) => {
                init::build(&path, &folder.join(&init.text))
                    .map_err(|message| fault(&init.span, "init", message))?;
            }
            None => {
                let shown = quote(&path.to_string_lossy());
                let message = format!("there is no database file `{shown}`");
                let help = "A script that builds it can be given: `init = \"shop.sql\"`";
                return Err(Box::new(fault(&sqlite.path.span, "path", message).help(help)));
            }
        }
        let source = Source::new(&declaration.name, path, sqlite);
        source.probe().map_err(|error| {
            let message = format!("the database cannot be opened: {}", quote(&error.to_string()));
            fault(&sqlite.path.span, "path", message)
        })?;
        Ok(source)
    }

    fn new(name: &str, path: PathBuf, sqlite: &SqliteDeclaration) -> Source {
        let running = Arc::new(Semaphore::new(sqlite.max_running));
        let lane = |access, seats| {
            Arc::new(Lane::new(path.clone(), access, sqlite.timeout, seats, running.clone()))
        };
        Source {
            name: name.to_string(),
            readers: lane(Access::Read, READERS_MAX),
            writer: sqlite.write.then(|| lane(Access::Write, 1)),
        }
    }

    /// A file that is no database is found by the first question only.
    fn probe(&self) -> rusqlite::Result<()> {
        let look = |conn: &mut Connection| {
            conn.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))
        };
        self.readers.with_connection(look)??;
        match &self.writer {
            Some(writer) => writer.with_connection(look)?,
            None => Ok(()),
        }
    }

    /// The module that runs the declared statement; `None` if the statement does not fit the
    /// signature or the database, which is then a fault.
    pub(crate) fn module(
        &self,
        module: &ModuleDeclaration<'_>,
        sql: &SqlDeclaration,
        faults: &mut Faults,
    ) -> Option<Arc<dyn Module>> {
        let lane = match (sql.effect, &self.writer) {
            (Effect::Pure | Effect::Read, _) => &self.readers,
            (Effect::Write, Some(writer)) => writer,
            (Effect::Write, None) => {
                let message = format!("the source `{}` is opened read-only", quote(&self.name));
                let help = format!("Write `write = true` in `[source.{}]`", quote(&self.name));
                let span = sql.effect_span.clone();
                faults.push(module.fault(span, "effect", message).help(help));
                return None;
            }
        };
        let checked = lane
            .with_connection(|conn| check::check(conn, module, sql, self.writer.is_some(), faults));
        match checked {
            Ok(statement) => Some(Arc::new(SqlModule::new(lane.clone(), statement?))),
            Err(error) => {
                let message =
                    format!("the database cannot be opened: {}", quote(&error.to_string()));
                faults.push(module.fault(sql.source.span.clone(), "source", message));
                None
            }
        }
    }
}
