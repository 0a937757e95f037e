//! What everybody talks about: types, values, signatures, plans, images, diagnostics.
//!
//! This room is data and pure functions over it. There is no IO, no async, no clock and no
//! knowledge of HTTP here; `lang` writes these nouns, `engine` reads them, and neither knows the
//! other. Two of them are promised formats with a version: [`Image`] bytes and the binary values
//! of [`codec`].

pub mod catalog;
pub mod code;
pub mod codec;
pub mod diagnostic;
pub mod digest;
pub mod failure;
pub mod image;
pub mod json;
pub mod limits;
pub mod plan;
pub mod print;
pub mod span;
pub mod text;
pub mod types;
pub mod value;

mod validate;

pub use smol_str::SmolStr as Text;

pub use catalog::{Catalog, Effect, Function, Origin, Parameter, Signature};
pub use code::Code;
pub use diagnostic::{Diagnostic, Label, Severity};
pub use digest::Digest;
pub use failure::Failure;
pub use image::{Image, ImageFault};
pub use plan::Plan;
pub use span::{Location, Span};
pub use types::{Field, KeyType, Member, Record, Type, Union, Variable};
pub use value::Value;
