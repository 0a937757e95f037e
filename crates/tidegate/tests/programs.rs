//! Runs every program of `docs/language`, `docs/codes` and `corpus`: what the comments claim must be
//! what happens. The pages about codes must be complete besides.
//!
//! Each execution runs through `step` alone, with calls answered in several orders; at every rest
//! the log is folded anew, and the fold must give the same state.

mod programs {
    pub(crate) mod claims;
    mod confluence;
    pub(crate) mod session;
    #[path = "../../../lang/tests/common/stored.rs"]
    pub(crate) mod stored;
}

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use model::Code;
use programs::claims::{Claim, Program};
use programs::session::{self, Session};

/// Orders in which calls are answered.
const ORDERS: u64 = 4;

/// Codes that no small program brings about: their pages show a request, a manifest or a message.
const WITHOUT_PROGRAM: [&str; 12] = [
    "E040", "E900", "W014", "R002", "R003", "R010", "R012", "R014", "R900", "V004", "V005", "V006",
];

/// The pages of `tidegate explain`.
const CODES: &str = "../../docs/codes";

#[test]
fn every_program_does_what_it_claims() {
    let (mut count, mut faults) = (0, String::new());
    for folder in ["tests/corpus", "../../docs/language"] {
        for page in pages(folder) {
            count += Program::all_of(&page.text).len();
            faults.push_str(&page.faults());
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
    assert!(count >= 790, "only {count} programs were found");
}

#[test]
fn every_program_about_a_code_does_what_it_claims() {
    let mut faults = String::new();
    for page in pages(CODES) {
        faults.push_str(&(page.faults() + &page.unclaimed_warnings()));
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn every_code_has_a_page_with_a_program_that_brings_it_about() {
    let pages = pages(CODES);
    let named: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    let codes: Vec<&str> = sorted_codes().iter().map(|code| code.as_str()).collect();
    assert_eq!(named, codes, "a page for every code, and no other");
    for (page, name) in pages.iter().zip(codes) {
        let programs = Program::all_of(&page.text);
        let shown = programs.first().is_some_and(|first| first.claims_code(name));
        assert_eq!(shown, !WITHOUT_PROGRAM.contains(&name), "{name} is shown by its first program");
        let corrected = programs.iter().skip(1);
        assert!(corrected.clone().count() >= usize::from(shown), "{name} shows no correction");
        for program in corrected {
            assert!(!program.claims_fault(), "{name}:{}: a correction has a fault", program.line);
        }
    }
}

#[test]
fn pages_about_codes_fit_a_screen_and_bear_their_titles() {
    for (page, code) in pages(CODES).iter().zip(sorted_codes()) {
        let title = format!("# {code}: {}", code.title());
        assert_eq!(page.text.lines().next(), Some(title.as_str()));
        let is_wide = |line: &&str| line.chars().count() > 100;
        assert_eq!(page.text.lines().find(is_wide), None, "{code}");
        assert!(page.text.lines().count() <= 48, "{code} is too long");
        let fences = page.text.lines().filter(|line| line.starts_with("```"));
        assert_eq!(fences.count() % 2, 0, "{code} has a block without an end");
        let mut words = page.text.lines().filter(|line| !line.starts_with("```"));
        let torn = words.find(|line| line.matches('`').count() % 2 == 1);
        assert_eq!(torn, None, "{code}");
    }
}

#[test]
fn a_wrong_claim_is_told() {
    for wrong in [
        "in a: Int\nout b = 1 / a # fails: R005\n# in: {\"a\": 1}",
        "out b = 1 / 1 # fails: R005",
        "in a: Int\nout b = a\n# in: {\"a\": 1}\n# rejected: V002 /a",
        "in a: Int\nout b = a\n# in: {\"a\": true}\n# rejected: V001 /a",
        "in a: Int\nout b = a # error: E001",
    ] {
        for program in Program::all_of(&format!("```cst\n{wrong}\n```")) {
            assert!(check(&program).is_err(), "{wrong}");
        }
    }
}

/// A page of the documentation.
struct Page {
    /// Its file without the extension.
    name: String,
    text: String,
}

fn pages(folder: &str) -> Vec<Page> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("a folder of the documentation")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    let page = |file: &PathBuf| Page {
        name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        text: fs::read_to_string(file).expect("a page of the documentation"),
    };
    files.iter().map(page).collect()
}

fn sorted_codes() -> Vec<Code> {
    let mut codes = Code::ALL.to_vec();
    codes.sort_unstable_by_key(|code| code.as_str());
    codes
}

impl Page {
    /// What does not hold of its programs, a line for each.
    fn faults(&self) -> String {
        let mut faults = String::new();
        for program in Program::all_of(&self.text) {
            if let Err(fault) = check(&program) {
                writeln!(faults, "{}.md:{}: {fault}", self.name, program.line).expect("a string");
            }
        }
        faults
    }

    /// Warnings that its programs do not speak of. A page about one code shows no other.
    fn unclaimed_warnings(&self) -> String {
        let mut faults = String::new();
        for program in Program::all_of(&self.text) {
            let source = program.delivering_source();
            let found = lang::compile(&source, &session::catalog()).diagnostics;
            for warning in found.iter().filter(|found| !program.claims_code(found.code.as_str())) {
                let (name, at) = (&self.name, program.line);
                writeln!(faults, "{name}.md:{at}: {} {}", warning.code, warning.message)
                    .expect("a string");
            }
        }
        faults
    }
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
    let at_once = (0, Claim::In("{}".to_owned()));
    let mut claims: Vec<_> = program.run_claims().collect();
    if claims.is_empty() {
        claims.push(&at_once);
    }
    // What is supplied, and the claims about the rest that follows.
    for part in claims.chunk_by(|_, (_, next)| !next.supplies()) {
        let fault = |fault: String| format!("line {}, order {order}: {fault}", part[0].0);
        let about_rest = match (&part[0].1, part.get(1)) {
            (Claim::In(inputs), Some((_, Claim::Rejected(claimed)))) => {
                let found = session::rejections(image.clone(), inputs).map_err(fault)?;
                if found.join(", ") != *claimed {
                    return Err(fault(format!(
                        "claims to be rejected: {claimed}, found {found:?}"
                    )));
                }
                continue;
            }
            (Claim::In(inputs), _) => {
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
