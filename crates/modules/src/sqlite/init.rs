//! Builds a database from a script, so that at any moment there is either no file or a whole one,
//! also when the process is killed or two processes build at once.

use std::fs;
use std::path::Path;

use model::Span;
use model::text::quote;
use rusqlite::{Connection, Error};

use crate::limits::INIT_BYTES_MAX;
use crate::manifest::read_text;

/// Builds `path` by running `script`; if another process has built it meanwhile, that one stays.
pub(crate) fn build(path: &Path, script: &Path) -> Result<(), String> {
    let shown = quote(&script.to_string_lossy());
    let sql = read_text(script, INIT_BYTES_MAX).map_err(|message| format!("{shown} {message}"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let aside = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| format!("the database cannot be built: {error}"))?;
    run(aside.path(), &sql).map_err(|error| explain(&shown, &sql, &error))?;
    let kept = aside.as_file().sync_all();
    kept.map_err(|error| format!("the database cannot be built: {error}"))?;
    match aside.persist_noclobber(path) {
        Ok(_) => sync_folder(folder.unwrap_or(Path::new("."))),
        // Somebody else was faster; both ran the same script.
        Err(_) if path.exists() => Ok(()),
        Err(error) => Err(format!("the database cannot be built: {}", error.error)),
    }
}

fn run(path: &Path, sql: &str) -> rusqlite::Result<()> {
    let conn = Connection::open(path)?;
    // Nobody else sees the file yet, and it is made durable as a whole.
    conn.execute_batch("pragma journal_mode = off; pragma synchronous = off;")?;
    conn.execute_batch(sql)?;
    if !conn.is_autocommit() {
        let reason = "the script begins a transaction and does not commit it";
        return Err(Error::SqliteFailure(rusqlite::ffi::Error::new(1), Some(reason.into())));
    }
    conn.close().map_err(|(_, error)| error)
}

/// The name of a new file is durable when its folder is.
fn sync_folder(folder: &Path) -> Result<(), String> {
    if cfg!(unix) {
        let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
        return synced.map_err(|error| format!("the database cannot be built: {error}"));
    }
    Ok(())
}

fn explain(shown: &str, script: &str, error: &Error) -> String {
    match error {
        // SQLite tells the rest of the script from the failing statement on.
        Error::SqlInputError { msg, sql, offset, .. } => {
            let at = script.len().saturating_sub(sql.len()) + (*offset).max(0) as usize;
            format!("{shown}:{}: {}", Span::new(at, at).locate(script).line, quote(msg))
        }
        other => format!("{shown}: {}", quote(&other.to_string())),
    }
}
