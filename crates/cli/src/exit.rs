//! Exit codes, and why a command was refused. Scripts rely on the numbers.

use std::process::ExitCode;

use crate::terminal::{ERROR, HELP, NEXT};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Completed = 0,
    /// The execution failed.
    Failed = 1,
    /// The command line, a file or a value is wrong. Clap uses the same number.
    Usage = 2,
    /// A source does not compile.
    DoesNotCompile = 3,
    /// No such pipeline or execution.
    NotFound = 5,
    /// What was asked conflicts with what is there.
    Conflict = 6,
    /// The server or the data folder cannot be used now.
    Unavailable = 7,
    /// The execution is suspended or still running.
    Waiting = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command was not carried out, ready to be shown.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// For people, styled; goes to stderr.
    pub(crate) text: String,
    /// For programs: what `--json` prints.
    pub(crate) document: Option<String>,
}

impl Refusal {
    /// A refusal in one sentence. Foreign text in it must already be quoted.
    pub(crate) fn new(exit: Exit, message: impl AsRef<str>) -> Refusal {
        let text = format!("{ERROR}error{ERROR:#}: {}\n", message.as_ref());
        Refusal { exit, text, document: None }
    }

    /// A refusal with a text that is already rendered.
    pub(crate) fn rendered(exit: Exit, text: String) -> Refusal {
        Refusal { exit, text, document: None }
    }

    /// Something wrong with the command line or what it names.
    pub(crate) fn usage(message: impl AsRef<str>) -> Refusal {
        Refusal::new(Exit::Usage, message)
    }

    /// The same with advice.
    #[must_use]
    pub(crate) fn help(mut self, help: impl AsRef<str>) -> Refusal {
        self.text.push_str(&format!("  {HELP}help{HELP:#}: {}\n", help.as_ref()));
        self
    }

    /// The same with the command to type next.
    #[must_use]
    pub(crate) fn next(mut self, command: impl AsRef<str>) -> Refusal {
        self.text.push_str(&next(command.as_ref()));
        self
    }

    /// The same with the command to type next, if the process ends like this.
    #[must_use]
    pub(crate) fn next_on(self, exit: Exit, command: &str) -> Refusal {
        if self.exit == exit { self.next(command) } else { self }
    }

    /// The same with a document for programs.
    #[must_use]
    pub(crate) fn document(mut self, document: String) -> Refusal {
        self.document = Some(document);
        self
    }
}

/// The line that ends every answer for people.
pub(crate) fn next(command: &str) -> String {
    format!("\n{NEXT}Next:{NEXT:#} {command}\n")
}
