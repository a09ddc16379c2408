//! What may be pushed, listed and deleted.

use std::collections::BTreeSet;

use domain::Digest;
use serde_json::{Value, json};

use super::pulls::{IMAGE, INDEX, Shop, image, of};

impl Shop {
    /// What `PUT` of a manifest comes to.
    async fn put(&self, reference: &str, kind: &str, body: &Value) -> (u16, String) {
        let url = format!("{}/v2/shop/web/manifests/{reference}", self.world.url);
        let request = self.http.put(url).bearer_auth(&self.world.admin).header("content-type", kind);
        let answer = request.body(body.to_string()).send().await.expect("the server answers");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// One page of a list: its body, and the path of the next.
    async fn page(&self, path: &str) -> (String, Option<String>) {
        let request = self.http.get(format!("{}{path}", self.world.url)).bearer_auth(&self.world.admin);
        let answer = request.send().await.expect("the server answers");
        assert_eq!(answer.status(), 200, "{path}");
        let next = answer.headers().get("link").and_then(|link| link.to_str().ok());
        let next = next.and_then(|link| link.strip_prefix('<')?.split_once('>')).map(|(next, _)| next.to_owned());
        (answer.text().await.expect("a body"), next)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_stays_what_it_was_pushed_as() {
    let shop = Shop::begin().await;
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let mut body = image("one", &["layer"], None);
    body.as_object_mut().expect("an object").remove("mediaType");
    shop.blob("layer").await;
    shop.blob("config of one").await;
    let size = async || shop.world.engine.size();
    assert_eq!(shop.put("first", IMAGE, &body).await.0, 201);
    let before = size().await;
    let (status, text) = shop.put("first", docker, &body).await;
    assert!(status == 400 && text.contains("was pushed as"), "{status} {text}");
    assert_eq!(shop.put("first", IMAGE, &body).await.0, 201, "as it is, it is there already");
    for (field, value) in [("artifactType", json!("a\u{0}b")), ("annotations", json!({"k": "\u{0}"}))] {
        let mut body = body.clone();
        body[field] = value;
        let (status, text) = shop.put("null", IMAGE, &body).await;
        assert!(status == 400 && text.contains("U+0000"), "{field}: {status} {text}");
    }
    assert_eq!(size().await, before, "nothing was written");
    shop.world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn referrers_with_much_to_say_come_in_small_pages() {
    let shop = Shop::begin().await;
    let subject = shop.image("subject", &["layer"], None).await;
    let mut expected = BTreeSet::new();
    for number in 0..20 {
        let name = format!("referrer {number}");
        shop.blob(&format!("config of {name}")).await;
        let mut body = image(&name, &["layer"], Some(&subject));
        body["annotations"] = json!({"much": "x".repeat(if number % 2 == 0 { 700_000 } else { 5 })});
        let digest = Digest::sha256(body.to_string().as_bytes());
        let (status, text) = shop.put(digest.as_str(), IMAGE, &body).await;
        assert_eq!(status, 201, "{text}");
        expected.insert(digest.to_string());
    }
    let (mut found, mut pages) = (BTreeSet::new(), 0);
    let mut next = Some(format!("/v2/shop/web/referrers/{subject}?n=1000"));
    while let Some(path) = next {
        let (body, after) = shop.page(&path).await;
        assert!(body.len() < (2 << 20) + 800_000, "a page of {} bytes", body.len());
        let index: Value = serde_json::from_str(&body).expect("an index");
        let manifests = index["manifests"].as_array().expect("a list");
        assert!(!manifests.is_empty(), "a page has something");
        let new = manifests.iter().map(|manifest| manifest["digest"].as_str().expect("a digest").to_owned());
        for digest in new {
            assert!(found.insert(digest), "nothing comes twice");
        }
        (next, pages) = (after, pages + 1);
    }
    assert_eq!(found, expected);
    assert!((3..=8).contains(&pages), "7 MB are several pages, and not one for each: {pages}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_manifest_names_stays_until_it_goes() {
    let shop = Shop::begin().await;
    let admin = shop.world.admin.clone();
    let one = shop.image("one", &["layer"], None).await;
    let index = shop.index(&[&one]).await;
    let blob = format!("blobs/{}", of("layer"));
    for (path, expected) in [
        (blob.clone(), 405),
        (format!("manifests/{index}"), 202),
        (blob.clone(), 405),
        (format!("manifests/{one}"), 202),
        (blob.clone(), 202),
        (blob, 404),
    ] {
        assert_eq!(shop.ask("DELETE", &admin, &path).await.0, expected, "{path}");
    }
    let missing = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": IMAGE, "digest": one, "size": 7},
    ]});
    assert_eq!(shop.put("index", INDEX, &missing).await.0, 404, "an index of what is gone");
    shop.world.audit().await;
}
