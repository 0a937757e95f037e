//! Modules of the program that embeds the engine: async functions, with signatures from their types.

use std::fmt;
use std::sync::Arc;

use engine::Gate;
use engine::ports::{Module, ModuleCall, ModuleError, RegisteredModule};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::text::quote;
use model::{Code, Effect, Parameter, Signature, Text, Type, Value};

use crate::Typed;

/// What can be a module: an async function of [`Typed`] parameters that gives a [`Typed`] value, or a
/// `Result` of one and a [`Failed`]; or an [`Embedded`] that says more about one.
pub trait IntoModule<Arguments> {
    /// The module.
    fn into_module(self) -> Embedded;
}

/// A failure of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// For people.
    pub message: String,
    /// Whether another attempt may succeed.
    pub retryable: bool,
}

impl Failed {
    /// A failure for good.
    pub fn new(message: impl Into<String>) -> Failed {
        Failed { message: message.into(), retryable: false }
    }

    /// A failure that may pass.
    pub fn passing(message: impl Into<String>) -> Failed {
        Failed { retryable: true, ..Failed::new(message) }
    }
}

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Failed {
        Failed::new(error.to_string())
    }
}

/// A module, and what is said of it.
#[derive(Clone)]
pub struct Embedded {
    module: RegisteredModule,
}

impl Embedded {
    /// A function as a module that reads; its parameters are called `arg1`, `arg2` and so on.
    pub fn new<Arguments>(function: impl IntoModule<Arguments>) -> Embedded {
        function.into_module()
    }

    /// What a call may do.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Embedded {
        self.module.effect = effect;
        self
    }

    /// One line for people.
    #[must_use]
    pub fn doc(mut self, doc: &str) -> Embedded {
        self.module.doc = doc.into();
        self
    }

    /// Names of the parameters, in order; further ones keep theirs.
    #[must_use]
    pub fn parameters<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Embedded {
        for (parameter, name) in self.module.signature.parameters.iter_mut().zip(names) {
            parameter.name = name.into();
        }
        self
    }

    /// At most so many calls at once; the others wait by their priority.
    #[must_use]
    pub fn max_running(mut self, calls: usize) -> Embedded {
        self.module.gate = Some(Gate::new(calls));
        self
    }

    pub(crate) fn registered(self) -> RegisteredModule {
        self.module
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.module.fmt(f)
    }
}

impl IntoModule<()> for Embedded {
    fn into_module(self) -> Embedded {
        self
    }
}

/// What a module's function gives.
pub trait Outcome {
    /// The type of its value.
    fn ty() -> Type;
    /// Its value, or why there is none.
    fn into_result(self) -> Result<Value, Failed>;
}

impl<T: Typed> Outcome for T {
    fn ty() -> Type {
        T::ty()
    }

    fn into_result(self) -> Result<Value, Failed> {
        Ok(self.into_value())
    }
}

impl<T: Typed, E: Into<Failed>> Outcome for Result<T, E> {
    fn ty() -> Type {
        T::ty()
    }

    fn into_result(self) -> Result<Value, Failed> {
        self.map(T::into_value).map_err(E::into)
    }
}

type Called = BoxFuture<'static, Result<Value, ModuleError>>;

/// A function over values.
struct Function<F>(F);

impl<F: Fn(&[Value]) -> Called + Send + Sync + 'static> Module for Function<F> {
    fn call(&self, call: ModuleCall) -> Called {
        (self.0)(&call.arguments)
    }
}

fn embedded<F>(parameters: Vec<Type>, result: Type, function: F) -> Embedded
where
    F: Fn(&[Value]) -> Called + Send + Sync + 'static,
{
    let named = |(number, ty): (usize, Type)| {
        let name: Text = format!("arg{}", number + 1).into();
        Parameter { name, ty }
    };
    let parameters = parameters.into_iter().enumerate().map(named).collect();
    let signature = Signature { parameters, result };
    let module = Arc::new(Function(function));
    Embedded { module: RegisteredModule::embedded(signature, Effect::Read, module) }
}

fn out_of_range(at: usize) -> Called {
    let message = format!("argument {} is out of the range of the module's type", at + 1);
    std::future::ready(Err(ModuleError::new(Code::R011, message, false))).boxed()
}

fn ended(result: Result<Value, Failed>) -> Result<Value, ModuleError> {
    result.map_err(|Failed { message, retryable }| {
        ModuleError::new(Code::R001, quote(&message), retryable)
    })
}

macro_rules! functions {
    ($(($($name:ident $at:tt),*))*) => {$(
        impl<F, R, $($name,)*> IntoModule<($($name,)* R,)> for F
        where
            F: Fn($($name),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            R::Output: Outcome,
            $($name: Typed,)*
        {
            fn into_module(self) -> Embedded {
                let parameters = vec![$($name::ty()),*];
                embedded(parameters, <R::Output as Outcome>::ty(), move |_arguments| {
                    let called = self($(
                        match _arguments.get($at).and_then($name::from_value) {
                            Some(argument) => argument,
                            None => return out_of_range($at),
                        }
                    ),*);
                    async move { ended(called.await.into_result()) }.boxed()
                })
            }
        }
    )*};
}

functions! {
    ()
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, G 5)
}
