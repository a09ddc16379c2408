//! What is attached to an artifact, by its own word or by a tag's: it goes wherever the artifact goes. And what keeps a digest.

use domain::Digest;
use serde_json::json;

use super::pulls::{IMAGE, INDEX, Shop, descriptor, image, of};

impl Shop {
    /// Pushes a manifest under a tag; its parts are there already.
    async fn tag(&self, tag: &str, body: &serde_json::Value) -> Digest {
        let url = format!("{}/v2/shop/web/manifests/{tag}", self.world.url);
        let (bytes, kind) = (body.to_string(), body["mediaType"].as_str().expect("a media type"));
        let digest = Digest::sha256(bytes.as_bytes());
        let request = self.http.put(url).bearer_auth(&self.world.admin).header("content-type", kind).body(bytes);
        assert_eq!(request.send().await.expect("the server answers").status(), 201, "{tag}");
        digest
    }

    /// A manifest without a subject, under a tag.
    async fn tagged(&self, name: &str, tag: &str) -> Digest {
        self.blob(name).await;
        self.blob(&format!("config of {name}")).await;
        self.tag(tag, &image(name, &[name], None)).await
    }

    /// The index that a client keeps of what it attached.
    async fn list(&self, tag: &str, attached: &[&Digest]) -> Digest {
        let attached: Vec<_> = attached.iter().map(|digest| descriptor(IMAGE, digest)).collect();
        self.tag(tag, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": attached})).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_is_pulled_held_and_kept_with_its_subject() {
    let shop = Shop::begin().await;
    let cluster = shop.token("machine:cluster", &["puller@shop/prod"]).await;
    let admin = shop.world.admin.clone();
    let amd = shop.image("amd", &["a"], None).await;
    let index = shop.index(&[&amd]).await;
    let other = shop.image("other", &["b"], None).await;
    let tag = |digest: &Digest, suffix: &str| format!("sha256-{}{suffix}", digest.hex());
    let signature = shop.tagged("signature", &tag(&index, ".sig")).await;
    let attestation = shop.tagged("attestation", &tag(&amd, ".att")).await;
    let bill = shop.image("bill", &["parts"], Some(&index)).await;
    let note = shop.image("note", &["a note"], None).await;
    let list = shop.list(&tag(&index, ""), &[&bill, &note]).await;
    let other_signature = shop.tagged("other signature", &tag(&other, ".sig")).await;
    let odd = shop.tagged("odd", &tag(&index, ".odd")).await;
    shop.promote(&index).await;
    let (ok, no) = ("200", "not-promoted");
    let by_tag = |digest: &Digest, suffix: &str| format!("manifests/{}", tag(digest, suffix));
    for (path, expected) in [
        (by_tag(&index, ".sig"), 200),
        (by_tag(&amd, ".att"), 200),
        (by_tag(&index, ""), 200),
        (by_tag(&index, ".sbom"), 404),
        (by_tag(&other, ".sig"), 403),
        (by_tag(&index, ".odd"), 403),
    ] {
        for method in ["GET", "HEAD"] {
            assert_eq!(shop.ask(method, &cluster, &path).await.0, expected, "{method} {path}");
        }
    }
    let mut expected = [
        ("manifests", signature.clone(), ok),
        ("blobs", of("signature"), ok),
        ("manifests", attestation.clone(), ok),
        ("blobs", of("config of attestation"), ok),
        ("manifests", list.clone(), ok),
        ("manifests", bill.clone(), ok),
        ("manifests", note.clone(), ok),
        ("blobs", of("a note"), ok),
        ("manifests", other_signature.clone(), no),
        ("blobs", of("other signature"), no),
        ("manifests", odd, no),
    ];
    shop.pulls(&cluster, &expected).await;
    for (path, expected) in [
        (format!("manifests/{signature}"), "artifact-in-use"),
        (by_tag(&index, ".sig"), "artifact-in-use"),
        (format!("manifests/{attestation}"), "artifact-in-use"),
        (format!("manifests/{bill}"), "artifact-in-use"),
        (format!("manifests/{note}"), "artifact-in-use"),
        (format!("manifests/{list}"), "artifact-in-use"),
        (by_tag(&index, ""), "artifact-in-use"),
        (by_tag(&index, ".odd"), ""),
        (by_tag(&other, ".sig"), ""),
        (format!("manifests/{other_signature}"), ""),
    ] {
        let (status, code) = shop.ask("DELETE", &admin, &path).await;
        assert_eq!((code.as_str(), status), (expected, if expected.is_empty() { 202 } else { 403 }), "DELETE {path}");
    }
    shop.hold(&amd).await;
    expected[2].2 = "held";
    expected[3].2 = "held";
    shop.pulls(&cluster, &expected[..8]).await;
    shop.pulls(&admin, &expected[..8]).await;
    shop.world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_attached_is_one_list() {
    let shop = Shop::begin().await;
    let subject = shop.image("image", &["layer"], None).await;
    let index_tag = format!("sha256-{}", subject.hex());
    let bill = shop.image("bill", &["parts"], Some(&subject)).await;
    let note = shop.image("note", &["a note"], None).await;
    shop.list(&index_tag, &[&bill, &note]).await;
    let signature = shop.tagged("signature", &format!("{index_tag}.sig")).await;
    let trace = shop.world.client().trace(&subject, &api::PageQuery::default()).await.expect("a trace");
    let kind = Some("application/vnd.test".to_owned());
    let mut expected = [
        (bill.clone(), true, kind, vec![index_tag.clone()]),
        (note, false, None, vec![index_tag.clone()]),
        (signature, false, None, vec![format!("{index_tag}.sig")]),
    ];
    expected.sort();
    let text = |one: &api::Attached| {
        let tags = one.tags.iter().map(ToString::to_string).collect();
        (one.digest.clone(), one.refers, one.artifact_type.clone(), tags)
    };
    assert_eq!(trace.attached.iter().map(text).collect::<Vec<_>>(), expected);
    assert!(!trace.more_attached);
    // The list of referrers is what the specification says: manifests whose subject it is.
    let url = format!("{}/v2/shop/web/referrers/{subject}", shop.world.url);
    let list = shop.http.get(url).bearer_auth(&shop.world.admin).send().await.expect("an answer");
    let list: serde_json::Value = serde_json::from_slice(&list.bytes().await.expect("a body")).expect("an index");
    let listed: Vec<_> =
        list["manifests"].as_array().expect("a list").iter().map(|one| one["digest"].clone()).collect();
    assert_eq!(listed, [json!(bill)]);
}

/// A tag has only the first half of a SHA-512.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_to_a_sha512_is_found() {
    let shop = Shop::begin().await;
    let cluster = shop.token("machine:cluster", &["puller@shop/prod"]).await;
    shop.blob("layer").await;
    shop.blob("config of image").await;
    let body = image("image", &["layer"], None).to_string();
    let subject = Digest::sha512(body.as_bytes());
    let url = format!("{}/v2/shop/web/manifests/{subject}", shop.world.url);
    let request = shop.http.put(url).bearer_auth(&shop.world.admin).header("content-type", IMAGE).body(body);
    assert_eq!(request.send().await.expect("the server answers").status(), 201);
    let note = shop.image("note", &["a note"], None).await;
    let list = shop.list(&format!("sha512-{}", &subject.hex()[..64]), &[&note]).await;
    let astray = shop.list(&format!("sha512-{}", "0".repeat(64)), &[&subject]).await;
    shop.promote(&subject).await;
    let expected = [
        ("manifests", subject.clone(), "200"),
        ("manifests", note, "200"),
        ("manifests", list, "200"),
        ("manifests", astray, "not-promoted"),
    ];
    shop.pulls(&cluster, &expected).await;
    let trace = shop.world.client().trace(&subject, &api::PageQuery::default()).await.expect("a trace");
    assert_eq!(trace.attached.len(), 1);
}

/// Tags can say of two manifests that each is about the other. Nobody is sent around in circles by that.
#[tokio::test(flavor = "multi_thread")]
async fn tags_that_go_in_a_circle_end() {
    let shop = Shop::begin().await;
    let cluster = shop.token("machine:cluster", &["puller@shop/prod"]).await;
    let admin = shop.world.admin.clone();
    let (one, two) = (shop.tagged("one", "1").await, shop.tagged("two", "2").await);
    let bad = shop.image("bad", &["bad"], None).await;
    shop.tagged("one", &format!("sha256-{}.sig", two.hex())).await;
    shop.tagged("two", &format!("sha256-{}.sig", one.hex())).await;
    let own = shop.tagged("own", "own").await;
    shop.tagged("own", &format!("sha256-{}", own.hex())).await;
    let three = [("manifests", one.clone(), "200"), ("blobs", of("two"), "200"), ("blobs", of("own"), "200")];
    shop.pulls(&admin, &three).await;
    shop.hold(&bad).await;
    shop.pulls(&admin, &three).await;
    shop.pulls(&cluster, &three.map(|(path, digest, _)| (path, digest, "not-promoted"))).await;
    for (path, expected) in [(format!("manifests/{own}"), 202), (format!("manifests/{one}"), 202)] {
        assert_eq!(shop.ask("DELETE", &admin, &path).await.0, expected, "{path}");
    }
}

/// How many releases are promoted after one, so that no stage has it any more nor can go back to it.
const LATER: usize = 7;

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_stays_as_long_as_something_refers_to_it() {
    let shop = Shop::begin().await;
    let admin = shop.world.admin.clone();
    let (child, deep) = (shop.image("child", &["a"], None).await, shop.image("deep", &["b"], None).await);
    let inner = shop.index(&[&deep]).await;
    let outer = shop.index(&[&child, &inner]).await;
    let (old, loose) = (shop.image("old", &["c"], None).await, shop.image("loose", &["d"], None).await);
    shop.promote(&old).await;
    for number in 0..LATER {
        let later = shop.image(&format!("later {number}"), &["e"], None).await;
        shop.promote(&later).await;
    }
    // A tag that moves on leaves the digest where it was.
    let before = shop.tagged("before", "moving").await;
    shop.tagged("after", "moving").await;
    for (method, path, status, code) in [
        ("DELETE", format!("manifests/{child}"), 405, "index-names"),
        ("DELETE", format!("manifests/{deep}"), 405, "index-names"),
        ("DELETE", format!("manifests/{inner}"), 405, "index-names"),
        ("DELETE", format!("blobs/{}", of("b")), 405, ""),
        ("DELETE", format!("manifests/{old}"), 403, "artifact-in-use"),
        ("DELETE", "manifests/prod".into(), 403, "stage-tag"),
        ("GET", format!("manifests/{before}"), 200, ""),
        ("DELETE", "manifests/moving".into(), 202, ""),
        (
            "GET",
            format!("manifests/{}", Digest::sha256(image("after", &["after"], None).to_string().as_bytes())),
            200,
            "",
        ),
        ("DELETE", format!("manifests/{loose}"), 202, ""),
        ("DELETE", format!("blobs/{}", of("d")), 202, ""),
        ("DELETE", format!("manifests/{outer}"), 202, ""),
        ("DELETE", format!("manifests/{inner}"), 202, ""),
        ("DELETE", format!("manifests/{deep}"), 202, ""),
        ("DELETE", format!("manifests/{child}"), 202, ""),
        ("GET", format!("manifests/{old}"), 200, ""),
        ("GET", format!("blobs/{}", of("c")), 200, ""),
    ] {
        let found = shop.ask(method, &admin, &path).await;
        assert_eq!(found, (status, code.to_owned()), "{method} {path}");
    }
    shop.world.audit().await;
}
