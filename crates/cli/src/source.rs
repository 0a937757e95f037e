//! Source texts on the command line: a file, or `-` for standard input.

use std::io::{self, Read as _};
use std::path::Path;

use model::limits::SOURCE_BYTES_MAX;
use model::text::quote;

use crate::exit::Refusal;

const STDIN: &str = "<stdin>";

/// A source text and the name under which people know it.
pub(crate) struct Source {
    /// The path as it was typed, or `<stdin>`.
    pub(crate) name: String,
    /// What it says.
    pub(crate) text: String,
}

impl Source {
    /// The argument that names it.
    pub(crate) fn argument(&self) -> &str {
        if self.name == STDIN { "-" } else { &self.name }
    }

    /// The name that its pipeline may well have: the file's stem.
    pub(crate) fn stem(&self) -> Option<&str> {
        Path::new(&self.name).file_stem()?.to_str().filter(|_| self.name != STDIN)
    }
}

/// Reads a source.
pub(crate) fn read(path: &Path) -> Result<Source, Refusal> {
    let name = if is_stdin(path) { STDIN.to_owned() } else { path.display().to_string() };
    let text = if is_stdin(path) { read_stdin() } else { tidegate::read_source(path) };
    match text {
        Ok(text) => Ok(Source { name, text }),
        Err(error) => {
            let refusal = Refusal::usage(format!("cannot read `{}`: {error}", quote(&name)));
            Err(match error.kind() {
                io::ErrorKind::NotFound => refusal.help("Name a file that holds a pipeline"),
                _ => refusal,
            })
        }
    }
}

/// Whether `-` was typed.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn read_stdin() -> io::Result<String> {
    let mut text = String::new();
    let read = io::stdin().lock().take(SOURCE_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    if read > SOURCE_BYTES_MAX {
        let limit = format!("it is larger than {SOURCE_BYTES_MAX} bytes, the limit of a source");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, limit));
    }
    Ok(text)
}
