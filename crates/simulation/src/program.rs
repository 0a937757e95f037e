//! Random programs: a few inputs of all kinds, bindings that call modules under conditions, options
//! and lambdas, and outputs.

use std::fmt::Write as _;

use crate::random::Random;

/// The source of a random program. All values are Ints and Booleans, so that everything fits.
pub(crate) fn source(random: &mut Random) -> String {
    let mut program = Program { text: String::new(), ints: Vec::new(), flags: Vec::new() };
    for number in 0..2 + random.below(4) {
        program.input(random, number);
    }
    if program.ints.is_empty() {
        program.text.push_str("in base: Int\n");
        program.ints.push("base".to_owned());
    }
    let bindings = 1 + random.below(5);
    for number in 0..bindings {
        let value = program.int(random, 3);
        let _ = writeln!(program.text, "b{number} = {value}");
        program.ints.push(format!("b{number}"));
    }
    for number in 0..1 + random.below(3) {
        let value = match random.below(3) {
            0 => program.ints[program.ints.len() - 1].clone(),
            1 => random.pick(&program.ints).clone(),
            _ => program.int(random, 2),
        };
        let guard = match random.below(4) {
            0 => format!(" when {}", program.flag(random)),
            _ => String::new(),
        };
        if guard.is_empty() {
            let _ = writeln!(program.text, "out o{number} = {value}");
        } else {
            let _ = writeln!(program.text, "g{number} = {value}\nout g{number}{guard}");
        }
    }
    program.text
}

struct Program {
    text: String,
    /// Names of Ints.
    ints: Vec<String>,
    /// Boolean expressions.
    flags: Vec<String>,
}

impl Program {
    fn input(&mut self, random: &mut Random, number: usize) {
        let name = format!("i{number}");
        let deadline = match random.below(4) {
            0 => format!("@deadline({}s) ", 1 + random.below(100)),
            _ => String::new(),
        };
        match random.below(6) {
            0 => {
                let default = if random.percent(30) { " = true" } else { "" };
                let _ = writeln!(self.text, "{deadline}in {name}: Boolean{default}");
                self.flags.push(name);
            }
            1 => {
                let _ = writeln!(self.text, "{deadline}in {name}: Optional<Int>");
                self.ints.push(format!("({name} ?? 5)"));
                self.flags.push(format!("({name} == 1)"));
            }
            2 => {
                let _ = writeln!(self.text, "{deadline}in {name}: Int = {}", random.below(4));
                self.ints.push(name);
            }
            3 => {
                let key = match random.below(3) {
                    0 => "1".to_owned(),
                    1 if !self.ints.is_empty() => format!("Look({})", random.pick(&self.ints)),
                    _ if !self.ints.is_empty() => random.pick(&self.ints).clone(),
                    _ => "2".to_owned(),
                };
                let _ = writeln!(self.text, "@event(\"e\", key: {key}) {deadline}in {name}: Int");
                self.ints.push(name);
            }
            _ => {
                let _ = writeln!(self.text, "{deadline}in {name}: Int");
                self.ints.push(name);
            }
        }
    }

    fn flag(&self, random: &mut Random) -> String {
        if !self.flags.is_empty() && random.percent(60) {
            return random.pick(&self.flags).clone();
        }
        format!("({} % 2 == 0)", random.pick(&self.ints))
    }

    fn int(&self, random: &mut Random, depth: usize) -> String {
        if depth == 0 {
            return random.pick(&self.ints).clone();
        }
        let mut part = || self.int(random, depth - 1);
        let (a, b) = (part(), part());
        match random.below(11) {
            0 => format!("({a} + {b} % 10)"),
            1 => format!("(if ({}) {a} else {b})", self.flag(random)),
            2 => format!("Read({a})"),
            3 => format!("Send({a})"),
            4 => format!("Look({a} % 7)"),
            5 => format!("(Read({a}) with retry: 1)"),
            6 => format!("(Look({a}) with fallback: {b})"),
            7 => format!("(Read({a}) with lazy)"),
            8 => format!("(({a} when {}) ?? {b})", self.flag(random)),
            9 => format!("sum(map([{a}, {b}, 3], x => Read(x)))"),
            _ => format!("({a} / ({b} % 3))"),
        }
    }
}
