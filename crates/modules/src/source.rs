//! An opened source of any kind.

use std::sync::Arc;

use engine::ports::{Module, RegisteredModule};
use model::Text;
use model::text::quote;

use crate::declaration::{ModuleBody, ModuleDeclaration, SourceDeclaration, SourceKind, Way};
use crate::fault::{Faults, ManifestFault};
use crate::limits::{CONNECTIONS_MAX, READERS_MAX};
use crate::{http, postgres, process, sqlite};

/// What modules ask.
pub(crate) enum Source {
    Sqlite(sqlite::Source),
    Http(http::Source),
    Process(process::Source),
    Postgres(postgres::Source),
}

impl Source {
    /// Opens what is declared; `None` if it has a fault.
    pub(crate) fn open(source: &SourceDeclaration<'_>, faults: &mut Faults) -> Option<Source> {
        let body = source.body.as_ref()?;
        let opened = match &body.kind {
            SourceKind::Sqlite(sqlite) => {
                sqlite::Source::open(source, sqlite, body.bounds).map(Source::Sqlite)
            }
            SourceKind::Http(http) => {
                http::Source::open(source, http, body.bounds).map(Source::Http)
            }
            SourceKind::Postgres(postgres) => {
                postgres::Source::open(source, postgres, body.bounds).map(Source::Postgres)
            }
            SourceKind::Process(process) => {
                process::Source::open(source, process, body.bounds).map(Source::Process)
            }
        };
        opened.map_err(|fault| faults.push(*fault)).ok()
    }

    /// How many calls it can serve at once.
    pub(crate) fn seats(&self) -> usize {
        match self {
            Source::Sqlite(_) => READERS_MAX,
            Source::Postgres(_) => CONNECTIONS_MAX,
            Source::Http(_) | Source::Process(_) => usize::MAX,
        }
    }

    /// The module that asks this source in the declared way; `None` if it does not fit its
    /// signature or the source, which is then a fault.
    pub(crate) fn module(
        &self,
        module: &ModuleDeclaration<'_>,
        body: &ModuleBody,
        faults: &mut Faults,
    ) -> Option<Arc<dyn Module>> {
        match (self, &body.way) {
            (Source::Sqlite(source), Way::Sql(sql)) => source.module(module, body, sql, faults),
            (Source::Http(source), Way::Http(call)) => source.module(module, body, call, faults),
            (Source::Postgres(source), Way::Sql(sql)) => source.module(module, body, sql, faults),
            (Source::Process(_), _) => {
                let message =
                    format!("`{}` says itself which modules it has", quote(&body.source.text));
                let help = "Declare the module in the worker, and take it out of here";
                faults.push(module.fault(body.source.span.clone(), "source", message).help(help));
                None
            }
            (Source::Sqlite(_) | Source::Postgres(_), Way::Http(_)) => {
                faults.push(other_way(module, body, "a database", "sql"));
                None
            }
            (Source::Http(_), Way::Sql(_)) => {
                faults.push(other_way(module, body, "an HTTP service", "request"));
                None
            }
        }
    }
}

impl Source {
    /// The modules that this source declares by itself; `origin` is its file, for people.
    pub(crate) fn own_modules(&self, origin: &str) -> Vec<(Text, RegisteredModule)> {
        match self {
            Source::Sqlite(_) | Source::Postgres(_) | Source::Http(_) => Vec::new(),
            Source::Process(source) => source.modules(origin),
        }
    }
}

/// A module that asks its source in the way of another kind.
fn other_way(
    module: &ModuleDeclaration<'_>,
    body: &ModuleBody,
    kind: &str,
    key: &str,
) -> ManifestFault {
    let message = format!("the source `{}` is {kind}", quote(&body.source.text));
    module
        .fault(body.source.span.clone(), "source", message)
        .help(format!("Write `{key} = \"..\"`"))
}
