//! Promised formats: the fixture of every version must load, and mean the same for ever.

mod programs {
    #[allow(dead_code, reason = "this file needs a part of it")]
    pub(crate) mod claims;
    #[allow(dead_code, reason = "this file needs a part of it")]
    pub(crate) mod session;
    #[path = "../../../lang/tests/common/stored.rs"]
    pub(crate) mod stored;
}

use model::Image;
use programs::claims::Claim;
use programs::session::{self, Session};

/// An image in version 1 of its format, and its source.
const IMAGE: &[u8] = include_bytes!("fixtures/image-1.bin");
const SOURCE: &str = include_str!("fixtures/image-1.cst");

#[test]
fn an_image_of_version_1_runs() {
    let image = Image::decode(IMAGE).expect("an image");
    let inputs = r#"{
        "order": {"id": "o1", "tier": "gold", "lines": [
            {"sku": "a", "count": 2, "price": 1.5}, {"sku": "c", "count": 1, "price": 4}]},
        "scores": [[1, "x"], [2, "y"]]
    }"#;
    let mut session = Session::start(image, inputs, 0).expect("it starts");
    let mut holds = |claim: Claim| session.check(&claim).expect("what it always gave");
    holds(Claim::Status("suspended".into()));
    holds(Claim::Missing(r#"["approved", "stock"]"#.into()));
    holds(Claim::Event(r#"{"type": "stock.counted", "key": "o1", "data": 3}"#.into()));
    holds(Claim::Missing(r#"["approved"]"#.into()));
    holds(Claim::Resume(r#"{"approved": true}"#.into()));
    holds(Claim::Out(
        r#"{
            "by": [[1, [{"sku": "c", "count": 1, "price": 4.0}]],
                   [2, [{"sku": "a", "count": 2, "price": 1.5}]]],
            "due": 5.6,
            "large": [{"sku": "a", "count": 2, "price": 1.5, "currency": "EUR"}],
            "names": ["A", "2", "C", "1"],
            "sent": "sent 7.0",
            "shape": "map",
            "stocked": true,
            "text": "none",
            "who": "o1"
        }"#
        .into(),
    ));
}

#[test]
fn the_source_of_the_image_keeps_its_name() {
    let image = Image::decode(IMAGE).expect("an image");
    let compiled = lang::compile(SOURCE, &session::catalog()).image.expect("it compiles");
    assert_eq!(compiled.digest, image.digest);
    let name = "sha256:73dfb90ea4469ea0d847f2b21d101720df5e1f2988c1ae1ea4979e82b7322a47";
    assert_eq!(image.digest.to_string(), name);
}
