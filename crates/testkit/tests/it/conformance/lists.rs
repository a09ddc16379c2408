//! Lists, page by page.

use std::collections::BTreeSet;

use domain::Algorithm;
use serde_json::json;

use super::{
    Registry,
    contents::{Contents, KIND, OTHER_KIND},
    script::Conversation,
};

/// Pushes all of it.
async fn push(registry: &Registry, contents: &Contents) {
    for (digest, bytes) in &contents.blobs {
        let path = format!("/v2/conformance/a/blobs/uploads/?digest={digest}");
        assert_eq!(registry.ask("POST", &path, &[], bytes.clone()).await.status, 201);
    }
    for manifest in &contents.manifests {
        let tags: Vec<_> = manifest.tags.iter().map(|tag| format!("tag={tag}")).collect();
        let path = format!("/v2/conformance/a/manifests/{}?{}", manifest.digest, tags.join("&"));
        let kind = ("content-type", manifest.media_type.as_str());
        assert_eq!(registry.ask("PUT", &path, &[kind], manifest.bytes.clone()).await.status, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_come_in_order_and_in_pages() {
    let registry = Registry::begin().await;
    let mut contents = Contents::new("tags", Algorithm::Sha512);
    contents.add_image();
    ["b", "a", "_x", "B", "1.0"].into_iter().for_each(|tag| contents.tag(tag));
    push(&registry, &contents).await;
    let script = r#"
        GET {a}/tags/list              -> 200 | !Link | Content-Type: application/json | = {"name":"conformance/a","tags":["1.0","B","_x","a","b"]}
        GET {a}/tags/list?n=5          -> 200 | !Link | = {"name":"conformance/a","tags":["1.0","B","_x","a","b"]}
        GET {a}/tags/list?n=9          -> 200 | !Link | = {"name":"conformance/a","tags":["1.0","B","_x","a","b"]}
        GET {a}/tags/list?n=0          -> 200 | !Link | = {"name":"conformance/a","tags":[]}
        GET {a}/tags/list?n=2          -> 200 | Link: <{a}/tags/list?n=2&last=B>; rel="next" | = {"name":"conformance/a","tags":["1.0","B"]}
        HEAD {a}/tags/list?n=2         -> 200 | Link: <{a}/tags/list?n=2&last=B>; rel="next" | = nothing
        GET {a}/tags/list?n=2&last=B   -> 200 | Link: <{a}/tags/list?n=2&last=a>; rel="next" | = {"name":"conformance/a","tags":["_x","a"]}
        GET {a}/tags/list?n=2&last=a   -> 200 | !Link | = {"name":"conformance/a","tags":["b"]}
        GET {a}/tags/list?last=C       -> 200 | !Link | = {"name":"conformance/a","tags":["_x","a","b"]}
        GET {a}/tags/list?last=b       -> 200 | !Link | = {"name":"conformance/a","tags":[]}
        GET {a}/tags/list?n=-1         -> 400
        GET {a}/tags/list?n=many       -> 400
        GET /v2/_catalog               -> 200 | !Link | = {"repositories":["conformance/a"]}
    "#;
    Conversation::new().run(&registry, "tags", script).await;
    registry.world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn referrers_come_once_each_in_pages() {
    let registry = Registry::begin().await;
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let mut contents = Contents::new("referrers", algorithm);
        let subject = contents.add_image();
        for number in 0..21 {
            let mut referrer = contents.artifact(if number % 3 == 0 { OTHER_KIND } else { KIND });
            referrer["subject"] = subject.clone();
            contents.add(&referrer);
        }
        push(&registry, &contents).await;
        let subject = subject["digest"].as_str().expect("a digest");
        for (query, pages, found) in [
            ("?n=100", 1, 21),
            ("?n=21", 1, 21),
            ("?n=20", 2, 21),
            ("?n=5", 5, 21),
            ("?n=5&artifactType=application/vnd.example.kind.v1", 3, 14),
            ("?n=5&artifactType=application%2Fvnd.example.kind.v2", 2, 7),
            ("?n=5&artifactType=none", 1, 0),
        ] {
            let what = format!("{query} ({algorithm})");
            let (mut digests, mut seen) = (BTreeSet::new(), 0);
            let mut next = Some(format!("/v2/conformance/a/referrers/{subject}{query}"));
            while let Some(path) = next {
                let answer = registry.ask("GET", &path, &[], "").await;
                assert_eq!(answer.status, 200, "{path}");
                let filter = query.contains("artifactType").then_some("artifactType");
                assert_eq!(answer.header("oci-filters-applied"), filter, "{path}");
                for manifest in answer.json()["manifests"].as_array().expect("a list") {
                    assert!(digests.insert(manifest["digest"].to_string()), "{what}: {manifest} comes twice");
                    assert_ne!(manifest["annotations"], json!(null), "{what}: {manifest}");
                }
                let link = answer.header("link").map(|link| link.strip_prefix('<').expect("an address"));
                next = link.map(|link| link.strip_suffix(r#">; rel="next""#).expect("the next page").to_owned());
                seen += 1;
            }
            assert_eq!((seen, digests.len()), (pages, found), "{what}");
        }
    }
    registry.world.audit().await;
}
