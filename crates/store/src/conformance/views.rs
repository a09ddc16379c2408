//! What every [`Views`] does.

use domain::{Digest, ReleaseId, Timestamp};
use engine::ports::{HistoryRow, ReleaseRow, ViewChange, Views};

/// Checks views, which must be empty.
pub async fn views(views: &dyn Views) {
    let changes: Vec<ViewChange> = (0..20).map(change).collect();
    assert_eq!(views.cursor().await.unwrap(), 0);
    views.fold(changes[..12].to_vec(), 12).await.unwrap();
    assert_eq!(views.cursor().await.unwrap(), 12);
    // A follower that crashed after folding sees some changes again.
    views.fold(changes[5..].to_vec(), 21).await.unwrap();
    assert_eq!(views.cursor().await.unwrap(), 21);
    history(views, &changes).await;
    releases(views, &changes).await;
    let app = "app".parse().expect("a project");
    let digest = Digest::sha256(b"both");
    for (from, limit, expected) in [(0, 3, vec![0, 2, 4]), (5, 9, vec![6, 8, 10, 12, 14, 16, 18]), (19, 9, vec![])] {
        assert_eq!(views.about(&digest, from, limit).await.unwrap(), expected, "about a digest from {from}");
        assert_eq!(views.of_project(&app, from, limit).await.unwrap(), expected, "of a project from {from}");
    }
    assert!(views.about(&Digest::sha256(b"none"), 0, 9).await.unwrap().is_empty());
    views.clear().await.unwrap();
    assert_eq!(views.cursor().await.unwrap(), 0);
    assert!(views.history(&app, None, None, None, 9).await.unwrap().is_empty());
    assert!(views.releases(&app, None, 9).await.unwrap().is_empty());
    assert!(
        views.of_project(&app, 0, 9).await.unwrap().is_empty() && views.about(&digest, 0, 9).await.unwrap().is_empty()
    );
}

async fn history(views: &dyn Views, changes: &[ViewChange]) {
    let app = "app".parse().expect("a project");
    let at = Timestamp::from_millis;
    let cases = [
        (None, None, None, 99, vec![18, 16, 14, 12, 10, 8, 6, 4, 2, 0]),
        (None, None, None, 2, vec![18, 16]),
        (None, Some(16), None, 2, vec![14, 12]),
        (Some("prod"), None, None, 99, vec![16, 12, 8, 4, 0]),
        (Some("prod"), Some(12), None, 1, vec![8]),
        (Some("prod"), None, Some(at(1_009)), 99, vec![8, 4, 0]),
        (None, None, Some(at(1_008)), 2, vec![8, 6]),
        (Some("none"), None, None, 99, vec![]),
    ];
    for (stage, before, until, limit, expected) in cases {
        let name = stage.map(|stage| stage.parse().expect("a stage"));
        let found = views.history(&app, name.as_ref(), before, until, limit).await.unwrap();
        let expected: Vec<_> = expected.into_iter().filter_map(|n: usize| changes[n].history.clone()).collect();
        assert_eq!(found, expected, "stage {stage:?}, before {before:?}, until {until:?}, {limit}");
    }
}

async fn releases(views: &dyn Views, changes: &[ViewChange]) {
    let app = "app".parse().expect("a project");
    for (before, limit, expected) in [(None, 3, vec![18, 16, 14]), (Some(4), 9, vec![2, 0]), (Some(0), 9, vec![])] {
        let found = views.releases(&app, before, limit).await.unwrap();
        let expected: Vec<_> = expected.into_iter().filter_map(|n: usize| changes[n].release.clone()).collect();
        assert_eq!(found, expected, "before {before:?}, {limit}");
    }
    let mut all: Vec<_> = (0..20).step_by(2).map(release).collect();
    all.sort();
    assert_eq!(views.releases_like(&app, "", 99).await.unwrap(), all, "all releases begin with nothing");
    for length in [1, 4, 63, 64] {
        let prefix = &all[0].digest().hex()[..length];
        let expected: Vec<_> = all.iter().filter(|id| id.digest().hex().starts_with(prefix)).cloned().collect();
        assert_eq!(views.releases_like(&app, prefix, 99).await.unwrap(), expected, "like {prefix}");
    }
    assert_eq!(views.releases_like(&app, "", 2).await.unwrap().len(), 2, "no more than asked for");
}

/// Entries of two projects in turns; in each, the stages take turns.
fn change(n: u64) -> ViewChange {
    let project: domain::ProjectName = if n.is_multiple_of(2) { "app" } else { "web" }.parse().expect("a project");
    let stage = if n.is_multiple_of(4) { "prod" } else { "dev" };
    let at = Timestamp::from_millis(1_000 + n.cast_signed());
    let digests = if n.is_multiple_of(2) { vec![Digest::sha256(b"both"), Digest::sha256(b"both")] } else { Vec::new() };
    ViewChange {
        index: n,
        digests,
        history: Some(HistoryRow {
            index: n,
            at,
            project: project.clone(),
            stage: stage.parse().expect("a stage"),
            release: release(n),
            rolled_back: n.is_multiple_of(3),
            by: "person:ada".parse().expect("a party"),
            reason: format!("because of {n}"),
        }),
        release: Some(ReleaseRow { index: n, at, project: project.clone(), release: release(n) }),
        project: Some(project),
    }
}

fn release(n: u64) -> ReleaseId {
    Digest::sha256(&n.to_be_bytes()).as_str().parse().expect("a release")
}
