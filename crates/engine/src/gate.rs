//! A bound on what runs at once. Those who wait come in by priority, then in the order of their
//! coming.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Lets so many in at once; the others wait, the highest priority first.
#[derive(Debug)]
pub struct Gate(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// How many have waited.
    tickets: u64,
    waiting: BTreeMap<Ticket, oneshot::Sender<()>>,
}

type Ticket = (Reverse<u8>, u64);

/// Somebody who is in. When it is dropped, the next one comes in.
#[derive(Debug)]
pub struct Permit(Arc<Gate>);

impl Gate {
    /// A gate for so many at once, at least one.
    pub fn new(max_running: usize) -> Arc<Gate> {
        let state = State { free: max_running.max(1), tickets: 0, waiting: BTreeMap::new() };
        Arc::new(Gate(Mutex::new(state)))
    }

    /// Waits until there is room. Who stops waiting loses nothing for the others.
    pub async fn enter(self: &Arc<Gate>, priority: u8) -> Permit {
        if let Some(mut place) = self.queue(priority) {
            // An answer that does not come would be that of a gate that is gone, and this is its.
            drop((&mut place.turn).await);
            place.is_over = true;
        }
        Permit(self.clone())
    }

    /// A place among those who wait; none, if there is room.
    fn queue(&self, priority: u8) -> Option<Place<'_>> {
        let mut state = self.state();
        if state.free > 0 {
            state.free -= 1;
            return None;
        }
        let (sender, turn) = oneshot::channel();
        let ticket = (Reverse(priority), state.tickets);
        state.tickets += 1;
        state.waiting.insert(ticket, sender);
        Some(Place { gate: self, ticket, turn, is_over: false })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets the next one in.
    fn leave(&mut self) {
        while let Some((_, next)) = self.waiting.pop_first() {
            if next.send(()).is_ok() {
                return;
            }
        }
        self.free += 1;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.state().leave();
    }
}

/// Somebody who waits.
struct Place<'a> {
    gate: &'a Gate,
    ticket: Ticket,
    turn: oneshot::Receiver<()>,
    is_over: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.gate.state();
        // The turn may have come just now: then it is somebody else's.
        if state.waiting.remove(&self.ticket).is_none() {
            state.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::*;

    fn waits(gate: &Arc<Gate>, priority: u8) -> BoxFuture<'static, Permit> {
        let gate = gate.clone();
        let mut waiting = async move { gate.enter(priority).await }.boxed();
        assert!((&mut waiting).now_or_never().is_none(), "there is no room");
        waiting
    }

    fn is_in(waiting: &mut BoxFuture<'static, Permit>) -> Option<Permit> {
        waiting.now_or_never()
    }

    #[test]
    fn the_highest_priority_comes_first_and_then_the_first_comer() {
        let gate = Gate::new(1);
        let permit = gate.enter(50).now_or_never();
        let mut waiting = [10, 80, 50, 80].map(|priority| waits(&gate, priority));
        let mut leaving = permit;
        for expected in [1, 3, 2, 0] {
            drop(leaving.take());
            let came: Vec<usize> = (0..4)
                .filter(|at| match is_in(&mut waiting[*at]) {
                    Some(permit) => leaving.replace(permit).is_none(),
                    None => false,
                })
                .collect();
            assert_eq!(came, [expected]);
            waiting[expected] = waits(&gate, 0);
        }
    }

    #[test]
    fn who_stops_waiting_keeps_nobody_out() {
        let gate = Gate::new(1);
        let permit = gate.enter(50).now_or_never();
        let (first, second, mut third) = (waits(&gate, 9), waits(&gate, 8), waits(&gate, 7));
        drop(first);
        drop(permit);
        // The second has been let in and does not know it yet.
        drop(second);
        let permit = is_in(&mut third);
        assert!(permit.is_some());
        drop(permit);
        assert!(gate.enter(0).now_or_never().is_some());
        assert!(gate.state().waiting.is_empty());
    }
}
