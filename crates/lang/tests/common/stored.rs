//! The pipelines that the language's documents store.

use model::{Catalog, Image};

/// Adds the pipelines of `pipelines.md`: each block behind a line that is nothing but a name in
/// backticks, compiled against those before it.
pub(crate) fn insert_documented(
    catalog: &mut Catalog,
    compile: impl Fn(&str, &Catalog) -> Option<Image>,
) {
    const HEAD: &str = "`:\n\n```cst\n";
    let page = include_str!("../../../../docs/language/pipelines.md");
    for (at, _) in page.match_indices(HEAD) {
        let name = page[..at].rsplit('`').next().unwrap_or_default();
        let source = page[at + HEAD.len()..].split("```").next().unwrap_or_default();
        let image = compile(source, catalog).expect("a pipeline of the page");
        catalog.insert_pipeline(name.into(), image.into());
    }
}
