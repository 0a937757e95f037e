//! Whatever is asked of them, in whatever order, all stores say the same.

use std::fmt::Debug;
use std::sync::Arc;

use engine::Timestamp;
use engine::ports::{
    Append, Delivery, EventQuery, ExecutionQuery, Expected, MoveAlias, SavePipeline, Status, Store,
    StoreFuture, Summary, Sweep, Target,
};
use model::Text;

use crate::common::*;

const NAMES: [&str; 3] = ["a", "b", "c"];

#[tokio::test]
async fn stores_agree_on_any_course_of_things() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] = [crate::memory_store(), crate::sqlite_store(folder.path())];
    let both = Both { stores };
    for seed in 1..=4 {
        let mut dice = Dice(seed);
        for _ in 0..400 {
            both.act(&mut dice).await;
        }
        both.look().await;
    }
}

struct Both {
    stores: [Arc<dyn Store>; 2],
}

impl Both {
    async fn same<T: PartialEq + Debug>(&self, ask: impl Fn(&Arc<dyn Store>) -> StoreFuture<T>) {
        let [memory, sqlite] = &self.stores;
        assert_eq!(ask(memory).await, ask(sqlite).await);
    }

    async fn act(&self, dice: &mut Dice) {
        match dice.roll(16) {
            0..6 => {
                let append = append_of(dice, &self.stores[0]).await;
                self.same(|store| store.append(append.clone())).await;
            }
            6..10 => {
                let delivery = delivery_of(dice);
                self.same(|store| store.deliver(delivery.clone())).await;
            }
            10 => {
                let (id, records) = (id(dice.roll(8)), dice.roll(4));
                self.same(|store| store.delete(id, records)).await;
            }
            11 => {
                let save = SavePipeline {
                    image: image(dice.name(), time(dice).0),
                    name: dice.one_of_two().then(|| dice.name().into()),
                    is_file: dice.one_of_two(),
                    claim: answering(dice.name()),
                };
                self.same(|store| store.save_pipeline(save.clone())).await;
            }
            12 | 13 => {
                let shift = shift_of(dice);
                self.same(|store| store.move_alias(shift.clone())).await;
            }
            14 if dice.one_of_two() => {
                let digest = image(dice.name(), 0).digest;
                self.same(|store| store.delete_image(digest)).await;
            }
            14 => {
                let name = Text::new(dice.name());
                self.same(|store| store.delete_alias(name.clone())).await;
            }
            _ => {
                let [finished_before, failed_before, events_before, claims_before] =
                    [(); 4].map(|()| Timestamp(time(dice).0 - 20));
                let limit = 1_000;
                let sweep =
                    Sweep { finished_before, failed_before, events_before, claims_before, limit };
                let [memory, sqlite] = &self.stores;
                let mut swept =
                    [memory.sweep(sweep).await.unwrap(), sqlite.sweep(sweep).await.unwrap()];
                swept.iter_mut().for_each(|one| one.images.sort()); // in no order
                assert_eq!(swept[0], swept[1]);
            }
        }
    }

    /// Everything that can be read.
    async fn look(&self) {
        let names = || NAMES.map(|name| Some(Text::new(name))).into_iter().chain([None]);
        for number in 0..8 {
            for from in 0..3 {
                self.same(|store| store.records(id(number), from)).await;
            }
        }
        self.same(|store| store.timers(9)).await;
        self.same(|store| store.aliases(None, 9)).await;
        for name in names() {
            for other in names() {
                let query = ExecutionQuery {
                    pipeline: name.clone(),
                    missing: other.clone(),
                    ..everything()
                };
                self.same(|store| store.executions(query.clone())).await;
                let (event_type, key) = (name.clone(), other.clone());
                let query = EventQuery { event_type, key, limit: 99, ..EventQuery::default() };
                self.same(|store| store.kept_events(query.clone())).await;
            }
            let name = name.unwrap_or_default();
            self.same(|store| store.claim(name.clone())).await;
            self.same(|store| store.versions(name.clone(), None, 99)).await;
            let digest = image(&name, 0).digest;
            self.same(|store| store.image(digest)).await;
            self.same(|store| store.aliases_of(digest, 9)).await;
        }
    }
}

async fn append_of(dice: &mut Dice, store: &Arc<dyn Store>) -> Append {
    let id = id(dice.roll(8));
    let count = store.records(id, 0).await.unwrap().map_or(0, |records| records.len() as u64);
    let program = image(dice.name(), time(dice).0);
    let statuses = Status::ALL;
    let summary = Summary {
        image: program.digest,
        status: statuses[usize::try_from(dice.roll(5)).unwrap()],
        updated_at: time(dice),
        ..suspended(dice.name(), &[dice.name(), dice.name()])
    };
    let mut inputs = Vec::new();
    for input in NAMES {
        if dice.one_of_two() {
            inputs.push((input, dice.name(), dice.name()));
        }
    }
    let execution = Some(id);
    Append {
        due: dice.one_of_two().then(|| time(dice)),
        listening: listening(&inputs),
        image: dice.one_of_two().then_some(program),
        claims: vec![engine::ports::Claim { execution, ..claim(dice.name(), time(dice).0) }],
        // Mostly right.
        ..append_all(id, count + u64::from(dice.roll(8) == 0), &[&[1], &[2]], summary)
    }
}

fn delivery_of(dice: &mut Dice) -> Delivery {
    Delivery {
        identity: dice.one_of_two().then(|| (dice.name().into(), dice.name().into())),
        at: time(dice),
        kept_max: 6,
        claim: answering(dice.name()),
        ..event(dice.name(), dice.name(), dice.name().as_bytes())
    }
}

fn shift_of(dice: &mut Dice) -> MoveAlias {
    let version = u32::try_from(dice.roll(6)).unwrap();
    let digest = image(dice.name(), 0).digest;
    MoveAlias {
        name: dice.name().into(),
        to: match dice.roll(3) {
            0 => Target::Image(image(dice.name(), 0).digest),
            1 => Target::Version(version),
            _ => Target::Previous,
        },
        expected: match dice.roll(4) {
            0 => Some(Expected::OneOf(vec![(version, digest), (version + 1, digest)])),
            1 => Some(Expected::Anything),
            _ => None,
        },
        at: time(dice),
        claim: answering(dice.name()),
    }
}

fn time(dice: &mut Dice) -> Timestamp {
    Timestamp(i64::try_from(dice.roll(40)).unwrap())
}

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    /// Less than `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn name(&mut self) -> &'static str {
        NAMES[usize::try_from(self.roll(3)).unwrap()]
    }

    fn one_of_two(&mut self) -> bool {
        self.roll(2) == 0
    }
}
