//! Whatever a file holds, it is read or refused, and a refusal points into the file.

use std::path::Path;

use proptest::prelude::*;

use super::{super::parse, GOOD};

/// Reads it; a refusal must be readable, and point at a character of the text or right behind a line's last.
fn read(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Err(invalid) = parse(Path::new("selfsame.yaml"), bytes) else { return Ok(()) };
    let text = String::from_utf8_lossy(bytes);
    // As YAML counts them.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    prop_assert!((1..=lines.len()).contains(&invalid.line), "{invalid}");
    let length = lines[invalid.line - 1].chars().count();
    prop_assert!((1..=length + 1).contains(&invalid.column), "column {} of {length}: {invalid}", invalid.column);
    let shown = invalid.to_string();
    let begin = format!("selfsame.yaml:{}:{}: ", invalid.line, invalid.column);
    prop_assert!(shown.starts_with(&begin) && shown.len() > begin.len(), "{shown}");
    Ok(())
}

/// One change of a file, as a slip of the hand makes it.
#[derive(Clone, Debug)]
enum Slip {
    /// The character is missing.
    Drop(usize),
    /// A text is too much.
    Insert(usize, String),
    /// The line is there twice.
    Twice(usize),
    /// The line is indented otherwise.
    Indent(usize, usize),
    /// The file ends too early.
    Cut(usize),
}

fn slip() -> impl Strategy<Value = Slip> {
    let place = 0_usize..10_000;
    prop_oneof![
        place.clone().prop_map(Slip::Drop),
        (place.clone(), "[-:{}\\[\\],&*!|>'\"%@`#?~ \t\r\na-z0-9é\u{feff}]{1,4}")
            .prop_map(|(place, text)| Slip::Insert(place, text)),
        place.clone().prop_map(Slip::Twice),
        (place.clone(), 0_usize..6).prop_map(|(place, indent)| Slip::Indent(place, indent)),
        place.prop_map(Slip::Cut),
    ]
}

fn slipped(text: &str, slip: &Slip) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let mut lines: Vec<String> = text.split('\n').map(ToOwned::to_owned).collect();
    let within = |place: usize, length: usize| place % length.max(1);
    match slip {
        Slip::Drop(_) if characters.is_empty() => {}
        Slip::Drop(place) => drop(characters.remove(within(*place, characters.len()))),
        Slip::Insert(place, text) => {
            let at = within(*place, characters.len());
            characters.splice(at..at, text.chars());
        }
        Slip::Twice(place) => {
            let at = within(*place, lines.len());
            lines.insert(at, lines[at].clone());
            return lines.join("\n");
        }
        Slip::Indent(place, indent) => {
            let at = within(*place, lines.len());
            lines[at] = " ".repeat(*indent) + lines[at].trim_start();
            return lines.join("\n");
        }
        Slip::Cut(place) => characters.truncate(within(*place, characters.len())),
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes)?;
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-:{}\\[\\],&*!|>'\"%@`#?~ \t\r\na-z0-9é\u{2028}\u{85}]{0,80}") {
        read(text.as_bytes())?;
    }

    #[test]
    fn a_good_file_with_slips_is_read_or_refused(slips in prop::collection::vec(slip(), 1..5)) {
        let text = slips.iter().fold(GOOD.to_owned(), |text, slip| slipped(&text, slip));
        read(text.as_bytes())?;
    }
}
