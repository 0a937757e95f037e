//! `tidegate module import openapi`: a manifest from the description of a service.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use model::text::{cut, quote};

use crate::args::ImportOpenapi;
use crate::exit::{Exit, Refusal, next};
use crate::limits::{DOCUMENT_BYTES_MAX, MESSAGE_SHOWN_MAX, NOTES_SHOWN_MAX};
use crate::source::is_stdin;
use crate::terminal;
use crate::terminal::WARNING;

pub(crate) fn openapi(args: &ImportOpenapi) -> Result<Exit, Refusal> {
    let shown = quote(&args.file.to_string_lossy());
    let document = read(&args.file)
        .map_err(|error| Refusal::usage(format!("cannot read `{shown}`: {error}")))?;
    let stem = args.file.file_stem().filter(|_| !is_stdin(&args.file));
    let name = args.name.clone().or_else(|| Some(stem?.to_str()?.to_owned()));
    let name = name.unwrap_or_else(|| "api".to_owned());
    let import = tidegate::import_openapi(&document, &name, &args.only)
        .map_err(|message| Refusal::usage(format!("`{shown}`: {message}")))?;
    match &args.out {
        None => terminal::out(&import.manifest),
        Some(path) => write(path, &import.manifest, args.force)?,
    }
    for note in import.notes.iter().take(NOTES_SHOWN_MAX) {
        let note = cut(note, MESSAGE_SHOWN_MAX);
        terminal::err(&format!("{WARNING}note{WARNING:#}: {note}\n"));
    }
    if let Some(more @ 1..) = import.notes.len().checked_sub(NOTES_SHOWN_MAX) {
        terminal::err(&format!("{more} more notes stand at the head of the manifest\n"));
    }
    let (imported, operations) = (import.imported, import.operations);
    terminal::err(&format!("{imported} of {operations} operations have become modules\n"));
    if let Some(folder) = args.out.as_deref().and_then(Path::parent) {
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        let folder = quote(&folder.to_string_lossy());
        terminal::err(&next(&format!("tidegate module list --modules {folder}")));
    }
    Ok(Exit::Completed)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = match is_stdin(path) {
        true => io::stdin().lock().take(DOCUMENT_BYTES_MAX + 1).read_to_string(&mut text)?,
        false => File::open(path)?.take(DOCUMENT_BYTES_MAX + 1).read_to_string(&mut text)?,
    };
    if read as u64 > DOCUMENT_BYTES_MAX {
        let limit = format!("it is larger than {DOCUMENT_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, limit));
    }
    Ok(text)
}

fn write(path: &Path, manifest: &str, force: bool) -> Result<(), Refusal> {
    let written = match force {
        true => fs::write(path, manifest),
        false => OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .and_then(|mut file| file.write_all(manifest.as_bytes())),
    };
    written.map_err(|error| {
        let shown = quote(&path.to_string_lossy());
        let refusal = Refusal::usage(format!("cannot write `{shown}`: {error}"));
        match error.kind() {
            io::ErrorKind::AlreadyExists => refusal.help("Overwrite it with `--force`"),
            _ => refusal,
        }
    })
}
