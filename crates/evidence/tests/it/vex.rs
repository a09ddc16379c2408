//! What others say about vulnerabilities, as they wrote it.

use evidence::{
    vex::{Covers, Named, Vex, excused},
    vulnerabilities::Finding,
};

use super::data;

const CASES: &str = "sbom/cyclonedx/VEX/CISA-Use-Cases";

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(data::path(file)).expect("a readable file")
}

#[test]
#[cfg_attr(not(test_data), ignore = "the documents are not there")]
fn documents_of_others_are_read() {
    for (file, expected) in [
        ("vex/v0.2.0.json", Ok("OpenVEX 0.2.0: 3 fixed, 2 not_affected")),
        ("vex/v020-1.vex.json", Ok("OpenVEX 0.2.0: 1 under_investigation")),
        ("vex/v020-2.vex.json", Ok("OpenVEX 0.2.0: 1 under_investigation")),
        ("vex/v0.0.1.json", Err("OpenVEX `https://openvex.dev/ns/v0.0.1` is not read")),
        ("vex/v001-1.vex.json", Err("")),
        ("vex/csaf.json", Err("it is neither OpenVEX nor CycloneDX")),
        ("vex/vex.yaml", Err("")),
        ("Case-1/vex-affected.json", Ok("CycloneDX 1.4: 1 affected")),
        ("Case-1/vex-fixed.json", Ok("CycloneDX 1.4: 1 fixed")),
        ("Case-1/vex-not_affected.json", Ok("CycloneDX 1.4: 1 not_affected")),
        ("Case-1/vex-under_investigation.json", Ok("CycloneDX 1.4: 1 under_investigation")),
        ("Case-2/vex.json", Ok("CycloneDX 1.4: 19 not_affected")),
        ("Case-3/vex.json", Ok("CycloneDX 1.4: 5 affected, 3 fixed, 6 not_affected, 5 under_investigation")),
        ("Case-4/vex.json", Ok("CycloneDX 1.4: 1 affected")),
        ("Case-5/vex.json", Ok("CycloneDX 1.4: 1 under_investigation")),
        ("Case-6/vex.json", Ok("CycloneDX 1.4: 1 affected, 1 not_affected")),
        // What these excuse by ranges of versions only, is left out.
        ("Case-7/vex.json", Ok("CycloneDX 1.4: 1 affected, 1 fixed, 1 not_affected")),
        ("Case-8/vex.json", Ok("CycloneDX 1.4: 2 affected, 2 fixed, 2 not_affected")),
    ] {
        let path = if file.starts_with("Case") { format!("{CASES}/{file}") } else { file.to_owned() };
        let read = Vex::parse(&bytes(&path), &[]).map(|vex| {
            let mut counts = std::collections::BTreeMap::new();
            for statement in &vex.statements {
                *counts.entry(statement.status.as_str()).or_insert(0) += 1;
            }
            let counts: Vec<_> = counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
            format!("{}: {}", vex.format, counts.join(", "))
        });
        match (read.map_err(|error| error.to_string()), expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{file}"),
            (Err(error), Err(problem)) => assert!(error.contains(problem), "{file}: {error}"),
            (read, _) => panic!("{file}: {read:?}"),
        }
    }
}

#[test]
#[cfg_attr(not(test_data), ignore = "the documents are not there")]
fn what_an_image_s_maker_mended_is_no_finding() {
    let documents = [Vex::parse(&bytes("vex/v0.2.0.json"), &[]).expect("a document")];
    let image = |digest: &str| Named { digests: vec![format!("sha256:{digest}")], ..Named::default() };
    let finding = |id: &str, purl: &str| Finding { id: id.into(), purl: Some(purl.into()), ..Finding::default() };
    let findings = [
        finding("CVE-2023-1255", "pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64&distro=alpine-3.18.0"),
        finding("CVE-2023-1255", "pkg:apk/alpine/libssl3@3.0.8-r2"),
        finding("CVE-2023-1255", "pkg:apk/alpine/busybox@1.36.1-r0"),
        finding("CVE-2000-0001", "pkg:apk/alpine/libssl3@3.0.8-r3"),
    ];
    let this = image("124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126");
    let found = excused(&documents, &[image("00"), this], &findings);
    let found: Vec<_> = found.iter().map(|excused| (excused.finding, excused.covers, excused.unversioned)).collect();
    assert_eq!(found, [(&findings[0], Covers::Subcomponent, false)]);
    assert_eq!(excused(&documents, &[image("00")], &findings), [], "another image has a maker of its own");
}

#[test]
#[cfg_attr(not(test_data), ignore = "the documents are not there")]
fn a_statement_within_a_document_reaches_what_the_document_is_attached_to() {
    let product = [Named { purl: Some("pkg:oci/abc@sha256%3A00".into()), ..Named::default() }];
    let findings =
        [Finding { id: "CVE-2021-44228".into(), purl: Some("pkg:maven/x/y@1".into()), ..Finding::default() }];
    for (file, is_excused) in
        [("affected", false), ("fixed", true), ("not_affected", true), ("under_investigation", false)]
    {
        let document = bytes(&format!("{CASES}/Case-1/vex-{file}.json"));
        let said = |enclosing: &[Named]| {
            let documents = [Vex::parse(&document, enclosing).expect("a document")];
            !excused(&documents, &product, &findings).is_empty()
        };
        assert_eq!(said(&product), is_excused, "{file}");
        assert!(!said(&[]), "{file}: alone, it is about a product that only has a name");
    }
}
