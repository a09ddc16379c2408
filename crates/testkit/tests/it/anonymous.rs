//! Who comes without a token gets what the project says that anybody may pull, and for all else is asked to log in.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::pulls::Shop;

/// A status, the first error's code, and whether the answer says how to log in.
async fn ask(request: RequestBuilder) -> String {
    let answer = request.send().await.expect("the server answers");
    let status = answer.status().as_u16();
    let challenge = answer.headers().contains_key("www-authenticate");
    let body: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).unwrap_or_default();
    let code = body["errors"][0]["code"].as_str().unwrap_or_default().to_owned();
    format!("{status} {code}{}", if challenge { " log in" } else { "" })
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_anything_unless_the_project_says_so() {
    for (public, of_all, of_prod) in [
        (json!({}), "401 UNAUTHORIZED log in", "401 UNAUTHORIZED log in"),
        (json!({"stages": ["prod"]}), "401 UNAUTHORIZED log in", "200 "),
        (json!({"repositories": ["shop/web"]}), "200 ", "200 "),
        (json!({"repositories": ["shop/other"]}), "401 UNAUTHORIZED log in", "401 UNAUTHORIZED log in"),
    ] {
        let shop = Shop::with_public(&public).await;
        let (image, other) = (shop.image("image", &["a"], None).await, shop.image("other", &["b"], None).await);
        let held = shop.image("held", &["c"], None).await;
        shop.promote(&image).await;
        let stranger = shop.token("machine:stranger", &["reader@else"]).await;
        shop.hold(&held).await;
        let url = |path: &str| format!("{}/v2/{path}", shop.world.url);
        for (method, path, expected) in [
            ("GET", format!("shop/web/manifests/{image}"), of_prod),
            ("HEAD", format!("shop/web/manifests/{image}"), if of_prod == "200 " { of_prod } else { "401  log in" }),
            ("GET", "shop/web/manifests/prod".into(), of_prod),
            ("GET", format!("shop/web/blobs/{}", super::pulls::of("a")), of_prod),
            ("GET", format!("shop/web/referrers/{image}"), of_prod),
            ("GET", "shop/web/tags/list".into(), of_prod),
            ("GET", format!("shop/web/manifests/{other}"), of_all),
            ("GET", format!("shop/web/blobs/{}", super::pulls::of("b")), of_all),
            ("GET", format!("else/web/manifests/{image}"), "401 UNAUTHORIZED log in"),
            ("GET", "nothing".into(), "401 UNAUTHORIZED log in"),
            ("GET", "_catalog".into(), "401 UNAUTHORIZED log in"),
            ("GET", String::new(), "401 UNAUTHORIZED log in"),
            ("POST", "shop/web/blobs/uploads/".into(), "401 UNAUTHORIZED log in"),
            ("DELETE", format!("shop/web/manifests/{image}"), "401 UNAUTHORIZED log in"),
        ] {
            let method: Method = method.parse().expect("a method");
            let plain = || shop.http.request(method.clone(), url(&path));
            assert_eq!(ask(plain()).await, expected, "{method} {path} where {public}");
            assert_eq!(ask(plain().bearer_auth("anonymous")).await, expected, "{method} {path} where {public}");
            let wrong = ask(plain().bearer_auth("ss_0000000000000000_no")).await;
            assert!(wrong.starts_with("401"), "a wrong token is never better than none: {method} {path}: {wrong}");
        }
        // Who has a token of no use here is as good as anybody, and what is held is held from all.
        let refused = "403 DENIED";
        for (path, expected) in [
            (format!("shop/web/manifests/{image}"), if of_prod == "200 " { of_prod } else { refused }),
            (format!("shop/web/manifests/{other}"), if of_all == "200 " { of_all } else { refused }),
            (format!("shop/web/manifests/{held}"), refused),
        ] {
            let found = ask(shop.http.get(url(&path)).bearer_auth(&stranger)).await;
            assert_eq!(found, expected, "{path} where {public}");
        }
        shop.world.audit().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_serves_those_who_have_none() {
    let shop = Shop::with_public(&json!({"repositories": ["shop/web"]})).await;
    let url = format!("{}/v2/token", shop.world.url);
    let (open, closed, wrong) = ("200 ", "401 UNAUTHORIZED log in", "ss_0000000000000000_no");
    for (query, expected) in [
        ("?service=selfsame&scope=repository:shop/web:pull", open),
        ("?scope=repository:else/web:pull&scope=repository:shop/web:pull,push", open),
        ("?scope=repository:else/web:pull%20repository:shop/web:pull", open),
        ("?scope=repository:shop/other:pull", closed),
        ("?scope=repository:shop/web", closed),
        ("?scope=registry:catalog:*", closed),
        ("?service=selfsame", closed),
        ("", closed),
    ] {
        assert_eq!(ask(shop.http.get(format!("{url}{query}"))).await, expected, "GET {query}");
        let form = query.trim_start_matches('?').to_owned();
        assert_eq!(ask(shop.http.post(&url).body(form)).await, expected, "POST {query}");
    }
    let scope = "scope=repository:shop/web:pull";
    assert_eq!(ask(shop.http.get(format!("{url}?{scope}")).basic_auth("x", Some(wrong))).await, closed);
    for secret in [format!("grant_type=password&password={wrong}"), "grant_type=odd&password=x".into()] {
        assert_eq!(ask(shop.http.post(&url).body(format!("{scope}&{secret}"))).await, closed, "{secret}");
    }
    let answer = shop.http.get(format!("{url}?{scope}&offline_token=true")).send().await.expect("an answer");
    let answer: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
    assert_eq!((&answer["token"], &answer["refresh_token"]), (&json!("anonymous"), &Value::Null));
}
