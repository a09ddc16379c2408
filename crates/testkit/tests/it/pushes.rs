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

/// How many clients push the same at once.
const CROWD: usize = 16;

/// Does the same for each of a crowd at once.
async fn all_at_once<F: Future<Output = ()> + Send + 'static>(one: impl Fn(usize) -> F) {
    let crowd: tokio::task::JoinSet<()> = (0..CROWD).map(one).collect();
    crowd.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_push_the_same_at_once() {
    let shop = Shop::begin().await;
    let bytes: Vec<u8> = (0..1_500_000_u32).map(|number| (number % 251) as u8).collect();
    let digest = Digest::sha256(&bytes);
    let (http, admin, url) = (shop.http.clone(), shop.world.admin.clone(), shop.world.url.clone());
    let send = move |request: reqwest::RequestBuilder| {
        let request = request.bearer_auth(&admin);
        async move { request.send().await.expect("the server answers") }
    };
    let (blob, found) = (bytes.clone(), digest.clone());
    let (client, base, ask) = (http.clone(), url.clone(), send.clone());
    all_at_once(move |number| {
        let (http, url, send, bytes, digest) = (client.clone(), base.clone(), ask.clone(), blob.clone(), found.clone());
        async move {
            let uploads = format!("{url}/v2/shop/web/blobs/uploads/");
            // Every other one sends all in one request.
            let answer = if number % 2 == 0 {
                send(http.post(format!("{uploads}?digest={digest}")).body(bytes)).await
            } else {
                let begun = send(http.post(uploads)).await;
                let location = begun.headers()["location"].to_str().expect("a path").to_owned();
                assert_eq!(send(http.patch(format!("{url}{location}")).body(bytes)).await.status(), 202);
                send(http.put(format!("{url}{location}?digest={digest}"))).await
            };
            assert_eq!(answer.status(), 201, "client {number}");
        }
    })
    .await;
    shop.blob("config of one").await;
    let body = image("one", &[], None).to_string();
    let manifest = Digest::sha256(body.as_bytes());
    all_at_once(move |number| {
        let (http, url, send, body) = (http.clone(), url.clone(), send.clone(), body.clone());
        async move {
            let tag = format!("{url}/v2/shop/web/manifests/{}", if number % 2 == 0 { "same" } else { "other" });
            let answer = send(http.put(tag).header("content-type", IMAGE).body(body)).await;
            assert_eq!(answer.status(), 201, "client {number}");
        }
    })
    .await;
    let admin = shop.world.admin.clone();
    for path in
        [format!("blobs/{digest}"), format!("manifests/{manifest}"), "manifests/same".into(), "manifests/other".into()]
    {
        assert_eq!(shop.ask("GET", &admin, &path).await.0, 200, "{path}");
    }
    let stored = |digest: &Digest| shop.world.data().join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex());
    assert_eq!(std::fs::read(stored(&digest)).expect("the blob is there"), bytes);
    let left: Vec<_> = std::fs::read_dir(shop.world.data().join("uploads")).expect("a folder").collect();
    assert!(left.is_empty(), "no upload is left: {left:?}");
    shop.world.audit().await;
}
