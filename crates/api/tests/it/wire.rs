//! What may be said, and how it is spelled.

use api::{
    ApplyRequest, Document, Ending, EvidenceRequest, Expected, IssuedToken, PromotionRequest, ReleaseRequest,
    SteeringRequest,
};
use serde::{Serialize, de::DeserializeOwned};

/// Reads a request and writes it again, or says why it cannot be read.
fn again<T: Serialize + DeserializeOwned>(text: &str) -> String {
    match serde_json::from_str::<T>(&text.replace("DIGEST", domain::Digest::sha256(b"").as_str())) {
        Ok(value) => serde_json::to_string(&value)
            .expect("requests serialise")
            .replace(domain::Digest::sha256(b"").as_str(), "DIGEST"),
        Err(error) => format!("no: {error}").split(" at line").next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn requests_are_exact() {
    let same = |text: &str, found: String| assert_eq!(found, text);
    let text = r#"{"release":"DIGEST"}"#;
    same(text, again::<PromotionRequest>(text));
    let text = r#"{"release":"DIGEST","reason":"nightly","dry_run":true}"#;
    same(text, again::<PromotionRequest>(text));
    let text = r#"{"subject":"DIGEST","kind":"tests","name":"unit","result":"passed","document":{"digest":"DIGEST"}}"#;
    same(text, again::<EvidenceRequest>(text));
    let text = r#"{"components":{"web":"DIGEST"},"source":{"commit":"abc"}}"#;
    same(text, again::<ReleaseRequest>(text));
    for (text, expected) in [
        (
            r#"{"release":"DIGEST","reasons":"x"}"#,
            "no: unknown field `reasons`, expected one of `release`, `reason`, `dry_run`",
        ),
        (r#"{}"#, "no: missing field `release`"),
        (r#"{"release":7}"#, "no: invalid type: integer `7`, expected a string"),
    ] {
        assert_eq!(again::<PromotionRequest>(text), expected);
    }
    assert!(again::<PromotionRequest>(r#"{"release":"latest"}"#).starts_with("no: `latest` is no digest"));
    assert!(again::<SteeringRequest>(r#"{"change":"frozen","reason":""}"#).starts_with("no: unknown variant `frozen`"));
    assert!(again::<ApplyRequest>(r#"{"config":{}}"#).starts_with("no: missing field `project`"));
    assert!(again::<Document>(r#"{"url":"x"}"#).starts_with("no: unknown variant `url`"));
}

#[test]
fn endings_and_expectations_have_one_spelling() {
    for text in ["30d", "1h30m", "2026-11-24T09:30:00.000Z"] {
        assert_eq!(String::from(text.parse::<Ending>().expect("an ending")), text);
    }
    for wrong in ["", "soon", "2026-11-24", "-1d"] {
        assert!(wrong.parse::<Ending>().is_err(), "{wrong}");
    }
    let digest = domain::Digest::sha256(b"");
    for text in ["none", digest.as_str()] {
        assert_eq!(String::from(text.parse::<Expected>().expect("an expectation")), text);
    }
    assert!("nothing".parse::<Expected>().is_err());
}

#[test]
fn a_token_is_not_shown_by_accident() {
    let text = r#"{"as_of":1,"index":0,"id":"00112233aabbccdd","token":"ss_secret","party":"person:ada","grants":[],
        "expires":"2026-11-24T09:30:00.000Z"}"#;
    let issued: IssuedToken = serde_json::from_str(text).expect("an issued token");
    assert!(!format!("{issued:?}").contains("ss_secret"));
}
