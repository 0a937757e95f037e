//! From the source in a request to an image that can be run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::LoadedImage;
use lang::Compilation;
use model::Catalog;
use model::limits::FAULTS_MAX;
use model::text::quote;

use crate::error::internal;
use crate::limits::INLINE_SOURCE_BYTES;
use crate::service::App;
use crate::wire::{Problem, diagnostic};

/// A source that compiles.
pub(crate) struct Compiled {
    pub(crate) loaded: Arc<LoadedImage>,
    pub(crate) source: String,
    /// What the compiler has to say, as JSON.
    pub(crate) warnings: Vec<Vec<u8>>,
    pub(crate) time: Duration,
}

/// Compiles a source. A large one gets a thread of its own, since a hostile one takes its time.
pub(crate) async fn compile(app: &App, source: String) -> Result<Compiled, Problem> {
    if source.len() <= INLINE_SOURCE_BYTES {
        return compile_here(&app.catalog, source);
    }
    let catalog = app.catalog.clone();
    let compiled = tokio::task::spawn_blocking(move || compile_here(&catalog, source));
    compiled.await.unwrap_or_else(|error| Err(internal(error.to_string())))
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
