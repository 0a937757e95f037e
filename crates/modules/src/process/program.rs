//! What a process source starts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::declaration::{ProcessDeclaration, SourceDeclaration};
use crate::fault::ManifestFault;
use crate::limits::HELLO_MAX;
use crate::secret::{Expanded, Secrets};

/// Variables of our own environment that a worker gets.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];

/// A program with all that it is started with.
pub(super) struct Program {
    /// The name of the source, for the log.
    pub(super) source: String,
    pub(super) path: String,
    pub(super) arguments: Vec<String>,
    /// All of its environment.
    pub(super) env: Vec<(String, String)>,
    pub(super) folder: PathBuf,
    /// How long it may take for its first line.
    pub(super) hello_max: Duration,
    pub(super) secrets: Secrets,
}

impl Program {
    pub(super) fn new(
        source: &SourceDeclaration<'_>,
        process: &ProcessDeclaration,
    ) -> Result<Program, Box<ManifestFault>> {
        let mut env: Vec<(String, String)> = INHERITED
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect();
        let mut given: Vec<Expanded> = Vec::with_capacity(process.env.len());
        for (name, value) in &process.env {
            if name.text.is_empty() || name.text.contains(['=', '\0']) {
                let message = "this is not a name of a variable";
                return Err(Box::new(source.fault(name.span.clone(), "env", message)));
            }
            let value = Expanded::read(value, source, "env")?;
            env.retain(|(inherited, _)| *inherited != name.text);
            env.push((name.text.clone(), value.reveal().to_owned()));
            given.push(value);
        }
        let mut command = process.command.iter().map(|words| words.text.clone());
        let folder = source.file.path.parent().filter(|folder| *folder != Path::new(""));
        Ok(Program {
            source: source.name.clone(),
            path: command.next().unwrap_or_default(),
            arguments: command.collect(),
            env,
            folder: folder.unwrap_or(Path::new(".")).to_owned(),
            hello_max: HELLO_MAX,
            secrets: Secrets::of(&given),
        })
    }
}
