//! Runs every program of `docs/language`: what the comments claim must be what happens.
//!
//! Each execution runs through `step` alone, with calls answered in several orders; at every rest
//! the log is folded anew, and the fold must give the same state.

mod programs {
    pub(crate) mod claims;
    mod confluence;
    pub(crate) mod session;
}

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use programs::claims::{Claim, Program};
use programs::session::{self, Session};

/// Orders in which calls are answered.
const ORDERS: u64 = 4;

#[test]
fn every_program_of_the_language_documentation_does_what_it_claims() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/language");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the language documentation")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    let (mut count, mut faults) = (0, String::new());
    for file in files {
        let text = fs::read_to_string(&file).expect("a page of the documentation");
        for program in Program::all_of(&text) {
            count += 1;
            if let Err(fault) = check(&program) {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                writeln!(faults, "{name}:{}: {fault}", program.line).expect("a string");
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
    assert!(count >= 25, "only {count} programs were found");
}

fn check(program: &Program) -> Result<(), String> {
    let compilation = lang::compile(&program.delivering_source(), &session::catalog());
    check_diagnostics(program, &compilation.diagnostics)?;
    check_types(program)?;
    match compilation.image {
        Some(image) if program.runs() => {
            (0..ORDERS).try_for_each(|order| check_runs(program, image.clone(), order))
        }
        _ if !program.runs() => Ok(()),
        _ => Err("a program with errors cannot run".to_owned()),
    }
}

/// Exactly the claimed errors, and at least the claimed warnings.
fn check_diagnostics(program: &Program, diagnostics: &[model::Diagnostic]) -> Result<(), String> {
    let source = program.delivering_source();
    let found: Vec<(usize, String, &str)> = diagnostics
        .iter()
        .map(|d| (d.span.locate(&source).line as usize, d.code.to_string(), d.message.as_str()))
        .collect();
    for (line, claim) in program.line_claims() {
        if let Claim::Diagnostic(code) = claim
            && !found.iter().any(|(at, known, _)| at == line && known == code)
        {
            return Err(format!("line {line} claims {code}, found {found:?}"));
        }
    }
    for (line, code, message) in &found {
        let claimed = program.line_claims().any(|(at, claim)| {
            at == line && matches!(claim, Claim::Diagnostic(known) if known == code)
        });
        if code.starts_with('E') && !claimed {
            return Err(format!("line {line} has {code}: {message}"));
        }
    }
    Ok(())
}

/// The types of declarations, in the program without its erroneous lines.
fn check_types(program: &Program) -> Result<(), String> {
    for (line, claim) in program.line_claims() {
        let Claim::Type(claimed) = claim else { continue };
        let name =
            program.declared_on(*line).ok_or_else(|| format!("line {line} declares nothing"))?;
        let source = program.source_delivering_only(&name);
        let image = lang::compile(&source, &session::catalog())
            .image
            .ok_or_else(|| format!("line {line}: `{name}` alone does not compile"))?;
        let output = image.plan.outputs.iter().find(|output| output.name == name);
        let ty = output.map(|output| image.plan.output_type(output).to_string());
        if ty.as_deref() != Some(claimed.as_str()) {
            return Err(format!("line {line} claims {claimed}, the type is {ty:?}"));
        }
    }
    Ok(())
}

fn check_runs(program: &Program, image: model::Image, order: u64) -> Result<(), String> {
    let mut session: Option<Session> = None;
    let claims: Vec<_> = program.run_claims().collect();
    // What is supplied, and the claims about the rest that follows.
    for part in claims.chunk_by(|_, (_, next)| !next.supplies()) {
        let fault = |fault: String| format!("line {}, order {order}: {fault}", part[0].0);
        let about_rest = match &part[0].1 {
            Claim::In(inputs) => {
                let started = Session::start(image.clone(), inputs, order).map_err(fault)?;
                for (name, code) in program.failures() {
                    started.fails(&name, &code).map_err(fault)?;
                }
                session = Some(started);
                &part[1..]
            }
            _ => part,
        };
        let session = session.as_mut().ok_or_else(|| fault("nothing was started".to_owned()))?;
        for (_, claim) in about_rest {
            session.check(claim).map_err(fault)?;
        }
        let has = |wanted: fn(&Claim) -> bool| part.iter().any(|(_, claim)| wanted(claim));
        let claims_completion = has(|claim| matches!(claim, Claim::Out(_)))
            && !has(|claim| matches!(claim, Claim::Status(_) | Claim::Missing(_)));
        if claims_completion && !session.is_completed() {
            return Err(fault("the execution is not completed".to_owned()));
        }
    }
    Ok(())
}
