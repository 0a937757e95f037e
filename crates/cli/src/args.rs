//! The command line: what can be typed, in one place. Every flag can also be set by an environment
//! variable, `TIDEGATE_` and its name.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::retention;
use crate::values::Assignment;

/// Where a server listens if nothing else is said.
const LISTEN_DEFAULT: &str = "127.0.0.1:8080";
/// The server that is asked if nothing else is said.
pub(crate) const SERVER_DEFAULT: &str = "http://127.0.0.1:8080";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::BrightGreen.on_default().bold())
    .usage(AnsiColor::BrightGreen.on_default().bold())
    .literal(AnsiColor::BrightCyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes: 0 completed, 1 failed, 2 usage or bad input, 3 does not compile, 5 not found,
6 conflict, 7 unreachable or unavailable, 8 suspended or still running.";

/// Runs typed pipelines: at once, by name, or over days while their inputs arrive.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, styles = STYLES, after_help = EXIT_CODES)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Line {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a pipeline here, without a server; nothing is kept
    Run(Run),
    /// Check sources and show what is wrong with them
    Check(Check),
    /// Format sources
    Fmt(Fmt),
    /// Draw what a pipeline reads from what, or write it down for other tools
    Graph(Graph),
    /// Start a server
    Serve(Serve),
    /// Compile a pipeline and keep it at a server
    Compile(Compile),
    /// Execute a pipeline that a server keeps
    Execute(Execute),
    /// Supply inputs to an execution that waits for them
    Resume(Resume),
    /// End an execution for good
    Cancel(Cancel),
    /// Tell a server of an event that inputs may wait for
    Event(Event),
    /// List the executions that a server keeps, or show one
    Executions(Executions),
    /// List the pipelines that a server keeps
    Pipelines(Pipelines),
    /// List the modules that are declared here, show one, or call one by itself
    #[command(subcommand)]
    Module(ModuleCommand),
    /// Explain a code such as E007, or list all codes
    Explain(Explain),
}

impl Command {
    /// Whether one JSON document is wanted on standard output.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Command::Run(Run { json, .. })
            | Command::Check(Check { json, .. })
            | Command::Compile(Compile { json, .. })
            | Command::Execute(Execute { json, .. })
            | Command::Resume(Resume { json, .. })
            | Command::Cancel(Cancel { json, .. })
            | Command::Event(Event { json, .. })
            | Command::Executions(Executions { json, .. })
            | Command::Pipelines(Pipelines { json, .. })
            | Command::Module(
                ModuleCommand::List(ModuleList { json, .. })
                | ModuleCommand::Show(ModuleShow { json, .. })
                | ModuleCommand::Invoke(ModuleInvoke { json, .. })
                | ModuleCommand::Test(ModuleTest { json, .. }),
            ) => json.json,
            Command::Serve(_)
            | Command::Explain(_)
            | Command::Fmt(_)
            | Command::Graph(_)
            | Command::Module(ModuleCommand::Import(_)) => false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The source; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) values: Values,
    #[command(flatten)]
    pub(crate) modules: Modules,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModuleCommand {
    /// List the modules with their signatures, or all that is wrong with their manifests
    List(ModuleList),
    /// Show a module
    Show(ModuleShow),
    /// Call a module by itself
    Invoke(ModuleInvoke),
    /// Play the tests of the manifests, without the sources
    Test(ModuleTest),
    /// Write a manifest from the description of a service
    #[command(subcommand)]
    Import(ModuleImport),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModuleImport {
    /// From an OpenAPI 3 document, JSON or YAML; nothing is fetched
    Openapi(ImportOpenapi),
}

#[derive(Debug, Args)]
pub(crate) struct ImportOpenapi {
    /// The document; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What the source and the modules' namespace are called [default: the file's name]
    #[arg(long, env = "TIDEGATE_NAME", hide_env_values = true, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Operations whose id, tag or path begins so; may be repeated
    #[arg(long, env = "TIDEGATE_ONLY", hide_env_values = true)]
    #[arg(value_name = "TEXT", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Where to write the manifest [default: standard output]
    #[arg(long, env = "TIDEGATE_OUT", hide_env_values = true, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite that file
    #[arg(long, env = "TIDEGATE_FORCE", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModuleList {
    #[command(flatten)]
    pub(crate) modules: Modules,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct ModuleShow {
    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) modules: Modules,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct ModuleInvoke {
    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) values: Values,
    #[command(flatten)]
    pub(crate) modules: Modules,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct ModuleTest {
    /// The module; all if none is named
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) modules: Modules,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The sources; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) modules: Modules,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// The sources; of a folder all `.cst` files in it and below, except in hidden folders
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing: show what would change, and exit with 1 if anything would
    #[arg(long, env = "TIDEGATE_CHECK", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) check: bool,
    /// Read standard input and write the formatted text to standard output
    #[arg(long, env = "TIDEGATE_STDIN", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// The source; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What to write to standard output
    #[arg(long, env = "TIDEGATE_FORMAT", hide_env_values = true)]
    #[arg(value_name = "FORMAT", default_value = "svg")]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) modules: Modules,
}

/// How a graph is written down.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// A picture
    Svg,
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
    /// Nodes and edges, as a server gives them
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes any free one
    #[arg(long, env = "TIDEGATE_LISTEN", hide_env_values = true)]
    #[arg(value_name = "IP:PORT", default_value = LISTEN_DEFAULT)]
    pub(crate) listen: SocketAddr,
    /// A name by which the server may be called, as in `Host`; may be repeated
    #[arg(long, env = "TIDEGATE_HOST", hide_env_values = true)]
    #[arg(value_name = "NAME", value_delimiter = ',')]
    pub(crate) host: Vec<String>,
    /// Where everything is kept
    #[arg(long, env = "TIDEGATE_DATA", hide_env_values = true)]
    #[arg(value_name = "DIR", default_value = "./tidegate-data")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) modules: Modules,
    /// Compile every `.cst` file of this folder under its file stem
    #[arg(long, env = "TIDEGATE_PIPELINES", hide_env_values = true, value_name = "DIR")]
    pub(crate) pipelines: Option<PathBuf>,
    /// Forget completed and cancelled executions after this time, such as 12h
    #[arg(long, env = "TIDEGATE_KEEP_FINISHED", hide_env_values = true)]
    #[arg(value_name = "TIME", default_value = "7d", value_parser = retention::span)]
    pub(crate) keep_finished: Duration,
    /// Forget failed executions after this time
    #[arg(long, env = "TIDEGATE_KEEP_FAILED", hide_env_values = true)]
    #[arg(value_name = "TIME", default_value = "30d", value_parser = retention::span)]
    pub(crate) keep_failed: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// The source; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The name by which the pipeline is executed from now on
    #[arg(long, env = "TIDEGATE_NAME", hide_env_values = true)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Execute {
    /// A pipeline: `name`, `name@version` or `sha256:…`
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    #[command(flatten)]
    pub(crate) values: Values,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// An execution: `exec-…`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) values: Values,
    /// Run failed calls once more
    #[arg(long, env = "TIDEGATE_RETRY", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) retry: bool,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// An execution: `exec-…`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Event {
    /// Its type, as `@event` names it
    #[arg(value_name = "TYPE")]
    pub(crate) event_type: String,
    /// Its key: what it is about
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// Its data, JSON; `null` if there is none
    #[arg(value_name = "JSON", default_value = "null")]
    pub(crate) data: String,
    /// Its name; an event with the name of an earlier one is ignored
    #[arg(long, env = "TIDEGATE_ID", hide_env_values = true, value_name = "NAME")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Executions {
    /// Show this one, whatever its status; without it, list the newest
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// What happened to it: its calls with their times, attempts and cache hits
    #[arg(long, env = "TIDEGATE_TRACE", hide_env_values = true, requires = "id")]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) trace: bool,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Pipelines {
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The code as messages bear it: `E007`
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Values {
    /// Values of inputs: `name=value` by the input's type, `name:=JSON`, or `name=@FILE`
    #[arg(value_name = "NAME=VALUE")]
    pub(crate) assignments: Vec<Assignment>,
    /// A JSON object of further inputs; `-` reads standard input
    #[arg(long, env = "TIDEGATE_INPUTS", hide_env_values = true, value_name = "FILE")]
    pub(crate) inputs: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Modules {
    /// Modules: a folder of manifests [default: ./modules, if it exists]
    #[arg(long, env = "TIDEGATE_MODULES", hide_env_values = true, value_name = "DIR")]
    pub(crate) modules: Option<PathBuf>,
    /// A cache that calls name with `cache_backend`; may be repeated
    #[arg(long = "cache", env = "TIDEGATE_CACHE", hide_env_values = true)]
    #[arg(value_name = "NAME", value_delimiter = ',')]
    pub(crate) caches: Vec<String>,
}

impl Modules {
    /// The folder that was named, or the usual one if it is there.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        let usual = || Some(PathBuf::from("modules")).filter(|folder| folder.is_dir());
        self.modules.clone().or_else(usual)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The server to ask
    #[arg(long, env = "TIDEGATE_SERVER", hide_env_values = true)]
    #[arg(value_name = "URL", default_value = SERVER_DEFAULT)]
    pub(crate) server: String,
}

#[derive(Debug, Args)]
pub(crate) struct Json {
    /// Print one JSON document instead of text
    #[arg(long, env = "TIDEGATE_JSON", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn every_flag_has_its_environment_variable() {
        for command in Line::command().get_subcommands() {
            for flag in command.get_arguments().filter_map(|arg| Some((arg.get_long()?, arg))) {
                let (name, arg) = flag;
                let variable = format!("TIDEGATE_{}", name.to_uppercase().replace('-', "_"));
                assert_eq!(arg.get_env().and_then(|env| env.to_str()), Some(variable.as_str()));
            }
        }
    }
}
