//! A scanner's report and a VEX document: whatever they say, what is excused was found, and somebody says so.

#![no_main]

use evidence::{
    vex::{Named, Vex, excused},
    vulnerabilities::{Findings, PREDICATE_TYPES},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let middle = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (found, said) = bytes.split_at(middle);
    for predicate_type in PREDICATE_TYPES {
        assert!(Findings::of_predicate(predicate_type, found).is_some(), "the type is known");
    }
    let Ok(found) = Findings::parse(found) else { return };
    assert!(found.counts().values().sum::<usize>() <= found.findings.len());
    let product = [Named { digests: vec!["sha256:00".into()], ..Named::default() }];
    let Ok(vex) = Vex::parse(said.strip_prefix(&[0]).unwrap_or(said), &product) else { return };
    for excused in excused(&[vex], &product, &found.findings) {
        assert!(excused.statement.status.excuses());
        let mut names = excused.finding.names();
        let said = excused.statement;
        assert!(names.any(|name| name == said.vulnerability || said.aliases.iter().any(|alias| alias == name)));
    }
});
