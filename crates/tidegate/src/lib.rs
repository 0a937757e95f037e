//! Tidegate as a library: compiler, engine, store and modules wired together.
//!
//! ```
//! use tidegate::{Status, Tidegate};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tidegate = Tidegate::builder().build()?;
//! let source = "in price: Float  in approved: Boolean  out total = price * 2.0  out price when approved";
//!
//! // Where an input is missing, everything else is computed, and the execution waits.
//! let view = tidegate.run(source, r#"{ "price": 21 }"#).await?;
//! assert_eq!(view.status, Status::Suspended);
//!
//! let view = tidegate.resume(view.id, r#"{ "approved": true }"#).await?;
//! assert_eq!(view.status, Status::Completed);
//! # Ok(())
//! # }
//! ```
//!
//! # Modules of this program
//!
//! An async function is a module; its signature follows from its types.
//!
//! ```
//! use tidegate::{Effect, Embedded, Failed, Output, Tidegate};
//!
//! tidegate::record! {
//!     #[derive(Debug, PartialEq)]
//!     struct User {
//!         name: String,
//!         tier as "loyaltyTier": Option<String>,
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let find = async |id: String| match id.as_str() {
//!     "u-1" => Ok(User { name: "Ann".into(), tier: None }),
//!     _ => Err(Failed::new("there is no such user")),
//! };
//! let tidegate = Tidegate::builder()
//!     .module("GetUser", Embedded::new(find).parameters(["id"]).doc("A user by id."))
//!     .module("Add", async |a: i64, b: i64| a + b)
//!     .build()?;
//!
//! let source = r#"out user = GetUser("u-1")  out sum = Add(1, 2) with retry: 3"#;
//! let view = tidegate.run(source, "{}").await?;
//! assert_eq!(view.output::<i64>("sum"), Ok(3));
//! assert_eq!(view.output::<User>("user"), Ok(User { name: "Ann".into(), tier: None }));
//! # Ok(())
//! # }
//! ```
//!
//! There are no arguments, exit codes or texts for a terminal here, and no rules of its own: what
//! compiles is decided in `lang`, what runs in `engine`.

mod builder;
mod clock;
mod embedded;
mod error;
mod pipelines;
mod typed;

pub use engine::{Engine, ExecutionId, ExecutionView, PipelineName, Reference, Status};
pub use lang::Compilation;

pub use builder::{BuildError, Builder};
pub use clock::SystemClock;
pub use embedded::{Embedded, Failed, IntoModule, Outcome};
pub use error::Error;
pub use model;
pub use model::Effect;
pub use modules::{Import, ManifestFault, Tested, import_openapi, test as test_modules};
pub use pipelines::{FileFault, FileProblem, LoadError, LoadedFile, read_source};

pub use typed::{Output, Typed};
#[doc(hidden)]
pub use typed::{record_slot, record_type, record_value};

use std::sync::Arc;
use std::time::Duration;

use builder::Sources;
use engine::ports::SavedPipeline;
use engine::{Caller, LoadedImage, Resume, Start};
use model::{Catalog, Digest, Image};

/// An engine with its compiler. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Tidegate {
    engine: Engine,
    sources: Sources,
    wait: Duration,
}

/// A pipeline that was compiled and kept.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The image's name.
    pub digest: Digest,
    /// What keeping it did.
    pub saved: SavedPipeline,
    /// What the compiler has to say, errors excluded.
    pub warnings: Vec<model::Diagnostic>,
}

impl Tidegate {
    /// A builder; without further words it gives an engine in memory without modules.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The engine inside, for all that this type does not offer.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What pipelines can call here.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.engine.catalog()
    }

    /// Reads the manifests again. Calls that begin from now on are made with what they declare; a set
    /// with any fault changes nothing. Reads files, so it is not for an async task.
    pub fn reload(&self) -> Result<(), BuildError> {
        self.engine.replace_modules(self.sources.registry()?);
        Ok(())
    }

    /// Compiles a source and keeps nothing.
    pub async fn check(&self, source: &str) -> Result<Compilation, Error> {
        let called = lang::called_pipelines(source);
        let catalog = self.engine.catalog_with(&called).await?;
        Ok(lang::compile(source, &catalog))
    }

    /// Compiles and executes a source in one step. `inputs` is a JSON object.
    pub async fn run(&self, source: &str, inputs: &str) -> Result<ExecutionView, Error> {
        let Compilation { image, diagnostics } = self.check(source).await?;
        let image = image.ok_or(Error::DoesNotCompile(diagnostics))?;
        self.run_image(image, source, inputs).await
    }

    /// Executes an image that was compiled from `source`.
    pub async fn run_image(
        &self,
        image: Image,
        source: &str,
        inputs: &str,
    ) -> Result<ExecutionView, Error> {
        let loaded = LoadedImage::new(image).map_err(Error::unknown_function)?;
        self.start(Arc::new(loaded), Some(source.into()), None, inputs).await
    }

    /// Compiles a source and keeps its image; with a name, the alias moves to it.
    pub async fn compile(&self, source: &str, name: Option<&str>) -> Result<Compiled, Error> {
        let name = name.map(|name| name.parse().map_err(|()| Error::Name(name.to_owned())));
        let name: Option<PipelineName> = name.transpose()?;
        let Compilation { image, diagnostics } = self.check(source).await?;
        let Some(image) = image else { return Err(Error::DoesNotCompile(diagnostics)) };
        let saved = self.engine.save(&image, source.into(), name.as_ref(), false, None).await?;
        Ok(Compiled { digest: image.digest, saved, warnings: diagnostics })
    }

    /// Executes a pipeline that was compiled before, by alias, `alias@version` or digest. `inputs`
    /// is a JSON object.
    pub async fn execute(&self, reference: &str, inputs: &str) -> Result<ExecutionView, Error> {
        let unknown = || Error::UnknownPipeline(reference.to_owned());
        let parsed: Reference = reference.parse().map_err(|()| unknown())?;
        let found = self.engine.find(&parsed).await?.ok_or_else(unknown)?;
        let pipeline = found.alias.map(|alias| alias.name);
        self.start(found.loaded, None, pipeline, inputs).await
    }

    /// Supplies inputs to an execution that waits for them. `inputs` is a JSON object.
    pub async fn resume(&self, id: ExecutionId, inputs: &str) -> Result<ExecutionView, Error> {
        let view = self.engine.execution(id).await?;
        let inputs = error::read_inputs(view.loaded.plan(), inputs)?;
        let resume = Resume { inputs, ..Resume::default() };
        Ok(self.engine.resume(id, resume, Caller::waiting(self.wait)).await?)
    }

    async fn start(
        &self,
        loaded: Arc<LoadedImage>,
        source: Option<model::Text>,
        pipeline: Option<model::Text>,
        inputs: &str,
    ) -> Result<ExecutionView, Error> {
        let inputs = error::read_inputs(loaded.plan(), inputs)?;
        let start = Start { loaded, source, pipeline, inputs, keep: false };
        Ok(self.engine.start(start, Caller::waiting(self.wait)).await?)
    }
}
