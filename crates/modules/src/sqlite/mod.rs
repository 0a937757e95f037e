//! A SQLite database as a source: opened (and built, if need be) when the manifest loads, asked on
//! a few connections, each used by one thread at a time.
//!
//! Reads go through connections that SQLite itself keeps from writing; only a source with
//! `write = true` has a connection that writes, and only modules of effect `write` get it.

mod calls;
mod cells;
mod check;
mod init;
mod recorded;
mod statement;

pub(crate) use check::first_word;
pub(crate) use recorded::recorded;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::ports::Module;
use model::Effect;
use model::text::quote;
use rusqlite::Connection;

use crate::declaration::{
    ModuleBody, ModuleDeclaration, SourceBounds, SourceDeclaration, SqliteDeclaration,
};
use crate::document::Words;
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
        bounds: SourceBounds,
    ) -> Result<Source, Box<ManifestFault>> {
        let fault = |span: &Range<usize>, key: &str, message: String| {
            Box::new(declaration.fault(span.clone(), key, message))
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
        let source = Source::new(&declaration.name, path, sqlite.write, bounds);
        source.probe().map_err(|error| {
            let message = format!("the database cannot be opened: {}", quote(&error.to_string()));
            fault(&sqlite.path.span, "path", message)
        })?;
        Ok(source)
    }

    fn new(name: &str, path: PathBuf, is_writable: bool, bounds: SourceBounds) -> Source {
        let lane = |access, seats| Arc::new(Lane::new(path.clone(), access, bounds.timeout, seats));
        Source {
            name: name.to_string(),
            readers: lane(Access::Read, READERS_MAX),
            writer: is_writable.then(|| lane(Access::Write, 1)),
        }
    }

    /// A file that is no database is found by the first question only. The writer asks first: what
    /// a killed process left half written can only be rolled back by a connection that may write.
    fn probe(&self) -> rusqlite::Result<()> {
        for lane in self.writer.iter().chain([&self.readers]) {
            lane.with_connection(|conn: &mut Connection| {
                conn.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))
            })??;
        }
        Ok(())
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
        let lane = match (body.effect, &self.writer) {
            (Effect::Pure | Effect::Read, _) => &self.readers,
            (Effect::Write, Some(writer)) => writer,
            (Effect::Write, None) => {
                let message = format!("the source `{}` is opened read-only", quote(&self.name));
                let help = format!("Write `write = true` in `[source.{}]`", quote(&self.name));
                let span = body.effect_span.clone();
                faults.push(module.fault(span, "effect", message).help(help));
                return None;
            }
        };
        let checked = lane.with_connection(|conn| {
            check::check(conn, module, body, sql, self.writer.is_some(), faults)
        });
        match checked {
            Ok(statement) => Some(Arc::new(SqlModule::new(lane.clone(), statement?))),
            Err(error) => {
                let message =
                    format!("the database cannot be opened: {}", quote(&error.to_string()));
                faults.push(module.fault(body.source.span.clone(), "source", message));
                None
            }
        }
    }
}
