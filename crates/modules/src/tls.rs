//! TLS of a source: rustls with the machine's root certificates. A source without TLS needs none, and so
//! loads on a machine that has none.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// Whether TLS is spoken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Never,
    /// If the other side wants it.
    Maybe,
    Always,
}

/// How a client speaks TLS, with the names of the protocols that it offers inside; else why it cannot.
pub(crate) fn config(tls: Use, protocols: &[&str]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if tls != Use::Never {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if tls == Use::Always && roots.is_empty() {
            return Err("this machine has no root certificates to check services by".to_owned());
        }
    }
    with_roots(roots, protocols)
}

fn with_roots(roots: RootCertStore, protocols: &[&str]) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(config)
}
