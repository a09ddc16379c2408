//! Suites, reopening, locks, versions, many writers.

use std::{os::unix::fs::PermissionsExt, sync::Arc};

use domain::{Digest, Timestamp};
use engine::ports::{Catalog, Ledger};

use crate::{
    conformance::{self, batch},
    sql::Database,
};

#[tokio::test]
async fn it_conforms() {
    let open = || {
        let folder = tempfile::tempdir().expect("a folder");
        (Database::open(folder.path()).expect("a database"), folder)
    };
    conformance::ledger(&open().0).await;
    conformance::catalog(&open().0).await;
    conformance::views(&open().0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_where_tasks_move() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open(folder.path()).expect("a database");
    conformance::ledger(&database).await;
    conformance::views(&database).await;
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut next = None;
    for round in 0..4 {
        let database = Database::open(folder.path()).expect("a database");
        let head = database.head().await.expect("a head");
        assert_eq!(next.as_ref().unwrap_or(&head), &head, "round {round}");
        let mut batch = batch(&head, [format!("{round}")]);
        batch.rows = vec![("row".into(), Some(vec![round]))];
        next = Some(batch.next.clone());
        database.commit(batch).await.expect("a commit");
        let row = database.rows(&["row".into()]).await.expect("a row");
        assert_eq!(row, [Some(vec![round])]);
    }
}

/// A copy of the files at any moment is what a crash would leave: everything that was answered is in it.
#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let (folder, crashed) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let database = Database::open(folder.path()).expect("a database");
    for round in 0..20 {
        let batch = batch(&database.head().await.expect("a head"), [format!("{round}"), "x".repeat(9_000)]);
        let next = batch.next.clone();
        database.commit(batch).await.expect("a commit");
        for file in ["selfsame.db", "selfsame.db-wal"] {
            std::fs::copy(folder.path().join(file), crashed.path().join(file)).expect("a copy");
        }
        let after = Database::open(crashed.path()).expect("the database after the kill");
        assert_eq!(after.head().await.expect("a head"), next, "round {round}");
        assert_eq!(after.read(0, 100).await.expect("entries").len() as u64, next.frontier.size());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_piece_that_fails_spoils_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Arc::new(Database::open(folder.path()).expect("a database"));
    let app = "acme/app".parse().expect("a repository");
    let links = (0..200_u64).map(|n| {
        let (database, app) = (database.clone(), &app);
        async move { database.link_blob(app, &Digest::sha256(&n.to_be_bytes()), n, Timestamp::from_millis(1)).await }
    });
    let head = database.head().await.expect("a head");
    let commits = (0..50).map(|n| database.commit(batch(&head, [format!("{n}")])));
    let (links, commits) = futures::join!(futures::future::join_all(links), futures::future::join_all(commits));
    assert!(links.iter().all(Result::is_ok), "every link is kept");
    assert_eq!(commits.iter().filter(|commit| commit.is_ok()).count(), 1, "one of the commits wins");
    for n in 0..200_u64 {
        let size = database.blob(&app, &Digest::sha256(&n.to_be_bytes())).await.expect("a size");
        assert_eq!(size, Some(n));
    }
}

#[tokio::test]
async fn the_log_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open(folder.path()).expect("a database");
    for _ in 0..40 {
        let bodies = vec!["x".repeat(60_000); 20];
        database.commit(batch(&database.head().await.expect("a head"), bodies)).await.expect("a commit");
    }
    let log = std::fs::metadata(folder.path().join("selfsame.db-wal")).expect("the log").len();
    assert!(log < 32 << 20, "48 MB were written, and the log has {log} bytes");
    assert_eq!(database.read(0, 1_000).await.expect("entries").len(), 800);
}

#[test]
fn only_one_has_it_open_and_nobody_else_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open(folder.path()).expect("a database");
    let refused = Database::open(folder.path()).err().expect("it is open already").to_string();
    assert!(refused.contains("another process has this data directory open"), "{refused}");
    for file in ["selfsame.db", "selfsame.db-wal", "lock"] {
        let mode = std::fs::metadata(folder.path().join(file)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "`{file}`");
    }
    drop(database);
    Database::open(folder.path()).expect("it is closed now");
}
