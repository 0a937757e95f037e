//! `tidegate fmt`: sources in their usual form. A source with syntax errors is left alone.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use model::text::quote;

use crate::args::Fmt;
use crate::diff::diff;
use crate::exit::{Exit, Refusal, next};
use crate::source::{self, Source};
use crate::terminal::{ERROR, GOOD, WARNING};
use crate::{hint, render, terminal};

pub(crate) fn fmt(args: &Fmt) -> Result<Exit, Refusal> {
    let is_stdin = args.stdin || args.files.iter().any(|path| source::is_stdin(path));
    match args.files.as_slice() {
        [] if is_stdin => format_stdin(args.check),
        [one] if source::is_stdin(one) => format_stdin(args.check),
        [] => Err(Refusal::usage("nothing to format")
            .help("Name files or folders, or read standard input with --stdin")),
        _ if is_stdin => Err(Refusal::usage("standard input is formatted alone")
            .help("Leave out either the files or --stdin")),
        paths => format_files(paths, args.check),
    }
}

/// The formatted text goes to standard output exactly as it is, whatever characters are in it.
fn format_stdin(is_check: bool) -> Result<Exit, Refusal> {
    let source = source::read(Path::new("-"))?;
    let Some(formatted) = formatted(&source) else { return Ok(Exit::DoesNotCompile) };
    if is_check {
        let is_formatted = formatted == source.text;
        if !is_formatted {
            terminal::out(&difference(&source, &formatted));
        }
        return Ok(if is_formatted { Exit::Completed } else { Exit::Failed });
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(formatted.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Refusal::usage(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(Exit::Completed),
    }
}

/// Reads all files before it changes one, so that a misspelt name changes nothing.
fn format_files(paths: &[PathBuf], is_check: bool) -> Result<Exit, Refusal> {
    let paths = files(paths)?;
    let sources = paths.iter().map(|path| Ok((path, source::read(path)?)));
    let sources = sources.collect::<Result<Vec<_>, Refusal>>()?;
    let (mut changed, mut wrong) = (Vec::new(), Vec::new());
    for (path, source) in &sources {
        match formatted(source) {
            None => wrong.push(source),
            Some(formatted) if formatted == source.text => {}
            Some(formatted) if is_check => {
                terminal::out(&difference(source, &formatted));
                changed.push(source);
            }
            Some(formatted) => {
                replace(path, &formatted).map_err(|error| {
                    Refusal::usage(format!("cannot write `{}`: {error}", quote(&source.name)))
                })?;
                terminal::out(&format!("{GOOD}formatted{GOOD:#}  {}\n", quote(&source.name)));
                changed.push(source);
            }
        }
    }
    for source in &wrong {
        terminal::out(&format!("{ERROR}error{ERROR:#}      {}\n", quote(&source.name)));
    }
    if changed.is_empty() && wrong.is_empty() {
        let those = if sources.len() == 1 { "The file is" } else { "All files are" };
        terminal::err(&format!("{those} in the usual form already\n"));
    }
    let again: &[&Source] = if wrong.is_empty() && is_check { &changed } else { &wrong };
    if !again.is_empty() {
        let names: String =
            again.iter().map(|it| format!(" {}", hint::shell(it.argument()))).collect();
        terminal::err(&next(&format!("tidegate fmt{names}")));
    }
    Ok(match (wrong.is_empty(), is_check && !changed.is_empty()) {
        (false, _) => Exit::DoesNotCompile,
        (true, true) => Exit::Failed,
        (true, false) => Exit::Completed,
    })
}

/// The formatted text; none if its syntax is wrong, which is shown.
fn formatted(source: &Source) -> Option<String> {
    let shown = |diagnostics: Vec<_>| {
        terminal::err(&render::diagnostics(&source.name, &source.text, &diagnostics));
    };
    lang::format(&source.text).map_err(shown).ok()
}

fn difference(source: &Source, formatted: &str) -> String {
    let name = quote(&source.name);
    let differs = format!("{WARNING}differs{WARNING:#}    {name}\n");
    differs + &diff(&name, &source.text, formatted)
}

/// Puts `text` in place of a file at once: whoever reads it sees the old text or the new one. Who
/// may read or write it stays as it was.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link stays a link.
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

/// The files that are named, each once, and those below the folders that are named.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        walk(path, &mut files).map_err(|error| {
            let name = path.display().to_string();
            Refusal::usage(format!("cannot read the folder `{}`: {error}", quote(&name)))
        })?;
        if files.len() == before {
            let name = path.display().to_string();
            let message = format!("there is no `.cst` file in `{}`", quote(&name));
            return Err(Refusal::usage(message).help("Name a folder that holds pipelines"));
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Ok(files)
}

/// The `.cst` files of a folder and of those in it, in the order of their names. Links to folders
/// are not followed, so this ends.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if entry.file_type()?.is_dir() {
            if !is_hidden {
                walk(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "cst") && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}
