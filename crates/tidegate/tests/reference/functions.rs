//! The standard functions that the random programs use, without the higher-order ones.

use model::Code;

use super::value::Plain;

/// What a function gives, or the code with which it fails.
type Given = Result<Plain, Code>;

/// The standard function `name` applied to `arguments`.
pub(crate) fn apply(name: &str, arguments: &[Plain]) -> Given {
    use Plain::{Boolean, Float, Int, List, Map, None as Absent, String as Str};
    Ok(match (name, arguments) {
        ("add", [a, b]) => return arithmetic('+', a, b),
        ("subtract", [a, b]) => return arithmetic('-', a, b),
        ("multiply", [a, b]) => return arithmetic('*', a, b),
        ("divide", [a, b]) => return arithmetic('/', a, b),
        ("modulo", [a, b]) => return arithmetic('%', a, b),
        ("max", [a, b]) => if b.order(a).is_gt() { b } else { a }.clone(),
        ("min", [a, b]) => if b.order(a).is_lt() { b } else { a }.clone(),
        ("abs", [Int(n)]) if *n >= 0 => Int(*n),
        ("abs" | "negate", [n @ Int(_)]) => return negate(n),
        ("to-float", [Int(n)]) => Float(*n as f64),
        ("to-int" | "round" | "floor", [Int(n)]) => Int(*n),
        ("to-int", [Float(x)]) => return whole(x.trunc()),
        ("round", [Float(x)]) => return whole((x + 0.5).floor()),
        ("floor", [Float(x)]) => return whole(x.floor()),
        ("concat", [Str(a), Str(b)]) => Str(format!("{a}{b}")),
        ("string-length" | "length", [Str(a)]) => Int(a.chars().count() as i64),
        ("join", [List(items), Str(by)]) => {
            Str(items.iter().map(Plain::print).collect::<Vec<_>>().join(by))
        }
        ("split", [Str(a), Str(by)]) => List(a.split(by.as_str()).map(Plain::text).collect()),
        ("contains", [Str(a), Str(b)]) => Boolean(a.contains(b.as_str())),
        ("contains" | "list-contains", [List(items), item]) => {
            Boolean(items.iter().any(|known| known.equals(item)))
        }
        ("contains", [Map(entries), key]) => Boolean(entries.iter().any(|(k, _)| k.equals(key))),
        ("trim", [Str(a)]) => Plain::text(a.trim_matches(|c: char| c <= ' ')),
        ("upper", [Str(a)]) => Str(a.to_uppercase()),
        ("lower", [Str(a)]) => Str(a.to_lowercase()),
        ("starts-with", [Str(a), Str(b)]) => Boolean(a.starts_with(b.as_str())),
        ("ends-with", [Str(a), Str(b)]) => Boolean(a.ends_with(b.as_str())),
        ("substring", [Str(a), Int(start), Int(end)]) => {
            let inside = |(at, _): &(i64, char)| start <= at && at < end;
            Str((0..).zip(a.chars()).filter(inside).map(|(_, c)| c).collect())
        }
        ("is-blank", [Str(a)]) => Boolean(a.chars().all(char::is_whitespace)),
        ("parse-int", [Str(a)]) => a.parse().map_or(Absent, Int),
        ("to-string", [a]) => Str(a.print()),
        ("length" | "list-length", [List(items)]) => Int(items.len() as i64),
        ("length", [Map(entries)]) => Int(entries.len() as i64),
        ("sum" | "list-sum", [List(items)]) => {
            let mut sum = Int(0);
            for item in items {
                sum = arithmetic('+', &sum, item)?;
            }
            sum
        }
        ("list-first", [List(items)]) => items.first().cloned().ok_or(Code::R008)?,
        ("list-last", [List(items)]) => items.last().cloned().ok_or(Code::R008)?,
        ("first", [List(items)]) => items.first().cloned().unwrap_or(Absent),
        ("last", [List(items)]) => items.last().cloned().unwrap_or(Absent),
        ("get", [List(items), Int(at)]) => {
            let mut numbered = (0..).zip(items);
            numbered.find(|(n, _)| n == at).map_or(Absent, |(_, item)| item.clone())
        }
        ("list-is-empty", [List(items)]) => Boolean(items.is_empty()),
        ("list-reverse", [List(items)]) => List(items.iter().rev().cloned().collect()),
        ("list-concat", [List(a), List(b)]) => List([a.as_slice(), b].concat()),
        ("take", [List(items), Int(count)]) => {
            List((0..*count).zip(items).map(|(_, item)| item.clone()).collect())
        }
        ("drop", [List(items), Int(count)]) => {
            List((0..).zip(items).filter(|(at, _)| at >= count).map(|(_, i)| i.clone()).collect())
        }
        ("distinct", [List(items)]) => {
            let mut kept: Vec<Plain> = Vec::new();
            for item in items {
                if !kept.iter().any(|known| known.equals(item)) {
                    kept.push(item.clone());
                }
            }
            List(kept)
        }
        ("sort", [List(items)]) => {
            let keyed = items.iter().map(|item| (item.clone(), item.clone())).collect();
            sorted(keyed)
        }
        ("range", [Int(start), Int(end)]) => List((*start..*end).map(Int).collect()),
        ("keys", [Map(entries)]) => List(entries.iter().map(|(key, _)| key.clone()).collect()),
        ("values", [Map(entries)]) => List(entries.iter().map(|(_, v)| v.clone()).collect()),
        ("get-key", [Map(entries), key]) => {
            let found = entries.iter().find(|(known, _)| known.equals(key));
            found.map_or(Absent, |(_, value)| value.clone())
        }
        ("put", [map, key, value]) => put(map, key, value),
        ("merge", [a, Map(b)]) => {
            b.iter().fold(a.clone(), |map, (key, value)| put(&map, key, value))
        }
        ("is-some", [a]) => Boolean(!matches!(a, Absent)),
        ("is-none", [a]) => Boolean(matches!(a, Absent)),
        ("or-else", [Absent, b]) => b.clone(),
        ("or-else" | "identity", [a, ..]) => a.clone(),
        ("not", [Boolean(a)]) => Boolean(!a),
        ("eq-int" | "eq-string", [a, b]) => Boolean(a.equals(b)),
        ("gt", [a, b]) => Boolean(a.order(b).is_gt()),
        ("lte", [a, b]) => Boolean(a.order(b).is_le()),
        other => panic!("the reference does not know {other:?}"),
    })
}

/// The values of these keys and values, in the order of the keys.
pub(crate) fn sorted(mut keyed: Vec<(Plain, Plain)>) -> Plain {
    keyed.sort_by(|(a, _), (b, _)| a.order(b));
    Plain::List(keyed.into_iter().map(|(_, value)| value).collect())
}

/// `map` with `value` at `key`; `{}` is the empty map here.
fn put(map: &Plain, key: &Plain, value: &Plain) -> Plain {
    let mut entries = match map {
        Plain::Map(entries) => entries.clone(),
        Plain::Record(fields) if fields.is_empty() => Vec::new(),
        other => panic!("{other:?} is no map"),
    };
    entries.retain(|(known, _)| !known.equals(key));
    entries.push((key.clone(), value.clone()));
    entries.sort_by(|(a, _), (b, _)| a.order(b));
    Plain::Map(entries)
}

/// `- a`.
pub(crate) fn negate(a: &Plain) -> Given {
    match a {
        Plain::Int(a) => exact(-i128::from(*a)),
        Plain::Float(a) => Ok(Plain::Float(-a)),
        other => panic!("{other:?} is no number"),
    }
}

/// An operator of arithmetic.
pub(crate) fn arithmetic(operator: char, a: &Plain, b: &Plain) -> Given {
    match (a, b) {
        (Plain::Int(a), Plain::Int(b)) => {
            let (a, b) = (i128::from(*a), i128::from(*b));
            match operator {
                '+' => exact(a + b),
                '-' => exact(a - b),
                '*' => exact(a * b),
                _ if b == 0 => Err(Code::R005),
                '/' => exact(a / b),
                _ => exact(a % b),
            }
        }
        _ => {
            let float = |number: &Plain| match number {
                Plain::Int(int) => *int as f64,
                Plain::Float(float) => *float,
                other => panic!("{other:?} is no number"),
            };
            let (a, b) = (float(a), float(b));
            let result = match operator {
                '+' => a + b,
                '-' => a - b,
                '*' => a * b,
                _ => a / b,
            };
            if result.is_finite() { Ok(Plain::Float(result)) } else { Err(Code::R006) }
        }
    }
}

fn exact(int: i128) -> Given {
    i64::try_from(int).map(Plain::Int).map_err(|_| Code::R004)
}

fn whole(float: f64) -> Given {
    if float.abs() < 1e30 { exact(float as i128) } else { Err(Code::R004) }
}
