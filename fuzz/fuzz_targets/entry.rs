//! A leaf of the ledger: what is read is written again byte by byte, and folds into a state whatever it says.

#![no_main]

use domain::{Entry, Key, State};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(entry) = Entry::decode(bytes) else { return };
    assert_eq!(entry.encode(), bytes, "a leaf has one spelling");
    let mut state = State::default();
    for key in Key::of_event(&entry.event) {
        assert_eq!(key.to_string().parse(), Ok(key), "a key has one spelling");
    }
    state.apply(&entry);
    for key in state.take_changed() {
        if let Some(row) = state.row(&key) {
            State::default().load(&key, Some(&row)).expect("a row can be read again");
        }
    }
});
