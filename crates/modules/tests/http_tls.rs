//! Services with TLS: whose certificates are trusted, and that HTTP/2 is spoken to those that can.

mod support;

use std::convert::Infallible;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use engine::ports::ModuleError;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::{Code, Value};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use support::{Folder, call};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The folder in which a process that is started finds its certificates.
const FOLDER: &str = "TIDEGATE_TEST_FOLDER";

#[test]
fn a_service_is_trusted_by_its_certificate_only() {
    let folder = tempfile::tempdir().expect("a folder");
    write_certificate(&folder.path().join("right"));
    write_certificate(&folder.path().join("wrong"));
    for trusted in ["right", "wrong"] {
        let ended = ask(folder.path(), trusted);
        let shown = String::from_utf8_lossy(&ended.stdout).into_owned()
            + &String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{shown}");
        assert!(shown.contains("1 passed"), "{shown}");
    }
}

/// Runs the test below in a process of its own: which roots are trusted is said by its environment.
fn ask(folder: &Path, trusted: &str) -> Output {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "asking_with_given_roots", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env("SSL_CERT_FILE", folder.join(trusted).with_extension("pem"))
        .env_remove("SSL_CERT_DIR")
        .output()
        .expect("a process")
}

fn write_certificate(path: &Path) {
    let names = vec!["localhost".to_owned()];
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names).expect("a certificate");
    std::fs::write(path.with_extension("pem"), cert.pem()).expect("a file");
    std::fs::write(path.with_extension("der"), cert.der()).expect("a file");
    std::fs::write(path.with_extension("key"), signing_key.serialize_der()).expect("a file");
}

#[tokio::test]
#[ignore = "run by `a_service_is_trusted_by_its_certificate_only`"]
async fn asking_with_given_roots() {
    let folder = std::env::var(FOLDER).expect("a folder");
    let folder = Path::new(&folder);
    let roots = std::env::var("SSL_CERT_FILE").expect("roots");
    let is_right = roots.ends_with("right.pem");
    for (protocols, version) in [(["h2", "http/1.1"], "HTTP/2.0"), (["http/1.1"; 2], "HTTP/1.1")] {
        let found = request(folder, protocols).await;
        match found {
            Ok(value) => {
                assert!(is_right, "a service with another certificate was asked");
                assert_eq!(format!("{value:?}"), format!("String({version:?})"));
            }
            Err(error) => {
                assert!(!is_right, "{}", error.message);
                assert_eq!((error.code, error.retryable), (Code::R001, true));
                assert!(error.message.contains("certificate"), "{}", error.message);
            }
        }
    }
}

/// Asks a service that speaks these protocols which version the request had.
async fn request(folder: &Path, protocols: [&str; 2]) -> Result<Value, ModuleError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let service = tokio::spawn(serve(listener, server_config(folder, &protocols)));
    let manifest = Folder::new();
    manifest.write(
        "m.toml",
        &format!(
            "[source.s]\nkind = \"http\"\nbase_url = \"https://localhost:{port}\"\n\
             allow_private = true\n[module.M]\nsource = \"s\"\n\
             signature = \"() -> String\"\nrequest = \"GET /\"\n"
        ),
    );
    let loaded = manifest.load().unwrap_or_else(|faults| panic!("{faults:#?}"));
    let found = call(&loaded.modules["M"].module, &[]).await;
    service.abort();
    found
}

fn server_config(folder: &Path, protocols: &[&str]) -> Arc<ServerConfig> {
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a file");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth();
    let key = PrivatePkcs8KeyDer::from(read("right.key")).into();
    let mut config =
        builder.with_single_cert(vec![read("right.der").into()], key).expect("a certificate");
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

async fn serve(listener: TcpListener, config: Arc<ServerConfig>) {
    let acceptor = TlsAcceptor::from(config);
    while let Ok((stream, _)) = listener.accept().await {
        // A client that does not trust us leaves here.
        let Ok(stream) = acceptor.accept(stream).await else { continue };
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let (io, answer) = (TokioIo::new(stream), service_fn(answer));
        let _ = if is_http2 {
            let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            http2.serve_connection(io, answer).await
        } else {
            hyper::server::conn::http1::Builder::new().serve_connection(io, answer).await
        };
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(format!("\"{:?}\"", request.version())))
}
