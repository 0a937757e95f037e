//! Programs in Markdown, and what their comments claim.

/// One fenced program.
pub(crate) struct Program {
    /// The line of the page at which it begins.
    pub(crate) line: usize,
    lines: Vec<String>,
    claims: Vec<(usize, Claim)>,
}

/// What one comment says. Types, diagnostics and failures are about their line, the others about
/// an execution.
#[derive(Debug)]
pub(crate) enum Claim {
    Ok,
    Diagnostic(String),
    Type(String),
    Fails(String),
    In(String),
    Resume(String),
    Resolve(String),
    Retry,
    /// So many milliseconds pass.
    After(i64),
    /// An event comes: a JSON object with its type, key and data.
    Event(String),
    Out(String),
    Status(String),
    Missing(String),
    Calls(String),
    Rejected(String),
}

impl Program {
    /// The programs of a page.
    pub(crate) fn all_of(page: &str) -> Vec<Program> {
        let mut programs = Vec::new();
        let mut lines = page.lines().enumerate();
        while let Some((at, line)) = lines.next() {
            if line.trim() == "```cst" {
                let body =
                    lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
                programs.push(Program::new(at + 1, body));
            }
        }
        programs
    }

    fn new<'a>(line: usize, body: impl Iterator<Item = &'a str>) -> Program {
        let lines: Vec<String> = body.map(str::to_owned).collect();
        let claims = lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| Some((at + 1, claim(line)?)))
            .collect();
        Program { line, lines, claims }
    }

    /// Claims about a line, with its number from 1.
    pub(crate) fn line_claims(&self) -> impl Iterator<Item = &(usize, Claim)> {
        self.claims.iter().filter(|(_, claim)| !claim.is_about_runs())
    }

    /// Claims about executions, in order.
    pub(crate) fn run_claims(&self) -> impl Iterator<Item = &(usize, Claim)> {
        self.claims.iter().filter(|(_, claim)| claim.is_about_runs())
    }

    pub(crate) fn runs(&self) -> bool {
        self.run_claims().next().is_some() || self.failures().next().is_some()
    }

    /// The names that are claimed to fail, with their codes.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (String, String)> {
        self.claims.iter().filter_map(|(line, claim)| match claim {
            Claim::Fails(code) => Some((self.declared_on(*line)?, code.clone())),
            _ => None,
        })
    }

    /// Whether the program is said to bring this code about.
    pub(crate) fn claims_code(&self, code: &str) -> bool {
        self.claims.iter().any(|(_, claim)| match claim {
            Claim::Diagnostic(claimed) | Claim::Fails(claimed) => claimed == code,
            Claim::Rejected(claimed) => claimed.starts_with(code),
            _ => false,
        })
    }

    /// Whether anything is said to be wrong with the program.
    pub(crate) fn claims_fault(&self) -> bool {
        let is_fault = |claim: &Claim| {
            matches!(claim, Claim::Diagnostic(_) | Claim::Fails(_) | Claim::Rejected(_))
        };
        self.claims.iter().any(|(_, claim)| is_fault(claim))
    }

    /// The source; where nothing is delivered, the last binding is, else the last input.
    pub(crate) fn delivering_source(&self) -> String {
        let mut source = self.lines.join("\n");
        let declared = |prefix: &str| {
            let names = (1..=self.lines.len()).rev().filter_map(|line| {
                self.lines[line - 1].starts_with(prefix).then(|| self.declared_on(line)).flatten()
            });
            names.into_iter().next()
        };
        if !self.lines.iter().any(|line| line.starts_with("out ")) {
            let binding = (1..=self.lines.len()).rev().find_map(|line| {
                let is_other = ["in ", "type ", "use ", "@", "#"];
                let other = is_other.iter().any(|prefix| self.lines[line - 1].starts_with(prefix));
                (!other).then(|| self.declared_on(line)).flatten()
            });
            if let Some(name) = binding.or_else(|| declared("in ")) {
                source.push_str(&format!("\nout {name}"));
            }
        }
        source
    }

    /// The program without its erroneous lines and outputs, delivering `name` alone.
    pub(crate) fn source_delivering_only(&self, name: &str) -> String {
        let is_erroneous = |line: usize| {
            self.claims.iter().any(|(at, claim)| {
                *at == line && matches!(claim, Claim::Diagnostic(code) if code.starts_with('E'))
            })
        };
        let mut source = String::new();
        let mut delivered = false;
        for (at, line) in self.lines.iter().enumerate() {
            if is_erroneous(at + 1) {
                continue;
            }
            let is_this = self.declared_on(at + 1).as_deref() == Some(name);
            match line.strip_prefix("out ") {
                // `out n = e` declares n for others too.
                Some(rest) if !is_this && rest.contains('=') && !rest.contains(" when ") => {
                    source.push_str(rest);
                }
                Some(_) if !is_this => {}
                Some(_) => {
                    delivered = true;
                    source.push_str(line);
                }
                None => source.push_str(line),
            }
            source.push('\n');
        }
        if !delivered {
            source.push_str(&format!("out {name}\n"));
        }
        source
    }

    /// The name that a line declares.
    pub(crate) fn declared_on(&self, line: usize) -> Option<String> {
        let text = self.lines[line - 1].trim_start();
        let text =
            text.strip_prefix("out ").or(text.strip_prefix("in ")).unwrap_or(text).trim_start();
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)));
        let name = &text[..end.unwrap_or(text.len())];
        (!name.is_empty()).then(|| name.to_owned())
    }
}

impl Claim {
    /// Whether it supplies something, so that an execution moves.
    pub(crate) fn supplies(&self) -> bool {
        matches!(
            self,
            Claim::In(_)
                | Claim::Resume(_)
                | Claim::Resolve(_)
                | Claim::Retry
                | Claim::After(_)
                | Claim::Event(_)
        )
    }

    fn is_about_runs(&self) -> bool {
        match self {
            Claim::Ok | Claim::Diagnostic(_) | Claim::Type(_) | Claim::Fails(_) => false,
            Claim::In(_) | Claim::Resume(_) | Claim::Resolve(_) | Claim::Retry => true,
            Claim::After(_) | Claim::Event(_) => true,
            Claim::Out(_) | Claim::Status(_) | Claim::Missing(_) | Claim::Calls(_) => true,
            Claim::Rejected(_) => true,
        }
    }
}

/// `90min` in milliseconds.
fn milliseconds(text: &str) -> Option<i64> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: i64 = text[..text.len() - unit.len()].parse().ok()?;
    let one = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(number * one)
}

/// The claim at the end of a line. A comment that looks like a claim but is none is a fault of the
/// page, so that no claim is passed over.
fn claim(line: &str) -> Option<Claim> {
    let at = line.find("# ")?;
    let text = line[at + 2..].trim();
    match text {
        "ok" => return Some(Claim::Ok),
        "retry" => return Some(Claim::Retry),
        _ => {}
    }
    let (word, rest) = text.split_once(": ")?;
    let rest = rest.trim().to_owned();
    Some(match word {
        "error" | "warning" => Claim::Diagnostic(rest),
        "type" => Claim::Type(rest),
        "fails" => Claim::Fails(rest),
        "in" => Claim::In(rest),
        "resume" => Claim::Resume(rest),
        "resolve" => Claim::Resolve(rest),
        "out" => Claim::Out(rest),
        "status" => Claim::Status(rest),
        "missing" => Claim::Missing(rest),
        "calls" => Claim::Calls(rest),
        "rejected" => Claim::Rejected(rest),
        "event" => Claim::Event(rest),
        "after" => Claim::After(milliseconds(&rest).unwrap_or_else(|| panic!("no time: {line}"))),
        other => panic!("`{other}:` is no claim: {line}"),
    })
}
