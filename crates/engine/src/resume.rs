//! Decides what a resume means for an execution: what is new, what is known already, what
//! conflicts.

use model::plan::{BindingId, Expr, InputId, Rescue};
use model::{Code, Plan, Value, codec};

use crate::cells::{BindingCell, CallCell, Provider};
use crate::error::Rejection;
use crate::execution::Execution;
use crate::log::{Event, StoredValue};

/// What a resume supplies.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// Values of inputs, of their types.
    pub inputs: Vec<(InputId, Value)>,
    /// Values of bindings, of their types.
    pub resolved: Vec<(BindingId, Value)>,
    /// Run failed calls anew.
    pub retry_failed: bool,
}

/// The event that this resume is: `None` where it says nothing new. All or nothing: one conflict
/// rejects everything.
pub(crate) fn decide(
    execution: &Execution,
    resume: &Resume,
) -> Result<Option<Event>, Vec<Rejection>> {
    let plan = execution.image().plan();
    let mut rejections = Vec::new();
    let mut inputs = Vec::new();
    for (id, value) in &resume.inputs {
        match execution.provided(*id) {
            None => inputs.push((*id, StoredValue(value.clone()))),
            Some(provided) if is_identical(&provided.value, value) => {}
            Some(provided) => rejections.push(Rejection {
                code: match provided.by {
                    Provider::Closing | Provider::Deadline => Code::V006,
                    _ => Code::V004,
                },
                name: plan.inputs[*id as usize].name.clone(),
                provided: Some((provided.at, provided.by)),
            }),
        }
    }
    let mut resolved = Vec::new();
    for (id, value) in &resume.resolved {
        let cell = &execution.cells.bindings[*id as usize];
        let accepts = match cell {
            BindingCell::Open => !is_running_call(plan, execution, *id),
            BindingCell::Failed(_) => true,
            BindingCell::Done(_) | BindingCell::Resolved(_) => false,
        };
        if accepts {
            resolved.push((*id, StoredValue(value.clone())));
        } else if !cell.value().is_some_and(|known| is_identical(known, value)) {
            let name = plan.bindings[*id as usize].name.clone();
            rejections.push(Rejection { code: Code::V005, name, provided: None });
        }
    }
    if !rejections.is_empty() {
        return Err(rejections);
    }
    let retry_failed = resume.retry_failed && execution.has_failed_call();
    let is_new = retry_failed || !inputs.is_empty() || !resolved.is_empty();
    Ok(is_new.then_some(Event::Resumed { inputs, resolved, retry_failed }))
}

/// Whether the binding is nothing but a call that is running.
fn is_running_call(plan: &Plan, execution: &Execution, id: BindingId) -> bool {
    let mut root = plan.bindings[id as usize].root;
    while let Expr::Reshape(inner, _) | Expr::Rescue(Rescue { of: inner, .. }) =
        &plan.exprs[root as usize]
    {
        root = *inner;
    }
    match &plan.exprs[root as usize] {
        Expr::Call(call) => matches!(execution.cells.call(*call, &[]), CallCell::Running),
        _ => false,
    }
}

/// The same value to the bit: union marks and the sign of zero count.
fn is_identical(a: &Value, b: &Value) -> bool {
    let bytes = |value| {
        let mut bytes = Vec::new();
        codec::write_value(&mut bytes, value);
        bytes
    };
    bytes(a) == bytes(b)
}
