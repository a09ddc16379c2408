//! Turns at writing, on a real PostgreSQL.

use std::time::{Duration, Instant};

use domain::Timestamp;
use engine::ports::{CommitError, Head, Ledger, WriteTurn};

use super::postgres::{open, open_new};
use crate::{conformance::batch, sql::Database};
use services::Postgres;

async fn turn(database: &Database, from: u64) -> Box<dyn WriteTurn + '_> {
    database.turn_to_write(from, 100).await.expect("a turn").expect("others may write")
}

fn bodies(turn: &mut Box<dyn WriteTurn + '_>) -> Vec<String> {
    turn.take_tail().iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned()).collect()
}

/// Each begins where the one before has ended, so that nobody decides in vain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turns_follow_each_other() {
    let base = Postgres::shared().base();
    let replicas = [open(&base).await, open(&base).await, open(&base).await];
    let writing = replicas.iter().enumerate().map(async |(number, replica)| {
        let mut head = Head::default();
        for round in 0..10 {
            let mut turn = turn(replica, head.frontier.size()).await;
            for entry in turn.take_tail() {
                head.frontier.append(entry.leaf);
            }
            // As `batch` dates them.
            head.time = Timestamp::from_millis(head.frontier.size() as i64);
            let mine = batch(&head, [format!("{number} {round}")]);
            head = mine.next.clone();
            turn.commit(mine).await.expect("nobody else has the turn");
        }
    });
    futures::future::join_all(writing).await;
    assert_eq!(replicas[0].read(0, 99).await.expect("entries").len(), 30);
}

/// The next one begins once a turn ends, whichever way it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_is_waited_for() {
    #[derive(Clone, Copy, Debug)]
    enum End {
        Commit,
        Conflict,
        Nothing,
        Dropped,
    }
    for end in [End::Commit, End::Conflict, End::Nothing, End::Dropped] {
        let base = Postgres::shared().base();
        let (one, two) = (open(&base).await, open(&base).await);
        let first = batch(&Head::default(), ["a", "b"]);
        one.commit(first.clone()).await.expect("a commit");
        let mut begun = turn(&one, 1).await;
        assert_eq!(bodies(&mut begun), ["b"], "{end:?}");
        let pause = Duration::from_millis(150);
        let (waited, ()) = futures::join!(
            async {
                let since = Instant::now();
                let mut next = turn(&two, 2).await;
                let found = (since.elapsed(), bodies(&mut next));
                next.end().await.expect("it ends");
                found
            },
            async {
                tokio::time::sleep(pause).await;
                match end {
                    End::Commit => begun.commit(batch(&first.next, ["c"])).await.expect("a commit"),
                    End::Conflict => {
                        let refused = begun.commit(batch(&Head::default(), ["x"])).await;
                        assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
                    }
                    End::Nothing => begun.end().await.expect("it ends"),
                    End::Dropped => drop(begun),
                }
            }
        );
        let expected: &[&str] = if matches!(end, End::Commit) { &["c"] } else { &[] };
        assert_eq!(waited.1, expected, "{end:?}");
        assert!(waited.0 >= pause - Duration::from_millis(20), "{end:?}: {:?}", waited.0);
    }
}

/// Who has a turn and says nothing any more, for he is stopped, loses it soon, and what he then commits is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_is_not_used_is_taken_back() {
    let base = Postgres::shared().base();
    let (stopped, other) = (open(&base).await, open(&base).await);
    let begun = turn(&stopped, 0).await;
    let since = Instant::now();
    let next = turn(&other, 0).await;
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    let late = begun.commit(batch(&Head::default(), ["late"])).await;
    assert!(matches!(late, Err(CommitError::Unknown(_))), "{late:?}");
    next.commit(batch(&Head::default(), ["first"])).await.expect("a commit");
    assert_eq!(stopped.head().await.expect("a head").frontier.size(), 1);
}

/// A turn keeps nobody from writing who does without: what decides is where the ledger ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_is_no_lock() {
    let database = open_new().await;
    let begun = turn(&database, 0).await;
    database.commit(batch(&Head::default(), ["faster"])).await.expect("a commit");
    let late = begun.commit(batch(&Head::default(), ["late"])).await;
    assert!(matches!(late, Err(CommitError::Conflict)), "{late:?}");
    assert_eq!(database.head().await.expect("a head").frontier.size(), 1);
}
