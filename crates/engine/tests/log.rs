//! The records of the log as they are promised: what was written once is read for ever.

extern crate tidegate_engine as engine;

use engine::Timestamp;
use engine::log::{CallNode, CallTiming, Event, Received, Record, StoredValue};
use model::{Code, Digest, Failure, Span, Text, Value};

/// One record of every kind, as the first version writes it: a length in four bytes, then the record.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/log-1.bin");

fn records() -> Vec<Record> {
    let node = |call, path: &[u32]| CallNode { call, path: path.to_vec() };
    let timing = CallTiming { duration_ms: 1_500, waited_ms: 300, cached: true };
    let failure = Failure {
        module: Some("Load".into()),
        attempts: 3,
        cause: Some("order".into()),
        span: Span::new(7, 12),
        ..Failure::new(Code::R001, "no answer")
    };
    let everything = Value::List(
        [
            Value::None,
            Value::Boolean(true),
            Value::Int(i64::MIN),
            Value::Float(-0.5),
            Value::string("ü"),
            Value::Record([Value::Int(1)].into()),
            Value::Map([(Value::string("k"), Value::Int(2))].into()),
            Value::Tagged(1, Value::Record([Value::Int(3)].into()).into()),
        ]
        .into(),
    );
    let events = [
        Event::Started {
            image: Digest::of(b"image"),
            pipeline: Some("orders".into()),
            inputs: vec![(0, StoredValue(everything.clone()))],
        },
        Event::Resumed {
            inputs: vec![(1, StoredValue(Value::Int(5)))],
            resolved: vec![(2, StoredValue(Value::string("by hand")))],
            retry_failed: true,
        },
        Event::CallCompleted { node: node(0, &[]), value: everything, attempts: 2, timing },
        Event::CallFailed { node: node(1, &[4, 70_000]), failure, timing: CallTiming::default() },
        Event::Cancelled,
        Event::DeadlinePassed { input: 3 },
        Event::Received(Received {
            source: None,
            id: Some("7".into()),
            event_type: "paid".into(),
            key: "o-1".into(),
            data: Text::new("{\"amount\":5}"),
        }),
    ];
    let at =
        |(number, event): (i64, Event)| Record { at: Timestamp(1_700_000_000_000 + number), event };
    (0_i64..).zip(events).map(at).collect()
}

/// `UPDATE_FIXTURE=1` writes it with this build; it is never written anew once that build is released.
#[test]
fn records_of_version_1_are_read() {
    if std::env::var_os("UPDATE_FIXTURE").is_some() {
        let framed = records().into_iter().flat_map(|record| {
            let bytes = record.encode();
            [(bytes.len() as u32).to_le_bytes().to_vec(), bytes].concat()
        });
        std::fs::write(FIXTURE, framed.collect::<Vec<u8>>()).expect("the fixture is written");
    }
    let bytes = std::fs::read(FIXTURE).expect("the fixture");
    let mut rest = bytes.as_slice();
    let mut read = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let (record, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
        read.push(Record::decode(record).expect("a record of version 1"));
        rest = behind;
    }
    assert_eq!(format!("{read:#?}"), format!("{:#?}", records()));
}
