//! A bill of materials and an advisory: whatever they say, looking them up ends, and a finding is about something that was listed.

#![no_main]

use evidence::{advisory::Advisory, sbom::Sbom, scan::Advisories};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let middle = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (listed, record) = bytes.split_at(middle);
    let Ok(listed) = Sbom::parse(listed) else { return };
    let Ok(advisory) = Advisory::parse(record.strip_prefix(&[0]).unwrap_or(record)) else { return };
    let mut advisories = Advisories::default();
    advisories.add(advisory);
    let report = advisories.scan(&listed);
    assert!(report.matched + report.unmatched.len() == listed.components.len(), "nothing is left out");
    for finding in report.findings {
        assert!(listed.components.iter().any(|component| component.purl.as_ref() == Some(&finding.purl)));
    }
});
