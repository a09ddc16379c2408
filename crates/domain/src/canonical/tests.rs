use std::collections::BTreeMap;

use super::{NotCanonical, from_slice, to_vec};

type Map = BTreeMap<String, serde_json::Value>;

#[test]
fn rfc_8785_examples() {
    // Section 3.2.2 and 3.2.3 of the RFC: escapes, and the order of members by UTF-16 code units.
    for (json, canonical) in [
        (r#"{ "b": 1, "a" : [ true, null ] }"#, r#"{"a":[true,null],"b":1}"#),
        (r#"{"x": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}"#, "{\"x\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"),
        (
            r#"{"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7}"#,
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}",
        ),
    ] {
        let value: Map = serde_json::from_str(json).expect("JSON");
        assert_eq!(String::from_utf8(to_vec(&value)).expect("text"), canonical);
        assert_eq!(from_slice::<Map>(canonical.as_bytes()).expect("canonical"), value);
    }
}

proptest::proptest! {
    /// The quick way and the library's agree.
    #[test]
    fn every_value_is_spelled_as_the_library_spells_it(value in any_value()) {
        let library = serde_json_canonicalizer::to_vec(&value).expect("JSON");
        proptest::prop_assert_eq!(String::from_utf8(to_vec(&value)).expect("text"), String::from_utf8(library).expect("text"));
    }
}

fn any_value() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (0_u64..1 << 54).prop_map(Into::into),
        proptest::num::f64::NORMAL.prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            proptest::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn other_spellings_are_refused() {
    for json in [
        r#"{"a": 1}"#,
        r#"{"b":1,"a":1}"#,
        r#"{"a":1,"a":1}"#,
        "{\"a\":1}\n",
        r#"{"\u0061":1}"#,
        r#"{"a":1.0}"#,
        r#"{"a":"\/"}"#,
    ] {
        assert!(matches!(from_slice::<Map>(json.as_bytes()), Err(NotCanonical::Respelled)), "{json}");
    }
    for json in ["", "{", "[]", "{\"a\":1}{", "\u{feff}{}", "{\"a\":\"\\ud800\"}"] {
        assert!(matches!(from_slice::<Map>(json.as_bytes()), Err(NotCanonical::Unreadable(_))), "{json}");
    }
    assert!(from_slice::<Map>(b"{\"a\":\"\xff\"}").is_err());
}
