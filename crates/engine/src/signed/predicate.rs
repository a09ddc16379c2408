//! What signed statements say, as far as gates ask for it.

use std::collections::BTreeMap;

use domain::{EvidenceKind, EvidenceResult, trust::CLAIM_BYTES_MAX};
use evidence::{
    report::{self, TestOutcome, TestResult},
    sbom::Sbom,
    severity::Severity,
    vulnerabilities::Findings,
};
use serde::Deserialize;
use serde_json::Value;

const PROVENANCE: [&str; 2] = ["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"];
const SUMMARY: [&str; 2] = ["https://slsa.dev/verification_summary/v1", "https://slsa.dev/verification_summary/v0.2"];
/// What cosign says by signing an image.
pub const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
const VEX: &str = "https://openvex.dev/ns";
const BILLS: [&str; 2] = ["https://spdx.dev/Document", "https://cyclonedx.org/bom"];

/// What a predicate comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    pub kind: EvidenceKind,
    pub result: EvidenceResult,
    pub claims: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    verification_result: String,
    verifier: Verifier,
    resource_uri: Option<String>,
}

#[derive(Deserialize)]
struct Verifier {
    id: String,
}

/// Reads a predicate of a type. A type that is not known says something and no more.
pub fn read(predicate_type: &str, json: &str) -> Result<Read, String> {
    if PROVENANCE.contains(&predicate_type) {
        return Ok(said("provenance", EvidenceResult::Passed, provenance(&parse(json)?)));
    }
    if SUMMARY.contains(&predicate_type) {
        return summary(json);
    }
    if predicate_type == report::PREDICATE_TYPE {
        let result = TestResult::parse(json.as_bytes()).map_err(|error| error.to_string())?;
        return Ok(said("tests", of_tests(result.result), tests(&result)));
    }
    if let Some(findings) = Findings::of_predicate(predicate_type, json.as_bytes()) {
        return Ok(scan(&findings.map_err(|error| error.to_string())?));
    }
    if BILLS.iter().any(|bill| is_version_of(predicate_type, bill)) {
        let bill = Sbom::parse(json.as_bytes()).map_err(|error| error.to_string())?;
        let claims = [("components", bill.components.len().to_string()), ("format", bill.format)];
        return Ok(said("sbom", EvidenceResult::Passed, claims));
    }
    let kind = match predicate_type {
        SIGNATURE => "signature",
        _ if is_version_of(predicate_type, VEX) => "vex",
        _ => "attestation",
    };
    Ok(said(kind, EvidenceResult::Passed, Vec::<(&str, String)>::new()))
}

/// That an image is signed, and no more.
pub fn image() -> Read {
    said("signature", EvidenceResult::Passed, Vec::new())
}

/// A type as it is, or with a version behind it.
fn is_version_of(predicate_type: &str, known: &str) -> bool {
    predicate_type.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn said<'a>(kind: &str, result: EvidenceResult, claims: impl IntoIterator<Item = (&'a str, String)>) -> Read {
    let fits = |(claim, value): &(&str, String)| claim.len() + value.len() <= CLAIM_BYTES_MAX;
    let claims = claims.into_iter().filter(fits).map(|(claim, value)| (claim.to_owned(), value)).collect();
    Read { kind: kind.parse().expect("our kinds are words"), result, claims }
}

fn parse(json: &str) -> Result<Value, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Who built it, how, and from what (SLSA provenance v1 and v0.2). What a build does not tell is not claimed.
fn provenance(said: &Value) -> Vec<(&'static str, String)> {
    let places: [(&str, &[&str]); 4] = [
        ("builder", &["/runDetails/builder/id", "/builder/id"]),
        ("build-type", &["/buildDefinition/buildType", "/buildType"]),
        (
            "source",
            &[
                "/buildDefinition/externalParameters/workflow/repository",
                "/buildDefinition/externalParameters/source/uri",
                "/buildDefinition/externalParameters/source",
                "/buildDefinition/resolvedDependencies/0/uri",
                "/invocation/configSource/uri",
            ],
        ),
        (
            "ref",
            &[
                "/buildDefinition/externalParameters/workflow/ref",
                "/buildDefinition/externalParameters/ref",
                "/invocation/environment/github_ref",
            ],
        ),
    ];
    let text = |places: &[&str]| places.iter().find_map(|place| said.pointer(place)?.as_str().map(str::to_owned));
    places.into_iter().filter_map(|(claim, places)| Some((claim, text(places)?))).collect()
}

/// A verification summary: what somebody else's gate said. Anything but `PASSED` is a no.
fn summary(json: &str) -> Result<Read, String> {
    let said_so: Summary = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let passed = said_so.verification_result == "PASSED";
    let result = if passed { EvidenceResult::Passed } else { EvidenceResult::Failed };
    let resource = said_so.resource_uri.map(|uri| ("resource", uri));
    Ok(said("vsa", result, [("verifier", said_so.verifier.id)].into_iter().chain(resource)))
}

fn of_tests(outcome: TestOutcome) -> EvidenceResult {
    match outcome {
        TestOutcome::Passed => EvidenceResult::Passed,
        TestOutcome::Warned => EvidenceResult::Warned,
        TestOutcome::Failed => EvidenceResult::Failed,
    }
}

fn tests(result: &TestResult) -> Vec<(&'static str, String)> {
    let suite = result.configuration.iter().find_map(|one| one.name.clone()).map(|name| ("suite", name));
    suite.into_iter().chain([("failed", result.failed_tests.len().to_string())]).collect()
}

/// A report of known vulnerabilities: clean, not bad, or bad. How many of which severity there are is claimed, for gates that are not content with that.
fn scan(findings: &Findings) -> Read {
    let counts = findings.counts();
    let worst = counts.keys().max().copied();
    let result = match worst {
        None => EvidenceResult::Passed,
        Some(worst) if worst >= Severity::High => EvidenceResult::Failed,
        Some(_) => EvidenceResult::Warned,
    };
    let of = |severity| counts.get(&severity).copied().unwrap_or_default().to_string();
    let named = [
        ("critical", Severity::Critical),
        ("high", Severity::High),
        ("medium", Severity::Medium),
        ("low", Severity::Low),
        ("unknown", Severity::Unknown),
    ];
    let counted = named.map(|(name, severity)| (name, of(severity)));
    said("scan", result, counted.into_iter().chain([("scanner", findings.scanner.clone())]))
}
