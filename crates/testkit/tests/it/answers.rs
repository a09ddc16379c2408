//! What is so of every answer: it can be waited for, says as of when it is, and is a problem if it fails.

use std::time::Duration;

use api::PageQuery;
use domain::{Digest, Entry, State};
use testkit::World;

use crate::story::key;

const SIZE: &str = "selfsame-ledger-size";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_as_of_when_it_is() {
    let world = World::begin().await;
    world.audit().await;
    let size = world.engine.size();
    for (method, path, status) in [
        ("GET", "/v1/health", 200),
        ("GET", "/v1/openapi.json", 200),
        ("GET", "/v1/state", 200),
        ("GET", "/v1/holds", 200),
        ("GET", "/v1/events", 200),
        ("GET", "/ledger/key", 200),
        ("GET", "/ledger/checkpoint", 200),
        ("GET", "/ledger/nothing", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/projects/shop", 404),
        ("GET", "/v1/projects/shop/board", 404),
        ("GET", "/v1/projects?limit=x", 400),
        ("PUT", "/v1/projects", 405),
        ("DELETE", "/ledger/checkpoint", 405),
    ] {
        let at = format!("{method} {path}");
        let request = world.http().request(method.parse().expect("a method"), format!("{}{path}", world.url));
        let answer = request.bearer_auth(&world.admin).send().await.expect("the server answers");
        assert_eq!(answer.status(), status, "{at}");
        assert_eq!(answer.headers()[SIZE], size.to_string(), "{at}");
        let shared =
            answer.headers().get("cache-control").is_some_and(|value| value.to_str().unwrap().contains("public"));
        assert!(!shared, "{at}: what needs a token is in no shared cache");
        if status == 405 {
            assert!(answer.headers().contains_key("allow"), "{at} says what is for this address");
        }
        if status >= 400 {
            assert_eq!(answer.headers()["content-type"], "application/problem+json", "{at}");
            let problem: api::Problem = answer.json().await.expect("a problem");
            assert_eq!((problem.status, problem.as_of), (status, Some(size)), "{at}: {problem:?}");
            let folder = if problem.code == "project-unknown" { "refusals" } else { "problems" };
            assert_eq!(problem.kind, format!("/docs/{folder}/{}", problem.code), "{at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_waits_for_what_it_names() {
    let world = World::begin().await;
    let ask = |path: &str, size: String| {
        let request = world.http().get(format!("{}{path}", world.url)).bearer_auth(&world.admin);
        request.header("selfsame-wait-for", size).send()
    };
    for wrong in ["", "soon", "-1", "1.5", "99999999999999999999"] {
        let answer = ask("/v1/holds", wrong.into()).await.expect("an answer");
        assert_eq!(answer.status(), 400, "`{wrong}`");
    }
    let size = world.engine.size();
    for path in ["/v1/holds", "/ledger/checkpoint"] {
        assert_eq!(ask(path, size.to_string()).await.expect("an answer").status(), 200, "{path}");
    }
    // One reader asks for what is there in a moment, one for what never comes.
    let (waited, never, written) =
        tokio::join!(ask("/v1/holds", (size + 1).to_string()), ask("/v1/holds", (size + 1000).to_string()), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            hold(&world, 1).await
        });
    let waited = waited.expect("an answer");
    assert_eq!(waited.headers()[SIZE], written.to_string());
    let page: api::Page<api::Hold> = waited.json().await.expect("a page");
    assert_eq!((page.as_of, page.items.len()), (written, 1), "the reader sees what it waited for");
    let never = never.expect("an answer");
    assert_eq!((never.status().as_u16(), &never.headers()["retry-after"]), (503, &"10".parse().expect("a header")));
    assert_eq!(never.json::<api::Problem>().await.expect("a problem").code, "not-yet");
}

async fn hold(world: &World, number: u32) -> u64 {
    let digest = Digest::sha256(&number.to_be_bytes());
    let request = api::HoldRequest { digest, project: None, reason: "seen".into() };
    world.client().hold(&key(&format!("hold-{number}")), &request).await.expect("held").as_of
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_come_in_parts() {
    let world = World::begin().await;
    let mut held = Vec::new();
    for number in 0..5 {
        hold(&world, number).await;
        held.push(Digest::sha256(&number.to_be_bytes()));
    }
    held.sort();
    for limit in [1, 2, 4, 5, 6] {
        let (mut found, mut cursor, mut parts) = (Vec::new(), None, 0);
        loop {
            let query = PageQuery { cursor, limit: Some(limit) };
            let page = world.client().holds(&query).await.expect("a page");
            assert!(page.items.len() <= limit as usize, "at most {limit}");
            found.extend(page.items.into_iter().map(|hold| hold.digest));
            parts += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((&found, parts), (&held, 5_u32.div_ceil(limit)), "{limit} at a time");
    }
}

/// The rows and the size of an answer belong together while others write: what an audit of a busy server relies on.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_of_the_size_that_comes_with_them() {
    let world = World::begin().await;
    let mut answers = Vec::new();
    tokio::join!(
        async {
            for number in 0..40 {
                hold(&world, number).await;
            }
        },
        async {
            for _ in 0..40 {
                answers.push(world.client().state(None, None).await.expect("a page"));
            }
        }
    );
    for page in answers {
        let mut state = State::default();
        let entries = usize::try_from(page.as_of).expect("a few");
        for bytes in world.engine.ports().ledger.read(0, entries).await.expect("entries") {
            state.apply(&Entry::decode(&bytes).expect("an entry"));
        }
        let folded =
            state.keys().filter_map(|key| Some((key.to_string(), Digest::sha256(&state.row(&key)?).hex().to_owned())));
        let mut folded: Vec<_> = folded.collect();
        folded.sort();
        let shown: Vec<_> = page.items.into_iter().map(|row| (row.key, row.sha256)).collect();
        assert_eq!(shown, folded, "as of {}", page.as_of);
    }
}
