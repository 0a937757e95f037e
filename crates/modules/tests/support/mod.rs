//! A folder of manifests for one test, and calls of what it declares.
#![allow(dead_code, reason = "every test file uses a part of it")]

pub(crate) mod programs;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use engine::ports::{Module, ModuleCall, ModuleError};
use model::Value;
use tempfile::TempDir;
use tidegate_modules::{Manifest, ManifestFault, load};

/// A folder that holds a small database's script.
pub(crate) struct Folder(TempDir);

/// Two tables of awkward cells.
const SCRIPT: &str = "
create table orders (id text primary key, customer_id text, total real, paid integer, tier text);
insert into orders values
  ('o1', 'c1', 12.5, 1, 'gold'), ('o2', 'c1', 8, 0, 'silver'), ('o3', null, null, 7, 'lead');
create table odd (name text primary key, cell);
insert into odd values
  ('blob', x'00ff'), ('broken', cast(x'ff' as text)), ('huge', 9007199254740993), ('int', 3),
  ('null', null), ('real', 2.5), ('text', '12,50'), ('inf', 9e999);
";

/// A read-only source of that database.
pub(crate) const SOURCE: &str =
    "[source.db]\nkind = \"sqlite\"\npath = \"db.sqlite\"\ninit = \"db.sql\"\n";
/// The same, to be written to.
pub(crate) const WRITABLE: &str =
    "[source.db]\nkind = \"sqlite\"\npath = \"db.sqlite\"\ninit = \"db.sql\"\nwrite = true\n";

impl Folder {
    pub(crate) fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.write("db.sql", SCRIPT);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn load(&self) -> Result<Manifest, Vec<ManifestFault>> {
        load(self.path())
    }

    /// All faults as printed, the folder being called `modules`.
    pub(crate) fn faults(&self) -> String {
        let folder = self.path().to_string_lossy().into_owned();
        let faults = self.load().expect_err("a fault");
        faults.iter().map(|fault| fault.to_string().replace(&folder, "modules") + "\n").collect()
    }
}

/// What `module.M` with this signature and statement is at fault with.
pub(crate) fn faults_of(source: &str, module: &str) -> String {
    let folder = Folder::new();
    folder.write("m.toml", &format!("{source}\n{module}"));
    folder.faults()
}

/// A module table of a signature and a statement.
pub(crate) fn module(signature: &str, sql: &str) -> String {
    format!("[module.M]\nsignature = '''{signature}'''\nsource = \"db\"\nsql = '''{sql}'''\n")
}

/// The only module of a writable database.
pub(crate) struct Declared {
    _folder: Folder,
    module: Arc<dyn Module>,
}

impl Declared {
    pub(crate) fn new(module: &str) -> Declared {
        Declared::with_source(WRITABLE, module)
    }

    pub(crate) fn with_source(source: &str, module: &str) -> Declared {
        let folder = Folder::new();
        folder.write("m.toml", &format!("{source}\n{module}"));
        let manifest = folder.load().unwrap_or_else(|faults| panic!("{faults:#?}"));
        let module = manifest.modules["M"].module.clone();
        Declared { _folder: folder, module }
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self._folder
    }

    pub(crate) async fn call(&self, arguments: &[Value]) -> Result<Value, ModuleError> {
        call(&self.module, arguments).await
    }

    /// The result or the failure, as one line.
    pub(crate) async fn shown(&self, arguments: &[Value]) -> String {
        show(self.call(arguments).await)
    }
}

pub(crate) async fn call(
    module: &Arc<dyn Module>,
    arguments: &[Value],
) -> Result<Value, ModuleError> {
    module
        .call(ModuleCall {
            arguments: arguments.into(),
            key: "exec-1/m.1".into(),
            attempt: 1,
            trace: None,
        })
        .await
}

pub(crate) fn show(result: Result<Value, ModuleError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(ModuleError { code, message, retryable: true, .. }) => {
            format!("{code} (retryable) {message}")
        }
        Err(ModuleError { code, message, .. }) => format!("{code} {message}"),
    }
}

pub(crate) fn text(text: &str) -> Value {
    Value::string(text)
}
