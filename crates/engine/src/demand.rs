//! What is needed: follows demand from the outputs back through bindings and calls
//! (specification 6.2). It decides which calls may run and which inputs are missing, and never
//! which values come out.
//!
//! A position is *chosen* when its condition says so, *dropped* when it says no, and *open* while
//! it is unknown or failed. Demand is a pure function of the cells.

use eval::{Evaluator, Outcome};
use model::plan::{Arm, BindingId, CallId, Each, Expr, ExprId, InputId, Rescue, Scope, Source};
use model::{Effect, Plan, Value};

use crate::cells::{BindingCell, CallCell, Cells, InputCell};
use crate::limits;
use crate::loaded::LoadedImage;
use crate::log::CallNode;

/// How much a node is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// No output reaches it.
    Unneeded,
    /// Reached with open positions on the way.
    Possible,
    /// Reached through unconditional and chosen positions only.
    Certain,
}

/// What the outputs need.
#[derive(Debug)]
pub(crate) struct Demand {
    pub(crate) inputs: Vec<Level>,
    pub(crate) bindings: Vec<Level>,
    /// Calls that have not run and that may now; with [`Through::Running`] those that run.
    pub(crate) runnable: Vec<Runnable>,
    /// How many needed calls are running.
    pub(crate) running: usize,
    /// How many of them are certain.
    pub(crate) certain_running: usize,
}

/// A call that may run.
#[derive(Debug)]
pub(crate) struct Runnable {
    pub(crate) node: CallNode,
    pub(crate) level: Level,
    pub(crate) arguments: Vec<Value>,
}

/// Which cells demand is followed through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Through {
    /// Empty ones: all that scheduling needs.
    Empty,
    /// The same, to find the calls that run.
    Running,
    /// Also those that have a value: all that was ever needed.
    All,
}

impl Demand {
    pub(crate) fn of(loaded: &LoadedImage, cells: &Cells, through: Through) -> Demand {
        let plan = loaded.plan();
        let mut walk = Walk {
            loaded,
            evaluator: Evaluator::new(plan, &loaded.builtins, cells),
            cells,
            demand: Demand {
                inputs: vec![Level::Unneeded; plan.inputs.len()],
                bindings: vec![Level::Unneeded; plan.bindings.len()],
                runnable: Vec::new(),
                running: 0,
                certain_running: 0,
            },
            through,
            inner: Vec::new(),
            steps_left: 0,
        };
        for output in &plan.outputs {
            walk.need(output.source, Level::Certain);
        }
        // A binding is read only by later ones, so going backwards every level is final in time.
        for id in (0..plan.bindings.len()).rev() {
            walk.binding(plan, id as BindingId);
        }
        walk.demand
    }
}

struct Walk<'a> {
    loaded: &'a LoadedImage,
    evaluator: Evaluator<'a, Cells>,
    cells: &'a Cells,
    demand: Demand,
    through: Through,
    /// How much the cells of called pipelines in the current binding are needed.
    inner: Vec<Level>,
    /// Steps for the current binding; where they end, the rest of it is not followed.
    steps_left: u64,
}

/// The way from an output to an expression of the current binding.
#[derive(Clone, Copy)]
struct Way {
    /// Of what the expression reads.
    level: Level,
    /// No open position lies on it within the binding: calls may run.
    inline: bool,
}

impl Way {
    /// On through an open position.
    fn open(self) -> Way {
        Way { level: self.level.min(Level::Possible), inline: false }
    }
}

impl Walk<'_> {
    fn need(&mut self, source: Source, level: Level) {
        let known = match source {
            Source::Input(id) => {
                self.need_key(id, level);
                &mut self.demand.inputs[id as usize]
            }
            Source::Binding(id) => &mut self.demand.bindings[id as usize],
        };
        *known = level.max(*known);
    }

    /// The key of an input's events is needed as long as the input has no value. Its binding stands
    /// before all that read the input, so it is yet to be walked.
    fn need_key(&mut self, id: InputId, level: Level) {
        if let Some(event) = &self.loaded.plan().inputs[id as usize].event
            && self.cells.inputs[id as usize].value().is_none()
        {
            let known = &mut self.demand.bindings[event.key as usize];
            *known = level.max(*known);
        }
    }

    fn binding(&mut self, plan: &Plan, id: BindingId) {
        let level = self.demand.bindings[id as usize];
        let follows = match &self.cells.bindings[id as usize] {
            BindingCell::Open | BindingCell::Failed(_) => true,
            BindingCell::Done(_) => self.through == Through::All,
            BindingCell::Resolved(_) => false,
        };
        if level > Level::Unneeded && follows {
            let binding = &plan.bindings[id as usize];
            self.evaluator.enter(binding.locals);
            self.inner.clear();
            self.inner.resize(binding.locals as usize, Level::Unneeded);
            self.steps_left = limits::DEMAND_STEPS_MAX;
            self.expr(plan, binding.root, Way { level, inline: true });
        }
    }

    /// What is known of an expression. The bounds on steps are those of one evaluation each, so
    /// that what a binding could afford to evaluate is known here too.
    fn known<T>(
        &mut self,
        eval: impl FnOnce(&mut Evaluator<'_, Cells>) -> Outcome<T>,
    ) -> Outcome<T> {
        self.evaluator.refresh();
        let outcome = eval(&mut self.evaluator);
        self.steps_left = self.steps_left.saturating_sub(self.evaluator.steps());
        outcome
    }

    fn boolean(&mut self, id: ExprId) -> Outcome<bool> {
        self.known(|evaluator| evaluator.boolean(id))
    }

    fn expr(&mut self, plan: &Plan, mut id: ExprId, mut way: Way) {
        // Like evaluation, this goes round for the last position, so that a long `branch` needs
        // no stack.
        loop {
            if !self.loaded.reads(id) || self.steps_left == 0 {
                return;
            }
            self.steps_left -= 1;
            let expr = &plan.exprs[id as usize];
            (id, way) = match expr {
                Expr::If { condition, then, otherwise } => {
                    self.expr(plan, *condition, way);
                    match self.boolean(*condition) {
                        Ok(true) => (*then, way),
                        Ok(false) => (*otherwise, way),
                        Err(_) => {
                            self.expr(plan, *then, way.open());
                            (*otherwise, way.open())
                        }
                    }
                }
                Expr::And(a, b) | Expr::Or(a, b) => {
                    self.expr(plan, *a, way);
                    let goes_on = matches!(expr, Expr::And(..));
                    match self.boolean(*a) {
                        Ok(known) if known == goes_on => (*b, way),
                        Ok(_) => return,
                        Err(_) => (*b, way.open()),
                    }
                }
                Expr::When { value, condition } => {
                    self.expr(plan, *condition, way);
                    match self.boolean(*condition) {
                        Ok(true) => (*value, way),
                        Ok(false) => return,
                        Err(_) => (*value, way.open()),
                    }
                }
                Expr::Coalesce(a, b) => {
                    self.expr(plan, *a, way);
                    match self.known(|evaluator| evaluator.eval(*a)) {
                        Ok(Value::None) => (*b, way),
                        Ok(_) => return,
                        Err(_) => (*b, way.open()),
                    }
                }
                Expr::Match { subject, arms } => {
                    self.expr(plan, *subject, way);
                    match self.arms(plan, *subject, arms, way) {
                        Some(next) => next,
                        None => return,
                    }
                }
                Expr::Rescue(rescue) => {
                    self.expr(plan, rescue.of, way);
                    match self.fallback(rescue, way) {
                        Some(next) => next,
                        None => return,
                    }
                }
                Expr::Each(each) => return self.each(plan, each, way),
                Expr::Scope(scope) => return self.scope(plan, scope, way),
                Expr::Cell(local) => {
                    let known = &mut self.inner[*local as usize];
                    *known = way.level.max(*known);
                    return;
                }
                Expr::Input(id) => return self.need(Source::Input(*id), way.level),
                Expr::Binding(id) => return self.need(Source::Binding(*id), way.level),
                Expr::Call(id) => return self.call(plan, *id, way),
                strict => {
                    return strict.operands(&mut |operand| self.expr(plan, operand, way));
                }
            };
        }
    }

    /// Follows the arms of a `match`; gives the body at which following ends.
    fn arms(
        &mut self,
        plan: &Plan,
        subject: ExprId,
        arms: &[Arm],
        way: Way,
    ) -> Option<(ExprId, Way)> {
        let place = subject;
        let subject = self.known(|evaluator| evaluator.eval(subject)).ok();
        let mut here = if subject.is_some() { way } else { way.open() };
        for arm in arms {
            match &subject {
                Some(value) => {
                    match self.known(|evaluator| evaluator.fits(arm.pattern, value, place)) {
                        Ok(true) => {}
                        Ok(false) => continue,
                        Err(_) => here = here.open(),
                    }
                }
                None => self.evaluator.unbind(arm.pattern),
            }
            let holds = match arm.guard {
                Some(guard) => {
                    self.expr(plan, guard, here);
                    self.boolean(guard)
                }
                None => Ok(true),
            };
            match holds {
                Ok(true) if subject.is_some() => return Some((arm.body, here)),
                Ok(true) => self.expr(plan, arm.body, here),
                Ok(false) => {}
                Err(_) => {
                    here = here.open();
                    self.expr(plan, arm.body, here);
                }
            }
        }
        None
    }

    /// A fallback is chosen when the call failed for good.
    fn fallback(&mut self, rescue: &Rescue, way: Way) -> Option<(ExprId, Way)> {
        let fallback = rescue.fallback?;
        match self.known(|evaluator| evaluator.caught(rescue)) {
            Ok(Ok(_)) => None,
            Ok(Err(_)) => Some((fallback, way)),
            Err(_) => Some((fallback, way.open())),
        }
    }

    /// The body of a lambda is chosen for each element to which the function applies it.
    fn each(&mut self, plan: &Plan, each: &Each, way: Way) {
        each.arguments.iter().for_each(|argument| self.expr(plan, *argument, way));
        if !self.loaded.reads(each.body) || self.needs_nothing(each.body) {
            return;
        }
        let arguments = self.known(|evaluator| evaluator.all(&each.arguments));
        let kind = self.loaded.builtins.each(each);
        let (Ok(arguments), Some(kind)) = (arguments, kind) else {
            return self.open_body(plan, each, way);
        };
        let mut arguments = arguments.into_iter();
        let Some(Value::List(items)) = arguments.next() else { return };
        let mut carried = arguments.next();
        for (index, item) in items.iter().enumerate() {
            if self.steps_left == 0 {
                return;
            }
            let given = carried.iter().cloned().chain([item.clone()]);
            let entered = self.known(|evaluator| evaluator.enter_lambda(each, index, given));
            self.expr(plan, each.body, if entered.is_ok() { way } else { way.open() });
            if kind.is_sequential() {
                let result = self.known(|evaluator| evaluator.eval(each.body));
                self.evaluator.leave_element();
                match result {
                    Err(_) if index + 1 < items.len() => {
                        return self.open_body(plan, each, way);
                    }
                    Ok(Value::Boolean(found)) if kind.ends_with(found) => return,
                    Ok(value) => carried = carried.map(|_| value),
                    Err(_) => return,
                }
            } else {
                self.evaluator.leave_element();
            }
        }
    }

    /// A called pipeline: its cells are needed as those of the program are, going backwards.
    fn scope(&mut self, plan: &Plan, scope: &Scope, way: Way) {
        self.evaluator.refresh();
        self.evaluator.enter_scope(scope);
        self.steps_left = self.steps_left.saturating_sub(self.evaluator.steps());
        scope.cells().for_each(|(local, _)| self.inner[local as usize] = Level::Unneeded);
        self.expr(plan, scope.body, way);
        for (local, value) in scope.cells().rev() {
            let level = self.inner[local as usize];
            let follows = self.through == Through::All || !self.evaluator.is_filled(local);
            if level > Level::Unneeded && follows {
                self.expr(plan, value, Way { level, ..way });
            }
        }
    }

    /// Whether everything that the expression may read has a value, and what is followed are empty
    /// cells.
    fn needs_nothing(&self, id: ExprId) -> bool {
        self.through != Through::All
            && self.loaded.parts(id).iter().all(|part| match part {
                Expr::Input(id) => self.cells.value(Source::Input(*id)).is_some(),
                Expr::Binding(id) => self.cells.value(Source::Binding(*id)).is_some(),
                Expr::Call(_) => false,
                Expr::Cell(local) => self.evaluator.is_filled(*local),
                _ => true,
            })
    }

    /// A body for elements that are not known.
    fn open_body(&mut self, plan: &Plan, each: &Each, way: Way) {
        each.parameters.iter().for_each(|(local, _)| self.evaluator.bind(*local, None));
        self.expr(plan, each.body, way.open());
    }

    fn call(&mut self, plan: &Plan, id: CallId, way: Way) {
        let call = &plan.calls[id as usize];
        match self.cells.call(id, self.evaluator.path()) {
            CallCell::Done(_) if self.through != Through::All => return,
            CallCell::Running => {
                // Arguments that are not known any more, since a failed call in them is retried,
                // leave a call that nobody waits for.
                if let Ok(arguments) = self.known(|evaluator| evaluator.all(&call.arguments)) {
                    let is_certain = way.inline && way.level == Level::Certain;
                    self.demand.running += 1;
                    self.demand.certain_running += usize::from(is_certain);
                    if self.through == Through::Running {
                        self.offer(id, way.level, arguments);
                    }
                }
            }
            CallCell::Idle if way.inline && self.through == Through::Empty => {
                let effect = plan.modules[call.module as usize].effect;
                let speculative = effect != Effect::Write && !call.options.lazy;
                if way.level == Level::Certain || speculative {
                    let arguments = self.known(|evaluator| evaluator.all(&call.arguments));
                    if let Ok(arguments) = arguments {
                        self.offer(id, way.level, arguments);
                    }
                }
            }
            CallCell::Idle | CallCell::Done(_) | CallCell::Failed(_) => {}
        }
        for argument in &call.arguments {
            self.expr(plan, *argument, way);
        }
    }

    fn offer(&mut self, call: CallId, level: Level, arguments: Vec<Value>) {
        let node = CallNode { call, path: self.evaluator.path().to_vec() };
        self.demand.runnable.push(Runnable { node, level, arguments });
    }
}

/// The unsupplied inputs at `level` that `wanted` accepts, by name.
pub(crate) fn unsupplied(
    demand: &Demand,
    cells: &Cells,
    wanted: impl Fn(InputId, Level) -> bool,
) -> Vec<InputId> {
    let ids = 0..cells.inputs.len() as InputId;
    ids.filter(|id| matches!(cells.inputs[*id as usize], InputCell::Empty))
        .filter(|id| wanted(*id, demand.inputs[*id as usize]))
        .collect()
}

/// Required inputs that are missing for certain, by name.
pub(crate) fn missing(loaded: &LoadedImage, cells: &Cells, demand: &Demand) -> Vec<InputId> {
    unsupplied(demand, cells, |id, level| level == Level::Certain && loaded.plan().is_required(id))
}
