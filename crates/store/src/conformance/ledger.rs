//! What every [`Ledger`] does.

use domain::Digest;
use engine::ports::{Answered, Batch, CommitError, Head, Ledger};
use tlog::leaf_hash;

use super::batch;

/// Checks a ledger, which must be empty.
pub async fn ledger(ledger: &dyn Ledger) {
    assert_eq!(ledger.head().await.unwrap(), Head::default(), "an empty ledger has the default head");
    assert!(ledger.read(0, 10).await.unwrap().is_empty(), "an empty ledger has no entries");
    let bodies = appends(ledger).await;
    reads(ledger, &bodies).await;
    a_second_writer_conflicts(ledger).await;
    what_failed_left_nothing(ledger).await;
    rows_change_with_entries(ledger).await;
    derived_rows_are_rebuilt(ledger).await;
}

/// Batches of several sizes, so that every form of a multi-row statement is used.
async fn appends(ledger: &dyn Ledger) -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for count in [1, 2, 8, 9, 41, 75] {
        let first = bodies.len();
        bodies.extend((first..first + count).map(|n| format!("entry {n} {}", "x".repeat(n * 7)).into_bytes()));
        let batch = batch(&ledger.head().await.unwrap(), &bodies[first..]);
        let next = batch.next.clone();
        ledger.commit(batch).await.expect("a batch that follows the head is committed");
        assert_eq!(ledger.head().await.unwrap(), next, "a commit moves the head");
    }
    bodies
}

async fn reads(ledger: &dyn Ledger, bodies: &[Vec<u8>]) {
    let count = bodies.len();
    for (from, limit) in
        [(0, 1), (0, count), (0, count + 5), (7, 50), (count - 1, 2), (count, 1), (count + 9, 9), (0, 0)]
    {
        let expected = &bodies[from.min(count)..(from + limit).min(count).max(from.min(count))];
        let found = ledger.read(from as u64, limit).await.unwrap();
        assert!(found.iter().eq(expected), "entries from {from}, at most {limit}");
        let leaves = ledger.leaves(from as u64, (from + limit) as u64).await.unwrap();
        assert!(leaves.into_iter().eq(expected.iter().map(|body| leaf_hash(body))), "leaves from {from}, {limit}");
    }
    let found = ledger.read_each(&[5, 3, count as u64, 3, 0]).await.unwrap();
    let expected = [5, 3, 3, 0].map(|index| (index as u64, bodies[index].clone().into()));
    assert_eq!(found, expected, "entries one by one, in the order asked for");
}

async fn a_second_writer_conflicts(ledger: &dyn Ledger) {
    let head = ledger.head().await.unwrap();
    let (mine, theirs) = (batch(&head, ["mine"]), batch(&head, ["theirs"]));
    let late = mine.clone();
    let (first, second) = futures::join!(ledger.commit(mine), ledger.commit(theirs));
    assert!(
        matches!((&first, &second), (Ok(()), Err(CommitError::Conflict)) | (Err(CommitError::Conflict), Ok(()))),
        "one of two writers wins: {first:?} {second:?}"
    );
    assert!(matches!(ledger.commit(late).await, Err(CommitError::Conflict)), "a batch is not committed twice");
    let fork = Batch { expected: Head::default(), ..batch(&Head::default(), ["fork"]) };
    assert!(matches!(ledger.commit(fork).await, Err(CommitError::Conflict)), "nothing begins anew");
    assert_eq!(ledger.head().await.unwrap().frontier.size(), head.frontier.size() + 1, "one entry was added");
}

async fn what_failed_left_nothing(ledger: &dyn Ledger) {
    let head = ledger.head().await.unwrap();
    let mut committed = batch(&head, ["answers a request"]);
    committed.requests = vec![("twice".into(), answered(head.frontier.size()))];
    let (requests, head) = (committed.requests.clone(), committed.next.clone());
    ledger.commit(committed).await.unwrap();
    let mut again = batch(&head, ["answers the same request"]);
    again.rows = vec![("new".into(), Some(b"row".to_vec()))];
    again.requests = [("once".to_owned(), answered(1))].into_iter().chain(requests).collect();
    let refused = ledger.commit(again).await;
    assert!(matches!(refused, Err(CommitError::Answered)), "a request is not answered twice: {refused:?}");
    assert_eq!(ledger.head().await.unwrap(), head, "the head is where it was");
    assert!(ledger.read(head.frontier.size(), 1).await.unwrap().is_empty(), "the entry is not there");
    assert_eq!(ledger.rows(&["new".into()]).await.unwrap(), [None], "the row is not there");
    assert_eq!(ledger.answered(&["once".into()]).await.unwrap(), [None], "the answer is not there");
    ledger.commit(batch(&head, ["goes on"])).await.expect("the next batch is committed");
}

async fn rows_change_with_entries(ledger: &dyn Ledger) {
    let mut first = batch(&ledger.head().await.unwrap(), ["rows"]);
    first.rows = (0..50).map(|n| (format!("row/{n:02}"), Some(vec![n; 300]))).collect();
    first.requests = vec![("key".into(), answered(3))];
    let mut second = batch(&first.next, ["changed rows"]);
    second.rows = vec![
        ("row/07".into(), Some(b"changed".to_vec())),
        ("row/08".into(), None),
        ("row/99".into(), None),
        ("row/00".into(), Some(Vec::new())),
    ];
    ledger.commit(first).await.unwrap();
    ledger.commit(second).await.unwrap();
    let asked = ["row/09", "row/08", "row/07", "row/00", "none", "row/09"].map(String::from);
    let expected = [Some(vec![9; 300]), None, Some(b"changed".to_vec()), Some(Vec::new()), None, Some(vec![9; 300])];
    assert_eq!(ledger.rows(&asked).await.unwrap(), expected, "rows in the order asked for");
    let mut keys = Vec::new();
    while let Some((last, _)) = {
        let (head, page) = ledger.rows_at_head(keys.last().map(String::as_str), 20).await.unwrap();
        assert_eq!(head, ledger.head().await.unwrap(), "rows come with the head that they belong to");
        keys.extend(page.iter().map(|(key, _)| key.clone()));
        page.last().cloned()
    } {
        assert_eq!(Some(&last), keys.last(), "pages go on where the one before ended");
    }
    let expected: Vec<_> = (0..50).filter(|n| *n != 8).map(|n| format!("row/{n:02}")).collect();
    assert_eq!(keys, expected, "all rows, in the order of their keys");
    let answers = ledger.answered(&["none".into(), "key".into()]).await.unwrap();
    assert_eq!(answers, [None, Some(answered(3))], "answers in the order asked for");
}

async fn derived_rows_are_rebuilt(ledger: &dyn Ledger) {
    let head = ledger.head().await.unwrap();
    assert!(!ledger.rebuilding().await.unwrap(), "no rebuild has begun");
    ledger.clear_derived().await.unwrap();
    assert!(ledger.rebuilding().await.unwrap(), "a rebuild has begun");
    assert!(ledger.all_rows(None, 9).await.unwrap().is_empty(), "no row is left");
    assert_eq!(ledger.answered(&["key".into()]).await.unwrap(), [None], "no answer is left");
    assert_eq!(ledger.head().await.unwrap(), head, "the entries stay");
    let rows = vec![("again".into(), Some(b"there".to_vec()))];
    ledger.restore_derived(rows, vec![("key".into(), answered(4))], Vec::new()).await.unwrap();
    assert_eq!(ledger.rows(&["again".into()]).await.unwrap(), [Some(b"there".to_vec())]);
    assert_eq!(ledger.answered(&["key".into()]).await.unwrap(), [Some(answered(4))]);
    assert!(ledger.rebuilding().await.unwrap(), "it goes on");
    ledger.end_rebuild().await.unwrap();
    assert!(!ledger.rebuilding().await.unwrap(), "it has ended");
    assert_eq!(ledger.contradictions().await.unwrap(), [""; 0], "all that is stored agrees");
}

fn answered(index: u64) -> Answered {
    Answered { command: Digest::sha256(b"command"), index, count: 2 }
}
