mod properties;

use std::path::Path;

use domain::{Permission, config::Component, config::Stage, config::Upstream, gate::Requirement};
use serde::de::DeserializeOwned;

use super::{
    parse, schema,
    shape::{FILE, FieldsShape, PERMISSIONS, Shape},
};

const GOOD: &str = "\
project: shop
components: { web: {}, api: }
stages:
  dev:
  staging: { after: dev, gate: [ { evidence: { kind: tests, name: unit, max_age: 7d } } ] }
  prod:
    after: { all: [staging], soak: 10m }
    gate: &full
      - evidence: { kind: tests, name: e2e, by: [\"machine:ci\"] }
      - approvals: { count: 2, role: release-manager, expires: 7d }
  prod-eu:
    after: [prod]
    gate: *full
roles: { release-manager: [read, approve] }
public: { repositories: [shop/web], stages: [prod] }
";

fn said(text: &str) -> String {
    match parse(Path::new("selfsame.yaml"), text.as_bytes()) {
        Ok(_) => "good".into(),
        Err(invalid) => invalid.to_string(),
    }
}

#[test]
fn a_good_file_is_read_whole() {
    let config = parse(Path::new("selfsame.yaml"), GOOD.as_bytes()).expect("it is good");
    assert_eq!(config.components.len(), 2);
    assert_eq!(config.stages.len(), 4);
    let gate = |stage: &str| &config.stages[&stage.parse().expect("a name")].gate;
    assert_eq!(gate("prod").len(), 2);
    assert_eq!(gate("prod"), gate("prod-eu"), "an alias says what its anchor says");
    let again = serde_json::to_value(&config).expect("it serialises");
    assert_eq!(serde_json::from_value::<domain::ProjectConfig>(again).expect("and is read again"), config);
}

const BEGINNING: &str = "project: shop\ncomponents: { web: {} }\n";

#[test]
fn every_problem_has_its_line_and_column_and_says_what_is_allowed() {
    let after = |rest: &str| format!("{BEGINNING}stages:\n{rest}");
    for (text, expected) in [
        (
            after("  dev: {}\n  prod:\n    afer: dev\n"),
            "selfsame.yaml:6:5: a stage has no `afer`: did you mean `after`? allowed: after, gate, deliver, receipts\n  6 |     afer: dev\n    |     ^^^^",
        ),
        (
            after("  dev: {}\n  prod:\n    after: [dev, stagin]\n"),
            "selfsame.yaml:6:18: unknown stage `stagin`; the other stages are: dev\n  6 |     after: [dev, stagin]\n    |                  ^^^^^^",
        ),
        (
            after("  a: { after: b }\n  b:\n    after: [a]\n"),
            "selfsame.yaml:4:15: the stages go in a circle: a after b after a\n  4 |   a: { after: b }\n    |               ^",
        ),
        (
            after("  dev:\n    gate:\n      - approvals: { count: 0 }\n"),
            "selfsame.yaml:6:29: `count` is a whole number from 1 to 20, not `0`\n  6 |       - approvals: { count: 0 }\n    |                             ^",
        ),
        (
            after("  dev:\n    gate:\n      - evidence: { knd: tests }\n"),
            "selfsame.yaml:6:21: `evidence` has no `knd`: did you mean `kind`? allowed: kind, name, result, max_age, by\n  6 |       - evidence: { knd: tests }\n    |                     ^^^",
        ),
        (
            after("  dev:\n    gate:\n      - evidence: {}\n"),
            "selfsame.yaml:6:19: `evidence` needs `kind`. What it is, for example `tests`.\n  6 |       - evidence: {}\n    |                   ^",
        ),
        (
            after("  dev:\n    gate:\n      - soak: 10m\n"),
            "selfsame.yaml:6:9: a requirement has no `soak`; allowed: evidence, attestation, approvals\n  6 |       - soak: 10m\n    |         ^^^^",
        ),
        (
            after("  dev:\n    gate:\n      - approvals: { count: 1, role: boss }\n"),
            "selfsame.yaml:6:38: unknown role `boss`: use a built-in one, or define it under `roles`\n  6 |       - approvals: { count: 1, role: boss }\n    |                                      ^^^^",
        ),
        (after("  dev: soon\n"), "selfsame.yaml:4:8: `dev` is a map, not a text\n  4 |   dev: soon\n    |        ^"),
        (
            "project: Shop\n".into(),
            "selfsame.yaml:1:10: `Shop` is no project name: lower-case letters, digits and single hyphens inside, at most 63 characters, beginning with a letter\n  1 | project: Shop\n    |          ^^^^",
        ),
        (
            after("  dev: {}\nroles: { lead: [aprove] }\n"),
            "selfsame.yaml:5:17: item 1 of `lead` cannot be `aprove`: did you mean `approve`? allowed: read, pull, push, attest, create-release, promote, approve, roll-back, hold, veto, steer, observe, apply, issue-tokens\n  5 | roles: { lead: [aprove] }\n    |                 ^^^^^^",
        ),
        (
            "project: shop\ncomponents: { web: { repository: other/web } }\nstages: { dev: {} }\n".into(),
            "selfsame.yaml:2:34: repository `other/web` must begin with `shop/`: a project owns only its own repositories\n  2 | components: { web: { repository: other/web } }\n    |                                  ^^^^^^^^^",
        ),
        (
            BEGINNING.into(),
            "selfsame.yaml:1:1: the project's file needs `stages`. The stages of the pipeline, a directed acyclic graph.\n  1 | project: shop\n    | ^",
        ),
    ] {
        assert_eq!(said(&text), expected, "{text}");
    }
}

#[test]
fn what_is_no_single_document_of_plain_values_is_refused() {
    let bomb: String = (b'b'..=b'j')
        .map(|letter| {
            let (this, before) = (char::from(letter), char::from(letter - 1));
            format!("{this}: &{this} [{}]\n", vec![format!("*{before}"); 9].join(", "))
        })
        .collect();
    for (text, expected) in [
        ("".to_owned(), "selfsame.yaml:1:1: the file is empty"),
        ("project: shop\nproject: shop\n".into(), "selfsame.yaml:2:1: `project` is here twice"),
        ("project: shop\n---\nproject: b\n".into(), "selfsame.yaml:2:1: a second document"),
        ("a: &a [*a]\n".into(), "selfsame.yaml:1:8: this alias stands for something that it is part of"),
        (
            format!("a: &a [x, x, x, x, x, x, x, x, x]\n{bomb}"),
            "selfsame.yaml:5:12: the file has more than 20000 values",
        ),
        (
            format!("a: {}{}", "[".repeat(50), "]".repeat(50)),
            "selfsame.yaml:1:36: lists and maps are nested at most 32 deep",
        ),
        ("[".repeat(1 << 20), "selfsame.yaml:1:256: this is no YAML: recursion limit exceeded"),
        ("project: [shop\n".into(), "selfsame.yaml:1:10: this is no YAML: unclosed bracket '['"),
        ("project: !!str shop\n".into(), "selfsame.yaml:1:16: no tags"),
        ("? [a]\n: b\n".into(), "selfsame.yaml:1:3: a key is a single word"),
        ("x".repeat((1 << 20) + 1), "selfsame.yaml:1:1: the file has more than 1048576 bytes"),
    ] {
        let said = said(&text);
        assert!(said.starts_with(expected), "{said}\n(not {expected})");
    }
    let not_text = parse(Path::new("selfsame.yaml"), b"project: shop\nx: \xff").expect_err("it is no text");
    assert_eq!((not_text.line, not_text.column), (2, 4), "{not_text}");
}

/// The names that serde expects: those between backticks after `expected` in its complaint about `nope`.
fn expected_by<T: DeserializeOwned>() -> Vec<String> {
    let complaint = match serde_json::from_value::<T>(serde_json::json!({"nope": {}})) {
        Ok(_) => panic!("an unknown name is accepted"),
        Err(error) => error.to_string(),
    };
    let (_, expected) = complaint.split_once("expected").unwrap_or_else(|| panic!("no names in `{complaint}`"));
    let mut names: Vec<_> = expected.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
    names.sort();
    names
}

fn names_of(shape: &Shape) -> Vec<String> {
    let (Shape::Fields(FieldsShape { fields, .. }) | Shape::One { of: fields, .. }) = shape else {
        panic!("this shape has no fields")
    };
    let mut names: Vec<_> = fields.iter().map(|field| field.name.to_owned()).collect();
    names.sort();
    names
}

fn field(shape: &'static Shape, name: &str) -> &'static Shape {
    match shape {
        Shape::Fields(FieldsShape { fields, .. }) | Shape::One { of: fields, .. } => {
            fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("no `{name}`")).shape
        }
        Shape::Names { value, .. } => value,
        Shape::List(item, _) => item,
        Shape::Forms { map, .. } => map,
        _ => panic!("nothing below `{name}`"),
    }
}

#[test]
fn shapes_and_types_name_the_same_members() {
    let stage = field(field(&FILE, "stages"), "*");
    let requirement = field(field(stage, "gate"), "*");
    let of_kind = |kind: &str| {
        let complaint = serde_json::from_value::<Requirement>(serde_json::json!({kind: {"nope": {}}}));
        let complaint = complaint.expect_err("an unknown name is not accepted").to_string();
        let mut names: Vec<String> = complaint.split('`').skip(3).step_by(2).map(ToOwned::to_owned).collect();
        names.sort();
        names
    };
    assert_eq!(names_of(&FILE), expected_by::<domain::ProjectConfig>());
    assert_eq!(names_of(field(field(&FILE, "components"), "*")), expected_by::<Component>());
    assert_eq!(names_of(field(&FILE, "public")), expected_by::<domain::config::Public>());
    assert_eq!(names_of(stage), expected_by::<Stage>());
    assert_eq!(names_of(field(field(stage, "after"), "map")), ["all", "any", "soak"]);
    assert!(serde_json::from_value::<Upstream>(serde_json::json!({"all": [], "any": [], "soak": "1s"})).is_ok());
    assert_eq!(names_of(requirement), expected_by::<Requirement>());
    for kind in names_of(requirement) {
        assert_eq!(names_of(field(requirement, &kind)), of_kind(&kind), "{kind}");
    }
    assert_eq!(PERMISSIONS.map(ToOwned::to_owned), Permission::ALL.map(|permission| permission.to_string()));
}

#[test]
fn the_published_schema_is_the_one_that_is_printed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/project.schema.json");
    let published = std::fs::read_to_string(file).expect("the published schema");
    let printed = format!("{:#}\n", schema());
    assert_eq!(published, printed, "run: selfsame apply --schema > docs/reference/project.schema.json");
}
