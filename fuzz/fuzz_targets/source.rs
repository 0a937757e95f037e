//! Any text is compiled or refused, and formatted or refused; what compiles is an image that reads
//! back, and what is formatted means the same and stays as it is.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use model::{Catalog, Effect, Function, Image, Origin};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = eval::stdlib::catalog();
    for (name, signature, effect) in [
        ("Load", "(id: String) -> { id: String, score: Int }", Effect::Read),
        ("Send", "(message: String) -> String", Effect::Write),
    ] {
        catalog.insert(Function {
            namespace: "".into(),
            name: name.into(),
            signature: lang::signature(signature).expect("a signature"),
            overloads: Vec::new(),
            effect,
            origin: Origin::Host,
            doc: "".into(),
        });
    }
    catalog
});

fuzz_target!(|source: &str| {
    let compilation = lang::compile(source, &CATALOG);
    let Some(image) = compilation.image else {
        assert!(compilation.diagnostics.iter().any(model::Diagnostic::is_error));
        return;
    };
    let read = Image::decode(&image.encode()).expect("a compiled image is valid");
    assert_eq!(read.digest, image.digest);
    let formatted = lang::format(source).expect("what compiles is formatted");
    assert_eq!(lang::format(&formatted).as_ref(), Ok(&formatted));
    let again = lang::compile(&formatted, &CATALOG).image.expect("it still compiles");
    assert_eq!(again.digest, image.digest);
});
