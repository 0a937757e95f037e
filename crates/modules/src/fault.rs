//! What is wrong with a manifest, as data, and the list in which all of it is collected.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use model::limits::FAULTS_MAX;
use model::text::quote;
use model::{Location, Span};

use crate::document::File;

/// One thing that keeps a folder of manifests from being loaded.
///
/// It prints as `modules/shop.toml:12: module.GetOrder.sql: no such column: totl`, and a second
/// line with the help where there is any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFault {
    /// The file, below the folder as it was named; or the folder itself.
    pub file: PathBuf,
    /// Where in the file; none if it is about the file as a whole.
    pub place: Option<Location>,
    /// The guilty key, `module.GetOrder.sql`; may be empty.
    pub key: String,
    /// The fact, in one sentence, without a final stop; foreign text is already cut and escaped.
    pub message: String,
    /// What to do, if we know it.
    pub help: Option<String>,
}

impl ManifestFault {
    /// A fault of a whole file or folder.
    pub(crate) fn of_file(file: impl Into<PathBuf>, message: impl Into<String>) -> ManifestFault {
        ManifestFault {
            file: file.into(),
            place: None,
            key: String::new(),
            message: message.into(),
            help: None,
        }
    }

    /// A fault at `span` of a manifest.
    pub(crate) fn new(
        file: &File,
        span: Range<usize>,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> ManifestFault {
        ManifestFault {
            place: Some(Span::new(span.start, span.end).locate(&file.text)),
            key: key.into(),
            ..ManifestFault::of_file(&file.path, message)
        }
    }

    /// The same with `help`.
    pub(crate) fn help(mut self, help: impl Into<String>) -> ManifestFault {
        self.help = Some(help.into());
        self
    }

    /// The same with `help`, if there is any.
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> ManifestFault {
        self.help = help.or(self.help);
        self
    }
}

impl fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", quote(&self.file.to_string_lossy()))?;
        if let Some(place) = &self.place {
            write!(f, ":{}", place.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ManifestFault {}

/// All faults of one folder, in the order in which they are found.
#[derive(Default)]
pub(crate) struct Faults {
    listed: Vec<ManifestFault>,
    unlisted: usize,
}

impl Faults {
    /// Whether further ones are only counted. Who may find very many stops looking then: telling
    /// the place of a fault costs a walk through its file.
    pub(crate) fn is_full(&self) -> bool {
        self.listed.len() >= FAULTS_MAX
    }

    /// Adds one; beyond the bound faults are counted, not kept.
    pub(crate) fn push(&mut self, fault: ManifestFault) {
        if self.is_full() {
            self.unlisted += 1;
        } else {
            self.listed.push(fault);
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.listed.len() + self.unlisted
    }

    /// `value` if nothing is wrong, else all that is.
    pub(crate) fn or<T>(mut self, value: T) -> Result<T, Vec<ManifestFault>> {
        if self.listed.is_empty() {
            return Ok(value);
        }
        let is_full = self.is_full();
        self.listed.sort_by(|a, b| {
            let line = |fault: &ManifestFault| fault.place.map(|place| (place.line, place.column));
            a.file.cmp(&b.file).then_with(|| line(a).cmp(&line(b)))
        });
        if is_full {
            let file = self.listed[0].file.parent().map(PathBuf::from).unwrap_or_default();
            let message = format!("there may be more than these {FAULTS_MAX} faults");
            self.listed.push(ManifestFault::of_file(file, message));
        }
        Err(self.listed)
    }
}
