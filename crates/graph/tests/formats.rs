//! The four formats: what they look like, and that hostile names stay harmless in all of them.

mod common;

use common::{RECEIPT, graph_of, random};
use expect_test::expect;
use model::{Effect, Text};
use tidegate_graph::{Call, Edge, Graph, Kind, Node, Use, dot, json, mermaid, svg};

#[test]
fn json_names_nodes_and_edges() {
    let document = String::from_utf8(json(&graph_of(RECEIPT))).expect("UTF-8");
    expect![[r#"
        {"nodes":[{"id":"in:approval","kind":"input","name":"approval","type":"Boolean","required":true,"span":{"start":90,"end":98}},
        {"id":"in:order","kind":"input","name":"order","type":"{ id: String, amount: Float, tier: \"gold\" | \"silver\" }","required":true,"span":{"start":4,"end":9}},
        {"id":"in:rate","kind":"input","name":"rate","type":"Float","required":false,"span":{"start":69,"end":73}},
        {"id":"n:discount","kind":"binding","name":"discount","type":"Float","span":{"start":108,"end":116}},
        {"id":"n:total","kind":"binding","name":"total","type":"Float","span":{"start":177,"end":182}},
        {"id":"call:receipt.1","kind":"call","name":"receipt.1","type":"String","module":"Send","effect":"write","options":"retry: 3, delay: 200ms","span":{"start":238,"end":295}},
        {"id":"n:receipt","kind":"binding","name":"receipt","type":"String","span":{"start":227,"end":234}},
        {"id":"out:receipt","kind":"output","name":"receipt","type":"Optional<String>","span":{"start":310,"end":317}},
        {"id":"out:total","kind":"output","name":"total","type":"Float"}],"edges":[{"from":"in:approval","to":"out:receipt","use":"guard"},
        {"from":"in:order","to":"n:discount","use":"always"},
        {"from":"in:order","to":"n:total","use":"always"},
        {"from":"in:order","to":"call:receipt.1","use":"always"},
        {"from":"in:rate","to":"n:discount","use":"conditional"},
        {"from":"n:discount","to":"n:total","use":"always"},
        {"from":"n:total","to":"call:receipt.1","use":"always"},
        {"from":"n:total","to":"out:total","use":"always"},
        {"from":"call:receipt.1","to":"n:receipt","use":"always"},
        {"from":"n:receipt","to":"out:receipt","use":"conditional"}]}"#]].assert_eq(&document.replace("},", "},\n"));
}

#[test]
fn dot_is_for_graphviz() {
    expect![[r##"
        digraph pipeline {
          graph [rankdir=TB];
          node [fontname="sans-serif", fontsize=12];
          edge [fontname="sans-serif", fontsize=11];
          "in:approval" [label="approval\nBoolean", tooltip="input approval: Boolean", shape=box, style="rounded,bold"];
          "in:order" [label="order\n{ id: String, amount: Float, tier:…", tooltip="input order: { id: String, amount: Float, tier: \"gold\" | \"silver\" }", shape=box, style="rounded,bold"];
          "in:rate" [label="rate\nFloat · not required", tooltip="input rate: Float, not required", shape=box, style="rounded,bold"];
          "n:discount" [label="discount\nFloat", tooltip="discount: Float", shape=box];
          "n:total" [label="total\nFloat", tooltip="total: Float", shape=box];
          "call:receipt.1" [label="Send\nwrite · retry: 3, delay: 200ms", tooltip="call receipt.1: Send(…): String (write) with retry: 3, delay: 200ms", shape=component, style=filled, fillcolor="#fde3d3", color="#b3400e"];
          "n:receipt" [label="receipt\nString", tooltip="receipt: String", shape=box];
          "out:receipt" [label="receipt\nOptional<String>", tooltip="output receipt: Optional<String>", shape=box, style=rounded, peripheries=2];
          "out:total" [label="total\nFloat", tooltip="output total: Float", shape=box, style=rounded, peripheries=2];
          "in:approval" -> "out:receipt" [label="when", arrowhead=odiamond];
          "in:order" -> "n:discount";
          "in:order" -> "n:total";
          "in:order" -> "call:receipt.1";
          "in:rate" -> "n:discount" [style=dashed];
          "n:discount" -> "n:total";
          "n:total" -> "call:receipt.1";
          "n:total" -> "out:total";
          "call:receipt.1" -> "n:receipt";
          "n:receipt" -> "out:receipt" [style=dashed];
        }
    "##]].assert_eq(&dot(&graph_of(RECEIPT)));
}

#[test]
fn mermaid_is_for_markdown() {
    expect![[r#"
        flowchart TD
          n0(["approval<br>Boolean"])
          n1(["order<br>#123; id: String, amount: Float, tier:…"])
          n2(["rate<br>Float · not required"])
          n3["discount<br>Float"]
          n4["total<br>Float"]
          n5[["Send<br>write · retry: 3, delay: 200ms"]]:::write
          n6["receipt<br>String"]
          n7(["receipt<br>Optional#60;String#62;"]):::output
          n8(["total<br>Float"]):::output
          n0 -->|when| n7
          n1 --> n3
          n1 --> n4
          n1 --> n5
          n2 -.-> n3
          n3 --> n4
          n4 --> n5
          n4 --> n8
          n5 --> n6
          n6 -.-> n7
          classDef write fill:#fde3d3,stroke:#b3400e,color:#5c1f04
          classDef output stroke-width:3px
    "#]]
    .assert_eq(&mermaid(&graph_of(RECEIPT)));
}

#[test]
fn svg_is_a_picture_by_itself() {
    let picture = svg(&graph_of(RECEIPT), "receipt").expect("it is small");
    check_xml(&picture);
    let (before, rest) = picture.split_once("<style>").expect("rules");
    let (rules, behind) = rest.split_once("</style>").expect("their end");
    assert!(rules.contains("@media (prefers-color-scheme: dark)"));
    assert_eq!(rules.matches('{').count(), rules.matches('}').count());
    assert_eq!(picture.matches("http").count(), 1, "nothing but its namespace");
    expect![[r#"
        <svg xmlns="http://www.w3.org/2000/svg" class="tidegate" width="506" height="567" viewBox="0 0 506 567" role="img" aria-labelledby="tidegate-title tidegate-desc">
        <title id="tidegate-title">receipt</title>
        <desc id="tidegate-desc">Dataflow from top to bottom: 3 inputs, 3 bindings, 1 module call (1 with effect write), 2 outputs. Dashed lines are followed only if a condition selects them; lines with a diamond are guards.</desc>
        …
        <defs>
        <marker id="tidegate-arrow" class="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.5 L10 5 L0 9.5 z"/></marker>
        <marker id="tidegate-guard" class="hollow" viewBox="0 0 12 12" refX="11" refY="6" markerWidth="12" markerHeight="12" markerUnits="userSpaceOnUse" orient="auto"><path d="M1 6 L6 2 L11 6 L6 10 z"/></marker>
        </defs>
        <rect class="page" width="506" height="567"/>
        <path class="line conditional" d="M402.4 70.0 C402.4 95.7 292.3 95.7 292.3 121.4" marker-end="url(#tidegate-arrow)"><title>n:discount reads in:rate conditionally</title></path>
        <path class="line conditional" d="M199.0 448.2 C199.0 472.1 153.7 472.1 153.7 496.0" marker-end="url(#tidegate-arrow)"><title>out:receipt reads n:receipt conditionally</title></path>
        <path class="line guard" d="M76.5 448.2 C76.5 472.1 127.7 472.1 127.7 496.0" marker-end="url(#tidegate-guard)"><title>out:receipt reads in:approval as a guard</title></path>
        <path class="line always" d="M174.9 70.0 C174.9 95.7 266.3 95.7 266.3 121.4" marker-end="url(#tidegate-arrow)"><title>n:discount reads in:order always</title></path>
        <path class="line always" d="M174.9 70.0 C174.9 95.7 195.4 95.7 195.4 121.4 V167.4"/>
        <path class="line always" d="M195.4 167.4 C195.4 191.5 253.4 191.5 253.4 215.6" marker-end="url(#tidegate-arrow)"><title>n:total reads in:order always</title></path>
        <path class="line always" d="M195.4 167.4 C195.4 191.5 195.4 191.5 195.4 215.6 V261.6"/>
        <path class="line always" d="M195.4 261.6 C195.4 286.4 171.2 286.4 171.2 311.3" marker-end="url(#tidegate-arrow)"><title>call:receipt.1 reads in:order always</title></path>
        <path class="line always" d="M279.3 167.4 C279.3 191.5 277.4 191.5 277.4 215.6" marker-end="url(#tidegate-arrow)"><title>n:total reads n:discount always</title></path>
        <path class="line always" d="M265.4 261.6 C265.4 286.4 197.2 286.4 197.2 311.3" marker-end="url(#tidegate-arrow)"><title>call:receipt.1 reads n:total always</title></path>
        <path class="line always" d="M265.4 261.6 C265.4 286.4 348.7 286.4 348.7 311.3" marker-end="url(#tidegate-arrow)"><title>out:total reads n:total always</title></path>
        <path class="line always" d="M184.2 357.3 C184.2 379.8 185.0 379.8 185.0 402.2" marker-end="url(#tidegate-arrow)"><title>n:receipt reads call:receipt.1 always</title></path>
        <g class="input"><title>input approval: Boolean</title>
        <rect class="box" x="24.0" y="402.2" width="105.0" height="46.0" rx="23.0"/>
        <text class="name" font-size="14" x="76.5" y="422.2">approval</text>
        <text class="detail" font-size="11.5" x="76.5" y="438.2">Boolean</text>
        </g>
        <g class="input"><title>input order: { id: String, amount: Float, tier: &quot;gold&quot; | &quot;silver&quot; }</title>
        <rect class="box" x="50.9" y="24.0" width="248.0" height="46.0" rx="23.0"/>
        <text class="name" font-size="14" x="174.9" y="44.0">order</text>
        <text class="detail" font-size="11.5" x="174.9" y="60.0">{ id: String, amount: Float, tier:…</text>
        </g>
        <g class="input"><title>input rate: Float, not required</title>
        <rect class="box" x="322.9" y="24.0" width="159.0" height="46.0" rx="23.0"/>
        <text class="name" font-size="14" x="402.4" y="44.0">rate</text>
        <text class="detail" font-size="11.5" x="402.4" y="60.0">Float · not required</text>
        </g>
        <g class="binding"><title>discount: Float</title>
        <rect class="box" x="226.8" y="121.4" width="105.0" height="46.0" rx="7.0"/>
        <text class="name" font-size="14" x="279.3" y="141.4">discount</text>
        <text class="detail" font-size="11.5" x="279.3" y="157.4">Float</text>
        </g>
        <g class="binding"><title>total: Float</title>
        <rect class="box" x="223.4" y="215.6" width="84.0" height="46.0" rx="7.0"/>
        <text class="name" font-size="14" x="265.4" y="235.6">total</text>
        <text class="detail" font-size="11.5" x="265.4" y="251.6">Float</text>
        </g>
        <g class="call write"><title>call receipt.1: Send(…): String (write) with retry: 3, delay: 200ms</title>
        <rect class="box" x="73.7" y="311.3" width="221.0" height="46.0" rx="0.0"/>
        <path class="inner" d="M79.7 311.3 V357.3 M288.7 311.3 V357.3"/>
        <text class="name" font-size="14" x="184.2" y="331.3">Send</text>
        <text class="detail" font-size="11.5" x="184.2" y="347.3">write · retry: 3, delay: 200ms</text>
        </g>
        <g class="binding"><title>receipt: String</title>
        <rect class="box" x="153.0" y="402.2" width="92.0" height="46.0" rx="7.0"/>
        <text class="name" font-size="14" x="199.0" y="422.2">receipt</text>
        <text class="detail" font-size="11.5" x="199.0" y="438.2">String</text>
        </g>
        <g class="output"><title>output receipt: Optional&lt;String&gt;</title>
        <rect class="box" x="66.7" y="496.0" width="148.0" height="46.0" rx="23.0"/>
        <rect class="inner" x="70.2" y="499.5" width="141.0" height="39.0" rx="19.5"/>
        <text class="name" font-size="14" x="140.7" y="516.0">receipt</text>
        <text class="detail" font-size="11.5" x="140.7" y="532.0">Optional&lt;String&gt;</text>
        </g>
        <g class="output"><title>output total: Float</title>
        <rect class="box" x="318.7" y="311.3" width="84.0" height="46.0" rx="23.0"/>
        <rect class="inner" x="322.2" y="314.8" width="77.0" height="39.0" rx="19.5"/>
        <text class="name" font-size="14" x="360.7" y="331.3">total</text>
        <text class="detail" font-size="11.5" x="360.7" y="347.3">Float</text>
        </g>
        </svg>
    "#]].assert_eq(&format!("{before}…{behind}"));
}

#[test]
fn pictures_of_all_sizes_are_well_formed() {
    for (seed, count) in [(1, 0), (2, 5), (3, 200), (4, 1_000)] {
        check_xml(&svg(&random(seed, count, 3), "random").expect("it is small"));
    }
}

#[test]
fn hostile_names_stay_harmless() {
    let evil =
        "\"]; <script>alert('&')</script> \\\" --> %%{init}%% `**` \u{1b}[2J\u{202e}\u{ffff}";
    let graph = hostile(evil);

    let picture = svg(&graph, evil).expect("it is small");
    check_xml(&picture);
    assert!(!picture.contains("<script") && !picture.contains(['\u{1b}', '\u{202e}', '\u{ffff}']));

    let text = dot(&graph);
    for line in text.lines() {
        let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        assert_eq!(quotes % 2, 0, "{line}");
    }
    assert!(!text.contains(['\u{1b}', '\u{202e}']));

    let text = mermaid(&graph);
    for line in text.lines().filter(|line| line.contains('"')) {
        let (_, label) = line.split_once('"').expect("a label");
        let (label, behind) = label.split_once('"').expect("its end");
        assert!(!behind.contains('"'), "{line}");
        let label = label.replacen("<br>", "", 1);
        assert!(!label.contains(['<', '>', '`', '*', '%', '[', ']', '\\', '&']), "{line}");
    }

    let document: serde_json::Value = serde_json::from_slice(&json(&graph)).expect("JSON");
    assert_eq!(document["nodes"][0]["name"], evil);
    assert_eq!(document["edges"][0]["use"], "guard");
}

#[test]
fn types_of_a_source_are_escaped() {
    let picture = svg(&graph_of("in a: List<\"<&\">\nout a"), "types").expect("it is small");
    check_xml(&picture);
    assert!(picture.contains(">List&lt;&quot;&lt;&amp;&quot;&gt;</text>"), "{picture}");
}

#[test]
fn long_texts_are_cut_in_the_picture_and_whole_in_its_tooltip() {
    let name = "n".repeat(300);
    let picture = svg(&hostile(&name), "long").expect("it is small");
    assert!(picture.contains(&format!(">{}…</text>", "n".repeat(28))));
    assert!(picture.contains(&format!("<title>input {name}: {name}</title>")));
}

fn hostile(text: &str) -> Graph {
    let node = |kind| Node {
        id: format!("in:{text}"),
        kind,
        name: Text::new(text),
        ty: Text::new(text),
        span: None,
    };
    let call =
        Call { module: Text::new(text), effect: Effect::Write, options: text.to_owned(), depth: 1 };
    Graph {
        nodes: vec![
            node(Kind::Input { required: true }),
            node(Kind::Call(call)),
            node(Kind::Binding),
            node(Kind::Output),
        ],
        edges: vec![Edge { from: 0, to: 1, uses: Use::Guard }],
    }
}

/// Tags are nested, attributes are quoted, and text holds no markup and only known entities.
fn check_xml(document: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = document;
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = start + rest[start..].find('>').expect("the end of a tag");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "{tag}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap_or_default()),
        }
        rest = &rest[end + 1..];
    }
    check_text(rest);
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?}");
}

fn check_text(text: &str) {
    for entity in text.split('&').skip(1) {
        let name = entity.split(';').next().unwrap_or_default();
        assert!(["lt", "gt", "amp", "quot", "#39"].contains(&name), "{text}");
    }
    assert!(!text.chars().any(|it| it.is_control() && it != '\n'), "{text:?}");
}
