//! Pipelines that call pipelines: what is built in can be run and stored, and is a part of the name.

extern crate tidegate_lang as lang;

mod common;

use std::sync::Arc;

use model::{Catalog, Code, Image};

/// The catalog with pipelines, each of which may call those before it.
fn catalog(pipelines: &[(&str, &str)]) -> Catalog {
    let mut catalog = common::catalog();
    for (name, source) in pipelines {
        let image = image(source, &catalog);
        catalog.insert_pipeline((*name).into(), Arc::new(image));
    }
    catalog
}

fn image(source: &str, catalog: &Catalog) -> Image {
    let compilation = lang::compile(source, catalog);
    compilation.image.unwrap_or_else(|| panic!("{source}: {:?}", compilation.diagnostics))
}

#[test]
fn what_is_built_in_can_be_stored() {
    let inner = "in xs: List<{ n: Int, s: Optional<String> } | String>\n\
                 found = map(xs, x => match x { { n, s } -> s ?? \"${n}\", _ -> \"text\" })\n\
                 in by: Int = 2\nout all = found\nout some = filter(found, f => length(f) > by)";
    let catalog = catalog(&[
        ("inner", inner),
        ("middle", "in xs: List<String>\nout r = pipeline.inner({ xs: xs })"),
    ]);
    for source in [
        "in xs: List<String>\nout a = pipeline.middle({ xs: xs })\nout b = map(xs, x => pipeline.inner({ xs: [x], by: length(x) }).some)",
        "in xs: List<String>\nr = { xs: xs, z: 1 }\nout a = pipeline.inner(r) with on_error: wrap",
        "in xs: List<String>\nr = pipeline.inner({ xs: xs }) with { fallback: { all: [], some: [] } }\nout a = r.all",
    ] {
        let image = image(source, &catalog);
        let read = Image::decode(&image.encode()).expect("a valid image");
        assert_eq!(read.digest, image.digest);
    }
}

#[test]
fn a_called_pipeline_counts_by_its_hash() {
    let call = |name: &str| format!("in x: Int\nout y = pipeline.{name}({{ x: x }})");
    let digest = |name: &str, source| image(&call(name), &catalog(&[(name, source)])).digest;
    let twice = digest("twice", "in x: Int\nout y = x * 2");
    assert_eq!(twice, digest("double", "in x: Int  # the same\nout y = x * 2"));
    assert_ne!(twice, digest("twice", "in x: Int\nout y = x * 3"));
}

#[test]
fn pipelines_call_each_other_so_deep_and_no_deeper() {
    let mut pipelines = vec![("p1".to_owned(), "in x: Int\nout y = x + 1".to_owned())];
    for level in 2..=8 {
        let source = format!("in x: Int\nout y = pipeline.p{}({{ x: x }})", level - 1);
        pipelines.push((format!("p{level}"), source));
    }
    let named: Vec<(&str, &str)> =
        pipelines.iter().map(|(name, source)| (name.as_str(), source.as_str())).collect();
    let catalog = catalog(&named);
    let deep = lang::compile("out y = pipeline.p8({ x: 1 })", &catalog);
    let codes: Vec<Code> = deep.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::E040]);
    assert!(lang::compile("out y = pipeline.p7({ x: 1 })", &catalog).image.is_some());
}

#[test]
fn many_calls_of_a_large_pipeline_are_refused_in_time() {
    let lists: String =
        (0..50).map(|n| format!("a{n} = [{}]\n", vec!["x"; 400].join(", "))).collect();
    let outs: String = (0..50).map(|n| format!("out a{n}\n")).collect();
    let catalog = catalog(&[("large", &format!("in x: Int\n{lists}{outs}"))]);
    let calls: String =
        (0..200).map(|n| format!("out y{n} = pipeline.large({{ x: {n} }}).a1\n")).collect();
    let found = lang::compile(&calls, &catalog).diagnostics;
    assert!(found.iter().any(|diagnostic| diagnostic.code == Code::E040), "{}", found.len());
}

#[test]
fn a_call_that_is_nested_too_deeply_is_refused() {
    let nested = |depth: usize, inner: &str| {
        (0..depth).fold(inner.to_owned(), |inner, _| format!("[{inner}]"))
    };
    let deep = format!("in x: Int\nout y = {} == []", nested(100, "x"));
    let mut pipelines = vec![("p1".to_owned(), deep)];
    for level in 2..=3 {
        let call = format!("pipeline.p{}({{ x: x }})", level - 1);
        let source = format!("in x: Int\nout y = {} == []", nested(100, &call));
        pipelines.push((format!("p{level}"), source));
    }
    let named: Vec<(&str, &str)> =
        pipelines.iter().map(|(name, source)| (name.as_str(), source.as_str())).collect();
    let catalog = catalog(&named);
    let source = format!("out y = {}", nested(100, "pipeline.p3({ x: 1 })"));
    let found = lang::compile(&source, &catalog);
    let codes: Vec<Code> = found.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!((codes, found.image.is_some()), (vec![Code::E040], false));
}
