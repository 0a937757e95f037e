//! Whatever the order and grouping in which inputs arrive and calls are answered, executions that
//! accepted the same inputs rest in the same state and made the same `write` calls.

use super::claims::Claim;
use super::session::{self, Session};

/// Random programs; each is run in several ways.
const PROGRAMS: u64 = 1_500;
const WAYS: u64 = 3;

#[test]
fn the_order_of_arrival_changes_nothing() {
    for seed in 0..PROGRAMS {
        let program = Generator::new(seed).program();
        let compilation = lang::compile(&program.source, &session::catalog());
        let image = compilation.image.unwrap_or_else(|| {
            panic!(
                "seed {seed} does not compile: {:?}\n{}",
                compilation.diagnostics, program.source
            )
        });
        let at_once = run(&image, std::slice::from_ref(&program.inputs), 0);
        for way in 1..=WAYS {
            let groups = Generator::new(seed ^ (way << 32)).groups(&program.inputs);
            let state = run(&image, &groups, way);
            let source = &program.source;
            assert_eq!(state, at_once, "seed {seed}, groups {groups:?}\n{source}");
        }
    }
}

/// The state at rest after each group was supplied, one after the other.
fn run(image: &model::Image, groups: &[Vec<(String, String)>], order: u64) -> String {
    let object = |group: &[(String, String)]| {
        let members: Vec<String> = group.iter().map(|(n, v)| format!("\"{n}\": {v}")).collect();
        format!("{{{}}}", members.join(", "))
    };
    let (first, later) = groups.split_first().expect("a group");
    let mut session = Session::start(image.clone(), &object(first), order).expect("a session");
    for group in later.iter().filter(|group| !group.is_empty()) {
        session.check(&Claim::Resume(object(group))).expect("new inputs are accepted");
    }
    session.summary()
}

struct Program {
    source: String,
    /// Those that are ever supplied, as JSON.
    inputs: Vec<(String, String)>,
}

/// Makes programs from one number.
struct Generator {
    state: u64,
    /// Names of Int cells that can be read.
    ints: Vec<String>,
    /// Names of Boolean cells that can be read.
    booleans: Vec<String>,
}

impl Generator {
    fn new(seed: u64) -> Generator {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        Generator { state, ints: Vec::new(), booleans: Vec::new() }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.state >> 33) as usize % bound
    }

    fn program(&mut self) -> Program {
        let mut source = String::new();
        let mut inputs = Vec::new();
        for at in 0..3 {
            let value = self.below(5);
            source.push_str(&format!("in i{at}: Int\nin p{at}: Boolean\n"));
            inputs.push((format!("i{at}"), value.to_string()));
            inputs.push((format!("p{at}"), (self.below(2) == 1).to_string()));
            self.ints.push(format!("i{at}"));
            self.booleans.push(format!("p{at}"));
        }
        inputs.retain(|_| self.below(6) > 0);
        for at in 0..2 + self.below(6) {
            let int = self.int(2);
            source.push_str(&format!("b{at} = {int}\n"));
            self.ints.push(format!("b{at}"));
            let boolean = self.boolean(1);
            source.push_str(&format!("c{at} = {boolean}\n"));
            self.booleans.push(format!("c{at}"));
        }
        let (sent, first, second) = (self.int(1), self.int(2), self.int(1));
        let (guard, other) = (self.boolean(2), self.boolean(1));
        source.push_str(&format!("sent = Send(\"${{{sent}}}\")\nout sent when {guard}\n"));
        source.push_str(&format!(
            "out first = {first}\nsecond = {second}\nout second when {other}\n"
        ));
        Program { source, inputs }
    }

    fn int(&mut self, depth: usize) -> String {
        let leaf = depth == 0;
        match self.below(if leaf { 3 } else { 10 }) {
            0 => self.below(4).to_string(),
            1 | 2 => {
                let at = self.below(self.ints.len());
                self.ints[at].clone()
            }
            3 | 4 => format!("({} + {})", self.int(depth - 1), self.int(depth - 1)),
            // Some of these fail.
            5 => format!("({} / {})", self.int(depth - 1), self.int(depth - 1)),
            6 => format!("Total([{}, {}])", self.int(depth - 1), self.int(depth - 1)),
            7 => format!("(({} when {}) ?? {})", self.int(depth - 1), self.boolean(0), self.int(0)),
            8 => format!("match {} {{ 1 -> {}, _ -> {} }}", self.int(0), self.int(0), self.int(0)),
            _ => {
                let (then, otherwise) = (self.int(depth - 1), self.int(depth - 1));
                format!("(if ({}) {then} else {otherwise})", self.boolean(depth - 1))
            }
        }
    }

    fn boolean(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 2 } else { 5 }) {
            0 | 1 => {
                let at = self.below(self.booleans.len());
                self.booleans[at].clone()
            }
            2 => format!("({} > {})", self.int(depth - 1), self.int(0)),
            3 => format!("({} and {})", self.boolean(depth - 1), self.boolean(depth - 1)),
            _ => format!("({} or {})", self.boolean(depth - 1), self.boolean(depth - 1)),
        }
    }

    /// The inputs in another order, cut into groups.
    fn groups(&mut self, inputs: &[(String, String)]) -> Vec<Vec<(String, String)>> {
        let mut rest = inputs.to_vec();
        let mut groups = vec![Vec::new()];
        while !rest.is_empty() {
            let input = rest.swap_remove(self.below(rest.len()));
            if self.below(2) == 0 {
                groups.push(Vec::new());
            }
            groups.last_mut().expect("a group").push(input);
        }
        groups
    }
}
