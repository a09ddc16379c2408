//! Bad input at every door: a clear error, and nothing written.

use domain::Digest;
use testkit::World;

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_answered_and_changes_nothing() {
    let world = World::begin().await;
    let before = world.engine.size();
    let http = world.http();
    let json = ("content-type", "application/json");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("\"{}\"", "x".repeat(3 << 20));
    let digest = Digest::sha256(b"");
    let manifest = ("content-type", "application/vnd.oci.image.manifest.v1+json");
    for (method, path, header, body, status) in [
        ("GET", "/nothing", json, "", 404),
        ("GET", "/v1/nothing", json, "", 404),
        ("GET", "/v1/projects/%FF", json, "", 400),
        ("PATCH", "/v1/projects", json, "", 405),
        ("POST", "/ledger/checkpoint", json, "", 405),
        ("GET", "/ledger/%FF", json, "", 400),
        ("GET", "/v1/holds?cursor=here", json, "", 400),
        ("GET", "/v1/projects/UPPER", json, "", 400),
        ("GET", "/v1/projects/shop", json, "", 404),
        ("GET", "/v1/projects/shop/history?at=yesterday", json, "", 400),
        ("GET", "/v1/projects?limit=many", json, "", 400),
        ("GET", "/v1/trace/sha256:short", json, "", 400),
        ("GET", "/v1/ledger/entries/999999", json, "", 404),
        ("GET", "/v1/ledger/entries/-1", json, "", 400),
        ("GET", "/ledger/../keys/ledger.key", json, "", 404),
        ("GET", "/ledger/tile/0/00x", json, "", 404),
        ("POST", "/v1/holds", json, "{", 400),
        ("POST", "/v1/holds", json, &deep, 400),
        ("POST", "/v1/holds", json, &large, 413),
        ("POST", "/v1/holds", ("content-type", "text/plain"), "{}", 415),
        ("POST", "/v1/holds", json, "{\"digest\":\"md5:d41d8cd98f00b204e9800998ecf8427e\",\"reason\":\"x\"}", 400),
        ("POST", "/v1/holds", json, "{\"digest\":7,\"reason\":\"x\"}", 400),
        ("POST", "/v1/tokens", json, "{\"party\":\"ada\",\"grants\":[],\"expires\":\"1d\"}", 400),
        ("POST", "/v1/tokens", json, "{\"party\":\"person:ada\",\"grants\":[\"admin@*\"],\"expires\":\"4000d\"}", 409),
        ("PUT", "/v2/shop/web/manifests/latest", manifest, "{}", 400),
        ("PUT", "/v2/shop/web/manifests/latest", manifest, &deep, 400),
        ("PUT", "/v2/shop/web/manifests/latest", manifest, &format!("\"{}\"", "x".repeat(5 << 20)), 413),
        ("PUT", "/v2/shop/web/manifests/sha256:baddigeststring", manifest, "{}", 400),
        ("POST", "/v2/Shop/web/blobs/uploads/", json, "", 400),
        ("GET", "/v2/shop/web/blobs/uploads/0123456789abcdef0123456789abcdef", json, "", 404),
        ("GET", "/v2/shop/web/blobs/sha512:short", json, "", 400),
        ("POST", &format!("/v2/shop/web/blobs/uploads/?digest={digest}"), json, "other bytes", 400),
    ] {
        let request = http.request(method.parse().expect("a method"), format!("{}{path}", world.url));
        let request = request.bearer_auth(&world.admin).header(header.0, header.1).body(body.to_owned());
        let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let (found, text) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
        assert_eq!(found, status, "{method} {path}: {text}");
        assert!(text.contains("\"code\""), "{method} {path} is not answered with a code: {text}");
    }
    assert_eq!(world.engine.size(), before, "nothing was written");
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_token() {
    let world = World::begin().await;
    let http = world.http();
    let admin = world.admin.clone();
    let other_end = format!("{}x", &admin[..admin.len() - 1]);
    for token in [
        None,
        Some(""),
        Some("ss_0000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        Some(&other_end),
        Some("\u{e9}"),
    ] {
        for path in [
            "/v1/whoami",
            "/v1/state",
            "/v1/events",
            "/v2/",
            "/v2/_catalog",
            "/v2/shop/web/tags/list",
            "/ledger/checkpoint",
        ] {
            let request = http.get(format!("{}{path}", world.url));
            let request = match token {
                Some(token) => request.header("authorization", format!("Bearer {token}").as_bytes()),
                None => request,
            };
            let answer = request.send().await.expect("the server answers");
            assert_eq!(answer.status(), 401, "{path} with {token:?}");
            assert!(answer.headers().contains_key("www-authenticate"), "{path} says how to log in");
        }
    }
}
