//! What calls of all executions share in this process: results that are reused, calls that are
//! made once for several, and limits of how often and how many.
//!
//! Time is an argument here. What is remembered is bounded, and forgetting it is harmless: a result
//! is computed again, a bucket that is full again is like one that was never used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use lru::LruCache;
use model::plan::Rate;
use model::{Digest, Text, Value};
use rustc_hash::FxHashMap;

use crate::call::Ended;
use crate::gate::{Gate, Permit};
use crate::limits;

/// What calls share.
#[derive(Default)]
pub(crate) struct Traffic {
    /// By the name of the cache; the default one has none.
    caches: Mutex<FxHashMap<Text, Cache>>,
    flights: Mutex<Flights>,
    throttles: Mutex<Throttles>,
    concurrencies: Mutex<HashMap<(Text, u64), Weak<Gate>>>,
}

impl Traffic {
    /// The result that was kept under `key` less than `ttl` ago.
    pub(crate) fn cached(
        &self,
        cache: &Text,
        key: &Digest,
        now: Duration,
        ttl: Duration,
    ) -> Option<Value> {
        let mut caches = lock(&self.caches);
        let kept = caches.get_mut(cache)?.results.get(key)?;
        (now.saturating_sub(kept.at) < ttl).then(|| kept.value.clone())
    }

    /// Keeps a result.
    pub(crate) fn keep(&self, cache: &Text, key: Digest, value: Value, now: Duration) {
        lock(&self.caches).entry(cache.clone()).or_default().keep(key, Kept { value, at: now });
    }

    /// How the call of this key ends: the one that is being made already, or else `call`, which
    /// goes on as long as anybody waits for it. Says whether it was another's.
    pub(crate) async fn share(
        self: &Arc<Traffic>,
        key: Digest,
        call: impl FnOnce() -> BoxFuture<'static, Ended>,
    ) -> (Ended, bool) {
        let (flight, is_anothers) = self.board(key, call);
        (flight.await, is_anothers)
    }

    fn board(
        self: &Arc<Traffic>,
        key: Digest,
        call: impl FnOnce() -> BoxFuture<'static, Ended>,
    ) -> (Flight, bool) {
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.by_key.get(&key).and_then(|(_, flight)| flight.upgrade()) {
            return (flight, true);
        }
        let number = flights.count;
        flights.count += 1;
        let landing = Landing { traffic: self.clone(), key, number };
        let call = call();
        let flight = async move {
            let ended = call.await;
            drop(landing);
            ended
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            flights.by_key.insert(key, (number, weak));
        }
        (flight, false)
    }

    /// How long the next attempt of this module at this rate must wait; it is counted as made then.
    pub(crate) fn reserve(&self, module: &Text, rate: Rate, now: Duration) -> Duration {
        lock(&self.throttles).reserve(module, rate, now)
    }

    /// Waits until fewer than `count` attempts of this module run.
    pub(crate) async fn enter(&self, module: &Text, count: u64) -> Permit {
        let gate = self.concurrency(module, count);
        gate.enter(0).await
    }

    fn concurrency(&self, module: &Text, count: u64) -> Arc<Gate> {
        let mut gates = lock(&self.concurrencies);
        let key = (module.clone(), count);
        if let Some(gate) = gates.get(&key).and_then(Weak::upgrade) {
            return gate;
        }
        if gates.len() >= limits::CALL_LIMITS_SWEPT {
            gates.retain(|_, gate| gate.strong_count() > 0);
        }
        let gate = Gate::new(usize::try_from(count).unwrap_or(usize::MAX));
        gates.insert(key, Arc::downgrade(&gate));
        gate
    }
}

/// Results, the least recently used forgotten first.
struct Cache {
    results: LruCache<Digest, Kept>,
    bytes: usize,
}

struct Kept {
    value: Value,
    at: Duration,
}

impl Kept {
    /// What it takes in memory, about.
    fn bytes(&self) -> usize {
        self.value.bytes() + size_of::<(Digest, Kept)>() + 64
    }
}

impl Default for Cache {
    fn default() -> Cache {
        Cache { results: LruCache::unbounded(), bytes: 0 }
    }
}

impl Cache {
    fn keep(&mut self, key: Digest, kept: Kept) {
        self.bytes += kept.bytes();
        if let Some(old) = self.results.put(key, kept) {
            self.bytes -= old.bytes();
        }
        while self.bytes > limits::CACHE_BYTES_MAX
            && let Some((_, oldest)) = self.results.pop_lru()
        {
            self.bytes -= oldest.bytes();
        }
    }
}

type Flight = Shared<BoxFuture<'static, Ended>>;

/// Calls that several wait for.
#[derive(Default)]
struct Flights {
    /// With their numbers, so that one that has ended does not take away another.
    by_key: FxHashMap<Digest, (u64, WeakShared<BoxFuture<'static, Ended>>)>,
    count: u64,
}

/// Forgets a flight when it has ended or nobody waits for it any more.
struct Landing {
    traffic: Arc<Traffic>,
    key: Digest,
    number: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = lock(&self.traffic.flights);
        if flights.by_key.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            flights.by_key.remove(&self.key);
        }
    }
}

/// Token buckets, as the generic cell rate algorithm (ITU-T I.371) keeps them: of each only the time
/// at which it is full again.
#[derive(Default)]
struct Throttles {
    full_at: HashMap<(Text, u64, u64), u128>,
}

impl Throttles {
    fn reserve(&mut self, module: &Text, rate: Rate, now: Duration) -> Duration {
        let now = now.as_nanos();
        if self.full_at.len() >= limits::CALL_LIMITS_SWEPT {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        let full_at = self.full_at.entry((module.clone(), rate.count, rate.per_ms)).or_default();
        let per = u128::from(rate.per_ms) * 1_000_000;
        let interval = per.div_ceil(u128::from(rate.count.max(1)));
        *full_at = (*full_at).max(now) + interval;
        let wait = full_at.saturating_sub(per.max(interval)).saturating_sub(now);
        Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_bucket_gives_its_tokens_and_then_one_after_the_other() {
        let traffic = Traffic::default();
        let reserve = |now| traffic.reserve(&"M".into(), Rate { count: 2, per_ms: 1_000 }, ms(now));
        assert_eq!([0, 0, 0, 0, 0].map(reserve), [0, 0, 500, 1_000, 1_500].map(ms));
        // Everything that was promised has been made at 1 500, and one token more is there.
        assert_eq!([2_000, 2_000, 9_000, 9_000, 9_000].map(reserve), [0, 500, 0, 0, 500].map(ms));
        let slow = Rate { count: 1, per_ms: 60_000 };
        assert_eq!(traffic.reserve(&"M".into(), slow, ms(0)), ms(0));
        assert_eq!(traffic.reserve(&"N".into(), slow, ms(0)), ms(0));
        assert_eq!(traffic.reserve(&"M".into(), slow, ms(10)), ms(59_990));
        let absurd = Rate { count: u64::MAX, per_ms: u64::MAX };
        assert_eq!(traffic.reserve(&"M".into(), absurd, ms(0)), ms(0));
    }

    #[test]
    fn buckets_that_are_full_are_forgotten() {
        let traffic = Traffic::default();
        for count in 1..=limits::CALL_LIMITS_SWEPT as u64 * 3 {
            traffic.reserve(&"M".into(), Rate { count, per_ms: 1 }, ms(count * 10));
            drop(traffic.concurrency(&"M".into(), count));
        }
        assert!(lock(&traffic.throttles).full_at.len() <= limits::CALL_LIMITS_SWEPT);
        assert!(lock(&traffic.concurrencies).len() <= limits::CALL_LIMITS_SWEPT);
    }

    #[test]
    fn a_cache_forgets_what_was_not_used_for_the_longest_time() {
        let traffic = Traffic::default();
        let (cache, name) = (Text::default(), |n: usize| Digest::of(&n.to_le_bytes()));
        let value = Value::string("x".repeat(limits::CACHE_BYTES_MAX / 4));
        let is_kept = |n| traffic.cached(&cache, &name(n), ms(5), ms(9)).is_some();
        for n in 0..3 {
            traffic.keep(&cache, name(n), value.clone(), ms(0));
        }
        assert!(is_kept(0));
        traffic.keep(&cache, name(3), value.clone(), ms(0));
        assert_eq!([0, 1, 2, 3].map(is_kept), [true, false, true, true]);
        traffic.keep(&cache, name(3), value, ms(0));
        assert_eq!([0, 2, 3].map(is_kept), [true; 3]);
        assert!(traffic.cached(&cache, &name(0), ms(9), ms(9)).is_none(), "its time is over");
        assert!(traffic.cached(&"other".into(), &name(0), ms(0), ms(9)).is_none());
    }
}
