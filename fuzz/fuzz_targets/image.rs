//! Any bytes are an image or refused; an image runs to a rest, whatever is in it.

#![no_main]

use std::sync::Arc;

use engine::log::{Event, Record};
use engine::{Execution, ExecutionId, ExecutionView, LoadedImage, Timestamp, step};
use libfuzzer_sys::fuzz_target;
use model::{Digest, Image};

fuzz_target!(|bytes: &[u8]| {
    let Ok(image) = Image::decode(bytes) else { return };
    let Ok(loaded) = LoadedImage::new(image) else { return };
    let mut execution = Execution::new(Arc::new(loaded));
    let event = Event::Started { image: Digest([0; 32]), pipeline: None, inputs: Vec::new() };
    step(&mut execution, &Record { at: Timestamp(0), event });
    ExecutionView::of(&execution, ExecutionId::random(), None);
});
