//! The one registry of codes: compile errors (E), warnings (W), runtime failures (R) and rejected
//! requests (V). Every message that a user can get carries one of them.

use std::fmt;
use std::str::FromStr;

macro_rules! codes {
    ($($code:ident $title:literal,)*) => {
        /// The stable name of one kind of message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the title beside each code is its documentation")]
        pub enum Code { $($code,)* }

        impl Code {
            /// All codes, in the order of the registry.
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// The code as it is written, `E007`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => stringify!($code),)* }
            }

            /// What the code means, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$code => $title,)* }
            }
        }
    };
}

codes! {
    E001 "undefined variable",
    E002 "undefined function",
    E003 "undefined type, or wrong number of type arguments",
    E004 "undefined namespace",
    E005 "ambiguous function",
    E006 "projected field missing",
    E007 "accessed field missing",
    E010 "type mismatch, or a pattern that cannot fit",
    E011 "comparison of types that never overlap",
    E012 "types cannot be merged",
    E013 "ordering not supported",
    E014 "arithmetic not supported",
    E015 "other type error",
    E016 "invalid option value",
    E017 "fallback type mismatch",
    E018 "invalid map key type",
    E019 "lambda not allowed here",
    E020 "malformed text",
    E021 "unexpected token",
    E022 "unknown option",
    E023 "reserved feature",
    E024 "unknown annotation",
    E025 "`out` needs a name",
    E026 "misplaced, repeated or ill-formed annotation",
    E030 "duplicate definition",
    E031 "circular dependency",
    E032 "duplicate option",
    E033 "default not constant",
    E034 "constant expression fails",
    E040 "source, nesting or node limit exceeded",
    E900 "internal error",
    W001 "input no output depends on",
    W002 "binding no output reaches",
    W003 "option without effect",
    W004 "`retry` above 10",
    W005 "conflicting limits for one module",
    W006 "hyphenated name looks like a subtraction",
    W007 "unreachable arm",
    W008 "wildcard after full coverage",
    W009 "`??` on a value that is never absent",
    W010 "`?.` on a value that is never absent",
    W011 "name hides another",
    W012 "a default that keeps an input from ever being asked for",
    W013 "alias or `use` without use",
    W014 "unknown cache backend",
    R001 "module failed",
    R002 "module timed out",
    R003 "cancelled",
    R004 "integer overflow",
    R005 "division by zero",
    R006 "Float result not finite",
    R007 "list lengths differ in merge",
    R008 "empty list",
    R009 "limit exceeded",
    R010 "module result does not match its declared type",
    R011 "invalid argument",
    R012 "module not available",
    R013 "failed by dependency",
    R014 "not provided in time",
    R900 "internal error",
    V001 "unknown input or node",
    V002 "value does not fit the type",
    V003 "value fits several union members",
    V004 "conflicting value for an input",
    V005 "node is done or running",
    V006 "input already closed",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Code, ()> {
        Code::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom("unknown code"))
    }
}
