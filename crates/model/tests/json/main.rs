//! JSON at the types of the language: row by row, and what holds for every type and value.

extern crate tidegate_model as model;

mod bounds;
mod common;
mod faults;
mod properties;
mod random;
mod rows;
