//! `tidegate serve`: modules, store, pipelines, what was running, and then requests.
//!
//! The order matters: faults of manifests are shown before any data is touched, and nobody is told
//! that the server is ready before every pipeline file is compiled.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use engine::Retention;
use model::text::quote;
use server::Config;
use tidegate::{FileFault, FileProblem, LoadError, LoadedFile, Reference, Tidegate};
use tracing_subscriber::EnvFilter;

use crate::args::Serve;
use crate::exit::{Exit, Refusal, next};
use crate::retention::sweep_regularly;
use crate::terminal::{GOOD, WARNING};
use crate::{hint, render, show, terminal};

pub(crate) fn serve(args: &Serve) -> Result<Exit, Refusal> {
    log()?;
    let tidegate = super::run::build(Tidegate::builder().store(&args.data), &args.modules)?;
    let runtime = super::runtime()?;
    let done = runtime.block_on(serve_until_told(args, &tidegate));
    // A module may still be at work on what nobody waits for any more.
    runtime.shutdown_background();
    done
}

async fn serve_until_told(args: &Serve, tidegate: &Tidegate) -> Result<Exit, Refusal> {
    let config = Config { listen: args.listen, hosts: args.host.clone() };
    let refused = |error| bind_refusal(args.listen, &error);
    let server = server::bind(config).await.map_err(refused)?;
    let address = server.local_addr().map_err(refused)?;
    let files = match &args.pipelines {
        Some(folder) => load(tidegate, folder).await?,
        None => Vec::new(),
    };
    let told = told_to_stop().map_err(|error| {
        Refusal::new(Exit::Unavailable, format!("signals cannot be received: {error}"))
    })?;
    let recovered = tidegate.engine().recover().await.map_err(unavailable)?;
    terminal::err(&welcome(args, tidegate, address, files.len(), recovered));
    terminal::err(&next(&first_command(tidegate, address, files.first()).await));
    let retention = Retention { finished: args.keep_finished, failed: args.keep_failed };
    let reloading = tokio::spawn(reload_when_told(tidegate.clone()));
    let sweeping = tokio::spawn(sweep_regularly(tidegate.engine().clone(), retention));
    server
        .serve(tidegate.engine().clone(), async {
            told.await;
            sweeping.abort();
            reloading.abort();
            terminal::err("\nStopping: what runs has a few seconds to come to rest.\n");
        })
        .await;
    terminal::err("Stopped.\n");
    Ok(Exit::Completed)
}

/// Where the server is and what it has, for people.
fn welcome(
    args: &Serve,
    tidegate: &Tidegate,
    address: SocketAddr,
    pipelines: usize,
    recovered: usize,
) -> String {
    let folder = |path: &Path| quote(&path.to_string_lossy());
    let counted = |count: usize, path: Option<&Path>| match path {
        Some(path) => format!("{count} from {}", folder(path)),
        None => count.to_string(),
    };
    let modules = tidegate.engine().registry().iter().count();
    let modules = counted(modules, args.modules.folder().as_deref());
    let mut rows = vec![
        ["modules", &modules].map(str::to_owned),
        ["pipelines", &counted(pipelines, args.pipelines.as_deref())].map(str::to_owned),
        ["data", &folder(&args.data)].map(str::to_owned),
    ];
    if recovered > 0 {
        rows.push(["going on".to_owned(), format!("{recovered} executions that were running")]);
    }
    let mut text = format!("{GOOD}Tidegate{GOOD:#} listens on http://{address}\n");
    text.push_str(&show::rows(rows, "  "));
    if !address.ip().is_loopback() {
        text.push_str(&format!(
            "{WARNING}warning{WARNING:#}: {} is no loopback address, and this version has no \
             authentication: whoever reaches it can run pipelines\n",
            address.ip()
        ));
    }
    text
}

/// How to try it: the first pipeline, or how to get one.
async fn first_command(
    tidegate: &Tidegate,
    address: SocketAddr,
    first: Option<&LoadedFile>,
) -> String {
    let flag = hint::server(&format!("http://{}", reachable(address)));
    let Some(LoadedFile { name, .. }) = first else {
        return format!("tidegate compile FILE --name NAME{flag}");
    };
    let found = tidegate.engine().find(&Reference::Alias(name.clone(), None)).await;
    let values = match found {
        Ok(Some(found)) => super::run::assignments(found.loaded.plan()),
        Ok(None) | Err(_) => String::new(),
    };
    format!("tidegate execute {name}{values}{flag}")
}

/// An address that this machine can call.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            address.set_ip(Ipv4Addr::LOCALHOST.into())
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            address.set_ip(Ipv6Addr::LOCALHOST.into())
        }
        SocketAddr::V4(_) | SocketAddr::V6(_) => {}
    }
    address
}

fn bind_refusal(address: SocketAddr, error: &io::Error) -> Refusal {
    let refusal = Refusal::new(Exit::Unavailable, format!("cannot listen on {address}: {error}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            refusal.help("Another program listens there; choose another port with --listen")
        }
        _ => refusal.help("Choose an address of this machine with --listen"),
    }
}

fn unavailable(error: engine::EngineError) -> Refusal {
    Refusal::new(Exit::Unavailable, quote(&error.to_string()))
}

/// Other systems have no such signal.
#[cfg(not(unix))]
async fn reload_when_told(_: Tidegate) {}

/// Reads the manifests again on each SIGHUP. A set with a fault changes nothing.
#[cfg(unix)]
async fn reload_when_told(tidegate: Tidegate) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut told) = signal(SignalKind::hangup()) else { return };
    while told.recv().await.is_some() {
        let tidegate = tidegate.clone();
        let reloaded = tokio::task::spawn_blocking(move || {
            let count = |()| tidegate.engine().registry().iter().count();
            tidegate.reload().map(count)
        });
        match reloaded.await {
            Ok(Ok(modules)) => terminal::err(&format!("Modules were read again: {modules}.\n")),
            Ok(Err(error)) => {
                terminal::err(&super::run::build_refusal(&error).text);
                terminal::err("The modules are left as they were.\n");
            }
            Err(error) => tracing::error!(%error, "the manifests could not be read"),
        }
    }
}

/// Is ready when the process is told to stop. From the call on, being told no longer kills it.
#[cfg(unix)]
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Is ready when the process is told to stop.
#[cfg(not(unix))]
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

/// Log lines go to stderr; `TIDEGATE_LOG` says which.
fn log() -> Result<(), Refusal> {
    let filter = std::env::var("TIDEGATE_LOG").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        Refusal::usage(format!("TIDEGATE_LOG=`{}`: {}", quote(&filter), quote(&error.to_string())))
            .help("Write a level, such as debug, or tidegate_server=debug,warn")
    })?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    subscriber.with_ansi(false).init();
    Ok(())
}

async fn load(tidegate: &Tidegate, folder: &Path) -> Result<Vec<LoadedFile>, Refusal> {
    let files = tidegate.load_pipelines(folder).await.map_err(|error| match error {
        LoadError::Files(faults) => files_refusal(&faults),
        LoadError::Engine(error) => unavailable(error),
    })?;
    for file in &files {
        let path = file.path.to_string_lossy();
        terminal::err(&render::diagnostics(&path, &file.source, &file.warnings));
    }
    Ok(files)
}

fn files_refusal(faults: &[FileFault]) -> Refusal {
    let mut text = String::new();
    let mut wrong = String::new();
    for FileFault { path, problem } in faults {
        let path = path.to_string_lossy();
        let shown = quote(&path);
        match problem {
            FileProblem::Unreadable(error) => {
                text.push_str(&Refusal::usage(format!("cannot read `{shown}`: {error}")).text);
            }
            FileProblem::Name => {
                let message = format!("the name of `{shown}` cannot be the name of a pipeline");
                let help = "Rename the file: lower-case letters, digits, `.`, `_` and `-`, \
                            beginning with a letter or digit";
                text.push_str(&Refusal::usage(message).help(help).text);
            }
            FileProblem::DoesNotCompile { source, diagnostics } => {
                wrong.push_str(&format!(" {}", hint::shell(&path)));
                text.push_str(&render::diagnostics(&path, source, diagnostics));
            }
        }
    }
    if wrong.is_empty() {
        return Refusal::rendered(Exit::Usage, text);
    }
    Refusal::rendered(Exit::DoesNotCompile, text).next(format!("tidegate check{wrong}"))
}
