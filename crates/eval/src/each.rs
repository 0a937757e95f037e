//! Standard functions that apply a lambda to the elements of a list.
//!
//! `fold`, `all` and `any` go one element after another; the others look at every element, so that
//! the calls in their lambdas may run at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::plan::{Each as Application, ExprId};
use model::{Text, Value, limits};

use crate::evaluator::{Attempt, Cells, Evaluator, Outcome, Stop};
use crate::operators;
use crate::stdlib::Each;

impl<'a, C: Cells> Evaluator<'a, C> {
    /// The function on its arguments. It stops where the lambda is open for an element that counts.
    pub(crate) fn each(
        &mut self,
        application: &'a Application,
        arguments: &[Value],
        id: ExprId,
    ) -> Outcome<Attempt> {
        let (Some(each), Some(Value::List(items))) =
            (self.builtins.each(application), arguments.first())
        else {
            return Err(self.broken(id));
        };
        let applied = match each {
            Each::Fold => self.fold(application, arguments, items, id),
            Each::All => self.search(application, items, false),
            Each::Any => self.search(application, items, true),
            Each::Map => {
                self.results(application, items).map(|results| Value::List(results.into()))
            }
            Each::Filter => self.filter(application, items, id),
            Each::FlatMap => self.flat_map(application, items, id),
            Each::SortBy => self.sort_by(application, items, id),
            Each::GroupBy => self.group_by(application, items, id),
        };
        match applied {
            Ok(value) => match self.charge_made(&value, id) {
                Ok(()) => Ok(Ok(value)),
                Err(Stop::Failed(failure)) => Ok(Err(failure)),
                Err(Stop::Open) => Err(Stop::Open),
            },
            Err(Stop::Failed(failure)) => Ok(Err(failure)),
            Err(Stop::Open) => Err(Stop::Open),
        }
    }

    /// Goes into the lambda for an element: its parameters are the accumulator, if there is one, and
    /// the element.
    pub fn enter_lambda(
        &mut self,
        application: &Application,
        index: usize,
        arguments: impl IntoIterator<Item = Value>,
    ) -> Outcome<()> {
        self.enter_element(index);
        for ((local, shape), argument) in application.parameters.iter().zip(arguments) {
            let value = self.reshape(*shape, argument, application.body)?;
            self.bind(*local, Some(value));
        }
        Ok(())
    }

    fn body(
        &mut self,
        application: &Application,
        index: usize,
        arguments: impl IntoIterator<Item = Value>,
    ) -> Outcome {
        let entered = self.enter_lambda(application, index, arguments);
        let result = entered.and_then(|()| self.eval(application.body));
        self.leave_element();
        result
    }

    /// What the lambda gives for every element. The failure of the lowest element that is known to
    /// fail outweighs open ones.
    fn results(&mut self, application: &Application, items: &[Value]) -> Outcome<Vec<Value>> {
        self.each_of(items.iter().enumerate(), |this, (index, item)| {
            this.body(application, index, [item.clone()])
        })
    }

    fn fold(
        &mut self,
        application: &Application,
        arguments: &[Value],
        items: &[Value],
        id: ExprId,
    ) -> Outcome {
        let mut result = arguments.get(1).cloned().ok_or_else(|| self.broken(id))?;
        for (index, item) in items.iter().enumerate() {
            result = self.body(application, index, [result, item.clone()])?;
        }
        Ok(result)
    }

    /// Whether the lambda gives `wanted` for some element: then nothing behind it is looked at.
    fn search(&mut self, application: &Application, items: &[Value], wanted: bool) -> Outcome {
        for (index, item) in items.iter().enumerate() {
            match self.body(application, index, [item.clone()])? {
                Value::Boolean(found) if found == wanted => return Ok(Value::Boolean(wanted)),
                _ => {}
            }
        }
        Ok(Value::Boolean(!wanted))
    }

    fn filter(&mut self, application: &Application, items: &[Value], id: ExprId) -> Outcome {
        let keep = self.results(application, items)?;
        let mut kept = Vec::new();
        for (item, keep) in items.iter().zip(keep) {
            match keep {
                Value::Boolean(true) => kept.push(item.clone()),
                Value::Boolean(false) => {}
                _ => return Err(self.broken(id)),
            }
        }
        Ok(Value::List(kept.into()))
    }

    fn flat_map(&mut self, application: &Application, items: &[Value], id: ExprId) -> Outcome {
        let lists = self.results(application, items)?;
        let mut all: Vec<Value> = Vec::new();
        for list in lists {
            let Value::List(items) = list else { return Err(self.broken(id)) };
            if all.len() + items.len() > limits::LIST_LENGTH_MAX {
                return Err(self.exceeded("max_list_length", limits::LIST_LENGTH_MAX, id));
            }
            all.extend(items.iter().cloned());
        }
        Ok(Value::List(all.into()))
    }

    fn sort_by(&mut self, application: &Application, items: &[Value], id: ExprId) -> Outcome {
        let keys = self.results(application, items)?;
        let rounds = u64::from(items.len().max(1).ilog2()) + 1;
        let bytes: usize = keys.iter().map(Value::bytes).sum();
        self.charge(bytes as u64 / 64 * rounds, id)?;
        let mut keyed: Vec<(Value, &Value)> = keys.into_iter().zip(items).collect();
        keyed.sort_by(|(a, _), (b, _)| operators::order(a, b));
        Ok(Value::List(keyed.into_iter().map(|(_, item)| item.clone()).collect()))
    }

    fn group_by(&mut self, application: &Application, items: &[Value], id: ExprId) -> Outcome {
        let keys = self.results(application, items)?;
        let mut groups: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
        for (key, item) in keys.into_iter().zip(items) {
            let key = match key {
                Value::Int(int) => Key::Int(int),
                Value::String(text) => Key::String(text),
                _ => return Err(self.broken(id)),
            };
            groups.entry(key).or_default().push(item.clone());
        }
        let value = |key| match key {
            Key::Int(int) => Value::Int(int),
            Key::String(text) => Value::String(text),
        };
        let entries =
            groups.into_iter().map(|(key, items)| (value(key), Value::List(items.into())));
        Ok(Value::Map(entries.collect::<Arc<[_]>>()))
    }
}

/// The key of a group; all keys of one map are of one type.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Int(i64),
    String(Text),
}
