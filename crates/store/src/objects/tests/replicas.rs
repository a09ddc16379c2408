//! Uploads that more than one replica works on.

use std::time::Duration;

use bytes::Bytes;
use domain::{Algorithm, Digest};
use engine::ports::{Blobs, ByteStream, Trouble, UploadError};
use futures::{StreamExt, TryStreamExt};
use services::ObjectServer;

use super::{Replicas, place};
use crate::{
    conformance::{bytes, pieces},
    objects::{BLOB_BYTES_MAX, Objects, PART},
};

const PLENTY: u64 = u64::MAX;

async fn read_all(objects: &Objects, digest: &Digest) -> Bytes {
    let blob = objects.get(digest, None).await.expect("it is readable").expect("it is there");
    let pieces: Vec<Bytes> = blob.bytes.try_collect().await.expect("all of it is sound");
    pieces.concat().into()
}

/// How many objects of uploads there are.
async fn leftovers(objects: &Objects) -> usize {
    objects.bucket.list("uploads", None).count().await
}

/// A client that sends these bytes and then nothing more.
fn silent(bytes: &Bytes) -> ByteStream {
    pieces(bytes, 1 << 20).chain(futures::stream::pending()).boxed()
}

/// Has somebody begin, who is lost in the middle of it; what they had written down by then.
async fn lost_replica(replicas: &Replicas, id: &engine::ports::UploadId, bytes: &Bytes) -> u64 {
    let lost = replicas.start();
    let mut append = Box::pin(lost.append(id, 0, silent(bytes), PLENTY));
    loop {
        tokio::select! {
            over = &mut append => panic!("the client is silent: {over:?}"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        let stands_at = replicas.start().upload_offset(id).await.expect("another replica knows");
        if stands_at == bytes.len() as u64 {
            return stands_at;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_at_another_replica() {
    let replicas = Replicas::new();
    let whole = bytes(2 * PART + 1_234_567);
    let (short, long) = (Digest::sha256(&whole), Digest::sha512(&whole));
    // The second digest is one that the upload was not begun with.
    for (digest, cuts) in [(short, [PART + 300_000, PART + 300_001, 2 * PART]), (long, [3, PART, PART + 1])] {
        let id = replicas.start().begin_upload("somebody", Algorithm::Sha256).await.expect("it begins");
        let mut offset = 0;
        for end in cuts.into_iter().chain([whole.len()]) {
            let part = whole.slice(offset as usize..end);
            let replica = replicas.start();
            offset = replica.append(&id, offset, pieces(&part, 700_001), PLENTY).await.expect("it goes on");
            assert_eq!(offset, end as u64);
            assert_eq!(replica.upload_offset(&id).await.expect("it is known"), offset);
            assert_eq!(replica.size(&digest).await.expect("an answer"), None, "nothing is visible before the end");
        }
        let replica = replicas.start();
        assert_eq!(replica.finish_upload(&id, &digest).await.expect("it ends"), whole.len() as u64);
        assert!(read_all(&replicas.start(), &digest).await == whole, "`{digest}`");
        assert_eq!(replica.verify(&digest).await.expect("an answer"), Some(true));
        assert_eq!(leftovers(&replica).await, 0, "nothing is left behind");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_replica_wrote_down_is_kept() {
    let replicas = Replicas::new();
    let whole = bytes(PART + PART / 2);
    let digest = Digest::sha256(&whole);
    let id = replicas.start().begin_upload("somebody", Algorithm::Sha256).await.expect("it begins");
    let begun = whole.slice(..PART + 100);
    let offset = lost_replica(&replicas, &id, &begun).await;
    let replica = replicas.start();
    let rest = whole.slice(offset as usize..);
    replica.append(&id, offset, pieces(&rest, 1 << 20), PLENTY).await.expect("another one goes on");
    let session = replica.load(&id).await.expect("it is known").session;
    assert!(session.writing, "nobody has said that the lost replica puts no part any more");
    replica.finish_upload(&id, &digest).await.expect("it ends");
    assert!(read_all(&replica, &digest).await == whole);
    assert_eq!(leftovers(&replica).await, 0);
}

/// Two replicas take the same bytes, or others, at the same place: one wins, and what the other did counts for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_cannot_spoil_an_upload() {
    let replicas = Replicas::new();
    for (length, before) in [(1_000, 0), (PART + 9, 0), (PART + 9, 77), (2 * PART, PART)] {
        let (one, two) = (replicas.start(), replicas.start());
        let id = one.begin_upload("somebody", Algorithm::Sha256).await.expect("it begins");
        let start = bytes(before);
        one.append(&id, 0, pieces(&start, 1 << 20), PLENTY).await.expect("the beginning");
        let (left, right) = (bytes(length), bytes(length + 1));
        let offset = before as u64;
        let (first, second) = tokio::join!(
            one.append(&id, offset, pieces(&left, 100_000), PLENTY),
            two.append(&id, offset, pieces(&right, 100_000), PLENTY)
        );
        let won: Vec<_> = [(first, &left), (second, &right)]
            .into_iter()
            .filter_map(|(result, bytes)| match result {
                Ok(size) => Some((size, bytes)),
                Err(UploadError::OutOfOrder { .. } | UploadError::Interrupted(_)) => None,
                Err(other) => panic!("a late replica is told so: {other:?}"),
            })
            .collect();
        assert!(won.len() <= 1, "at most one of two goes on: {won:?}");
        // Where both were late, because each took the other's place, the client goes on from what stands.
        let stands_at = two.upload_offset(&id).await.expect("it is known") as usize;
        let Some((size, bytes)) = won.first() else {
            assert!(stands_at < before + length);
            one.cancel_upload(&id).await.expect("it is cancelled");
            continue;
        };
        assert_eq!(*size as usize, stands_at, "what was acknowledged stands");
        let all: Bytes = [&start[..], &bytes[..]].concat().into();
        let digest = Digest::sha256(&all);
        match two.finish_upload(&id, &digest).await {
            Ok(_) => assert!(read_all(&one, &digest).await == all, "{length} after {before}"),
            // A part of the other one took the place of ours: that is found, and nothing is stored.
            Err(UploadError::Trouble(_)) => assert_eq!(one.size(&digest).await.expect("an answer"), None),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_parts_make_no_blob() {
    let replicas = Replicas::new();
    let whole = bytes(PART + 5);
    let digest = Digest::sha256(&whole);
    let replica = replicas.start();
    let id = replica.begin_upload("somebody", Algorithm::Sha256).await.expect("it begins");
    lost_replica(&replicas, &id, &whole).await;
    // What a part of the lost replica that arrived after all would have made of it.
    let mut writing = super::super::upload::Writing::new(&replica, replica.load(&id).await.expect("it is known"));
    assert!(writing.held.session.writing, "nobody has said that the lost replica puts no part any more");
    writing.held.session.finishing = true;
    writing.advance(None).await.expect("its end begins");
    let mixed: Bytes = [&whole[1..], &whole[..1]].concat().into();
    replica.bucket.put(&super::super::upload::whole(&id), mixed).await.expect("it is put together");
    let finished = replica.finish_upload(&id, &digest).await;
    assert!(matches!(finished, Err(UploadError::Trouble(_))), "{finished:?}");
    assert_eq!(replica.size(&digest).await.expect("an answer"), None, "nothing is visible under the digest");
}

#[tokio::test(flavor = "multi_thread")]
async fn finishing_goes_on_where_it_failed() {
    let replicas = Replicas::new();
    let whole = bytes(PART + 5);
    let digest = Digest::sha256(&whole);
    let replica = replicas.start();
    let id = replica.begin_upload("somebody", Algorithm::Sha256).await.expect("it begins");
    replica.append(&id, 0, pieces(&whole, 1 << 20), PLENTY).await.expect("all bytes");
    // As far as whoever was lost between the copy and forgetting the session has come.
    let mut writing = super::super::upload::Writing::new(&replica, replica.load(&id).await.expect("it is known"));
    let rest = writing.load().await.expect("the tail").bytes.clone().freeze();
    writing.held.session.finishing = true;
    writing.advance(None).await.expect("its end begins");
    let late = replicas.start().append(&id, whole.len() as u64, pieces(&bytes(1), 1), PLENTY).await;
    assert!(matches!(late, Err(UploadError::Interrupted(_))), "it takes no more bytes: {late:?}");
    assert!(replica.put_together(&mut writing, rest, false).await.is_ok());
    assert_eq!(replicas.start().finish_upload(&id, &digest).await.expect("it ends"), whole.len() as u64);
    assert!(read_all(&replica, &digest).await == whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_touches_is_collected() {
    let replicas = Replicas::new();
    let replica = replicas.start();
    let large = replica.begin_upload("somebody", Algorithm::Sha256).await.expect("it begins");
    replica.append(&large, 0, pieces(&bytes(PART + 5), 1 << 20), PLENTY).await.expect("a part and a tail");
    let small = replica.begin_upload("somebody", Algorithm::Sha512).await.expect("it begins");
    replica.append(&small, 0, pieces(&bytes(5), 5), PLENTY).await.expect("a tail");
    let multipart = replica.load(&large).await.expect("it is known").session.multipart.expect("there are parts");
    replica.bucket.put(&format!("uploads/{}/left", "ab".repeat(32)), bytes(3)).await.expect("a leftover");
    assert_eq!(leftovers(&replica).await, 3);
    assert_eq!(replica.collect_uploads(Duration::from_secs(3_600)).await.expect("a count"), 0, "none is old");
    assert_eq!(leftovers(&replica).await, 3);
    // The storage dates objects in whole seconds.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(replica.collect_uploads(Duration::ZERO).await.expect("a count"), 2);
    assert_eq!(leftovers(&replica).await, 0);
    let part = replica.bucket.put_part(&super::super::upload::whole(&large), &multipart, 0, bytes(5)).await;
    assert!(part.is_err(), "the multipart upload is gone, too");
    for id in [large, small] {
        assert!(matches!(replica.upload_offset(&id).await, Err(UploadError::Unknown(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_dies_loses_nothing_that_was_acknowledged() {
    let mut server = ObjectServer::start();
    let replicas = Replicas::at(place(&server, &server.new_place()));
    let replica = replicas.start();
    let whole = bytes(PART + 2_000_000);
    let digest = Digest::sha256(&whole);
    let id = replica.begin_upload("somebody", Algorithm::Sha256).await.expect("it begins");
    let half = whole.slice(..PART + 1_000_000);
    let offset = replica.append(&id, 0, pieces(&half, 1 << 20), PLENTY).await.expect("the first half");
    server.kill();
    let rest = whole.slice(half.len()..);
    let refused: Trouble = match replica.append(&id, offset, pieces(&rest, 1 << 20), PLENTY).await {
        Err(UploadError::Trouble(trouble)) => trouble,
        other => panic!("nothing can be stored: {other:?}"),
    };
    let said = refused.to_string();
    assert!(said.contains("whether the storage is up") && said.contains("127.0.0.1"), "{said}");
    assert!(!said.contains("only-for-tests"), "no secret is said: {said}");
    assert!(replica.size(&digest).await.is_err(), "and nobody is told that it is not there");
    server.restart();
    assert_eq!(replica.upload_offset(&id).await.expect("it is known"), offset);
    replica.append(&id, offset, pieces(&rest, 1 << 20), PLENTY).await.expect("it goes on");
    replica.finish_upload(&id, &digest).await.expect("it ends");
    assert!(read_all(&replica, &digest).await == whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_upload_is_larger_than_the_storage_takes() {
    let replicas = Replicas::new();
    let replica = replicas.start();
    let id = replica.begin_upload("somebody", Algorithm::Sha256).await.expect("it begins");
    let mut held = replica.load(&id).await.expect("it is known");
    held.session.size = BLOB_BYTES_MAX;
    assert!(
        replica
            .sessions
            .advance(&id, held.version, held.session.encode(), None, super::super::upload::now())
            .await
            .expect("it is written")
    );
    let refused = replica.append(&id, BLOB_BYTES_MAX, pieces(&bytes(1), 1), PLENTY).await;
    assert!(matches!(&refused, Err(UploadError::Interrupted(why)) if why.contains("more than 0 bytes")), "{refused:?}");
}
