//! Listens, accepts connections, and ends them in good order.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use engine::Engine;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::guard::Guard;
use crate::limits::{
    ACCEPT_PAUSE, CLOSE_TIME_MAX, CONNECTIONS_MAX, DRAIN_GRACE, HEAD_BYTES_MAX, HEAD_TIME_MAX,
};
use crate::service::{self, App};

/// Where a server listens, and by which names it may be called.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address; with port 0 the system chooses a port.
    pub listen: SocketAddr,
    /// Host names that requests may be meant for while the server listens on loopback, beside IP
    /// addresses and `localhost`.
    pub hosts: Vec<String>,
}

/// A server that holds its address. It answers nobody before [`Server::serve`]: whoever connects
/// earlier waits.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    guard: Guard,
}

/// Takes the address. Fails if it is in use or not ours.
pub async fn bind(config: Config) -> io::Result<Server> {
    let listener = TcpListener::bind(config.listen).await?;
    let guard = Guard::new(listener.local_addr()?, config.hosts);
    Ok(Server { listener, guard })
}

impl Server {
    /// The address that the server holds.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests with `engine` until `shutdown` is ready. Then new work is refused, running
    /// executions get 10 s to come to rest, what still runs is answered as Running, and the
    /// connections are closed. Load pipelines and recover executions before.
    pub async fn serve(self, engine: Engine, shutdown: impl Future<Output = ()>) {
        let Server { listener, guard } = self;
        let app = Arc::new(App::new(engine.clone(), guard));
        let connections = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut ended = pin!(async {
            shutdown.await;
            app.draining.send_replace(true);
            engine.drain(DRAIN_GRACE).await;
        });
        loop {
            // The semaphore is never closed.
            let accept = async {
                let place = places.clone().acquire_owned().await.ok();
                (place, accept(&listener).await)
            };
            let (place, stream) = tokio::select! {
                accepted = accept => accepted,
                () = &mut ended => break,
            };
            let connection = connections.watch(connection(stream, app.clone()));
            tokio::spawn(async move {
                // A caller who breaks the connection off has nobody to tell it to.
                drop(connection.await);
                drop(place);
            });
        }
        drop(listener);
        tokio::select! {
            () = connections.shutdown() => {}
            () = tokio::time::sleep(CLOSE_TIME_MAX) => {
                tracing::warn!("some connections did not end in time and are cut");
            }
        }
    }
}

/// The next connection. The system may be out of file handles: then it is asked again later.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn connection(
    stream: TcpStream,
    app: Arc<App>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    // Answers are written in one piece; waiting for more would only delay them.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| service::serve(app.clone(), request));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
}
