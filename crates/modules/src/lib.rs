//! Modules that users declare in a folder of `*.toml` files: [`load`] reads the folder and gives
//! what the engine can call.
//!
//! A manifest is checked whole before anything is called: every signature is parsed, every SQL
//! statement prepared against its database, and all that is wrong is listed as [`ManifestFault`]s,
//! each with its file, line and key. What the specification names but this version does not do is
//! such a fault too, never accepted and ignored. This room knows nothing of the server; the
//! sources are SQLite and PostgreSQL databases, HTTP services, and workers: processes that declare their modules
//! themselves.

mod declaration;
mod document;
mod fault;
mod http;
mod manifest;
mod openapi;
mod postgres;
mod process;
mod recorded;
mod rows;
mod secret;
mod source;
mod sqlite;
mod tls;

pub mod limits;

pub use declaration::check_name;
pub use fault::ManifestFault;
pub use manifest::{Manifest, load};
pub use openapi::{Import, import_openapi};
pub use recorded::{Tested, test};
