//! Names: what is accepted prints as it was written, survives JSON, and lets nothing through that could name a path.

#![no_main]

use std::{fmt::Display, str::FromStr};

use domain::{
    CommandKey, ComponentName, Digest, EvidenceKind, EvidenceName, Grant, Key, Party, ProjectName, ReleaseId,
    RepositoryName, RoleName, Span, StageName, TagName, Timestamp, TokenId,
};
use libfuzzer_sys::fuzz_target;

/// Exactly one spelling: what is printed is what was read.
fn exact<T: FromStr + Display>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text);
    }
}

/// Several spellings of one value: what is printed is read as the same value.
fn normal<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert!(
            value.to_string().parse().is_ok_and(|again: T| again == value),
            "{text:?} is printed as something else"
        );
    }
}

fuzz_target!(|text: &str| {
    exact::<CommandKey>(text);
    exact::<ComponentName>(text);
    exact::<Digest>(text);
    exact::<EvidenceKind>(text);
    exact::<EvidenceName>(text);
    exact::<Grant>(text);
    exact::<Key>(text);
    exact::<Party>(text);
    exact::<ProjectName>(text);
    exact::<ReleaseId>(text);
    exact::<RepositoryName>(text);
    exact::<RoleName>(text);
    exact::<StageName>(text);
    exact::<TagName>(text);
    exact::<TokenId>(text);
    normal::<Span>(text);
    normal::<Timestamp>(text);
    if text.parse::<RepositoryName>().is_ok() {
        assert!(
            text.split('/').all(|part| !part.is_empty() && !part.starts_with('.')),
            "{text:?} could name another folder"
        );
    }
    if text.parse::<TagName>().is_ok() {
        assert!(!text.contains('/') && !text.starts_with('.'), "{text:?} could name another folder");
    }
});
