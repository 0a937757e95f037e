//! From the source in a request to an image that can be run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::LoadedImage;
use lang::Compilation;
use model::Catalog;
use model::limits::FAULTS_MAX;
use model::text::quote;

use crate::error::{self, internal};
use crate::limits::INLINE_SOURCE_BYTES;
use crate::service::App;
use crate::wire::{Problem, checked, diagnostic};

/// A source that compiles.
pub(crate) struct Compiled {
    pub(crate) loaded: Arc<LoadedImage>,
    pub(crate) source: String,
    /// What the compiler has to say, as JSON.
    pub(crate) warnings: Vec<Vec<u8>>,
    pub(crate) time: Duration,
}

/// Compiles a source.
pub(crate) async fn compile(app: &App, source: String) -> Result<Compiled, Problem> {
    aside_if_large(app, source, compile_here).await?
}

/// Checks a source; what is found is the answer.
pub(crate) async fn check(app: &App, source: String) -> Result<Vec<u8>, Problem> {
    let check = |catalog: &Catalog, source: String| {
        checked(None, &source, &lang::compile(&source, catalog))
    };
    aside_if_large(app, source, check).await
}

/// Works on a source. A large one gets a thread of its own, since a hostile one takes its time.
async fn aside_if_large<T: Send + 'static>(
    app: &App,
    source: String,
    work: fn(&Catalog, String) -> T,
) -> Result<T, Problem> {
    let called = lang::called_pipelines(&source);
    let catalog = app.engine.catalog_with(&called).await;
    let catalog = catalog.map_err(|error| error::engine(error, None))?;
    if source.len() <= INLINE_SOURCE_BYTES {
        return Ok(work(&catalog, source));
    }
    let done = tokio::task::spawn_blocking(move || work(&catalog, source));
    done.await.map_err(|error| internal(error.to_string()))
}

fn compile_here(catalog: &Catalog, source: String) -> Result<Compiled, Problem> {
    let started = Instant::now();
    let Compilation { image, diagnostics } = lang::compile(&source, catalog);
    let Some(image) = image else { return Err(Problem::compile_failed(&diagnostics, &source)) };
    let loaded = LoadedImage::new(image).map_err(|unknown| {
        internal(format!("the compiler used the unknown function {}", quote(&unknown.0)))
    })?;
    let time = started.elapsed();
    let listed = diagnostics.iter().take(FAULTS_MAX);
    let warnings = listed.map(|warning| diagnostic(warning, &source)).collect();
    Ok(Compiled { loaded: Arc::new(loaded), source, warnings, time })
}
