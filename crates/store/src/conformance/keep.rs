//! What every [`Catalog`] answers to retention.

use std::collections::BTreeSet;

use domain::{Digest, ProjectName, RepositoryName, Timestamp};
use engine::ports::{Catalog, CatalogChange, Ledger, Link};

use super::catalog::{change, digest, image, put, repository};

/// Pages of one project, what no manifest names, and what nobody has.
pub(super) async fn keep<T: Ledger + Catalog>(store: &T) {
    pulls(store).await;
    let project: ProjectName = "keep".parse().expect("a name");
    let [own, one, other, next] = ["keep", "keep/one", "keep-other/one", "keep0/one"].map(repository);
    for place in [&own, &one, &other, &next] {
        change(store, vec![put(image(place, "first"), &["v2", "v1"]), put(image(place, "second"), &["v1"])]).await;
        for (name, at) in [("layer", 1), ("loose", 2), ("spared", 3), ("young", 9)] {
            store.link_blob(place, &digest(name), 5, Timestamp::from_millis(at)).await.unwrap();
        }
    }
    let mut expected: Vec<_> = [&own, &one]
        .into_iter()
        .flat_map(|place| ["first", "second"].map(|name| (place.clone(), digest(name))))
        .collect();
    expected.sort();
    for limit in [1, 3, 9] {
        let (mut found, mut after) = (Vec::new(), None::<(RepositoryName, Digest)>);
        loop {
            let page = store.manifests(&project, after.as_ref(), limit).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some((last.repository.clone(), last.digest.clone()));
            found.extend(page);
        }
        let places: Vec<_> = found.iter().map(|(it, _)| (it.repository.clone(), it.digest.clone())).collect();
        assert_eq!(places, expected, "pages of {limit}: this project's repositories, and no others");
        for (record, tags) in found {
            let name = if record.digest == digest("first") { "first" } else { "second" };
            assert_eq!(record, image(&record.repository, name));
            let tags: Vec<_> = tags.iter().map(ToString::to_string).collect();
            assert_eq!(tags, if name == "first" { ["v2"] } else { ["v1"] });
        }
    }
    assert_eq!(store.all_tags_of(&one, &digest("none")).await.unwrap(), []);
    let link = Link { size: 5, at: Timestamp::from_millis(2) };
    assert_eq!(store.link(&one, &digest("loose")).await.unwrap(), Some(link));
    assert_eq!(store.link(&one, &digest("none")).await.unwrap(), None);
    let spare = BTreeSet::from([digest("spared")]);
    let mut after = None;
    loop {
        let before = Timestamp::from_millis(9);
        after = store.unlink_unnamed(&project, after, before, spare.clone(), 3).await.unwrap();
        if after.is_none() {
            break;
        }
    }
    for place in [&own, &one, &other, &next] {
        let mine = place.project().as_ref() == Some(&project);
        for (name, stays) in [("layer", true), ("loose", !mine), ("spared", true), ("young", true)] {
            assert_eq!(store.link(place, &digest(name)).await.unwrap().is_some(), stays, "`{name}` of `{place}`");
        }
    }
    for (name, anywhere) in [("first", true), ("loose", true), ("none", false)] {
        assert_eq!(store.is_anywhere(&digest(name)).await.unwrap(), anywhere, "{name}");
    }
    for place in [own, one, other, next] {
        for name in ["first", "second"] {
            change(store, vec![CatalogChange::Delete { repository: place.clone(), digest: digest(name) }]).await;
        }
    }
    assert!(!store.is_anywhere(&digest("first")).await.unwrap());
}

/// The last day on which something was pulled, and the first of which anything is known.
async fn pulls<T: Catalog>(store: &T) {
    assert_eq!(store.pulls_since().await.unwrap(), None);
    let at = |day: i64| Timestamp::from_millis(day * 86_400_000);
    let [one, two] = ["keep/one", "keep/two"].map(|name| (repository(name), digest("first")));
    for (places, day) in [(vec![&one, &two], 1000), (vec![&one], 1002), (vec![&one, &two], 1001), (vec![], 1003)] {
        let places: Vec<_> = places.into_iter().cloned().collect();
        store.note_pulls(&places, at(day)).await.unwrap();
    }
    let pulled = async |place: &(RepositoryName, Digest)| store.pulled(&place.0, &place.1).await.unwrap();
    assert_eq!((pulled(&one).await, pulled(&two).await), (Some(at(1002)), Some(at(1001))));
    assert_eq!(pulled(&(repository("keep/one"), digest("second"))).await, None);
    assert_eq!(store.pulls_since().await.unwrap(), Some(at(1001)));
    store.note_pulls(std::slice::from_ref(&two), at(1402)).await.unwrap();
    assert_eq!((pulled(&one).await, store.pulls_since().await.unwrap()), (Some(at(1002)), Some(at(1002))));
    store.note_pulls(&[two], at(1403)).await.unwrap();
    assert_eq!((pulled(&one).await, store.pulls_since().await.unwrap()), (None, Some(at(1403))));
}
