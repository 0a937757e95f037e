//! Images, and the aliases that move from one to the other.

use std::sync::Arc;

use engine::Timestamp;
use engine::ports::{
    AliasRow, Append, DeletedImage, Expected, MoveAlias, MovedAlias, SavePipeline, SavedPipeline,
    Status, Store, StoreError, StoredImage, Target,
};
use model::{Digest, Text};

use crate::common::*;

contract! {
    keeps_images_once,
    pages_images_by_name,
    moves_aliases_to_other_images_only,
    loads_files_without_undoing_a_rollback,
    finds_aliases_by_version,
    pages_aliases_by_name,
    finds_the_aliases_of_an_image,
    lists_versions_newest_first,
    moves_to_images_versions_and_back,
    moves_only_from_where_it_was_expected,
    rolls_back_twice,
    answers_moves_but_not_refusals,
    answers_saved_pipelines,
    forgets_aliases_with_their_files,
    deletes_images_that_nothing_needs,
}

async fn keeps_images_once(store: Arc<dyn Store>) {
    let anonymous = |image| SavePipeline { image, name: None, is_file: false, claim: None };
    let first = store.save_pipeline(anonymous(image("x", 1))).await.unwrap();
    assert_eq!(first, SavedPipeline { is_new: true, version: None });
    let second = store.save_pipeline(anonymous(image("x", 2))).await.unwrap();
    assert_eq!(second, SavedPipeline { is_new: false, version: None });
    let kept = store.image(image("x", 0).digest).await.unwrap().unwrap();
    assert_eq!(kept, *image("x", 1));
    assert_eq!(store.aliases(None, 10).await.unwrap(), []);
}

async fn pages_images_by_name(store: Arc<dyn Store>) {
    let mut digests = Vec::new();
    for text in ["a", "b", "c"] {
        store.save_pipeline(save(&image(text, 1), "p")).await.unwrap();
        digests.push(image(text, 1).digest);
    }
    digests.sort();
    assert_eq!(store.images(None, 2).await.unwrap(), digests[..2]);
    assert_eq!(store.images(Some(digests[1]), 2).await.unwrap(), digests[2..]);
    assert_eq!(store.images(Some(digests[2]), 2).await.unwrap(), []);
}

async fn moves_aliases_to_other_images_only(store: Arc<dyn Store>) {
    let (one, two, one_later) = (image("1", 10), image("2", 20), image("1", 30));
    let saved = |is_new, version| SavedPipeline { is_new, version: Some(version) };
    assert_eq!(store.save_pipeline(save(&one, "p")).await.unwrap(), saved(true, 1));
    assert_eq!(store.save_pipeline(save(&one, "p")).await.unwrap(), saved(false, 1));
    assert_eq!(store.save_pipeline(save(&two, "p")).await.unwrap(), saved(true, 2));
    assert_eq!(store.save_pipeline(save(&one_later, "p")).await.unwrap(), saved(false, 3));
    assert_eq!(store.save_pipeline(save(&one, "q")).await.unwrap(), saved(false, 1));
    let row = store.alias("p".into(), None).await.unwrap().unwrap();
    assert_eq!((row.digest, row.version, row.moved_at), (one.digest, 3, Timestamp(30)));
}

async fn loads_files_without_undoing_a_rollback(store: Arc<dyn Store>) {
    let (old, new, newer) = (image("old", 1), image("new", 2), image("newer", 3));
    let version = async |save| store.save_pipeline(save).await.unwrap().version;
    assert_eq!(version(load(&old, "p")).await, Some(1));
    assert_eq!(version(load(&new, "p")).await, Some(2));
    assert_eq!(version(save(&old, "p")).await, Some(3)); // somebody rolls back by hand
    assert_eq!(version(load(&new, "p")).await, Some(3)); // a restart leaves that alone
    let digest = async || store.alias("p".into(), None).await.unwrap().unwrap().digest;
    assert_eq!(digest().await, old.digest);
    assert_eq!(version(load(&newer, "p")).await, Some(4)); // the file was edited
    assert_eq!(digest().await, newer.digest);
    assert_eq!(version(save(&newer, "p")).await, Some(4));
    // The file catches up with what was set by hand: nothing moves, but it counts as loaded.
    assert_eq!(version(save(&new, "p")).await, Some(5));
    assert_eq!(version(load(&new, "p")).await, Some(5));
    assert_eq!(version(save(&old, "p")).await, Some(6));
    assert_eq!(version(load(&new, "p")).await, Some(6));
    assert_eq!(digest().await, old.digest);
}

async fn finds_aliases_by_version(store: Arc<dyn Store>) {
    for (source, at) in [("a", 10), ("b", 20), ("c", 30)] {
        store.save_pipeline(save(&image(source, at), "p")).await.unwrap();
    }
    let second = store.alias("p".into(), Some(2)).await.unwrap().unwrap();
    assert_eq!((second.name.as_str(), second.version), ("p", 2));
    assert_eq!((second.digest, second.moved_at), (image("b", 0).digest, Timestamp(20)));
    assert_eq!(store.alias("p".into(), None).await.unwrap().unwrap().version, 3);
    for version in [0, 4, u32::MAX] {
        assert_eq!(store.alias("p".into(), Some(version)).await.unwrap(), None);
    }
    assert_eq!(store.alias("P".into(), None).await.unwrap(), None);
}

async fn pages_aliases_by_name(store: Arc<dyn Store>) {
    for name in ["b", "a", "a-b", "B", "ä", "a"] {
        store.save_pipeline(save(&image("old", 0), name)).await.unwrap();
        store.save_pipeline(save(&image(name, 0), name)).await.unwrap();
    }
    let names = async |after: Option<&str>, limit| -> Vec<(String, u32)> {
        let rows = store.aliases(after.map(Text::new), limit).await.unwrap();
        rows.into_iter().map(|row| (row.name.to_string(), row.version)).collect()
    };
    let all =
        ["B", "a", "a-b", "b", "ä"].map(|name| (name.to_owned(), if name == "a" { 4 } else { 2 }));
    assert_eq!(names(None, 10).await, all);
    assert_eq!(names(None, 2).await, all[..2]);
    assert_eq!(names(Some("a"), 2).await, all[2..4]);
    assert_eq!(names(Some("aa"), usize::MAX).await, all[3..]);
    assert_eq!(names(Some("ä"), 2).await, []);
    assert_eq!(names(None, 0).await, []);
}

async fn finds_the_aliases_of_an_image(store: Arc<dyn Store>) {
    let (one, two) = (image("1", 10), image("2", 20));
    for name in ["c", "a", "ä", "b", "B"] {
        store.save_pipeline(save(&one, name)).await.unwrap();
    }
    store.save_pipeline(save(&two, "b")).await.unwrap(); // moved away
    store.save_pipeline(save(&two, "c")).await.unwrap();
    store.save_pipeline(save(&one, "c")).await.unwrap(); // and back
    let of = async |digest, limit| -> Vec<(String, u32)> {
        let rows = store.aliases_of(digest, limit).await.unwrap();
        assert!(rows.iter().all(|row| row.digest == digest));
        rows.into_iter().map(|row| (row.name.to_string(), row.version)).collect()
    };
    let all = [("B", 1), ("a", 1), ("c", 3), ("ä", 1)].map(|(name, at)| (name.to_owned(), at));
    assert_eq!(of(one.digest, 10).await, all);
    assert_eq!(of(one.digest, 2).await, all[..2]);
    assert_eq!(of(one.digest, 0).await, []);
    assert_eq!(of(two.digest, usize::MAX).await, [("b".to_owned(), 2)]);
    assert_eq!(of(Digest([0; 32]), 10).await, []);
}

async fn lists_versions_newest_first(store: Arc<dyn Store>) {
    for (source, at) in [("a", 10), ("b", 20), ("c", 30), ("a", 40)] {
        store.save_pipeline(save(&image(source, at), "p")).await.unwrap();
        store.save_pipeline(save(&image(source, at), "pp")).await.unwrap();
    }
    let listed = async |before, limit| -> Vec<(u32, Digest, Timestamp)> {
        let rows = store.versions("p".into(), before, limit).await.unwrap();
        assert!(rows.iter().all(|row| row.name == "p"));
        rows.into_iter().map(|row| (row.version, row.digest, row.moved_at)).collect()
    };
    let all = [(4, "a", 40), (3, "c", 30), (2, "b", 20), (1, "a", 10)]
        .map(|(version, source, at)| (version, image(source, 0).digest, Timestamp(at)));
    assert_eq!(listed(None, usize::MAX).await, all);
    assert_eq!(listed(None, 3).await, all[..3]);
    assert_eq!(listed(Some(4), 2).await, all[1..3]);
    assert_eq!(listed(Some(2), 2).await, all[3..]);
    assert_eq!(listed(Some(u32::MAX), 1).await, all[..1]);
    assert_eq!(listed(Some(1), 2).await, []);
    assert_eq!(listed(Some(0), 2).await, []);
    assert_eq!(store.versions("q".into(), None, 2).await.unwrap(), []);
}

/// A move of `p` at time 99.
fn shift(to: Target) -> MoveAlias {
    MoveAlias { name: "p".into(), to, expected: None, at: Timestamp(99), claim: None }
}

fn row(version: u32, image: &StoredImage, moved_at: i64) -> MovedAlias {
    let moved_at = Timestamp(moved_at);
    MovedAlias::Moved(AliasRow { name: "p".into(), digest: image.digest, version, moved_at })
}

async fn moves_to_images_versions_and_back(store: Arc<dyn Store>) {
    let moved = async |to| store.move_alias(shift(to)).await.unwrap();
    let (one, two) = (image("1", 10), image("2", 20));
    assert_eq!(moved(Target::Image(one.digest)).await, MovedAlias::NoImage);
    assert_eq!(moved(Target::Version(1)).await, MovedAlias::NoVersion);
    assert_eq!(moved(Target::Previous).await, MovedAlias::NoVersion);
    assert_eq!(store.alias("p".into(), None).await.unwrap(), None);
    for image in [&one, &two] {
        store.save_pipeline(SavePipeline { name: None, ..save(image, "p") }).await.unwrap();
    }
    assert_eq!(moved(Target::Image(one.digest)).await, row(1, &one, 99), "the alias begins");
    assert_eq!(moved(Target::Previous).await, MovedAlias::NoVersion);
    assert_eq!(moved(Target::Image(two.digest)).await, row(2, &two, 99));
    let later = MoveAlias { at: Timestamp(100), ..shift(Target::Image(two.digest)) };
    assert_eq!(store.move_alias(later).await.unwrap(), row(2, &two, 99), "it points there");
    assert_eq!(moved(Target::Version(2)).await, row(2, &two, 99));
    assert_eq!(moved(Target::Version(1)).await, row(3, &one, 99));
    for version in [0, 4, u32::MAX] {
        assert_eq!(moved(Target::Version(version)).await, MovedAlias::NoVersion);
    }
    assert_eq!(moved(Target::Image(Digest([0; 32]))).await, MovedAlias::NoImage);
    let newest = store.alias("p".into(), None).await.unwrap().unwrap();
    assert_eq!(MovedAlias::Moved(newest), row(3, &one, 99));
}

async fn moves_only_from_where_it_was_expected(store: Arc<dyn Store>) {
    let (one, two) = (image("1", 10), image("2", 20));
    let moved = async |expected, to| {
        let expected = Some(expected);
        store.move_alias(MoveAlias { expected, ..shift(to) }).await.unwrap()
    };
    let to_two = Target::Image(two.digest);
    store.save_pipeline(SavePipeline { name: None, ..save(&two, "p") }).await.unwrap();
    assert_eq!(moved(Expected::Anything, to_two).await, MovedAlias::Stale, "it is not there");
    // What is expected is looked at before where it shall go.
    assert_eq!(moved(Expected::Anything, Target::Version(1)).await, MovedAlias::Stale);
    store.save_pipeline(save(&one, "p")).await.unwrap();
    for places in [vec![], vec![(2, one.digest)], vec![(1, two.digest), (0, one.digest)]] {
        let moved = moved(Expected::OneOf(places), Target::Version(9)).await;
        assert_eq!(moved, MovedAlias::Stale);
    }
    let one_of = || Expected::OneOf(vec![(7, two.digest), (1, one.digest)]);
    assert_eq!(moved(one_of(), Target::Version(9)).await, MovedAlias::NoVersion);
    assert_eq!(moved(one_of(), to_two).await, row(2, &two, 99));
    assert_eq!(moved(one_of(), Target::Previous).await, MovedAlias::Stale, "only the first wins");
    assert_eq!(moved(Expected::Anything, Target::Previous).await, row(3, &one, 99));
}

async fn rolls_back_twice(store: Arc<dyn Store>) {
    let images = [image("1", 10), image("2", 20), image("3", 30)];
    for image in &images {
        store.save_pipeline(save(image, "p")).await.unwrap();
    }
    // The version before the newest one, not the one before it was rolled back.
    let back = async || store.move_alias(shift(Target::Previous)).await.unwrap();
    assert_eq!(back().await, row(4, &images[1], 99));
    assert_eq!(back().await, row(5, &images[2], 99));
    assert_eq!(back().await, row(6, &images[1], 99));
}

async fn answers_moves_but_not_refusals(store: Arc<dyn Store>) {
    let one = image("1", 10);
    let moved = async |to, expected| {
        let claim = answering("key");
        store.move_alias(MoveAlias { claim, expected, ..shift(to) }).await.unwrap()
    };
    let to_one = Target::Image(one.digest);
    assert_eq!(moved(to_one, None).await, MovedAlias::NoImage);
    assert_eq!(moved(Target::Previous, None).await, MovedAlias::NoVersion);
    assert_eq!(moved(to_one, Some(Expected::Anything)).await, MovedAlias::Stale);
    assert_eq!(store.claim("key".into()).await.unwrap(), None);
    store.save_pipeline(SavePipeline { name: None, ..save(&one, "p") }).await.unwrap();
    let there = moved(to_one, None).await;
    assert_eq!(there, row(1, &one, 99));
    assert_eq!(answer(&store, "key").await, Some(format!("{there:?}")));
    store.put_claim(claim("key", 1)).await.unwrap();
    assert_eq!(moved(Target::Version(1), None).await, there, "nothing moved, but it is there");
    assert_eq!(answer(&store, "key").await, Some(format!("{there:?}")));
}

async fn answers_saved_pipelines(store: Arc<dyn Store>) {
    let one = image("1", 10);
    let saved = |is_new, version| SavedPipeline { is_new, version };
    for (name, expected) in [(None, saved(true, None)), (Some("p"), saved(false, Some(1)))] {
        let name = name.map(Text::new);
        let save = SavePipeline { name, claim: answering("key"), ..save(&one, "p") };
        assert_eq!(store.save_pipeline(save).await.unwrap(), expected);
        assert_eq!(answer(&store, "key").await, Some(format!("{expected:?}")));
    }
}

async fn forgets_aliases_with_their_files(store: Arc<dyn Store>) {
    let (one, two) = (image("1", 10), image("2", 20));
    store.save_pipeline(save(&one, "pp")).await.unwrap();
    store.save_pipeline(load(&one, "p")).await.unwrap();
    store.save_pipeline(save(&two, "p")).await.unwrap();
    assert!(store.delete_alias("p".into()).await.unwrap());
    assert!(!store.delete_alias("p".into()).await.unwrap());
    assert_eq!(store.alias("p".into(), None).await.unwrap(), None);
    assert_eq!(store.alias("p".into(), Some(1)).await.unwrap(), None);
    assert_eq!(store.versions("p".into(), None, 9).await.unwrap(), []);
    assert_eq!(store.aliases_of(two.digest, 9).await.unwrap(), []);
    let names: Vec<_> = store.aliases(None, 9).await.unwrap();
    assert_eq!(names.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["pp"]);
    assert!(store.image(two.digest).await.unwrap().is_some(), "images stay");
    // The file is loaded as if for the first time.
    assert_eq!(store.save_pipeline(save(&two, "p")).await.unwrap().version, Some(1));
    assert_eq!(store.save_pipeline(load(&one, "p")).await.unwrap().version, Some(2));
}

async fn deletes_images_that_nothing_needs(store: Arc<dyn Store>) {
    let (free, old, new, run) =
        (image("free", 1), image("old", 1), image("new", 1), image("program", 1));
    let delete = async |image: &StoredImage| store.delete_image(image.digest).await.unwrap();
    assert_eq!(delete(&free).await, DeletedImage::NotFound);
    store.save_pipeline(SavePipeline { name: None, ..save(&free, "") }).await.unwrap();
    store.save_pipeline(save(&old, "p")).await.unwrap();
    store.save_pipeline(save(&new, "p")).await.unwrap();
    store.append(append(id(1), 0, b"a")).await.unwrap();
    assert_eq!(delete(&free).await, DeletedImage::Deleted);
    assert_eq!(delete(&free).await, DeletedImage::NotFound);
    assert_eq!(store.image(free.digest).await.unwrap(), None);
    for image in [&old, &new, &run] {
        assert_eq!(delete(image).await, DeletedImage::InUse);
        assert!(store.image(image.digest).await.unwrap().is_some());
    }
    store.delete_alias("p".into()).await.unwrap();
    store.delete(id(1), 1).await.unwrap();
    for image in [&old, &new, &run] {
        assert_eq!(delete(image).await, DeletedImage::Deleted);
    }
    let without = Append { image: None, ..append(id(2), 0, b"a") };
    assert_eq!(store.append(without).await, Err(StoreError::NoImage));
    assert!(store.save_pipeline(save(&old, "p")).await.unwrap().is_new);
    let later = store.append(append_all(id(2), 0, &[], summary(Status::Running))).await;
    assert_eq!(later, Ok(engine::ports::Appended::default()));
}
