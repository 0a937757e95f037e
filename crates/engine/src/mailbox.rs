//! What others ask of a durable execution, and how they are answered.

use model::Text;
use tokio::sync::oneshot;

use crate::ExecutionId;
use crate::error::EngineError;
use crate::ports::Answering;
use crate::resume::Resume;
use crate::shared::Place;
use crate::view::ExecutionView;

/// What can be asked of the task of an execution.
pub(crate) enum Request {
    /// Take these values, and answer at the next rest. What they lead to belongs to this trace.
    Resume(Resume, Option<Text>, Waiter),
    /// Answer at the next rest.
    Watch(Waiter),
    /// End.
    Cancel(Waiter),
    /// Be forgotten.
    Delete(oneshot::Sender<Result<(), EngineError>>),
    /// Let pass what is due. The sender is dropped when that is durable, or failed.
    Timer(#[expect(dead_code, reason = "dropping it is its use")] oneshot::Sender<()>),
    /// Go on with what is owed, and read what came from elsewhere.
    Wake,
}

/// Somebody who waits for an execution.
pub(crate) struct Waiter {
    /// Told when what they brought is durable.
    accepted: Option<oneshot::Sender<()>>,
    /// Told at the next rest, or why there is none.
    reply: oneshot::Sender<Answer>,
    claim: Option<WaitingClaim>,
    _place: Place,
}

/// An idempotency key on its way into the store.
struct WaitingClaim {
    answering: Answering<ExecutionView>,
    is_written: bool,
    is_answered: bool,
}

/// The other end of a [`Waiter`].
pub(crate) struct Waiting {
    pub(crate) accepted: oneshot::Receiver<()>,
    pub(crate) reply: oneshot::Receiver<Answer>,
}

pub(crate) type Answer = Result<ExecutionView, EngineError>;

impl Waiter {
    /// Both ends. The place is given back when the waiter is answered; the claim leads to the
    /// execution `id`.
    pub(crate) fn new(
        place: Place,
        id: ExecutionId,
        claim: Option<Answering<ExecutionView>>,
    ) -> (Waiter, Waiting) {
        let (accept, accepted) = oneshot::channel();
        let (sender, reply) = oneshot::channel();
        let claim = claim.map(|mut answering| {
            answering.claim.execution = Some(id);
            WaitingClaim { answering, is_written: false, is_answered: false }
        });
        let waiter = Waiter { accepted: Some(accept), reply: sender, claim, _place: place };
        (waiter, Waiting { accepted, reply })
    }

    /// Gives the answer. A caller who went away needs none.
    pub(crate) fn answer(self, answer: Answer) {
        drop(self.reply.send(answer));
    }

    /// What they brought is in the store.
    pub(crate) fn accept(&mut self) {
        if let Some(accepted) = self.accepted.take() {
            accepted.send(()).unwrap_or_default();
        }
    }

    /// The claim, if the store lacks it, or lacks its answer at a rest.
    pub(crate) fn unwritten_claim(&self, is_at_rest: bool) -> Option<&Answering<ExecutionView>> {
        let claim = self.claim.as_ref()?;
        let is_known = if is_at_rest { claim.is_answered } else { claim.is_written };
        (!is_known).then_some(&claim.answering)
    }

    /// The store has the claim.
    fn note_claim(&mut self) {
        if let Some(claim) = &mut self.claim {
            claim.is_written = true;
        }
    }

    /// The store has the claim with its answer.
    pub(crate) fn note_answer(&mut self) {
        if let Some(claim) = &mut self.claim {
            claim.is_answered = true;
        }
    }
}

impl Request {
    /// Who waits for what comes of it.
    pub(crate) fn waiter(&self) -> Option<&Waiter> {
        match self {
            Request::Resume(_, _, waiter) | Request::Watch(waiter) | Request::Cancel(waiter) => {
                Some(waiter)
            }
            Request::Delete(_) | Request::Timer(_) | Request::Wake => None,
        }
    }

    fn waiter_mut(&mut self) -> Option<&mut Waiter> {
        match self {
            Request::Resume(_, _, waiter) | Request::Watch(waiter) | Request::Cancel(waiter) => {
                Some(waiter)
            }
            Request::Delete(_) | Request::Timer(_) | Request::Wake => None,
        }
    }

    pub(crate) fn note_claim(&mut self) {
        self.waiter_mut().into_iter().for_each(Waiter::note_claim);
    }

    pub(crate) fn note_answer(&mut self) {
        self.waiter_mut().into_iter().for_each(Waiter::note_answer);
    }

    /// It was carried out, and nobody waits for more.
    pub(crate) fn done(self) {
        drop(self);
    }

    /// It is not carried out.
    pub(crate) fn refuse(self, error: &EngineError) {
        match self {
            Request::Resume(_, _, waiter) | Request::Watch(waiter) | Request::Cancel(waiter) => {
                waiter.answer(Err(error.clone()));
            }
            Request::Delete(reply) => drop(reply.send(Err(error.clone()))),
            Request::Timer(_) | Request::Wake => {}
        }
    }
}
