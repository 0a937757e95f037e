//! One child process from its start to its end, and the loop that starts the next one.
//!
//! Whatever a child does, it must neither outlive us nor keep us waiting: it leads a process group
//! of its own that is killed as a whole, what it has in its pipes is dropped and never waited for
//! without an end, and no line is longer than its bound.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::text::{cut, quote};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::pool::Pool;
use super::program::Program;
use super::protocol::{self, Offer};
use crate::limits::{
    FAREWELL_MAX, LAST_LINES_MAX, LINE_BYTES_MAX, RESTART_FIRST, RESTART_MAX, STDERR_LINE_BYTES_MAX,
};

/// Changes, by the loss of its sender, when the source is not needed any more.
pub(super) type Closing = watch::Receiver<()>;

/// Starts the first replica and, as soon as its modules are known and told, the others, and keeps
/// all of them running until the source closes.
pub(super) async fn run(
    program: Arc<Program>,
    pool: Arc<Pool>,
    told: std::sync::mpsc::SyncSender<Result<Vec<Offer>, String>>,
    mut closing: Closing,
) {
    let started = tokio::select! {
        started = Worker::start(&program, 0) => started,
        _ = closing.changed() => return,
    };
    let (worker, offers) = match started {
        Ok((worker, offers)) => (worker, offers),
        Err(why) => return drop(told.send(Err(program.secrets.hide(&why)))),
    };
    // Who loads the manifest waits for it.
    let _ = told.send(Ok(offers.clone()));
    let offers: Arc<[Offer]> = offers.into();
    let mut first = Some(worker);
    let replicas = (0..pool.replicas()).map(|replica| Replica {
        program: program.clone(),
        pool: pool.clone(),
        offers: offers.clone(),
        number: replica,
        worker: first.take(),
        closing: closing.clone(),
    });
    futures_util::future::join_all(replicas.map(Replica::supervise)).await;
}

/// One place in the pool, which one child after another takes.
struct Replica {
    program: Arc<Program>,
    pool: Arc<Pool>,
    offers: Arc<[Offer]>,
    number: usize,
    /// The first one, if it runs already.
    worker: Option<Worker>,
    closing: Closing,
}

impl Replica {
    async fn supervise(mut self) {
        let mut wait = RESTART_FIRST;
        loop {
            let Some(ended) = self.attend().await else { return };
            if ended.has_answered {
                wait = RESTART_FIRST;
            }
            let why = self.program.secrets.hide(&ended.why);
            let source = self.program.source.as_str();
            tracing::warn!(source, replica = self.number, "{why}; next start in {wait:?}");
            self.pool.down(self.number, &why, wait > RESTART_FIRST);
            tokio::select! {
                () = sleep(wait) => {}
                _ = self.closing.changed() => return,
            }
            wait = (wait * 2).min(RESTART_MAX);
        }
    }

    /// Serves with one child until it ends; `None` if the source closes.
    async fn attend(&mut self) -> Option<Ended> {
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => {
                let mut closing = self.closing.clone();
                let started = tokio::select! {
                    started = self.start() => started,
                    _ = closing.changed() => return None,
                };
                match started {
                    Ok(worker) => worker,
                    Err(why) => return Some(Ended { why, has_answered: false }),
                }
            }
        };
        self.pool.up(self.number);
        worker.serve(&self.pool, self.number, &mut self.closing).await
    }

    async fn start(&self) -> Result<Worker, String> {
        let (worker, offers) = Worker::start(&self.program, self.number).await?;
        let is_same = offers.len() == self.offers.len()
            && offers.iter().zip(&*self.offers).all(|(new, old)| new.is_same(old));
        if !is_same {
            worker.end().await;
            return Err("the worker has other modules than when the manifest was loaded".into());
        }
        Ok(worker)
    }
}

/// A child that has said hello.
struct Worker {
    process: Process,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// How the service of a child ended.
struct Ended {
    why: String,
    has_answered: bool,
}

/// What a child did that ends its service.
enum End {
    /// It closed its output, or wrote what is no answer.
    Output(Option<String>),
    Exit(io::Result<ExitStatus>),
    /// We do not need it any more.
    Closing,
}

impl Worker {
    /// Starts a child and reads its first line; else says what is wrong, and the child is gone.
    async fn start(program: &Arc<Program>, replica: usize) -> Result<(Worker, Vec<Offer>), String> {
        let (process, stdin, stdout) = Process::spawn(program, replica)?;
        let mut worker = Worker { process, stdin, stdout: BufReader::new(stdout) };
        match worker.hello(program.hello_max).await {
            Ok(offers) => Ok((worker, offers)),
            Err(why) => {
                worker.end().await;
                Err(why)
            }
        }
    }

    async fn hello(&mut self, within: Duration) -> Result<Vec<Offer>, String> {
        let mut line = Vec::new();
        match timeout(within, read_line(&mut self.stdout, &mut line)).await {
            Err(_) => Err(format!("the worker has not written its first line within {within:?}")),
            Ok(Read::End) => {
                let status = timeout(LAST_LINES_MAX, self.process.child.wait()).await;
                Err(format!("the worker {} before its first line", end_of(status.ok())))
            }
            Ok(Read::TooLong) => {
                Err(format!("the first line of the worker is longer than {LINE_BYTES_MAX} bytes"))
            }
            Ok(Read::Line) => protocol::hello(&line)
                .map_err(|fault| format!("the first line of the worker is not valid: {fault}")),
        }
    }

    /// Passes requests and answers on until the child ends or lies; `None` if the source closes.
    async fn serve(self, pool: &Pool, replica: usize, closing: &mut Closing) -> Option<Ended> {
        let Worker { mut process, stdin, mut stdout } = self;
        let has_answered = Cell::new(false);
        let mut reading = pin!(read_answers(&mut stdout, pool, replica, &has_answered));
        let end = tokio::select! {
            why = &mut reading => End::Output(why),
            status = process.child.wait() => End::Exit(status),
            never = write_requests(stdin, pool, replica) => match never {},
            _ = closing.changed() => End::Closing,
        };
        // The child's stdin has closed.
        let why = match end {
            End::Output(Some(lie)) => Some(format!("the worker was killed: {lie}")),
            End::Output(None) => {
                let status = timeout(LAST_LINES_MAX, process.child.wait()).await;
                Some(format!("the worker {}", end_of(status.ok())))
            }
            End::Exit(status) => {
                // What it wrote before it ended still counts, but what it has started must not
                // keep the pipe open.
                process.kill_group();
                let _ = timeout(LAST_LINES_MAX, reading).await;
                Some(format!("the worker {}", end_of(Some(status))))
            }
            End::Closing => {
                // It may have to write before it can end.
                let farewell = async {
                    let exit = pin!(process.child.wait());
                    futures_util::future::select(
                        exit,
                        pin!(async {
                            reading.await;
                            std::future::pending::<()>().await;
                        }),
                    )
                    .await;
                };
                let _ = timeout(FAREWELL_MAX, farewell).await;
                None
            }
        };
        process.end().await;
        why.map(|why| Ended { why, has_answered: has_answered.get() })
    }

    async fn end(self) {
        self.process.end().await;
    }
}

/// A child with the group of processes that it leads.
struct Process {
    child: Child,
    group: Option<u32>,
    /// Writes its stderr to the log.
    logging: JoinHandle<()>,
}

impl Process {
    fn spawn(
        program: &Arc<Program>,
        replica: usize,
    ) -> Result<(Process, ChildStdin, ChildStdout), String> {
        let mut command = Command::new(&program.path);
        command
            .args(&program.arguments)
            .env_clear()
            .envs(program.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&program.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let shown = quote(&program.path);
        let mut child =
            command.spawn().map_err(|error| format!("`{shown}` cannot be started: {error}"))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(format!("`{shown}` has no pipes"));
        };
        let logging = tokio::spawn(log(program.clone(), replica, stderr));
        Ok((Process { group: child.id(), child, logging }, stdin, stdout))
    }

    /// Kills the child and all that it has started, unless that has left its group.
    fn kill_group(&mut self) {
        let Some(group) = self.group.take() else { return };
        #[cfg(unix)]
        if let Some(group) = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw) {
            // A group that is gone already is what we want.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }

    /// After this nothing of it is left.
    async fn end(mut self) {
        self.kill_group();
        let _ = self.child.start_kill();
        let _ = timeout(LAST_LINES_MAX, self.child.wait()).await;
        if timeout(LAST_LINES_MAX, &mut self.logging).await.is_err() {
            self.logging.abort();
        }
    }
}

impl Drop for Process {
    /// When a start is given up halfway.
    fn drop(&mut self) {
        self.kill_group();
        self.logging.abort();
    }
}

/// What reading a line gave.
enum Read {
    Line,
    TooLong,
    /// There is no further whole line.
    End,
}

async fn read_line(from: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> Read {
    line.clear();
    // One long line shall not keep its room for ever.
    line.shrink_to(LINE_BYTES_MAX / 256);
    match from.take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', line).await {
        Ok(_) if line.pop_if(|last| *last == b'\n').is_some() => Read::Line,
        Ok(_) if line.len() > LINE_BYTES_MAX => Read::TooLong,
        // A part of a line was cut off by the end.
        Ok(_) | Err(_) => Read::End,
    }
}

/// Reads answers until the output closes (`None`) or a line is no answer; what is wrong with it.
async fn read_answers(
    stdout: &mut BufReader<ChildStdout>,
    pool: &Pool,
    replica: usize,
    has_answered: &Cell<bool>,
) -> Option<String> {
    let mut line = Vec::new();
    loop {
        match read_line(stdout, &mut line).await {
            Read::End => return None,
            Read::TooLong => {
                return Some(format!("it wrote a line of more than {LINE_BYTES_MAX} bytes"));
            }
            Read::Line => {}
        }
        let answered = protocol::answer(&line).and_then(|answer| pool.answer(replica, answer));
        if let Err(fault) = answered {
            let line = quote(&String::from_utf8_lossy(&line[..line.len().min(1_000)]));
            return Some(format!("it wrote a line that is no answer: {fault}: `{line}`"));
        }
        has_answered.set(true);
    }
}

async fn write_requests(mut stdin: ChildStdin, pool: &Pool, replica: usize) -> Infallible {
    loop {
        let lines = pool.next_lines(replica).await;
        if stdin.write_all(&lines).await.is_err() {
            // It does not read any more. If it ends, reading will tell.
            return std::future::pending().await;
        }
    }
}

/// Writes what a child says to the log, line by line.
async fn log(program: Arc<Program>, replica: usize, stderr: ChildStderr) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut piece = (&mut stderr).take(STDERR_LINE_BYTES_MAX as u64);
        if !matches!(piece.read_until(b'\n', &mut line).await, Ok(1..)) {
            return;
        }
        let text = program.secrets.hide(String::from_utf8_lossy(&line).trim_end());
        let source = program.source.as_str();
        tracing::info!(source, replica, "{}", cut(&text, STDERR_LINE_BYTES_MAX));
    }
}

fn end_of(status: Option<io::Result<ExitStatus>>) -> String {
    match status {
        Some(Ok(status)) => format!("ended ({status})"),
        Some(Err(error)) => format!("ended ({error})"),
        None => "closed its output".to_owned(),
    }
}
