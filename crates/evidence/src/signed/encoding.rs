//! How signed things are written: JSON in which nothing is said twice, base64, and DER.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::{Unreadable, at_most};

/// How deep JSON may be nested.
pub(super) const DEPTH_MAX: usize = 64;

/// With or without padding: the DSSE specification leaves it open, and protocol buffers have both.
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// Bytes from base64, of either alphabet.
pub(super) fn base64(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).map_err(|error| format!("not base64: {error}"))
}

/// Bytes as base64 of the standard alphabet, padded: what every client reads.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A base64 field of a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl<'de> serde::Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        base64(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A value in DER, with its tag and length in front.
pub(super) fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut tagged = vec![tag];
    match length {
        [] => tagged.push(0),
        [short @ 0..0x80] => tagged.push(*short),
        long => {
            tagged.push(0x80 | long.len() as u8);
            tagged.extend(long);
        }
    }
    tagged.extend(value);
    tagged
}

/// Reads a JSON document of at most `limit` bytes.
///
/// Whoever reads `{"a":1,"a":2}` takes the one or the other, so two readers of the same signed bytes can differ: it is refused at any depth.
pub(super) fn document<T: DeserializeOwned>(kind: &'static str, bytes: &[u8], limit: usize) -> Result<T, Unreadable> {
    at_most("bytes", bytes.len(), limit)?;
    let malformed = |error: serde_json::Error| Unreadable::Malformed { kind, problem: error.to_string() };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Unambiguous { depth: DEPTH_MAX }.deserialize(&mut reader).and_then(|()| reader.end()).map_err(malformed)?;
    serde_json::from_slice(bytes).map_err(malformed)
}

/// Reads a value and keeps nothing: no object has a name twice, and nothing is nested deeper than `depth`.
struct Unambiguous {
    depth: usize,
}

impl Unambiguous {
    fn inside<E: Error>(&self) -> Result<Self, E> {
        let deeper = self.depth.checked_sub(1).map(|depth| Self { depth });
        deeper.ok_or_else(|| E::custom(format_args!("nested more than {DEPTH_MAX} deep")))
    }
}

impl<'de> DeserializeSeed<'de> for Unambiguous {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.inside()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format_args!("`{name}` is there twice")));
            }
            names.insert(name);
            members.next_value_seed(self.inside()?)?;
        }
        Ok(())
    }
}
