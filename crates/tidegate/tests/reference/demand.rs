//! What the outputs need, given what is known: which inputs are missing, which calls may run, and
//! where the execution stands.

use std::collections::{BTreeMap, BTreeSet};

use lang::syntax::{BinaryOp, Call, Expr, ExprKind, OptionValue, Pattern, PatternKind, Piece};
use model::Effect;

use super::meaning::{Known, Node, Outcome, Scope, Stop, World, ends, lambda_of, option};
use super::modules::Module;
use super::program::{Input, Program};
use super::value::Plain;

/// How much a node is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Possible,
    Certain,
}

/// A call that is reached through chosen positions of its own binding.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    pub(crate) level: Level,
    pub(crate) module: &'static Module,
    arguments: Outcome<Vec<Plain>>,
    is_lazy: bool,
}

/// A call that runs or is to run, with its arguments.
pub(crate) type Started = (Node, &'static Module, Vec<Plain>);

/// Everything that follows from what is known.
pub(crate) struct State<'a> {
    pub(crate) world: World<'a>,
    /// Of inputs and bindings; what is not here is unneeded.
    pub(crate) levels: BTreeMap<String, Level>,
    pub(crate) reached: BTreeMap<Node, Reached>,
}

/// The way to an expression: what it reads is needed at `level`; calls in it may run if no
/// position on the way through the binding is open.
#[derive(Clone, Copy)]
struct Way {
    level: Level,
    inline: bool,
}

/// A way through an open position.
const OPEN: Way = Way { level: Level::Possible, inline: false };

impl<'a> State<'a> {
    pub(crate) fn of(program: &'a Program, known: &'a Known) -> State<'a> {
        let world = World::new(program, known);
        let mut state = State { world, levels: BTreeMap::new(), reached: BTreeMap::new() };
        for delivered in program.outputs.values() {
            state.need(delivered, Level::Certain);
        }
        state
    }

    /// Outputs that have a value.
    pub(crate) fn outputs(&self) -> BTreeMap<&'a str, Plain> {
        let outputs = self.world.program.outputs.iter();
        outputs.filter_map(|(n, cell)| Some((n.as_str(), self.world.cell(cell).ok()?))).collect()
    }

    pub(crate) fn is_completed(&self) -> bool {
        self.outputs().len() == self.world.program.outputs.len()
    }

    /// Outputs that failed.
    pub(crate) fn failed_outputs(&self) -> BTreeSet<&'a str> {
        let outputs = self.world.program.outputs.iter();
        let failed =
            outputs.filter(|(_, cell)| matches!(self.world.cell(cell), Err(Stop::Failed(_))));
        failed.map(|(name, _)| name.as_str()).collect()
    }

    /// Needed inputs that have no value and are wanted at this level.
    fn without_value(&self, wanted: impl Fn(&Input, Level) -> bool) -> Vec<&str> {
        let needed = self.levels.iter().filter(|(name, level)| {
            let input = self.world.program.inputs.get(*name);
            input.is_some_and(|input| wanted(input, **level)) && self.world.cell(name).is_err()
        });
        needed.map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn missing(&self) -> Vec<&str> {
        self.without_value(|input, level| input.is_required() && level == Level::Certain)
    }

    pub(crate) fn possible(&self) -> Vec<&str> {
        self.without_value(|input, level| input.closes() || level == Level::Possible)
    }

    /// No certain call runs or can run.
    fn is_settled(&self, running: &BTreeSet<Node>) -> bool {
        let runs = |node| self.can_run(node) || running.contains(node);
        !self.reached.iter().any(|(node, call)| call.level == Level::Certain && runs(node))
    }

    /// Its arguments are there and it has not ended. Whether it runs is not asked.
    fn can_run(&self, node: &Node) -> bool {
        self.reached[node].arguments.is_ok() && !self.world.known.calls.contains_key(node)
    }

    /// Whether open inputs close now.
    pub(crate) fn closes(&self, running: &BTreeSet<Node>) -> bool {
        let nothing_required = self.without_value(|input, _| input.is_required()).is_empty();
        let all_but_optional = self.is_settled(running)
            && self.missing().is_empty()
            && self.failed_outputs().is_empty();
        !self.world.known.closed && (nothing_required || all_but_optional)
    }

    /// The calls that start now.
    pub(crate) fn starts(&self, running: &BTreeSet<Node>) -> Vec<Started> {
        let settled = self.is_settled(running);
        let mut starts = Vec::new();
        for (node, call) in &self.reached {
            let runs_ahead = settled && call.module.effect != Effect::Write && !call.is_lazy;
            if let Ok(arguments) = &call.arguments
                && self.can_run(node)
                && !running.contains(node)
                && (call.level == Level::Certain || runs_ahead)
            {
                starts.push((node.clone(), call.module, arguments.clone()));
            }
        }
        starts
    }

    fn need(&mut self, name: &str, level: Level) {
        if self.levels.get(name).is_some_and(|known| *known >= level) {
            return;
        }
        self.levels.insert(name.to_owned(), level);
        let program = self.world.program;
        if let Some(value) = program.bindings.get(name)
            && !self.world.known.resolved.contains_key(name)
        {
            self.follow(value, &Scope::default(), Way { level, inline: true });
        }
    }

    fn follow_all<'e>(
        &mut self,
        parts: impl IntoIterator<Item = &'e Expr>,
        scope: &Scope,
        way: Way,
    ) {
        parts.into_iter().for_each(|part| self.follow(part, scope, way));
    }

    /// Follows a conditional position.
    fn follow_if(&mut self, chosen: &Outcome<bool>, part: &Expr, scope: &Scope, way: Way) {
        match chosen {
            Ok(true) => self.follow(part, scope, way),
            Ok(false) => {}
            Err(_) => self.follow(part, scope, OPEN),
        }
    }

    /// Notes everything that the expression needs.
    fn follow(&mut self, expr: &Expr, scope: &Scope, way: Way) {
        match &expr.kind {
            ExprKind::Name(name) => {
                let program = self.world.program;
                let is_cell = program.inputs.contains_key(name.as_str())
                    || program.bindings.contains_key(name.as_str());
                if is_cell && scope.get(name).is_none() {
                    self.need(name, way.level);
                }
            }
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Boolean(_) => {}
            ExprKind::String(pieces) => {
                for piece in pieces {
                    if let Piece::Expr(part) = piece {
                        self.follow(part, scope, way);
                    }
                }
            }
            ExprKind::List(items) => self.follow_all(items, scope, way),
            ExprKind::Record(fields) => {
                self.follow_all(fields.iter().map(|(_, value)| value), scope, way);
            }
            ExprKind::Negate(a) | ExprKind::Not(a) => self.follow(a, scope, way),
            ExprKind::Field(a, _) | ExprKind::OptionalField(a, ..) | ExprKind::Project(a, _) => {
                self.follow(a, scope, way);
            }
            ExprKind::Binary(operator @ (BinaryOp::And | BinaryOp::Or), _, a, b) => {
                self.follow(a, scope, way);
                let goes_on = *operator == BinaryOp::And;
                let chosen = self.world.boolean(a, scope).map(|value| value == goes_on);
                self.follow_if(&chosen, b, scope, way);
            }
            ExprKind::Binary(_, _, a, b) => self.follow_all([&**a, &**b], scope, way),
            ExprKind::When(value, condition) => {
                self.follow(condition, scope, way);
                let chosen = self.world.boolean(condition, scope);
                self.follow_if(&chosen, value, scope, way);
            }
            ExprKind::Coalesce(_, a, b) => {
                self.follow(a, scope, way);
                let chosen = self.world.value(a, scope).map(|value| matches!(value, Plain::None));
                self.follow_if(&chosen, b, scope, way);
            }
            ExprKind::If(condition, then, otherwise) => {
                self.follow(condition, scope, way);
                let chosen = self.world.boolean(condition, scope);
                self.follow_if(&chosen, then, scope, way);
                self.follow_if(&chosen.map(|value| !value), otherwise, scope, way);
            }
            ExprKind::Branch(arms, otherwise) => {
                let mut way = way;
                for (condition, value) in arms {
                    self.follow(condition, scope, way);
                    let chosen = self.world.boolean(condition, scope);
                    self.follow_if(&chosen, value, scope, way);
                    match chosen {
                        Ok(true) => return,
                        Ok(false) => {}
                        Err(_) => way = OPEN,
                    }
                }
                self.follow(otherwise, scope, way);
            }
            ExprKind::Match(subject, arms) => {
                self.follow(subject, scope, way);
                match self.world.value(subject, scope) {
                    Ok(subject) => self.follow_arms(&subject, arms, scope, way),
                    Err(_) => {
                        for arm in arms {
                            let mut scope = scope.clone();
                            forget(&arm.pattern, &mut scope);
                            if let Some(guard) = &arm.guard {
                                self.follow(guard, &scope, OPEN);
                                // A guard that is known to be false drops its arm.
                                if !matches!(self.world.boolean(guard, &scope), Ok(false)) {
                                    self.follow(&arm.body, &scope, OPEN);
                                }
                            } else {
                                self.follow(&arm.body, &scope, OPEN);
                            }
                        }
                    }
                }
            }
            ExprKind::Call(call) => self.follow_call(expr.span.start, call, scope, way),
            ExprKind::Lambda(..) | ExprKind::Broken => panic!("nothing to follow: {expr:?}"),
        }
    }

    /// The arms of a `match` whose subject is known.
    fn follow_arms(
        &mut self,
        subject: &Plain,
        arms: &[lang::syntax::Arm],
        scope: &Scope,
        way: Way,
    ) {
        let mut way = way;
        for arm in arms {
            let mut scope = scope.clone();
            if !self.world.fits(&arm.pattern, subject, &mut scope) {
                continue;
            }
            let chosen = match &arm.guard {
                None => Ok(true),
                Some(guard) => {
                    self.follow(guard, &scope, way);
                    self.world.boolean(guard, &scope)
                }
            };
            self.follow_if(&chosen, &arm.body, &scope, way);
            match chosen {
                Ok(true) => return,
                Ok(false) => {}
                Err(_) => way = OPEN,
            }
        }
    }

    fn follow_call(&mut self, place: u32, call: &Call, scope: &Scope, way: Way) {
        let (lambda, plain) = lambda_of(call);
        let node = (place, scope.path.clone());
        // A retry makes nothing anew that was an argument of a call that succeeded.
        let is_done = matches!(self.world.known.calls.get(&node), Some(Ok(_)));
        let inline = way.inline && !is_done;
        self.follow_all(plain.iter().copied(), scope, Way { inline, ..way });
        if let Some(module) = Module::named(&call.path[0].text) {
            if way.inline {
                self.reach(node, call, module, scope, way.level);
            }
        } else if let Some((parameters, body)) = lambda {
            self.follow_elements(call, parameters, body, scope, way);
        }
        if let Some(OptionValue::Expr(fallback)) = option(call, "fallback") {
            let chosen = self.world.attempt(place, call, scope).map(|result| result.is_err());
            self.follow_if(&chosen, fallback, scope, way);
        }
    }

    fn reach(
        &mut self,
        node: Node,
        call: &Call,
        module: &'static Module,
        scope: &Scope,
        level: Level,
    ) {
        let arguments = self.world.all(&call.arguments, scope);
        let is_lazy = option(call, "lazy").is_some();
        let known =
            self.reached.entry(node).or_insert(Reached { level, module, arguments, is_lazy });
        known.level = known.level.max(level);
    }

    /// The body of a lambda, for each element to which the function applies it.
    fn follow_elements(
        &mut self,
        call: &Call,
        parameters: &[lang::syntax::Param],
        body: &Expr,
        scope: &Scope,
        way: Way,
    ) {
        let name = call.path[0].text.as_str();
        let arguments = self.world.all(lambda_of(call).1, scope);
        let open = |state: &mut Self| {
            let mut scope = scope.clone();
            parameters.iter().for_each(|p| scope.bind(&p.name.text, Err(Stop::Unknown)));
            state.follow(body, &scope, OPEN);
        };
        let Ok(arguments) = arguments else { return open(self) };
        let Plain::List(items) = &arguments[0] else { panic!("{:?}", arguments[0]) };
        let mut carried = arguments.get(1).cloned();
        for (index, item) in items.iter().enumerate() {
            let given: Vec<Plain> = carried.iter().chain([item]).cloned().collect();
            let scope = scope.element(index as u32, parameters, &given);
            self.follow(body, &scope, way);
            if !matches!(name, "fold" | "all" | "any") {
                continue;
            }
            match self.world.value(body, &scope) {
                Ok(result) if ends(name, &result) => return,
                Ok(result) => carried = carried.map(|_| result),
                Err(_) if index + 1 < items.len() => return open(self),
                Err(_) => return,
            }
        }
    }
}

/// Binds the variables of a pattern of which it is not known whether it fits.
fn forget(pattern: &Pattern, scope: &mut Scope) {
    match &pattern.kind {
        PatternKind::Name(name) => scope.bind(name, Err(Stop::Unknown)),
        PatternKind::Some(inner) => forget(inner, scope),
        PatternKind::Record(fields) => {
            for (name, inner) in fields {
                match inner {
                    Some(inner) => forget(inner, scope),
                    None => scope.bind(&name.text, Err(Stop::Unknown)),
                }
            }
        }
        _ => {}
    }
}
