//! `tidegate explain`: the page about a code. The pages are those of `docs/codes`, which the test
//! suite compiles and runs; they are compiled into the binary, so no network is needed.

use model::Code;
use model::text::{did_you_mean, quote};

use crate::args::Explain;
use crate::exit::{Exit, Refusal, next};
use crate::terminal;
use crate::terminal::{NAME, NEXT};

macro_rules! pages {
    ($($code:ident)*) => {
        /// The page about a code. That none is missing is for the compiler to see.
        fn page(code: Code) -> &'static str {
            match code {
                $(Code::$code => include_str!(concat!("../../../../docs/codes/", stringify!($code), ".md")),)*
            }
        }
    };
}

pages! {
    E001 E002 E003 E004 E005 E006 E007 E010 E011 E012 E013 E014 E015 E016 E017 E018 E019 E020 E021
    E022 E023 E024 E025 E026 E030 E031 E032 E033 E034 E040 E900
    W001 W002 W003 W004 W005 W006 W007 W008 W009 W010 W011 W012 W013 W014
    R001 R002 R003 R004 R005 R006 R007 R008 R009 R010 R011 R012 R013 R014 R900
    V001 V002 V003 V004 V005 V006
}

pub(crate) fn explain(args: &Explain) -> Result<Exit, Refusal> {
    match &args.code {
        Some(name) => {
            let code = name.to_uppercase().parse().map_err(|()| unknown(name))?;
            terminal::out(&styled(page(code)));
        }
        None => {
            terminal::out(&list());
            terminal::err(&next("tidegate explain E001"));
        }
    }
    Ok(Exit::Completed)
}

fn unknown(name: &str) -> Refusal {
    let refusal = Refusal::usage(format!("there is no code `{}`", quote(name)));
    let near = did_you_mean(name, Code::ALL.iter().map(|code| code.as_str()));
    refusal.help(near.as_deref().unwrap_or("A code looks like E007")).next("tidegate explain")
}

/// All codes with their titles.
fn list() -> String {
    let row = |code: &Code| format!("{NAME}{code}{NAME:#}  {}\n", code.title());
    Code::ALL.iter().map(row).collect()
}

/// The page with bold headings. Where the output is no terminal this is the Markdown itself.
fn styled(page: &str) -> String {
    let mut is_program = false;
    let line = |line: &str| {
        is_program ^= line.starts_with("```");
        match line.starts_with('#') && !is_program {
            true => format!("{NEXT}{line}{NEXT:#}\n"),
            false => format!("{line}\n"),
        }
    };
    page.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_bold_and_comments_of_programs_are_not() {
        let shown = styled("# E001: name\n\n```cst\n# in: {}\n```\n");
        assert_eq!(shown, format!("{NEXT}# E001: name{NEXT:#}\n\n```cst\n# in: {{}}\n```\n"));
    }
}
