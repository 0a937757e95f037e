//! The example shop loads, and answers what its README and the first pages promise.

mod support;

use std::fs;
use std::path::Path;

use expect_test::expect;
use model::Value;
use support::{call, show, text};
use tidegate_modules::{Manifest, load};

/// The shop in a folder of its own, so that no test writes into the repository.
fn shop() -> (tempfile::TempDir, Manifest) {
    let folder = tempfile::tempdir().unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/modules");
    for name in ["shop.toml", "shop.sql"] {
        fs::copy(examples.join(name), folder.path().join(name)).unwrap();
    }
    let manifest = load(folder.path()).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(|fault| format!("{fault}\n")).collect::<String>())
    });
    (folder, manifest)
}

async fn ask(manifest: &Manifest, name: &str, arguments: &[Value]) -> String {
    show(call(&manifest.modules[name].module, arguments).await)
}

#[tokio::test]
async fn users_and_orders() {
    let (_folder, shop) = shop();
    expect![[r#"Record([String("user-123"), String("Alice")])"#]]
        .assert_eq(&ask(&shop, "GetUser", &[text("user-123")]).await);
    expect![[r#"Record([String("user-123"), String("ORD-123"), None, String("2025-02-20"), String("delivered"), Float(130.5)])"#]].assert_eq(&ask(&shop, "GetOrder", &[text("ORD-123")]).await);
    expect![[r#"List([Record([String("Hand grinder, steel burr"), Int(1), String("GRD-HND"), Float(79.0)]), Record([String("Coffee beans Yirgacheffe, 250 g"), Int(3), String("COF-ETH"), Float(13.9)]), Record([String("Paper filters, 100 pieces"), Int(2), String("FIL-100"), Float(4.9)])])"#]].assert_eq(&ask(&shop, "GetOrderLines", &[text("ORD-123")]).await);
    expect![[r#"String("gold")"#]].assert_eq(&ask(&shop, "GetTier", &[text("user-123")]).await);
    expect!["Float(362.1)"].assert_eq(&ask(&shop, "AmountSpent", &[text("user-123")]).await);
    expect!["Float(0.0)"].assert_eq(&ask(&shop, "AmountSpent", &[text("nobody")]).await);
    expect![[r#"List([String("ORD-171"), String("ORD-148")])"#]]
        .assert_eq(&ask(&shop, "FindOrders", &[text("user-123"), Value::Int(2)]).await);
    expect![[
        r#"Record([Boolean(false), String("Bread knife"), Float(54.0), String("KNF-BRD"), Int(0)])"#
    ]]
    .assert_eq(&ask(&shop, "GetProduct", &[text("KNF-BRD")]).await);
}

#[tokio::test]
async fn writes_can_be_repeated() {
    let (_folder, shop) = shop();
    for (module, arguments, expected) in [
        (
            "RecordRefund",
            vec![text("ORD-123")],
            expect![[r#"Record([Float(130.5), String("ORD-123"), Int(1)])"#]],
        ),
        (
            "CreateAccount",
            vec![text("dora@example.com"), text("Dora Maar"), text("FR")],
            expect![[
                r#"Record([String("dora@example.com"), String("user-137"), String("Dora Maar")])"#
            ]],
        ),
        (
            "SendMessage",
            vec![text("a@example.com"), text("Hi"), text("There")],
            expect!["Record([Int(1)])"],
        ),
        ("SetNewsletter", vec![text("user-123"), Value::Boolean(true)], expect!["Int(1)"]),
    ] {
        let first = ask(&shop, module, &arguments).await;
        expected.assert_eq(&first);
        assert_eq!(ask(&shop, module, &arguments).await, first);
    }
    assert_eq!(ask(&shop, "RecordRefund", &[text("ORD-999")]).await, "None");
}

#[test]
fn every_module_says_what_it_does() {
    let (_folder, shop) = shop();
    for (name, module) in &shop.modules {
        assert!(!module.doc.is_empty(), "{name}");
        assert!(module.origin.ends_with("shop.toml"), "{name}");
    }
    let write = shop.modules.values().filter(|module| module.effect == model::Effect::Write);
    assert_eq!(write.count(), 4);
}
