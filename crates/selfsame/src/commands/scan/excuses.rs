//! What somebody says about vulnerabilities in the product: VEX documents that the caller hands over, and so believes.

use std::path::PathBuf;

use domain::Digest;
use evidence::{
    vex::{self, Excused, Named, Vex},
    vulnerabilities::Finding,
};

use super::read_at_most;
use crate::outcome::{Failure, Outcome};

/// Reads VEX documents.
pub fn read(paths: &[PathBuf]) -> Outcome<Vec<Vex>> {
    let read = |path: &PathBuf| {
        let parsed = Vex::parse(&read_at_most(path, vex::BYTES_MAX)?, &[]);
        parsed.map_err(|error| Failure::broken(format!("`{}`: {error}", path.display())))
    };
    paths.iter().map(read).collect()
}

/// What the product is known by: package URLs that the caller gives, and its digest.
pub fn product(purls: &[String], digest: Option<&Digest>) -> Vec<Named> {
    let by_purl =
        purls.iter().map(|purl| Named { purl: Some(purl.clone()), id: Some(purl.clone()), ..Named::default() });
    let by_digest = digest.map(|digest| Named { digests: vec![digest.to_string()], ..Named::default() });
    by_purl.chain(by_digest).collect()
}

/// Why each finding does not count, where it does not: what its scanner suppresses, and what somebody says is not affected or fixed.
pub fn reasons(documents: &[Vex], product: &[Named], findings: &[Finding]) -> Vec<Option<String>> {
    let excused = vex::excused(documents, product, findings);
    let said = |excused: &Excused<'_>| {
        let why = excused.statement.justification.as_ref().or(excused.statement.note.as_ref());
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        let every = if excused.unversioned { ", said of every version" } else { "" };
        format!("{}{why}{every}", excused.statement.status.as_str())
    };
    let reason = |finding: &Finding| {
        let by_vex = excused.iter().find(|excused| std::ptr::eq(excused.finding, finding)).map(said);
        by_vex.or_else(|| finding.suppressed.as_ref().map(|why| format!("suppressed ({why})")))
    };
    findings.iter().map(reason).collect()
}
