//! What every [`Catalog`] does.

use std::collections::BTreeMap;

use domain::{Digest, RepositoryName, TagName, Timestamp};
use engine::ports::{Catalog, CatalogChange, CommitError, Head, Ledger, ManifestRecord, Part, PartKind, Unlinked};

use super::batch;

/// Checks a catalog, which must be empty; its changes are committed with entries, by the same adapter.
pub async fn catalog<T: Ledger + Catalog>(store: &T) {
    let (app, other) = (repository("acme/app"), repository("acme/other"));
    assert_eq!(store.tags(&app, None, 9).await.unwrap(), None, "an unknown repository has no list of tags");
    store.link_blob(&other, &digest("layer"), 5, Timestamp::from_millis(1)).await.unwrap();
    assert_eq!(store.tags(&other, None, 9).await.unwrap(), Some(Vec::new()), "a repository with a blob has one");
    manifests_and_tags(store, &app).await;
    referrers(store, &app).await;
    containers(store, &app, &other).await;
    blobs(store, &app, &other).await;
    closures(store).await;
    a_conflict_changes_nothing(store, &app).await;
    repositories(store).await;
    super::keep::keep(store).await;
    store.clear_derived().await.unwrap();
    assert_eq!(store.manifest(&app, &digest("image")).await.unwrap(), None, "no manifest is left");
    assert_eq!(store.blob(&app, &digest("layer")).await.unwrap(), Some(6), "blobs stay, since no entry tells of them");
}

async fn manifests_and_tags<T: Ledger + Catalog>(store: &T, app: &RepositoryName) {
    change(store, vec![put(image(app, "image"), &["v2", "v10", "V1", "latest"])]).await;
    change(store, vec![put(image(app, "newer"), &["latest"])]).await;
    let (kind, size) = ("application/vnd.oci.image.manifest.v1+json".to_owned(), 500);
    assert_eq!(store.manifest(app, &digest("image")).await.unwrap(), Some((kind.clone(), size)));
    assert_eq!(store.manifest(app, &digest("none")).await.unwrap(), None);
    assert_eq!(store.manifest(&repository("acme/else"), &digest("image")).await.unwrap(), None, "elsewhere it is not");
    for (name, target) in [("v2", Some("image")), ("latest", Some("newer")), ("none", None)] {
        let expected = target.map(|target| (digest(target), kind.clone(), size));
        assert_eq!(store.tag(app, &tag(name)).await.unwrap(), expected, "the tag `{name}`");
    }
    let pages: &[(Option<&str>, usize, &[&str])] = &[
        (None, 9, &["V1", "latest", "v10", "v2"]),
        (None, 2, &["V1", "latest"]),
        (Some("latest"), 1, &["v10"]),
        (Some("m"), 9, &["v10", "v2"]),
        (Some("v2"), 9, &[]),
        (None, 0, &[]),
    ];
    for (after, limit, expected) in pages {
        let expected = expected.iter().map(|name| tag(name)).collect();
        assert_eq!(store.tags(app, *after, *limit).await.unwrap(), Some(expected), "after {after:?}, {limit}");
    }
    let of_image: &[(&str, usize, &[&str])] =
        &[("", 9, &["V1", "v10", "v2"]), ("v10", 9, &["v10", "v2"]), ("v", 1, &["v10"]), ("w", 9, &[])];
    for (from, limit, expected) in of_image {
        let expected: Vec<_> = expected.iter().map(|name| tag(name)).collect();
        assert_eq!(store.tags_of(app, &digest("image"), from, *limit).await.unwrap(), expected, "from `{from}`");
    }
    assert!(store.tags_of(app, &digest("none"), "", 9).await.unwrap().is_empty(), "no manifest, no tags");
    let (first, newer) = (digest("image"), digest("newer"));
    for (beginning, expected) in [(first.as_str(), vec![first.clone()]), (&first.as_str()[..30], vec![first.clone()])] {
        assert_eq!(store.manifests_like(app, beginning, 9).await.unwrap(), expected, "{beginning}");
    }
    assert_eq!(store.manifests_like(app, "sha256:", 9).await.unwrap().len(), 2, "all of them");
    assert_eq!(store.manifests_like(app, "sha256:", 1).await.unwrap(), [first.clone().min(newer)], "the first");
    assert!(store.manifests_like(app, "sha512:", 9).await.unwrap().is_empty(), "none begins so");
    assert_eq!(store.manifest_anywhere(&first).await.unwrap(), std::slice::from_ref(app));
    change(store, vec![CatalogChange::Untag { repository: app.clone(), tag: tag("v2") }]).await;
    assert_eq!(store.tag(app, &tag("v2")).await.unwrap(), None, "a tag is gone");
    change(store, vec![CatalogChange::Delete { repository: app.clone(), digest: digest("newer") }]).await;
    assert_eq!(store.manifest(app, &digest("newer")).await.unwrap(), None, "a manifest is gone");
    assert_eq!(store.tag(app, &tag("latest")).await.unwrap(), None, "and its tags with it");
    assert_eq!(store.tags(app, None, 9).await.unwrap(), Some(vec![tag("V1"), tag("v10")]), "others stay");
}

async fn referrers<T: Ledger + Catalog>(store: &T, app: &RepositoryName) {
    let subject = digest("image");
    let about = |name: String, kind: &str| ManifestRecord {
        subject: Some(subject.clone()),
        artifact_type: Some(kind.into()),
        annotations: BTreeMap::from([("name".into(), name.clone()), ("quote".into(), "\"ä'\\".into())]),
        ..image(app, &name)
    };
    let sboms = (0..5).map(|n| put(about(format!("sbom {n}"), "sbom"), &[]));
    let scans = (0..3).map(|n| put(about(format!("scan {n}"), "scan"), &[]));
    change(store, sboms.chain(scans).collect()).await;
    let all = store.referrers(app, &subject, None, None, 100).await.unwrap();
    assert_eq!(all.len(), 8, "everything that is about it");
    assert!(all.is_sorted_by(|one, two| one.digest < two.digest), "in the order of their digests");
    let sbom = all.iter().find(|found| found.digest == digest("sbom 3")).expect("it is one of them");
    assert_eq!((sbom.annotations["name"].as_str(), sbom.annotations["quote"].as_str()), ("sbom 3", "\"ä'\\"));
    assert_eq!((sbom.size, sbom.artifact_type.as_deref()), (500, Some("sbom")));
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(|found: &engine::ports::Referrer| found.digest.clone());
        let page = store.referrers(app, &subject, Some("sbom"), after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2, "a page is no longer than asked for");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    let sboms: Vec<_> = all.into_iter().filter(|found| found.artifact_type.as_deref() == Some("sbom")).collect();
    assert_eq!(paged, sboms, "those of one type, page by page");
    assert!(store.referrers(app, &digest("else"), None, None, 9).await.unwrap().is_empty(), "none about another");
}

async fn containers<T: Ledger + Catalog>(store: &T, app: &RepositoryName, other: &RepositoryName) {
    let child = Part { kind: PartKind::Child, digest: digest("image"), size: 500, media_type: "image".into() };
    let index = ManifestRecord { parts: vec![child.clone()], ..image(app, "index") };
    let elsewhere = ManifestRecord { parts: vec![child.clone()], ..image(other, "index elsewhere") };
    change(store, vec![put(index, &[]), put(elsewhere, &[])]).await;
    assert_eq!(store.parts(app, &digest("index")).await.unwrap(), [child]);
    let named = image(app, "image").parts;
    assert_eq!(
        store.parts(app, &digest("image")).await.unwrap(),
        named,
        "in the order in which the manifest names them"
    );
    for (place, name) in [(app, "none"), (app, "newer"), (other, "image")] {
        assert!(store.parts(place, &digest(name)).await.unwrap().is_empty(), "`{name}` is not in `{place}`");
    }
    let all = async |name: &str, after: Option<&Digest>, limit: usize| {
        store.containers(app, &digest(name), after, limit).await.unwrap()
    };
    assert_eq!(all("image", None, 9).await, [digest("index")], "only of this repository, and not what is about it");
    let layer = all("layer", None, 100).await;
    assert!(layer.contains(&digest("image")) && layer.contains(&digest("sbom 4")), "all that name it");
    assert!(!layer.contains(&digest("newer")), "but none that was deleted");
    assert!(layer.is_sorted(), "in their order");
    let mut paged = Vec::new();
    loop {
        let page = all("layer", paged.last(), 2).await;
        assert!(page.len() <= 2, "no more than asked for");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, layer, "page by page");
    for (name, subject) in [("sbom 1", Some("image")), ("image", None), ("none", None)] {
        assert_eq!(store.subject(app, &digest(name)).await.unwrap(), subject.map(digest), "what `{name}` is about");
    }
    assert_eq!(store.subject(other, &digest("sbom 1")).await.unwrap(), None, "elsewhere it is not");
}

async fn blobs<T: Catalog>(store: &T, app: &RepositoryName, other: &RepositoryName) {
    let layer = digest("layer");
    assert_eq!(store.blob(app, &layer).await.unwrap(), None);
    for at in 1..3 {
        store.link_blob(app, &layer, 6, Timestamp::from_millis(at)).await.unwrap();
    }
    assert_eq!(store.blob(app, &layer).await.unwrap(), Some(6));
    assert_eq!(store.blob_anywhere(&layer).await.unwrap(), [app.clone(), other.clone()], "in lexical order");
    let named = store.unlink_blob(app, &layer).await.unwrap();
    assert!(matches!(&named, Unlinked::Named(_)), "what a manifest of the repository names stays: {named:?}");
    assert_eq!(store.blob(app, &layer).await.unwrap(), Some(6));
    assert_eq!(store.unlink_blob(other, &layer).await.unwrap(), Unlinked::Gone, "manifests elsewhere do not matter");
    assert_eq!(store.unlink_blob(other, &layer).await.unwrap(), Unlinked::NotThere);
    assert_eq!(store.blob_anywhere(&layer).await.unwrap(), std::slice::from_ref(app));
}

async fn closures<T: Ledger + Catalog>(store: &T) {
    let deep = repository("acme/deep");
    let child = |name: &str| Part { kind: PartKind::Child, digest: digest(name), size: 500, media_type: name.into() };
    let layer = |name: &str| Part { kind: PartKind::Layer, ..child(name) };
    let of = |name: &str, parts: &[Part]| put(ManifestRecord { parts: parts.to_vec(), ..image(&deep, name) }, &[]);
    let about = ManifestRecord { subject: Some(digest("one")), ..image(&deep, "about one") };
    let pushed = vec![
        of("one", &[layer("base"), layer("x")]),
        of("two", &[layer("base"), layer("y")]),
        // `one` is a layer here, and a manifest beside.
        of("odd", &[layer("one")]),
        of("inner", &[child("one"), child("two")]),
        of("outer", &[child("odd"), child("inner"), child("one")]),
        put(about, &[]),
    ];
    change(store, pushed).await;
    for name in ["base", "x", "one"] {
        store.link_blob(&deep, &digest(name), 5, Timestamp::from_millis(1)).await.unwrap();
    }
    let cases: &[(&str, &[&str], Option<&str>)] = &[
        ("one", &["one", "base", "x"], None),
        ("two", &["two", "base", "y"], Some("y")),
        ("odd", &["odd", "one"], None),
        ("inner", &["inner", "one", "two", "base", "x", "y"], Some("y")),
        ("outer", &["outer", "odd", "inner", "one", "two", "base", "x", "y"], Some("y")),
        ("base", &["base"], Some("base")),
        ("none", &["none"], Some("none")),
    ];
    for (name, parts, missing) in cases {
        let found = store.closure(&deep, &digest(name), 8).await.unwrap();
        assert_eq!(found.parts, parts.iter().map(|part| digest(part)).collect(), "the parts of `{name}`");
        assert_eq!((found.missing, found.cut), (missing.map(digest), false), "what `{name}` lacks");
    }
    let cut = store.closure(&deep, &digest("outer"), 7).await.unwrap();
    assert!(cut.cut && cut.parts.len() == 7, "no more than asked for: {cut:?}");
    store.link_blob(&deep, &digest("y"), 5, Timestamp::from_millis(1)).await.unwrap();
    assert_eq!(store.closure(&deep, &digest("outer"), 8).await.unwrap().missing, None, "whole once it is there");
    change(store, vec![CatalogChange::Delete { repository: deep.clone(), digest: digest("two") }]).await;
    let gone = store.closure(&deep, &digest("outer"), 8).await.unwrap();
    assert_eq!(gone.missing, Some(digest("two")), "a child that was deleted");
    let elsewhere = store.closure(&repository("acme/app"), &digest("inner"), 8).await.unwrap();
    assert_eq!(elsewhere.missing, Some(digest("inner")), "only what this repository has counts");
}

async fn a_conflict_changes_nothing<T: Ledger + Catalog>(store: &T, app: &RepositoryName) {
    let mut batch = batch(&Head::default(), ["late"]);
    batch.catalog = vec![put(image(app, "late"), &["late"])];
    assert!(matches!(store.commit(batch).await, Err(CommitError::Conflict)));
    assert_eq!(store.manifest(app, &digest("late")).await.unwrap(), None);
    assert_eq!(store.tag(app, &tag("late")).await.unwrap(), None);
}

async fn repositories<T: Ledger + Catalog>(store: &T) {
    let puts = ["b/1", "a/2", "b"].map(|name| put(image(&repository(name), "image"), &[]));
    change(store, puts.into()).await;
    let pages: &[(Option<&str>, usize, &[&str])] = &[
        (None, 9, &["a/2", "acme/app", "acme/deep", "acme/other", "b", "b/1"]),
        (None, 1, &["a/2"]),
        (Some("acme/deep"), 2, &["acme/other", "b"]),
        (Some("b/1"), 2, &[]),
        (None, 0, &[]),
        // Of what is not there, what comes after it.
        (Some("b-"), 9, &["b/1"]),
    ];
    for (after, limit, expected) in pages {
        let expected: Vec<_> = expected.iter().map(|name| repository(name)).collect();
        assert_eq!(store.repositories(*after, *limit).await.unwrap(), expected, "after {after:?}, {limit}");
    }
    let first = repository("a/2");
    change(store, vec![CatalogChange::Delete { repository: first, digest: digest("image") }]).await;
    assert_eq!(store.repositories(None, 1).await.unwrap(), [repository("acme/app")], "one without manifests is none");
    many_repositories(store).await;
}

/// Names of which one is often the beginning of another, some with several manifests, page by page.
async fn many_repositories<T: Ledger + Catalog>(store: &T) {
    let named = (0..120)
        .map(|n: usize| repository(&format!("many/{}", ["r", "r-", "r/", "r_r"][n % 4].to_owned() + &n.to_string())));
    let mut expected: Vec<RepositoryName> = named.collect();
    let manifests = |(n, name): (usize, &RepositoryName)| {
        let name = name.clone();
        (0..=n % 3).map(move |m| put(image(&name, &format!("image {m}")), &[]))
    };
    change(store, expected.iter().enumerate().flat_map(manifests).collect()).await;
    expected.sort();
    for limit in [1, 2, 7, 119, 120, 121, 1000] {
        let mut found: Vec<RepositoryName> = Vec::new();
        while found.len() < expected.len() {
            let after = found.last().map_or("many", RepositoryName::as_str);
            let page = store.repositories(Some(after), limit).await.unwrap();
            assert!(page.len() == limit.min(expected.len() - found.len()), "after {after}, {limit}: {page:?}");
            found.extend(page);
        }
        assert_eq!(found, expected, "in pages of {limit}");
    }
}

pub(super) async fn change<T: Ledger>(store: &T, changes: Vec<CatalogChange>) {
    let mut batch = batch(&store.head().await.unwrap(), ["a change of the catalog"]);
    batch.catalog = changes;
    store.commit(batch).await.expect("a change is committed");
}

pub(super) fn put(manifest: ManifestRecord, tags: &[&str]) -> CatalogChange {
    CatalogChange::Put { manifest: Box::new(manifest), tags: tags.iter().map(|name| tag(name)).collect() }
}

pub(super) fn image(repository: &RepositoryName, name: &str) -> ManifestRecord {
    let part = |kind, name: &str| Part { kind, digest: digest(name), size: 7, media_type: name.into() };
    ManifestRecord {
        repository: repository.clone(),
        digest: digest(name),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        size: 500,
        subject: None,
        artifact_type: None,
        annotations: BTreeMap::new(),
        parts: vec![part(PartKind::Config, "config"), part(PartKind::Layer, "layer"), part(PartKind::Layer, "layer")],
    }
}

pub(super) fn digest(name: &str) -> Digest {
    Digest::sha256(name.as_bytes())
}

pub(super) fn repository(name: &str) -> RepositoryName {
    name.parse().expect("a repository")
}

fn tag(name: &str) -> TagName {
    name.parse().expect("a tag")
}
