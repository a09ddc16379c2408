//! On a real PostgreSQL: suites, versions, replicas, settings that would lose what was acknowledged.

use std::{sync::Arc, time::Duration};

use engine::ports::{CommitError, Head, Ledger, Trouble};
use services::{Base, Postgres};

use crate::{
    conformance::{self, batch},
    sql::{Access, Database},
};

pub(super) async fn open(base: &Base) -> Database {
    connect(base, Access::Shared).await.expect("a database")
}

async fn connect(base: &Base, access: Access) -> Result<Database, Trouble> {
    Database::connect(Postgres::shared().url(base).parse().expect("an address"), access).await
}

pub(super) async fn open_new() -> Database {
    open(&Postgres::shared().base()).await
}

async fn refused(url: &str) -> String {
    let refused = Database::connect(url.parse().expect("an address"), Access::Shared).await;
    let refused = refused.err().expect("it is refused").to_string();
    assert!(!refused.contains("s3cret"), "{refused}");
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms() {
    conformance::ledger(&open_new().await).await;
    conformance::catalog(&open_new().await).await;
    conformance::views(&open_new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_is_there_for_every_replica() {
    let base = Postgres::shared().base();
    let replicas = [open(&base).await, open(&base).await, open(&base).await];
    let mut head = Head::default();
    for round in 0..12_u8 {
        let writer = &replicas[usize::from(round) % 3];
        let mut next = batch(&head, [format!("{round}")]);
        next.rows = vec![("row".into(), Some(vec![round]))];
        let stale = next.clone();
        head = next.next.clone();
        writer.commit(next).await.expect("a commit");
        for (number, replica) in replicas.iter().enumerate() {
            assert_eq!(replica.head().await.expect("a head"), head, "replica {number}");
            let row = replica.rows(&["row".into()]).await.expect("a row");
            assert_eq!(row, [Some(vec![round])], "replica {number}");
            let again = replica.commit(stale.clone()).await;
            assert!(matches!(again, Err(CommitError::Conflict)), "replica {number}: {again:?}");
        }
    }
}

/// One has it, and keeps it for as long as it says so; then another has it, and the number tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_replica_has_its_turn() {
    let base = Postgres::shared().base();
    let (one, two) = (open(&base).await, open(&base).await);
    let (long, short) = (Duration::from_secs(60), Duration::from_millis(1));
    let take = async |who: &Database, work: &str, lasts| who.take_turn(work, lasts).await.expect("an answer");
    assert_eq!(take(&one, "sweep", long).await, Some(1));
    assert_eq!(take(&two, "sweep", long).await, None);
    assert_eq!(take(&two, "scrub", long).await, Some(1), "another work has turns of its own");
    // It says that it will be done in no time, and goes on with it while nobody else asks.
    assert_eq!(take(&one, "sweep", short).await, Some(1));
    tokio::time::sleep(2 * short).await;
    assert_eq!(take(&one, "sweep", short).await, Some(1), "nobody had it in between");
    tokio::time::sleep(2 * short).await;
    assert_eq!(take(&two, "sweep", long).await, Some(2));
    assert_eq!(take(&one, "sweep", long).await, None);
    // Of all that ask at once one has it.
    let asked = (0..20).map(|number| take([&one, &two][number % 2], "race", long));
    let won: Vec<_> = futures::future::join_all(asked).await;
    let of = |replica: usize| won.iter().skip(replica).step_by(2).filter(|number| number.is_some()).count();
    assert!(matches!((of(0), of(1)), (0, 10) | (10, 0)), "{won:?}");
}

/// All write at the same place, again and again: one wins each time, nothing forks, nothing is left of those that lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_one_wins_each_time() {
    let base = Postgres::shared().base();
    let replicas = Arc::new([open(&base).await, open(&base).await, open(&base).await]);
    for round in 0..10_u64 {
        let head = replicas[0].head().await.expect("a head");
        let commits = (0..9_usize).map(|writer| {
            let mut mine = batch(&head, (0..=writer).map(|n| format!("{round} {writer} {n}")));
            mine.rows = vec![(format!("{round}/{writer}"), Some(vec![1]))];
            replicas[writer % 3].commit(mine)
        });
        let commits = futures::future::join_all(commits).await;
        let won: Vec<_> = (0..9).filter(|writer: &usize| commits[*writer].is_ok()).collect();
        assert_eq!(won.len(), 1, "{commits:?}");
        let lost = commits.iter().filter(|commit| matches!(commit, Err(CommitError::Conflict))).count();
        assert_eq!(lost, 8, "{commits:?}");
        let after = replicas[1].head().await.expect("a head").frontier.size();
        assert_eq!(after, head.frontier.size() + won[0] as u64 + 1, "the winner's entries");
        let rows: Vec<String> = (0..9).map(|writer| format!("{round}/{writer}")).collect();
        let there = replicas[2].rows(&rows).await.expect("rows");
        assert!((0..9).all(|writer| there[writer].is_some() == (writer == won[0])), "the winner's rows: {there:?}");
    }
    let all = replicas[0].read(0, 1_000).await.expect("entries");
    assert_eq!(all.len() as u64, replicas[0].head().await.expect("a head").frontier.size(), "without gaps");
}

/// A database that was put back to an earlier state takes no entry that follows from a later one: there would be a gap, or a second history.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_not_the_expected_one_is_a_conflict() {
    let database = open_new().await;
    let first = batch(&Head::default(), ["a", "b"]);
    let other = batch(&Head::default(), ["a", "x"]);
    database.commit(first.clone()).await.expect("a commit");
    let later = batch(&batch(&first.next, ["c"]).next, ["d"]);
    for (what, wrong) in [("a later head", later), ("another head", batch(&other.next, ["c"]))] {
        let refused = database.commit(wrong).await;
        assert!(matches!(refused, Err(CommitError::Conflict)), "{what}: {refused:?}");
    }
    assert_eq!(database.head().await.expect("a head"), first.next);
    assert_eq!(database.read(0, 9).await.expect("entries").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_hears_of_what_another_wrote() {
    let base = Postgres::shared().base();
    let (here, there) = (open(&base).await, open(&base).await);
    let mut head = Head::default();
    for _ in 0..5 {
        let next = batch(&head, ["entry"]);
        let waiting = async {
            let from = head.frontier.size();
            loop {
                let moved = there.moved(from).await.expect("a head");
                if moved.frontier.size() > from {
                    return moved;
                }
            }
        };
        let expected = next.next.clone();
        let (committed, moved) =
            futures::join!(here.commit(next), tokio::time::timeout(Duration::from_secs(5), waiting));
        committed.expect("a commit");
        head = moved.expect("it is heard of");
        assert_eq!(head, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_cut_are_replaced() {
    let base = Postgres::shared().base();
    let database = open(&base).await;
    let mut head = Head::default();
    for round in 0..6 {
        let next = batch(&head, [format!("{round}")]);
        head = next.next.clone();
        if let Err(error) = database.commit(next.clone()).await {
            assert!(matches!(error, CommitError::Unknown(_)), "{error:?}");
            // As the engine does: whether it is there says the head.
            let found = database.head().await.expect("a head");
            if found != head {
                assert_eq!(found, next.expected);
                database.commit(next).await.expect("a commit");
            }
        }
        assert_eq!(database.head().await.expect("a head"), head);
        let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        Postgres::shared().run(&base, others);
        // Until the connections' ends have come to know of it.
        while database.head().await.is_err() {}
    }
    assert_eq!(database.read(0, 99).await.expect("entries").len(), 6);
}

/// A checkpoint never goes back, and there is one key for a ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_agree_on_checkpoint_and_key() {
    let base = Postgres::shared().base();
    let (here, there) = (open(&base).await, open(&base).await);
    assert_eq!(here.checkpoint().await.expect("none yet"), None);
    for (size, newest) in [(3, 3), (5, 5), (4, 5), (5, 5), (9, 9)] {
        here.put_checkpoint(format!("origin\n{size}\nroot\n").into_bytes()).await.expect("it is put");
        let found = there.checkpoint().await.expect("a checkpoint").expect("a checkpoint");
        assert_eq!(String::from_utf8(found).expect("a text"), format!("origin\n{newest}\nroot\n"), "after {size}");
    }
    assert!(here.put_checkpoint(b"no checkpoint".to_vec()).await.is_err());
    assert_eq!(here.verifier("one+key").await.expect("a key"), "one+key");
    assert_eq!(there.verifier("another+key").await.expect("a key"), "one+key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_that_will_not_do_are_refused() {
    let server = Postgres::shared();
    let lossy = server.base();
    server.run(&lossy, "ALTER ROLE CURRENT_USER IN DATABASE postgres RESET ALL");
    let name = server.run(&lossy, "SELECT current_database()");
    server.run(&lossy, &format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let url = server.url(&server.base());
    for (url, reason) in [
        (server.url(&lossy), "`synchronous_commit` is `off`"),
        (url.replace("s3cret", "wrong"), "password authentication failed"),
        (url.replace("/test_", "/none_"), "does not exist"),
    ] {
        let said = refused(&url).await;
        assert!(said.contains(reason), "{said}");
    }
}

/// Several programs that start together on a new database make its tables once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_start_together_migrate_once() {
    let base = Postgres::shared().base();
    let opened = futures::future::join_all((0..6).map(|_| open(&base))).await;
    opened[0].commit(batch(&Head::default(), ["first"])).await.expect("a commit");
    assert_eq!(opened[5].head().await.expect("a head").frontier.size(), 1);
}

/// Whoever must be alone waits for nobody, and nobody comes while he is there; a server that was there all the time does not write, either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verb_that_must_be_alone_is() {
    let base = Postgres::shared().base();
    let said = |refused: Result<Database, Trouble>| refused.err().expect("it is refused").to_string();
    let server = open(&base).await;
    let head = Head::default();
    let first = batch(&head, ["first"]);
    server.commit(first.clone()).await.expect("a commit");
    let refused = said(connect(&base, Access::Alone).await);
    assert!(refused.contains("in use, from 127.0.0.1") && refused.contains("stop the servers first"), "{refused}");
    // A server that is cut off is not there any more, and does not come back.
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    Postgres::shared().run(&base, cut);
    let alone = connect(&base, Access::Alone).await.expect("nobody is there");
    for refused in [said(connect(&base, Access::Shared).await), said(connect(&base, Access::Alone).await)] {
        assert!(refused.contains("alone with it") || refused.contains("in use"), "{refused}");
    }
    for _ in 0..3 {
        let late = server.commit(batch(&first.next, ["late"])).await;
        assert!(matches!(late, Err(CommitError::Unknown(_))), "{late:?}");
    }
    assert_eq!(alone.head().await.expect("a head"), first.next);
    // A rebuild that breaks off.
    alone.clear_derived().await.expect("it is cleared");
    drop(alone);
    let rebuilding = loop {
        match server.commit(batch(&first.next, ["late"])).await {
            // The database has yet to notice that the verb has ended.
            Err(CommitError::Unknown(trouble)) if trouble.to_string().contains("alone with it") => {}
            other => break other,
        }
    };
    let refused = rebuilding.expect_err("rows are missing").to_string();
    assert!(refused.contains("a rebuild has begun and has not ended"), "{refused}");
    let alone = loop {
        // As above.
        if let Ok(alone) = connect(&base, Access::Alone).await {
            break alone;
        }
    };
    alone.end_rebuild().await.expect("it ends");
    drop(alone);
    while server.commit(batch(&first.next, ["late"])).await.is_err() {}
    assert_eq!(server.head().await.expect("a head").frontier.size(), 2, "it goes on then");
}

/// Whoever is alone commits nothing once that is no longer sure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_longer_alone_writes_nothing() {
    let base = Postgres::shared().base();
    let alone = connect(&base, Access::Alone).await.expect("nobody is there");
    alone.commit(batch(&Head::default(), ["first"])).await.expect("a commit");
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(Postgres::shared().run(&base, cut), "1");
    for _ in 0..2 {
        assert!(alone.clear_derived().await.is_err(), "it is not sure any more");
    }
    assert!(!alone.rebuilding().await.expect("an answer"), "nothing was written");
}
