//! The modules of the random programs. Each answers equal arguments equally; some arguments fail.

use model::{Catalog, Effect, Function, Origin, Text};

use super::value::Plain;

/// A module of the random programs.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) effect: Effect,
    signature: &'static str,
    /// What `on_error: skip` gives.
    pub(crate) zero: fn() -> Plain,
    answer: fn(&Plain) -> Option<Plain>,
}

/// What a failing module says.
pub(crate) const MESSAGE: &str = "it is broken";

/// All of them.
pub(crate) const MODULES: [Module; 8] = [
    Module {
        name: "Read",
        effect: Effect::Read,
        signature: "(n: Int) -> Int",
        zero: || Plain::Int(0),
        answer: |n| int(n).map(|n| Plain::Int(n.wrapping_mul(2).wrapping_add(1))),
    },
    Module {
        name: "Twice",
        effect: Effect::Pure,
        signature: "(n: Int) -> Int",
        zero: || Plain::Int(0),
        answer: |n| int(n).map(|n| Plain::Int(n.wrapping_mul(2))),
    },
    Module {
        name: "Check",
        effect: Effect::Read,
        signature: "(n: Int) -> Boolean",
        zero: || Plain::Boolean(false),
        answer: |n| int(n).map(|n| Plain::Boolean(n % 2 == 0)),
    },
    Module {
        name: "Lookup",
        effect: Effect::Read,
        signature: "(n: Int) -> Optional<Int>",
        zero: || Plain::None,
        answer: |n| int(n).map(|n| if n % 2 == 0 { Plain::Int(n / 2) } else { Plain::None }),
    },
    Module {
        name: "Items",
        effect: Effect::Read,
        signature: "(n: Int) -> List<Int>",
        zero: || Plain::List(Vec::new()),
        answer: |n| int(n).map(|n| Plain::List((0..n.rem_euclid(4)).map(Plain::Int).collect())),
    },
    Module {
        name: "Fetch",
        effect: Effect::Read,
        signature: "(key: String) -> { a: Int, b: String }",
        zero: || Plain::record([("a", Plain::Int(0)), ("b", Plain::text(""))]),
        answer: |key| {
            let key = key.print();
            let length = Plain::Int(key.chars().count() as i64);
            let fails = key.chars().count() % 4 == 3;
            (!fails).then(|| Plain::record([("a", length), ("b", Plain::String(key))]))
        },
    },
    Module {
        name: "Send",
        effect: Effect::Write,
        signature: "(message: String) -> String",
        zero: || Plain::text(""),
        answer: |message| {
            let message = message.print();
            (!message.contains('3')).then(|| Plain::String(format!("sent {message}")))
        },
    },
    Module {
        name: "Store",
        effect: Effect::Write,
        signature: "(n: Int) -> Int",
        zero: || Plain::Int(0),
        answer: |n| int(n).map(|n| Plain::Int(n.wrapping_add(1))),
    },
];

impl Module {
    pub(crate) fn named(name: &str) -> Option<&'static Module> {
        MODULES.iter().find(|module| module.name == name)
    }

    /// The result of a call; `None` where it fails.
    pub(crate) fn answer(&self, arguments: &[Plain]) -> Option<Plain> {
        (self.answer)(&arguments[0])
    }
}

/// The number, where a module accepts it.
fn int(n: &Plain) -> Option<i64> {
    match n {
        Plain::Int(n) if n.rem_euclid(5) != 3 => Some(*n),
        Plain::Int(_) => None,
        other => panic!("{other:?} is no Int"),
    }
}

/// The standard library and these modules.
pub(crate) fn catalog() -> Catalog {
    let mut catalog = engine::Registry::default().catalog();
    for module in &MODULES {
        catalog.insert(Function {
            namespace: Text::default(),
            name: module.name.into(),
            signature: lang::signature(module.signature).expect("a signature"),
            effect: module.effect,
            origin: Origin::Host,
            doc: Text::default(),
            overloads: Vec::new(),
        });
    }
    catalog
}
