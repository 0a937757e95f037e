//! A module whose signature has changed since an image was compiled, but still fits: it takes all that
//! the image gives, and gives nothing that the image does not take.
//!
//! Values have the layout of exactly one type, so they are written as the one and read as the other;
//! that is slower than a call of the module as it was, and ends when the source is compiled again.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::types::is_subtype;
use model::{Code, Digest, Signature, Type, Value, json};

use crate::ports::{Module, ModuleCall, ModuleError, RegisteredModule};

/// Whether calls that were compiled for the signature `was` may go to a module that `is` so.
pub(crate) fn fits(was: &Signature, is: &Signature) -> bool {
    was.parameters.len() == is.parameters.len()
        && is_subtype(&is.result, &was.result)
        && was.parameters.iter().zip(&is.parameters).all(|(was, is)| is_subtype(&was.ty, &is.ty))
}

/// `module` with the signature `was`, which it fits.
pub(crate) fn adapted(module: &RegisteredModule, was: &Signature) -> RegisteredModule {
    // Kept results have the layout of the type by which they were asked for.
    let declaration = format!("{}\0{was}", module.declaration);
    let inner = module.module.clone();
    let adapted = Adapted { inner, is: module.signature.clone(), was: was.clone() };
    RegisteredModule {
        signature: was.clone(),
        declaration: Digest::of(declaration.as_bytes()),
        module: Arc::new(adapted),
        ..module.clone()
    }
}

struct Adapted {
    inner: Arc<dyn Module>,
    is: Signature,
    was: Signature,
}

impl Module for Adapted {
    fn call(&self, call: ModuleCall) -> BoxFuture<'static, Result<Value, ModuleError>> {
        let parameters = self.was.parameters.iter().zip(&self.is.parameters);
        let arguments = parameters
            .zip(call.arguments.iter())
            .map(|((was, is), value)| convert(value, &was.ty, &is.ty))
            .collect();
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(message) => {
                return std::future::ready(Err(ModuleError::new(Code::R011, message, false)))
                    .boxed();
            }
        };
        let (is, was) = (self.is.result.clone(), self.was.result.clone());
        let called = self.inner.call(ModuleCall { arguments, ..call });
        async move {
            let value = called.await?;
            convert(&value, &is, &was)
                .map_err(|message| ModuleError::new(Code::R010, message, false))
        }
        .boxed()
    }
}

fn convert(value: &Value, from: &Type, to: &Type) -> Result<Value, String> {
    if from == to {
        return Ok(value.clone());
    }
    json::read(to, &json::to_string(from, value)).map_err(|faults| {
        let why = faults.first().map_or("it cannot be read", |fault| fault.message.as_str());
        format!("a value of the changed module does not fit: {why}")
    })
}
