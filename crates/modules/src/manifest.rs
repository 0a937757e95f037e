//! [`load`]: a folder of manifest files, read and checked as one set.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::Gate;
use engine::ports::RegisteredModule;
use model::text::{did_you_mean, quote};
use model::{Digest, Text};

use crate::declaration::{ModuleDeclaration, SourceDeclaration};
use crate::document::{File, Section};
use crate::fault::{Faults, ManifestFault};
use crate::limits::{FILE_BYTES_MAX, FILES_MAX, MODULES_MAX};
use crate::source::Source;

/// What a folder of manifests declares.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// By qualified name, `crm.Fetch`.
    pub modules: BTreeMap<Text, RegisteredModule>,
}

/// All modules that the `*.toml` files of `folder` declare, ready to be called; or all that is
/// wrong with them. A database that is missing and has an `init` script is built.
///
/// Reads files, opens databases and may wait for a locked one, starts workers and waits for their
/// first lines, so it is not for an async task.
pub fn load(folder: &Path) -> Result<Manifest, Vec<ManifestFault>> {
    let mut faults = Faults::default();
    let files = read_files(folder, &mut faults);
    // A file that could not be read may hold what others refer to.
    let is_whole = faults.count() == 0;
    let mut declared = read_declarations(&files, &mut faults);
    declared.is_whole &= is_whole;
    if declared.modules.len() > MODULES_MAX {
        let message = format!("more than {MODULES_MAX} modules");
        faults.push(ManifestFault::of_file(folder, message));
        return faults.or(Manifest::default());
    }
    let sources = open_sources(&declared.sources, &mut faults);
    let own = own_modules(&declared, &sources, &mut faults);
    let modules = declared
        .modules
        .into_iter()
        .filter_map(|(name, module)| {
            if faults.is_full() {
                return None;
            }
            register(&module, &sources, declared.is_whole, &mut faults).map(|it| (name, it))
        })
        .chain(own)
        .collect();
    faults.or(Manifest { modules })
}

pub(crate) struct Declared<'f> {
    pub(crate) sources: BTreeMap<String, SourceDeclaration<'f>>,
    pub(crate) modules: BTreeMap<Text, ModuleDeclaration<'f>>,
    /// Whether every file could be read to its end.
    is_whole: bool,
}

pub(crate) fn read_files(folder: &Path, faults: &mut Faults) -> Vec<File> {
    let paths = match manifest_paths(folder) {
        Ok(paths) => paths,
        Err(error) => {
            let message = format!("the folder cannot be read: {error}");
            faults.push(ManifestFault::of_file(folder, message));
            return Vec::new();
        }
    };
    if paths.len() > FILES_MAX {
        let message = format!("more than {FILES_MAX} manifest files");
        faults.push(ManifestFault::of_file(folder, message));
        return Vec::new();
    }
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        match read_text(&path, FILE_BYTES_MAX) {
            Ok(text) => files.push(File { path, text }),
            Err(message) => faults.push(ManifestFault::of_file(path, message)),
        }
    }
    files
}

/// The `*.toml` files of the folder itself, sorted; hidden ones are editors' leftovers.
fn manifest_paths(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        if text.ends_with(".toml") && !text.starts_with('.') {
            paths.push(folder.join(&name));
        }
    }
    paths.sort();
    Ok(paths)
}

/// A text file of at most `bytes_max`; else what is wrong with it.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, String> {
    let mut text = String::new();
    let mut file = fs::File::open(path)
        .map_err(|error| format!("cannot be read: {error}"))?
        .take(bytes_max + 1);
    match file.read_to_string(&mut text) {
        Ok(bytes) if bytes as u64 > bytes_max => Err(format!("is longer than {bytes_max} bytes")),
        Ok(_) => Ok(text),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

pub(crate) fn read_declarations<'f>(files: &'f [File], faults: &mut Faults) -> Declared<'f> {
    let mut declared =
        Declared { sources: BTreeMap::new(), modules: BTreeMap::new(), is_whole: true };
    for file in files {
        let Some(mut root) = Section::root(file, faults) else {
            declared.is_whole = false;
            continue;
        };
        if faults.is_full() {
            declared.is_whole = false;
            break;
        }
        for named in root.tables("source", faults) {
            if faults.is_full() {
                break;
            }
            if let Some(source) = SourceDeclaration::read(file, named, faults) {
                add_source(&mut declared.sources, source, faults);
            }
        }
        for named in root.tables("module", faults) {
            if faults.is_full() {
                break;
            }
            if let Some(module) = ModuleDeclaration::read(file, named, faults) {
                add_module(&mut declared.modules, module, faults);
            }
        }
        root.finish(faults);
    }
    declared
}

fn add_source<'f>(
    sources: &mut BTreeMap<String, SourceDeclaration<'f>>,
    source: SourceDeclaration<'f>,
    faults: &mut Faults,
) {
    if let Some(first) = sources.get(&source.name) {
        let key = format!("source.{}", quote(&source.name));
        let message = "this source is declared twice";
        let fault = ManifestFault::new(source.file, source.span.clone(), key, message);
        faults.push(fault.help(format!("The first is in {}", shown(first.file))));
        return;
    }
    sources.insert(source.name.clone(), source);
}

fn add_module<'f>(
    modules: &mut BTreeMap<Text, ModuleDeclaration<'f>>,
    module: ModuleDeclaration<'f>,
    faults: &mut Faults,
) {
    if let Some(first) = modules.get(module.name.as_str()) {
        let fault = module.fault(module.span.clone(), "", "this module is declared twice");
        faults.push(fault.help(format!("The first is in {}", shown(first.file))));
        return;
    }
    modules.insert(module.name.as_str().into(), module);
}

/// A source with what all its modules share.
struct Opened<'f> {
    source: Source,
    gate: Arc<Gate>,
    file: &'f File,
}

/// Opens every source; one that has a fault is `None`.
fn open_sources<'f>(
    sources: &BTreeMap<String, SourceDeclaration<'f>>,
    faults: &mut Faults,
) -> BTreeMap<String, Option<Opened<'f>>> {
    let mut open = |declared: &SourceDeclaration<'f>| {
        let bounds = declared.body.as_ref()?.bounds;
        let source = Source::open(declared, faults)?;
        // More than can be served at once would wait where nobody looks at priorities.
        let gate = Gate::new(bounds.max_running.min(source.seats()));
        Some(Opened { source, gate, file: declared.file })
    };
    sources.iter().map(|(name, source)| (name.clone(), open(source))).collect()
}

/// The modules that sources declare by themselves. One that is declared elsewhere too is a fault.
fn own_modules(
    declared: &Declared<'_>,
    sources: &BTreeMap<String, Option<Opened<'_>>>,
    faults: &mut Faults,
) -> BTreeMap<Text, RegisteredModule> {
    let mut modules: BTreeMap<Text, RegisteredModule> = BTreeMap::new();
    for (declaration, source) in declared.sources.values().zip(sources.values()) {
        let Some(opened) = source else { continue };
        for (name, module) in opened.source.own_modules(&shown(declaration.file)) {
            let declaration_text = format!("{}\0{}", opened.file.text, module.signature);
            let module = RegisteredModule {
                declaration: Digest::of(declaration_text.as_bytes()),
                gate: Some(opened.gate.clone()),
                ..module
            };
            let first = declared.modules.get(&name).map(|module| shown(module.file).into());
            match first.or_else(|| modules.get(&name).map(|module| module.origin.clone())) {
                None => drop(modules.insert(name, module)),
                Some(first) => {
                    let message = format!("the module `{name}` is declared twice");
                    let help = format!("The first is in {first}");
                    faults.push(declaration.module_fault(message).help(help));
                }
            }
        }
    }
    modules
}

/// The module as the engine calls it; `None` if it or its source has a fault.
fn register(
    module: &ModuleDeclaration<'_>,
    sources: &BTreeMap<String, Option<Opened<'_>>>,
    is_whole: bool,
    faults: &mut Faults,
) -> Option<RegisteredModule> {
    let body = module.body.as_ref()?;
    let Some(source) = sources.get(&body.source.text) else {
        if is_whole {
            let message = format!("no source is called `{}`", quote(&body.source.text));
            let help = did_you_mean(&body.source.text, sources.keys().map(String::as_str));
            let fault = module.fault(body.source.span.clone(), "source", message);
            faults.push(fault.maybe_help(help));
        }
        return None;
    };
    let opened = source.as_ref()?;
    let implementation = opened.source.module(module, body, faults)?;
    Some(RegisteredModule {
        signature: body.signature.clone(),
        effect: body.effect,
        doc: body.doc.as_str().into(),
        origin: shown(module.file).into(),
        // A little more than what was declared: then a result is computed once too often.
        declaration: Digest::of(format!("{}\0{}", module.file.text, opened.file.text).as_bytes()),
        gate: Some(opened.gate.clone()),
        module: implementation,
    })
}

fn shown(file: &File) -> String {
    quote(&file.path.to_string_lossy())
}
