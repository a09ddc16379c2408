//! Manifests of every form: pushed, listed, asked for, pulled, referred to and deleted.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Algorithm, Digest};
use serde_json::{Value, json};

use super::{
    Answer, Registry,
    contents::{Contents, IMAGE, INDEX, KIND, Manifest, OTHER_KIND},
    forms::FORMS,
    script::Conversation,
};

const A: &str = "/v2/conformance/a";

/// How a tag is set.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tagging {
    /// By pushing to it. The registry names the manifest then, by SHA-256.
    Push,
    /// By `?tag=` of a push by digest.
    Parameter,
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_pushed_to_a_tag() {
    go_through(Algorithm::Sha256, Tagging::Push).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_pushed_by_digest_with_tags() {
    go_through(Algorithm::Sha256, Tagging::Parameter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_pushed_by_a_long_digest_with_tags() {
    go_through(Algorithm::Sha512, Tagging::Parameter).await;
}

async fn go_through(algorithm: Algorithm, tagging: Tagging) {
    let registry = Registry::begin().await;
    for (name, make) in FORMS {
        let mut contents = Contents::new(name, algorithm);
        make(&mut contents);
        let case = Case { registry: &registry, name: format!("{name} ({algorithm}, {tagging:?})"), contents };
        case.push(tagging).await;
        registry.world.audit().await;
        case.list().await;
        case.pull().await;
        case.refer().await;
        case.delete().await;
    }
    registry.world.audit().await;
}

/// One form on its way.
struct Case<'a> {
    registry: &'a Registry,
    name: String,
    contents: Contents,
}

impl Case<'_> {
    async fn get(&self, method: &str, below: &str) -> Answer {
        self.registry.ask(method, &format!("{A}/{below}"), &[], "").await
    }

    async fn push(&self, tagging: Tagging) {
        for (digest, bytes) in &self.contents.blobs {
            let path = format!("{A}/blobs/uploads/?digest={digest}");
            assert_eq!(self.registry.ask("POST", &path, &[], bytes.clone()).await.status, 201, "{}", self.name);
        }
        for manifest in &self.contents.manifests {
            let tags = if tagging == Tagging::Parameter { &manifest.tags[..] } else { &[] };
            let query: Vec<_> = tags.iter().map(|tag| format!("tag={tag}")).collect();
            self.put(manifest, &format!("{}?{}", manifest.digest, query.join("&")), tags).await;
        }
        if tagging == Tagging::Push {
            for (tag, manifest) in self.contents.tags() {
                self.put(manifest, tag, &[]).await;
            }
        }
    }

    async fn put(&self, manifest: &Manifest, reference: &str, tags: &[String]) {
        let (path, kind) = (format!("{A}/manifests/{reference}"), ("content-type", manifest.media_type.as_str()));
        let answer = self.registry.ask("PUT", &path, &[kind], manifest.bytes.clone()).await;
        let what = format!("{}: PUT {reference}", self.name);
        assert_eq!(answer.status, 201, "{what}: {}", answer.text());
        assert_eq!(answer.header("docker-content-digest"), Some(manifest.digest.as_str()), "{what}");
        assert_eq!(answer.header("oci-subject"), manifest.subject.as_ref().map(Digest::as_str), "{what}");
        let tags: BTreeSet<_> = tags.iter().map(String::as_str).collect();
        assert_eq!(answer.all("oci-tag").into_iter().collect::<BTreeSet<_>>(), tags, "{what}");
        let location = answer.header("location").unwrap_or_else(|| panic!("{what}: where it is"));
        let found = self.registry.ask("GET", location, &[], "").await;
        self.expect(&found, manifest, &format!("{what}: {location}"), true);
    }

    fn expect(&self, answer: &Answer, manifest: &Manifest, what: &str, whole: bool) {
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert_eq!(answer.all("content-type"), [manifest.media_type.as_str()], "{what}");
        assert_eq!(answer.header("content-length"), Some(manifest.bytes.len().to_string().as_str()), "{what}");
        assert_eq!(answer.header("docker-content-digest"), Some(manifest.digest.as_str()), "{what}");
        assert!(answer.body == if whole { &manifest.bytes[..] } else { &[] }, "{what}: other bytes");
    }

    /// All tags are listed in order, and those after any of them.
    async fn list(&self) {
        let tags = async |query: &str| -> Vec<String> {
            let list = self.get("GET", &format!("tags/list{query}")).await.json();
            serde_json::from_value(list["tags"].clone()).expect("tags")
        };
        let all = tags("").await;
        assert!(all.is_sorted(), "{}: {all:?}", self.name);
        let expected: BTreeSet<_> = self.contents.tags().map(|(tag, _)| tag.to_owned()).collect();
        assert_eq!(all.iter().cloned().collect::<BTreeSet<_>>(), expected, "{}", self.name);
        let middle = all.len() / 2;
        for last in all.get(middle).into_iter().chain(all.last()) {
            let after: Vec<_> = all.iter().filter(|tag| *tag > last).cloned().collect();
            assert_eq!(tags(&format!("?last={last}")).await, after, "{}: after {last}", self.name);
        }
    }

    async fn pull(&self) {
        for method in ["HEAD", "GET"] {
            let by_digest = self.contents.manifests.iter().map(|manifest| (manifest.digest.as_str(), manifest));
            for (reference, manifest) in self.contents.tags().chain(by_digest) {
                let answer = self.get(method, &format!("manifests/{reference}")).await;
                self.expect(&answer, manifest, &format!("{}: {method} {reference}", self.name), method == "GET");
            }
            for (digest, bytes) in &self.contents.blobs {
                let answer = self.get(method, &format!("blobs/{digest}")).await;
                let what = format!("{}: {method} {digest}", self.name);
                assert_eq!(
                    (answer.status, answer.header("docker-content-digest")),
                    (200, Some(digest.as_str())),
                    "{what}"
                );
                assert!(answer.body == if method == "GET" { &bytes[..] } else { &[] }, "{what}: other bytes");
            }
        }
    }

    /// What is about each subject is listed whole, and by its kind.
    async fn refer(&self) {
        let mut subjects: BTreeMap<&Digest, Vec<&Value>> = BTreeMap::new();
        for manifest in &self.contents.manifests {
            subjects.entry(&manifest.digest).or_default();
            if let Some(subject) = &manifest.subject {
                subjects.entry(subject).or_default().push(&manifest.descriptor);
            }
        }
        for (subject, referrers) in subjects {
            self.expect_referrers(&format!("{subject}"), None, &referrers).await;
            self.expect_referrers(&format!("{subject}?artifactType="), None, &referrers).await;
            for kind in [KIND, OTHER_KIND, "application/vnd.example.none"] {
                let of_kind: Vec<_> = referrers.iter().copied().filter(|found| found["artifactType"] == kind).collect();
                self.expect_referrers(&format!("{subject}?artifactType={kind}"), Some("artifactType"), &of_kind).await;
            }
        }
    }

    async fn expect_referrers(&self, asked: &str, filter: Option<&str>, expected: &[&Value]) {
        let what = format!("{}: what is about {asked}", self.name);
        let answer = self.get("GET", &format!("referrers/{asked}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(INDEX)), "{what}: {}", answer.text());
        assert_eq!(answer.header("oci-filters-applied"), filter, "{what}");
        let index = answer.json();
        assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&json!(2), &json!(INDEX)), "{what}");
        let texts = |list: &[&Value]| list.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let found: Vec<_> = index["manifests"].as_array().expect("a list").iter().collect();
        assert_eq!(texts(&found), texts(expected), "{what}");
    }

    /// Tags first, then what they pointed to; whatever is deleted is gone at once, and nothing else is.
    async fn delete(&self) {
        for (tag, manifest) in self.contents.tags() {
            self.expect_gone(&format!("manifests/{tag}")).await;
            let answer = self.get("HEAD", &format!("manifests/{}", manifest.digest)).await;
            assert_eq!(answer.status, 200, "{}: `{tag}` goes, and not what it points to", self.name);
        }
        for manifest in self.contents.manifests.iter().rev() {
            self.expect_gone(&format!("manifests/{}", manifest.digest)).await;
        }
        for digest in self.contents.blobs.keys() {
            self.expect_gone(&format!("blobs/{digest}")).await;
        }
        for manifest in &self.contents.manifests {
            let subject = manifest.subject.as_ref().unwrap_or(&manifest.digest);
            self.expect_referrers(subject.as_str(), None, &[]).await;
        }
    }

    async fn expect_gone(&self, below: &str) {
        for (method, expected) in [("DELETE", 202), ("HEAD", 404), ("GET", 404), ("DELETE", 404)] {
            let answer = self.get(method, below).await;
            assert_eq!(answer.status, expected, "{}: {method} {below}: {}", self.name, answer.text());
        }
    }
}

/// A digest takes its tags along when it is deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_goes_with_its_tags() {
    let registry = Registry::begin().await;
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let mut contents = Contents::new("tagged", algorithm);
        contents.add_image();
        ["one", "two"].into_iter().for_each(|tag| contents.tag(tag));
        let case = Case { registry: &registry, name: format!("tagged ({algorithm})"), contents };
        case.push(Tagging::Parameter).await;
        case.expect_gone(&format!("manifests/{}", case.contents.manifests[0].digest)).await;
        assert_eq!(case.get("GET", "manifests/one").await.status, 404);
        assert_eq!(case.get("GET", "tags/list").await.json()["tags"], json!([]));
    }
    registry.world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_manifest_is_refused() {
    let registry = Registry::begin().await;
    let before = registry.world.engine.size();
    let mut large = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": {"a": ""}});
    large["annotations"]["a"] = "x".repeat((4 << 20) + 1 - large.to_string().len()).into();
    let index = r#"{"schemaVersion":2,"manifests":[]}"#;
    let missing = json!({"mediaType": IMAGE, "digest": Digest::sha256(b"nowhere"), "size": 7});
    let [image, sparse] = [
        json!({"schemaVersion": 2, "config": missing, "layers": []}),
        json!({"schemaVersion": 2, "manifests": [missing]}),
    ];
    let (many, digest) = ("&tag=t".repeat(51), Digest::sha256(index.as_bytes()));
    let long = "x".repeat(129);
    for (reference, kind, body, status, code) in [
        ("sha256:baddigeststring", INDEX, index, 400, "DIGEST_INVALID"),
        ("sha512:baddigeststring", INDEX, index, 400, "DIGEST_INVALID"),
        ("md5:d41d8cd98f00b204e9800998ecf8427e", INDEX, index, 400, "DIGEST_INVALID"),
        (Digest::sha256(b"other").as_str(), INDEX, index, 400, "DIGEST_INVALID"),
        (Digest::sha512(b"other").as_str(), INDEX, index, 400, "DIGEST_INVALID"),
        (digest.as_str(), INDEX, &format!("{index}  "), 400, "DIGEST_INVALID"),
        (".INVALID", INDEX, index, 400, "MANIFEST_INVALID"),
        (&long, INDEX, index, 400, "MANIFEST_INVALID"),
        (&format!("{digest}?tag=.INVALID"), INDEX, index, 400, "MANIFEST_INVALID"),
        (&format!("{digest}?tag=t{many}"), INDEX, index, 414, "UNSUPPORTED"),
        ("tag", "text/plain", index, 400, "MANIFEST_INVALID"),
        ("tag", IMAGE, index, 400, "MANIFEST_INVALID"),
        ("tag", INDEX, r#"{"schemaVersion":1,"manifests":[]}"#, 400, "MANIFEST_INVALID"),
        ("tag", INDEX, "not JSON", 400, "MANIFEST_INVALID"),
        ("tag", INDEX, &large.to_string(), 413, "MANIFEST_INVALID"),
        ("tag", IMAGE, &image.to_string(), 404, "MANIFEST_BLOB_UNKNOWN"),
        ("tag", INDEX, &sparse.to_string(), 404, "MANIFEST_BLOB_UNKNOWN"),
    ] {
        let path = format!("{A}/manifests/{reference}");
        let answer = registry.ask("PUT", &path, &[("content-type", kind)], body.to_owned()).await;
        let what = format!("{} as `{kind}`: {}", &path[..path.len().min(120)], &body[..body.len().min(80)]);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}: {}", answer.text());
    }
    assert_eq!(registry.world.engine.size(), before, "nothing was written");
    registry.world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let registry = Registry::begin().await;
    let mut conversation = Conversation::new();
    conversation.names.insert("short", Digest::sha256(b"missing").to_string());
    conversation.names.insert("long", Digest::sha512(b"missing").to_string());
    let script = r#"
        GET    /v2/                               -> 200 | Docker-Distribution-Api-Version: registry/2.0
        GET    {a}/tags/list                      -> 404 | = NAME_UNKNOWN
        GET    {a}/referrers/{short}              -> 200 | Content-Type: application/vnd.oci.image.index.v1+json | = {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}
        GET    {a}/referrers/{long}               -> 200 | = {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}
        GET    {a}/referrers/sha256:short         -> 400 | = DIGEST_INVALID
        GET    {a}/manifests/{short}              -> 404 | = MANIFEST_UNKNOWN
        HEAD   {a}/manifests/{long}               -> 404
        GET    {a}/manifests/missing              -> 404 | = MANIFEST_UNKNOWN
        GET    {a}/manifests/.INVALID             -> 404 | = MANIFEST_UNKNOWN
        GET    {a}/manifests/sha256:baddigeststring -> 400 | = DIGEST_INVALID
        DELETE {a}/manifests/{short}              -> 404 | = MANIFEST_UNKNOWN
        DELETE {a}/manifests/missing              -> 404 | = MANIFEST_UNKNOWN
        DELETE {a}/manifests/.INVALID             -> 404 | = MANIFEST_UNKNOWN
        GET    {a}/blobs/{long}                   -> 404 | = BLOB_UNKNOWN
        GET    /v2/Conformance/a/tags/list        -> 400 | = NAME_INVALID
        GET    /v2/conformance/a/nothing          -> 404
        PATCH  {a}/manifests/missing              -> 405 | = UNSUPPORTED
    "#;
    conversation.run(&registry, "missing", script).await;
    registry.world.audit().await;
}
