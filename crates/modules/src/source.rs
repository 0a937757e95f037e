//! An opened source of any kind.

use std::sync::Arc;

use engine::ports::Module;

use crate::declaration::{ModuleBody, ModuleDeclaration, SourceDeclaration, SourceKind, Way};
use crate::fault::Faults;
use crate::limits::READERS_MAX;
use crate::sqlite;

/// What modules ask.
pub(crate) enum Source {
    Sqlite(sqlite::Source),
}

impl Source {
    /// Opens what is declared; `None` if it has a fault.
    pub(crate) fn open(source: &SourceDeclaration<'_>, faults: &mut Faults) -> Option<Source> {
        let body = source.body.as_ref()?;
        let opened = match &body.kind {
            SourceKind::Sqlite(sqlite) => {
                sqlite::Source::open(source, sqlite, body.bounds).map(Source::Sqlite)
            }
        };
        opened.map_err(|fault| faults.push(*fault)).ok()
    }

    /// How many calls it can serve at once.
    pub(crate) fn seats(&self) -> usize {
        match self {
            Source::Sqlite(_) => READERS_MAX,
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
        }
    }
}
