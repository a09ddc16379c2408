//! What the client makes of answers, and what it asks again.

use api::{Client, ClientError, PageQuery, PromotionRequest, Receipt, TokenRequest};

use crate::script::{Script, answer};

const RECEIPT: &str = r#"{"as_of":8,"index":7,"count":1,"at":"2026-11-24T09:30:00.000Z","repeated":false,"events":[],"added_later":true}"#;

fn problem(status: u16, code: &str) -> String {
    format!(
        r#"{{"type":"/docs/refusals/{code}","title":"No","status":{status},"code":"{code}","detail":"because of `{code}`"}}"#
    )
}

async fn promote(script: &Script) -> Result<Receipt, ClientError> {
    let client = Client::new(&script.url, Some("secret".into())).expect("a client");
    let release = domain::Digest::sha256(b"release").to_string().parse().expect("a release");
    let request = PromotionRequest { release, reason: "nightly".into(), dry_run: false };
    let (key, project, stage) =
        ("key-1".parse().expect("a key"), "shop".parse().expect("a project"), "prod".parse().expect("a stage"));
    client.promote(&key, &project, &stage, &request).await
}

/// How a promotion ends when the server gives these answers, and how often it was asked.
async fn outcome(answers: &[&str]) -> (String, usize) {
    let script = Script::start(answers).await;
    let outcome = match promote(&script).await {
        Ok(receipt) => format!("entry {}", receipt.index),
        Err(ClientError::Refused(problem)) => format!("refused {} {}", problem.status, problem.code),
        Err(ClientError::Broken(_)) => "broken".to_owned(),
        Err(ClientError::Unauthorized) => "unauthorized".to_owned(),
        Err(ClientError::Busy) => "busy".to_owned(),
    };
    (outcome, script.asked().len())
}

#[tokio::test]
async fn answers_are_told_apart() {
    let good = answer("201 Created", "", RECEIPT);
    let busy = answer("503 Service Unavailable", "Retry-After: 0\r\n", &problem(503, "busy"));
    let patient = answer("503 Service Unavailable", "Retry-After: 3600\r\n", &problem(503, "busy"));
    let [unmet, malformed, unknown] = [(409, "gate-unmet"), (400, "malformed"), (404, "stage-unknown")]
        .map(|(status, code)| answer(&format!("{status} No"), "", &problem(status, code)));
    let unauthorized = answer("401 Unauthorized", "", &problem(401, "unauthenticated"));
    let broken = answer("500 Internal Server Error", "", &problem(500, "broken"));
    let unwritable = answer("503 Service Unavailable", "", &problem(503, "not-writable"));
    let not_yet = answer("503 Service Unavailable", "Retry-After: 10\r\n", &problem(503, "not-yet"));
    let proxy = answer("503 Service Unavailable", "", "<html>");
    let elsewhere = answer("200 OK", "", "<html>");
    for (answers, expected, asked) in [
        (vec![good.as_str()], "entry 7", 1),
        (vec![&unmet], "refused 409 gate-unmet", 1),
        (vec![&malformed], "refused 400 malformed", 1),
        (vec![&unknown], "refused 404 stage-unknown", 1),
        (vec![&unauthorized], "unauthorized", 1),
        (vec![&broken], "broken", 1),
        (vec![&elsewhere], "broken", 1),
        (vec![&busy, &good], "entry 7", 2),
        (vec!["", &good], "entry 7", 2),
        (vec![&busy, &busy, &busy, &busy], "busy", 4),
        (vec![&patient], "busy", 1),
        (vec![&unwritable], "broken", 1),
        (vec![&not_yet], "broken", 1),
        (vec![&proxy, &good], "entry 7", 2),
    ] {
        assert_eq!(outcome(&answers).await, (expected.to_owned(), asked), "{answers:?}");
    }
}

#[tokio::test]
async fn a_command_is_repeated_under_its_key() {
    let good = answer("201 Created", "", RECEIPT);
    let script = Script::start(&["", &good]).await;
    promote(&script).await.expect("the second answer is good");
    let asked = script.asked();
    assert_eq!(asked[0], asked[1], "the same is asked again");
    for part in [
        "POST /v1/projects/shop/stages/prod/promotions ",
        "idempotency-key: key-1\r\n",
        "authorization: Bearer secret\r\n",
    ] {
        assert!(asked[0].contains(part), "`{part}` is missing: {}", asked[0]);
    }
}

#[tokio::test]
async fn a_token_is_not_issued_twice() {
    let script = Script::start(&["", ""]).await;
    let client = Client::new(&script.url, None).expect("a client");
    let request: TokenRequest =
        serde_json::from_str(r#"{"party":"machine:ci","grants":["publisher@shop"],"expires":"1d"}"#)
            .expect("a request");
    assert!(matches!(client.issue_token(&request).await, Err(ClientError::Broken(_))));
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn a_read_waits_for_what_was_written_and_escapes_what_it_names() {
    let page = answer("200 OK", "", r#"{"as_of":8,"items":[]}"#);
    let missing = answer("404 Not Found", "", &problem(404, "release-unknown"));
    let script = Script::start(&[&page, &missing]).await;
    let client = Client::new(&format!("{}/under/", script.url), None).expect("a client").waiting_for(8);
    let query = PageQuery { cursor: Some("a b".into()), limit: Some(5) };
    let project = "shop".parse().expect("a project");
    assert_eq!(client.releases(&project, &query).await.expect("a page").items, []);
    assert!(matches!(client.release(&project, "../x?y").await, Err(ClientError::Refused(_))));
    let asked = script.asked();
    assert!(asked[0].starts_with("GET /under/v1/projects/shop/releases?cursor=a+b&limit=5 "), "{}", asked[0]);
    assert!(asked[0].contains("selfsame-wait-for: 8\r\n"), "{}", asked[0]);
    assert!(asked[1].starts_with("GET /under/v1/projects/shop/releases/..%2Fx%3Fy "), "{}", asked[1]);
}

#[test]
fn an_address_is_checked_and_a_token_is_not_shown() {
    for wrong in ["", "localhost:8420", "ftp://example", "mailto:a@b"] {
        assert!(matches!(Client::new(wrong, None), Err(ClientError::Broken(_))), "{wrong}");
    }
    let client = Client::new("https://selfsame.example/", Some("secret".into())).expect("a client");
    assert_eq!(client.base(), "https://selfsame.example");
    assert!(!format!("{client:?}").contains("secret"));
}
