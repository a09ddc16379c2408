//! What documents say, and what follows from it.

use proptest::prelude::*;

use super::*;
use crate::vulnerabilities::Finding;

const DIGEST: &str = "sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126";

fn open_vex(statements: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"Ada","timestamp":"2026-01-01T00:00:00Z","version":1,
        "statements":[{statements}]}}"#
    )
}

/// A statement of OpenVEX about the vulnerability `CVE-1`.
fn says(status: &str, products: &str, rest: &str) -> String {
    let why = if status == "not_affected" { r#","justification":"component_not_present""# } else { "" };
    format!(
        r#"{{"vulnerability":{{"name":"CVE-1","aliases":["GHSA-1","DSA-1"]}},"products":[{products}],"status":"{status}"{why}{rest}}}"#
    )
}

/// A CycloneDX document, in which `product` is the product.
fn cyclonedx(product: &str, vulnerabilities: &str) -> String {
    format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:5e",
        "metadata":{{"timestamp":"2026-01-01T00:00:00Z","component":{product}}},
        "components":[{{"bom-ref":"p","purl":"pkg:npm/p@1.1.0","components":[{{"bom-ref":"q","purl":"pkg:npm/q@2"}}]}}],
        "vulnerabilities":[{vulnerabilities}]}}"#
    )
}

fn analysis(state: &str, affects: &str) -> String {
    format!(
        r#"{{"id":"CVE-1","references":[{{"id":"GHSA-1"}}],"analysis":{{"state":"{state}"}},"affects":[{affects}]}}"#
    )
}

fn product() -> Vec<Named> {
    let purl = Some("pkg:oci/web@sha256%3A124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126?repository_url=r.example/web".into());
    vec![Named { digests: vec![DIGEST.into()], ..Named::default() }, Named { purl, ..Named::default() }]
}

fn finding(id: &str, aliases: &[&str], purl: &str) -> Finding {
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    Finding { id: id.into(), aliases, purl: Some(purl.into()), ..Finding::default() }
}

fn read(text: &str) -> Vex {
    Vex::parse(text.as_bytes(), &[]).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What `documents` say of a finding: the status, what it covers, and whether of every version.
fn said(documents: &[Vex], finding: Finding) -> Option<(Status, Covers, bool)> {
    let findings = [finding];
    let excused = excused(documents, &product(), &findings);
    excused.first().map(|excused| (excused.statement.status, excused.covers, excused.unversioned))
}

#[test]
fn what_a_statement_is_about_decides_what_it_says() {
    let image = format!(r#""@id":"pkg:oci/web@{}""#, DIGEST.replace(':', "%3A"));
    let parts = |parts: &str| format!(r#"{{{image},"subcomponents":[{parts}]}}"#);
    let exact = |covers| Some((Status::NotAffected, covers, false));
    let any = |covers| Some((Status::NotAffected, covers, true));
    for (products, expected) in [
        (format!("{{{image}}}"), exact(Covers::Product)),
        (
            r#"{"hashes":{"sha-256":"124C7D2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126"}}"#.into(),
            exact(Covers::Product),
        ),
        (r#"{"@id":"pkg:oci/web","hashes":{"sha-256":"00"}}"#.into(), None),
        (r#"{"@id":"pkg:oci/web"}"#.into(), any(Covers::Product)),
        (r#"{"@id":"pkg:oci/web?repository_url=r.example/web"}"#.into(), any(Covers::Product)),
        (r#"{"@id":"pkg:oci/web?repository_url=r.example/other"}"#.into(), None),
        (r#"{"@id":"https://x.example/web","identifiers":{"purl":"pkg:oci/web"}}"#.into(), any(Covers::Product)),
        (r#"{"@id":"https://x.example/web"}"#.into(), None),
        (parts(r#"{"@id":"pkg:npm/p@1.1.0"}"#), exact(Covers::Subcomponent)),
        (parts(r#"{"@id":"pkg:npm/p@1.2.0"},{"@id":"pkg:npm/p"}"#), any(Covers::Subcomponent)),
        (parts(r#"{"@id":"pkg:npm/p@1.2.0"},{"@id":"pkg:npm/q@1.1.0"}"#), None),
        (parts(r#"{"@id":"pkg:npm/p@1.1.0?arch=x86"}"#), None),
        (r#"{"@id":"pkg:oci/web","subcomponents":[{"@id":"pkg:npm/p@1.1.0"}]}"#.into(), any(Covers::Subcomponent)),
        (r#"{"@id":"pkg:npm/p@1.1.0"}"#.into(), exact(Covers::Package)),
        (r#"{"@id":"pkg:npm/p"}"#.into(), any(Covers::Package)),
        (r#"{"@id":"pkg:npm/p@1.1.0","subcomponents":[{"@id":"pkg:npm/p@1.1.0"}]}"#.into(), None),
        (r#"{"@id":"pkg:oci/other","subcomponents":[{"@id":"pkg:npm/p@1.1.0"}]}"#.into(), None),
        (r#"{"@id":"pkg:npm/p"},{"@id":"pkg:npm/p@1.1.0"}"#.into(), exact(Covers::Package)),
    ] {
        let documents = [read(&open_vex(&says("not_affected", &products, "")))];
        assert_eq!(said(&documents, finding("CVE-1", &[], "pkg:npm/p@1.1.0")), expected, "{products}");
    }
}

#[test]
fn a_vulnerability_is_known_by_its_names_and_not_by_its_neighbours() {
    let documents = [read(&open_vex(&says("fixed", r#"{"@id":"pkg:npm/p"}"#, "")))];
    for (id, aliases, is_said) in [
        ("CVE-1", &[][..], true),
        ("GHSA-1", &[], true),
        ("GO-1", &["CVE-1"], true),
        ("CVE-2", &["DSA-1"], false),
        ("CVE-2", &["CVE-1"], false),
        ("ELSA-1", &["CVE-1", "CVE-2"], false),
        ("CVE-2", &[], false),
    ] {
        let said = said(&documents, finding(id, aliases, "pkg:npm/p@1"));
        assert_eq!(said.is_some(), is_said, "{id} {aliases:?}");
    }
    let by_go = open_vex(
        r#"{"vulnerability":{"name":"GO-1","aliases":["CVE-1"]},"products":[{"@id":"pkg:npm/p"}],"status":"fixed"}"#,
    );
    assert!(
        said(&[read(&by_go)], finding("GHSA-1", &["CVE-1"], "pkg:npm/p@1")).is_some(),
        "a CVE in common is one vulnerability"
    );
    let unknown_place = Finding { purl: None, ..finding("CVE-1", &[], "") };
    assert_eq!(said(&documents, unknown_place), None, "nobody knows in which package it is");
}

#[test]
fn the_latest_statement_counts() {
    let at = |status: &str, purl: &str, time: &str| {
        says(status, &format!(r#"{{"@id":"{purl}"}}"#), &format!(r#","timestamp":"{time}""#))
    };
    let (v, any) = ("pkg:npm/p@1.1.0", "pkg:npm/p");
    let yes = |unversioned| Some((Status::Fixed, Covers::Package, unversioned));
    for (statements, expected) in [
        ([at("affected", v, "2026-01-01T00:00:00Z"), at("fixed", v, "2026-01-02T00:00:00Z")], yes(false)),
        ([at("affected", v, "2026-01-02T00:00:00+02:00"), at("fixed", v, "2026-01-01T23:00:00Z")], yes(false)),
        ([at("fixed", v, "2026-01-01T00:00:00Z"), at("under_investigation", v, "2026-01-02T00:00:00Z")], None),
        ([at("affected", v, "2026-01-01T00:00:00Z"), at("fixed", any, "2026-01-02T00:00:00Z")], yes(true)),
        ([at("fixed", v, "2026-01-01T00:00:00Z"), at("affected", any, "2026-01-02T00:00:00Z")], None),
        ([at("fixed", v, "2026-01-01T00:00:00Z"), at("affected", v, "2026-01-01T00:00:00Z")], None),
        ([at("fixed", v, "2026-01-01T00:00:00Z"), at("affected", any, "2026-01-01T00:00:00Z")], yes(false)),
        ([at("affected", v, "2026-01-01T00:00:00Z"), at("fixed", any, "2026-01-01T00:00:00Z")], None),
        (
            [at("affected", "pkg:npm/p@1.0.0", "2026-01-03T00:00:00Z"), at("fixed", v, "2026-01-01T00:00:00Z")],
            yes(false),
        ),
    ] {
        let [one, other] = &statements;
        let together = [read(&open_vex(&statements.join(",")))];
        let apart = [read(&open_vex(other)), read(&open_vex(one))];
        for documents in [&together[..], &apart] {
            assert_eq!(said(documents, finding("CVE-1", &[], v)), expected, "{statements:?}");
        }
    }
    let untimed = |state: &str| {
        let document = cyclonedx(r#"{"name":"x"}"#, &analysis(state, r#"{"ref":"pkg:npm/p@1.1.0"}"#));
        read(&document.replace(r#""timestamp":"2026-01-01T00:00:00Z","#, ""))
    };
    let dated = |status: &str, purl: &str| read(&open_vex(&at(status, purl, "2026-01-02T00:00:00Z")));
    let of = |documents: &[Vex]| said(documents, finding("CVE-1", &[], v)).is_some();
    assert!(!of(&[untimed("exploitable"), dated("fixed", v)]), "what tells no time may be the latest");
    assert!(!of(&[untimed("resolved"), dated("affected", any)]), "and it may not");
    assert!(of(&[untimed("resolved")]), "nobody says otherwise");
}

#[test]
fn cyclonedx_is_resolved_within_its_document() {
    let named = format!(r#"{{"name":"web","bom-ref":"web","purl":"pkg:oci/web@{}"}}"#, DIGEST.replace(':', "%3A"));
    let nameless = r#"{"name":"web","bom-ref":"web"}"#;
    let versions = |versions: &str| format!(r#"{{"ref":"p","versions":[{versions}]}}"#);
    for (component, state, affects, expected) in [
        (
            named.as_str(),
            "not_affected",
            r#"{"ref":"web"}"#.to_owned(),
            Some((Status::NotAffected, Covers::Product, false)),
        ),
        (&named, "not_affected", String::new(), Some((Status::NotAffected, Covers::Product, false))),
        (&named, "false_positive", r#"{"ref":"p"}"#.into(), Some((Status::NotAffected, Covers::Subcomponent, false))),
        (&named, "resolved", r#"{"ref":"urn:cdx:5e/1#p"}"#.into(), Some((Status::Fixed, Covers::Subcomponent, false))),
        (&named, "resolved", r#"{"ref":"urn:cdx:77/1#p"}"#.into(), None),
        (&named, "resolved", r#"{"ref":"q"}"#.into(), None),
        (&named, "in_triage", r#"{"ref":"p"}"#.into(), None),
        (nameless, "resolved", r#"{"ref":"p"}"#.into(), None),
        (&named, "resolved", versions(r#"{"version":"1.1.0"}"#), Some((Status::Fixed, Covers::Subcomponent, false))),
        (&named, "resolved", versions(r#"{"version":"1.1.0","status":"affected"}"#), None),
        (&named, "resolved", versions(r#"{"version":"1.1.0","status":"unknown"}"#), None),
        (&named, "not_affected", versions(r#"{"version":"1.2.0","status":"unaffected"}"#), None),
        (&named, "not_affected", versions(r#"{"range":"vers:npm/>=1|<2","status":"unaffected"}"#), None),
    ] {
        let document = cyclonedx(component, &analysis(state, &affects));
        assert_eq!(said(&[read(&document)], finding("GHSA-1", &[], "pkg:npm/p@1.1.0")), expected, "{document}");
    }
    let both = [
        analysis(
            "exploitable",
            &versions(r#"{"version":"1.0.0"},{"range":"vers:npm/>=2"},{"version":"1.1.0","status":"unaffected"}"#),
        ),
        analysis("not_affected", &versions(r#"{"version":"1.1.0","status":"unaffected"}"#)),
    ];
    let documents = [read(&cyclonedx(&named, &both.join(",")))];
    let of = |version: &str| {
        said(&documents, finding("CVE-1", &[], &format!("pkg:npm/p@{version}"))).map(|(status, ..)| status)
    };
    assert_eq!([of("1.1.0"), of("1.0.0"), of("3.0.0")], [Some(Status::NotAffected), None, None]);
}

#[test]
fn what_encloses_a_document_is_what_it_is_about() {
    let of_all = says("not_affected", "", "");
    let of_a_part = cyclonedx(r#"{"name":"web"}"#, &analysis("not_affected", r#"{"ref":"p"}"#));
    for (document, covers) in [(open_vex(&of_all), Covers::Product), (of_a_part, Covers::Subcomponent)] {
        let read = Vex::parse(document.as_bytes(), &product()).expect("a document");
        assert_eq!(said(&[read], finding("CVE-1", &[], "pkg:npm/p@1.1.0")), Some((Status::NotAffected, covers, false)));
    }
    let error = Vex::parse(open_vex(&of_all).as_bytes(), &[]).expect_err("it stands alone");
    assert_eq!(error.to_string(), "it is no VEX document: it does not say what is not_affected by `CVE-1`");
    let other = [Named { digests: vec!["sha256:00".into()], ..Named::default() }];
    let read = Vex::parse(open_vex(&of_all).as_bytes(), &other).expect("a document");
    assert_eq!(said(&[read], finding("CVE-1", &[], "pkg:npm/p@1.1.0")), None, "it is about something else");
}

#[test]
fn what_is_not_whole_is_refused() {
    let p = r#"{"@id":"pkg:npm/p"}"#;
    let whole = open_vex(&says("not_affected", p, ""));
    let without_a_reason =
        open_vex(&says("not_affected", p, "").replace(r#","justification":"component_not_present""#, ""));
    let in_words =
        open_vex(&says("fixed", p, "").replace("fixed\"", "not_affected\",\"impact_statement\":\"Nothing calls it.\""));
    assert_eq!(read(&in_words).statements[0].note.as_deref(), Some("Nothing calls it."));
    let bom = cyclonedx(r#"{"name":"x","bom-ref":"x"}"#, &analysis("in_triage", r#"{"ref":"x"}"#));
    for (document, problem) in [
        ("{}".to_owned(), "it is neither OpenVEX nor CycloneDX"),
        (
            whole.replace("v0.2.0", "v0.0.1"),
            "OpenVEX `https://openvex.dev/ns/v0.0.1` is not read, but `https://openvex.dev/ns/v0.2.0`",
        ),
        (whole.replace("not_affected", "safe"), "`safe` is no status"),
        (whole.replace("component_not_present", "trust_me"), "`trust_me` is no justification"),
        (whole.replace("CVE-1", ""), "a vulnerability has no name"),
        (whole.replace("2026-01-01T00:00:00Z", "today"), "`today` is no time of RFC 3339"),
        (whole.replace(r#""timestamp":"2026-01-01T00:00:00Z","#, ""), "it does not say when it was so of `CVE-1`"),
        (whole.replace(p, "{}"), "a product has neither an id nor a package URL nor a hash"),
        (without_a_reason, "it does not say why `CVE-1` affects nothing"),
        (bom.replace("1.6", "1.3"), "CycloneDX `1.3` is not read, but CycloneDX 1.4, 1.5, 1.6, 1.7"),
        (bom.replace("in_triage", "fine"), "`fine` is no state of an analysis"),
        (bom.replace(r#""state""#, r#""justification":"none","state""#), "`none` is no justification"),
        (bom.replace(r#""id":"CVE-1","#, ""), "a vulnerability has no id"),
    ] {
        let error = Vex::parse(document.as_bytes(), &[]).expect_err(&document).to_string();
        assert_eq!(error.strip_prefix("it is no VEX document: "), Some(problem), "{document}");
    }
    let long = whole.replace("pkg:npm/p", &format!("pkg:npm/{}", "p".repeat(2100)));
    let error = Vex::parse(long.as_bytes(), &[]).expect_err("it would be there many times").to_string();
    assert_eq!(error, "it has 4216 bytes of names of a product, and 4096 is the limit");
    let many = open_vex(&says("fixed", &vec![p; NAMED_MAX + 1].join(","), ""));
    let error = Unreadable::TooLarge { what: "products", found: NAMED_MAX + 1, limit: NAMED_MAX };
    assert_eq!(Vex::parse(many.as_bytes(), &[]), Err(error));
    let nothing_said = bom.replace(r#""analysis":{"state":"in_triage"},"#, "");
    assert_eq!(read(&nothing_said).statements, [], "what was found is nothing said");
}

proptest! {
    /// A document that was damaged is read or refused; and what it then says is said of what was asked about.
    #[test]
    fn damage_is_no_harm(which in 0usize..2, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let documents = [
            open_vex(&says("not_affected", r#"{"@id":"pkg:oci/web","subcomponents":[{"@id":"pkg:npm/p@1.1.0"}]}"#, "")),
            cyclonedx(r#"{"name":"x","purl":"pkg:oci/web"}"#, &analysis("not_affected", r#"{"ref":"p"}"#)),
        ];
        let mut bytes = documents[which].as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = Vex::parse(&bytes, &[]) {
            let of_another = finding("CVE-77", &[], "pkg:npm/p@1.1.0");
            prop_assert_eq!(said(&[read], of_another), None);
        }
    }
}
