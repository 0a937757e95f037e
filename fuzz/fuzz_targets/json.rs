//! Any JSON is read as a value of a type or refused; what is read is written and read again as the
//! same value. The first line is the type.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::json;

fuzz_target!(|text: &str| {
    let Some((ty, text)) = text.split_once('\n') else { return };
    let Ok(ty) = lang::ty(ty) else { return };
    let Ok(value) = json::read(&ty, text) else { return };
    assert!(model::value::fits(&ty, &value));
    let written = json::to_string(&ty, &value);
    let read = json::read(&ty, &written).expect("what was written can be read");
    assert_eq!(json::to_string(&ty, &read), written);
});
