//! Pipeline files: every `*.cst` of a folder, compiled under its file stem.
//!
//! All files are read and compiled before the first one is kept, so that a folder with a fault
//! changes nothing.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::EngineError;
use lang::Compilation;
use model::limits::{PIPELINE_DEPTH_MAX, SOURCE_BYTES_MAX};
use model::{Diagnostic, Image, Text};

use crate::{PipelineName, Reference, Tidegate};

/// A pipeline file that was loaded.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// The file.
    pub path: PathBuf,
    /// The alias: the file's stem.
    pub name: PipelineName,
    /// What it says.
    pub source: String,
    /// What the compiler has to say, errors excluded.
    pub warnings: Vec<Diagnostic>,
}

/// Why a folder of pipelines was not loaded. Nothing of it was kept, but where the store itself
/// failed.
#[derive(Debug)]
pub enum LoadError {
    /// These files have faults.
    Files(Vec<FileFault>),
    /// The engine or its store failed.
    Engine(EngineError),
}

/// What is wrong with one file, or with the folder.
#[derive(Debug)]
pub struct FileFault {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: FileProblem,
}

/// What can be wrong with a pipeline file.
#[derive(Debug)]
pub enum FileProblem {
    /// It cannot be read as text, or is too large.
    Unreadable(io::Error),
    /// Its stem cannot be the name of a pipeline.
    Name,
    /// It does not compile.
    DoesNotCompile {
        /// What it says.
        source: String,
        /// Why.
        diagnostics: Vec<Diagnostic>,
    },
}

impl Tidegate {
    /// Compiles every `*.cst` of a folder under its file stem, and makes each ready to execute. An
    /// alias moves only if its file's image is another than when the file was last loaded, so a
    /// restart does not undo a rollback.
    pub async fn load_pipelines(&self, folder: &Path) -> Result<Vec<LoadedFile>, LoadError> {
        let mut compiled = Vec::new();
        let mut faults = Vec::new();
        let mut files = Files::of(folder);
        for path in source_files(folder).map_err(|fault| LoadError::Files(vec![fault]))? {
            match self.compile_listed(&mut files, &path).await? {
                Ok(file) => compiled.push(file),
                Err(problem) => faults.push(FileFault { path, problem }),
            }
        }
        if !faults.is_empty() {
            return Err(LoadError::Files(faults));
        }
        let mut files = Vec::with_capacity(compiled.len());
        for (image, file) in compiled {
            let source = file.source.as_str().into();
            self.engine().save(&image, source, Some(&file.name), true, None).await?;
            self.engine().find(&Reference::Alias(file.name.clone(), None)).await?;
            files.push(file);
        }
        Ok(files)
    }

    async fn compile_listed(
        &self,
        files: &mut Files<'_>,
        path: &Path,
    ) -> Result<Result<(Arc<Image>, LoadedFile), FileProblem>, EngineError> {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let Ok(name) = stem.parse() else { return Ok(Err(FileProblem::Name)) };
        let source = match read_source(path) {
            Ok(source) => source,
            Err(error) => return Ok(Err(FileProblem::Unreadable(error))),
        };
        let Compilation { image, diagnostics } =
            self.compile_beside(files, &source, &mut vec![stem.into()]).await?;
        Ok(match image {
            Some(image) => {
                let path = path.to_owned();
                Ok((image.into(), LoadedFile { path, name, source, warnings: diagnostics }))
            }
            None => Err(FileProblem::DoesNotCompile { source, diagnostics }),
        })
    }

    /// Compiles the source of a file. A pipeline that it calls is that of the file of this name in
    /// the same folder, or else a stored one.
    pub async fn check_file(&self, path: &Path, source: &str) -> Result<Compilation, EngineError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        self.compile_beside(&mut Files::of(folder), source, &mut vec![stem.into()]).await
    }

    /// `callers` are the files that wait for this one: what they call is not found among them, as
    /// an image cannot call itself.
    async fn compile_beside(
        &self,
        files: &mut Files<'_>,
        source: &str,
        callers: &mut Vec<Text>,
    ) -> Result<Compilation, EngineError> {
        let called = lang::called_pipelines(source);
        let mut catalog = self.engine().catalog_with(&called).await?;
        for name in called {
            if let Some(image) = Box::pin(self.file_image(files, &name, callers)).await? {
                Arc::make_mut(&mut catalog).insert_pipeline(name, image);
            }
        }
        Ok(lang::compile(source, &catalog))
    }

    /// The image of the file of this name, if there is one that compiles.
    async fn file_image(
        &self,
        files: &mut Files<'_>,
        name: &Text,
        callers: &mut Vec<Text>,
    ) -> Result<Option<Arc<Image>>, EngineError> {
        if let Some(known) = files.compiled.get(name) {
            return Ok(known.clone());
        }
        if callers.contains(name) || callers.len() > PIPELINE_DEPTH_MAX {
            return Ok(None);
        }
        let path = files.folder.join(format!("{name}.cst"));
        let Ok(source) = read_source(&path) else { return Ok(None) };
        callers.push(name.clone());
        let compilation = self.compile_beside(files, &source, callers).await;
        callers.pop();
        let image = compilation?.image.map(Arc::new);
        files.compiled.insert(name.clone(), image.clone());
        Ok(image)
    }
}

/// Pipeline files of one folder that others have called.
struct Files<'a> {
    folder: &'a Path,
    compiled: HashMap<Text, Option<Arc<Image>>>,
}

impl Files<'_> {
    fn of(folder: &Path) -> Files<'_> {
        Files { folder, compiled: HashMap::new() }
    }
}

impl From<EngineError> for LoadError {
    fn from(error: EngineError) -> LoadError {
        LoadError::Engine(error)
    }
}

/// The text of a source file. A file larger than any source may be is not read to its end.
pub fn read_source(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SOURCE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > SOURCE_BYTES_MAX {
        let limit = format!("it is larger than {SOURCE_BYTES_MAX} bytes, the limit of a source");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, limit));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        io::Error::new(io::ErrorKind::InvalidData, format!("byte {place} is not UTF-8"))
    })
}

/// The `*.cst` files of a folder, sorted by name.
fn source_files(folder: &Path) -> Result<Vec<PathBuf>, FileFault> {
    let unreadable =
        |error| FileFault { path: folder.to_owned(), problem: FileProblem::Unreadable(error) };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "cst") && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
