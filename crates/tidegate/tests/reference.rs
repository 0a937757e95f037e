//! Random programs, run by the engine and by a small interpreter that works on the syntax tree and
//! shares nothing with it: both must agree at every step, whatever the order and grouping in which
//! inputs arrive and calls are answered.
//!
//! A failure names a seed; `REFERENCE_SEED=7` runs that program alone and `REFERENCE_PROGRAMS=20000`
//! so many programs.

mod reference {
    pub(crate) mod demand;
    pub(crate) mod functions;
    pub(crate) mod generate;
    pub(crate) mod meaning;
    pub(crate) mod modules;
    pub(crate) mod program;
    pub(crate) mod random;
    pub(crate) mod run;
    pub(crate) mod value;
}

use std::collections::BTreeMap;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

use reference::generate::{Sample, sample};
use reference::random::Random;
use reference::run::{Case, Checked, Group, Run, Summary};

/// Random programs that are run.
const PROGRAMS: u64 = 3_000;
/// Orders and groupings of each, beside all inputs at once.
const WAYS: u64 = 3;
/// The most bindings of a program.
const SIZE: usize = 7;

#[test]
fn engine_and_reference_agree() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("REFERENCE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("REFERENCE_PROGRAMS").unwrap_or(PROGRAMS),
    };
    let mut faults = Vec::new();
    for seed in seeds {
        let sample = sample(seed, SIZE);
        if let Err(fault) = check(&sample, seed) {
            faults.push(describe(&shrunk(sample, seed), seed, &fault));
        }
        if faults.len() >= 8 {
            break;
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Programs that only complete, or never call anything, would prove little.
#[test]
fn random_programs_end_in_every_way() {
    let (mut statuses, mut writes, mut calls) = (BTreeMap::new(), 0, 0);
    for seed in 0..300 {
        let sample = sample(seed, SIZE);
        let case = Case::of(&sample.source()).expect("a program that compiles");
        let mut random = Random::new(seed);
        let mut run = Run::start(&case, &sample.inputs).expect("both agree");
        run.finish(&mut random).expect("both agree");
        calls += run.begun();
        writes += run.writes.len();
        *statuses.entry(run.summary().status.as_str()).or_insert(0) += 1;
    }
    assert!(statuses.len() == 3 && statuses.values().all(|count| *count >= 30), "{statuses:?}");
    assert!(writes >= 30 && calls >= 100 + writes, "{writes} writes of {calls} calls");
}

/// Everything that must hold of the program.
fn check(sample: &Sample, seed: u64) -> Checked {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let case = Case::of(&sample.source())?;
        arrival_changes_nothing(&case, sample, seed)?;
        resolving_may_come_first(&case, sample, seed)
    }));
    checked.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// The confluence theorem, in several random ways.
fn arrival_changes_nothing(case: &Case, sample: &Sample, seed: u64) -> Checked {
    let at_once = end(case, vec![sample.inputs.clone()], &mut Random::new(seed))?;
    for way in 1..=WAYS {
        let mut random = Random::new(seed ^ (way << 48));
        let groups = groups(case, &sample.inputs, &mut random);
        let told = format!("{groups:?}");
        let end = end(case, groups, &mut random).map_err(|fault| format!("{told}: {fault}"))?;
        agree(case, &at_once, &end, true).map_err(|fault| format!("{told}: {fault}"))?;
    }
    Ok(())
}

/// Resolving a binding that fails, before and after the inputs of which it fails.
fn resolving_may_come_first(case: &Case, sample: &Sample, seed: u64) -> Checked {
    let random = || Random::new(seed ^ (99 << 48));
    let groups = groups(case, &sample.inputs, &mut random());
    let begin = || -> Checked<(Run<'_>, Random)> {
        let mut random = random();
        let mut run = Run::start(case, &groups[0])?;
        run.finish(&mut random)?;
        Ok((run, random))
    };
    let (mut last, mut order) = begin()?;
    for group in &groups[1..] {
        last.supply(group)?;
        last.finish(&mut order)?;
    }
    let mut failed = last.failed_bindings();
    if failed.is_empty() {
        return Ok(());
    }
    let name = order.take(&mut failed);
    last.resolve(&name)?;
    last.finish(&mut order)?;
    let (mut first, mut order) = begin()?;
    first.resolve(&name)?;
    first.finish(&mut order)?;
    for group in &groups[1..] {
        first.supply(group)?;
        first.finish(&mut order)?;
    }
    agree(case, &End::of(first), &End::of(last), false)
        .map_err(|fault| format!("`{name}` is resolved: {fault}"))
}

/// How an execution ended.
struct End {
    summary: Summary,
    writes: Vec<String>,
    accepted: std::collections::BTreeSet<String>,
}

impl End {
    fn of(run: Run<'_>) -> End {
        End { summary: run.summary(), writes: run.writes, accepted: run.accepted }
    }
}

/// Runs a program; groups arrive while calls are running or when nothing runs.
fn end(case: &Case, groups: Vec<Group>, random: &mut Random) -> Checked<End> {
    let mut run = Run::start(case, &groups[0])?;
    for group in &groups[1..] {
        while !run.is_at_rest() && random.below(3) > 0 {
            run.answer(random)?;
        }
        run.supply(group)?;
    }
    run.finish(random)?;
    let end =
        End { summary: run.summary(), writes: run.writes.clone(), accepted: run.accepted.clone() };
    // The rest is about this one execution: failed calls succeed now.
    run.retry()?;
    run.finish(random)?;
    Ok(end)
}

/// What the theorem says of two executions that accepted the same inputs.
fn agree(case: &Case, one: &End, other: &End, same_writes: bool) -> Checked {
    if one.accepted != other.accepted {
        return Ok(());
    }
    let (a, b) = (&one.summary, &other.summary);
    let is_completed = |summary: &Summary| summary.status == engine::Status::Completed;
    if is_completed(a) && is_completed(b) && a.outputs != b.outputs {
        return Err(format!("the outputs differ: {a:?}\n{b:?}"));
    }
    let inputs = case.program.inputs.iter();
    let mut left_out =
        inputs.filter(|(name, input)| input.closes() && !one.accepted.contains(*name));
    if left_out.next().is_some() {
        return Ok(());
    }
    if a != b {
        return Err(format!("the states differ: {a:?}\n{b:?}"));
    }
    if same_writes && one.writes != other.writes {
        return Err(format!("the writes differ: {:?}\n{:?}", one.writes, other.writes));
    }
    Ok(())
}

/// The inputs in another order, cut into groups. Those with a default come first, or never.
fn groups(case: &Case, inputs: &Group, random: &mut Random) -> Vec<Group> {
    let has_default = |name: &String| case.program.inputs[name].default.is_some();
    let (first, mut rest): (Group, Group) =
        inputs.iter().cloned().partition(|(name, _)| has_default(name));
    let mut groups = vec![first];
    while !rest.is_empty() {
        let input = random.take(&mut rest);
        if random.below(2) == 0 {
            groups.push(Vec::new());
        }
        groups.last_mut().expect("a group").push(input);
    }
    groups
}

/// A smaller program that goes wrong, too: without lines, and with parts of expressions replaced by
/// what stands inside them.
fn shrunk(mut sample: Sample, seed: u64) -> Sample {
    let is_panic = |fault: &String| fault.starts_with("panic");
    let panics = check(&sample, seed).is_err_and(|fault| is_panic(&fault));
    let fails = |smaller: &Sample| {
        Case::of(&smaller.source()).is_ok()
            && check(smaller, seed).is_err_and(|fault| is_panic(&fault) == panics)
    };
    if !fails(&sample) {
        return sample;
    }
    loop {
        let smaller = smaller_than(&sample).into_iter().find(|smaller| fails(smaller));
        match smaller {
            Some(smaller) => sample = smaller,
            None => return sample,
        }
    }
}

/// Programs with one part less.
fn smaller_than(sample: &Sample) -> Vec<Sample> {
    let mut smaller = Vec::new();
    for at in 0..sample.lines.len() {
        let mut less = sample.clone();
        less.lines.remove(at);
        let source = less.source();
        less.inputs.retain(|(name, _)| source.contains(&format!("in {name}:")));
        smaller.push(less);
    }
    for at in 0..sample.inputs.len() {
        let mut less = sample.clone();
        less.inputs.remove(at);
        smaller.push(less);
    }
    for at in 0..sample.lines.len() {
        for line in lines_smaller_than(&sample.lines[at]) {
            let mut less = sample.clone();
            less.lines[at] = line;
            smaller.push(less);
        }
    }
    smaller
}

/// The line with one bracketed part replaced by a part of it or by a literal.
fn lines_smaller_than(line: &str) -> Vec<String> {
    let bytes = line.as_bytes();
    let mut spans = Vec::new();
    let mut opened = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' | b'{' | b'[' => opened.push(at),
            b')' | b'}' | b']' => spans.extend(opened.pop().map(|from| (from, at + 1))),
            _ => {}
        }
    }
    // A call goes with its name, an option clause with its word.
    let mut parts = spans.clone();
    for (from, to) in spans {
        let name = line[..from]
            .rfind(|c: char| !c.is_alphanumeric() && c != '-')
            .map_or(0, |before| before + 1);
        parts.push((name, to));
        if line[..from].ends_with("with ") {
            parts.push((from - 5, to));
        }
        if line[..from].trim_end().ends_with("match") || line[..from].ends_with("branch ") {
            parts.push((line[..from].rfind(['m', 'b']).unwrap_or(from), to));
        }
    }
    let mut lines = Vec::new();
    for (from, to) in &parts {
        let inner = parts.iter().filter(|(a, b)| from <= a && b <= to && b - a < to - from);
        let texts = inner.map(|(a, b)| &line[*a..*b]);
        let words = line[*from..*to].split(|c: char| !c.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty());
        let fixed = ["1", "true", "\"a\"", "[1]", ""].into_iter();
        for text in fixed.chain(words).chain(texts) {
            let replaced = format!("{}{text}{}", &line[..*from], &line[*to..]);
            if replaced.len() < line.len() {
                lines.push(replaced);
            }
        }
    }
    lines.sort_by_key(String::len);
    lines.dedup();
    lines
}

fn describe(sample: &Sample, seed: u64, first: &str) -> String {
    let fault = check(sample, seed).err().unwrap_or_else(|| first.to_owned());
    let inputs: Vec<String> =
        sample.inputs.iter().map(|(name, value)| format!("{name} = {}", value.exact())).collect();
    format!("REFERENCE_SEED={seed}\n{}\ninputs: {}\n{fault}\n", sample.source(), inputs.join(", "))
}
