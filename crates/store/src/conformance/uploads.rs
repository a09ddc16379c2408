//! What every [`Blobs`] does with uploads.

use bytes::Bytes;
use domain::{Algorithm, Digest};
use engine::ports::{Blobs, Trouble, UploadError, UploadId};
use futures::StreamExt;

use super::{
    blobs::read_all,
    samples::{bytes, pieces},
};

const PLENTY: u64 = 1 << 30;

/// Checks uploads.
pub(super) async fn uploads(blobs: &dyn Blobs) {
    in_pieces(blobs).await;
    out_of_order(blobs).await;
    interrupted(blobs).await;
    of_other_bytes(blobs).await;
    cancelled(blobs).await;
    of_somebody_else(blobs).await;
    stalled(blobs).await;
    of_the_same(blobs).await;
}

async fn in_pieces(blobs: &dyn Blobs) {
    let whole = bytes(900_001);
    let (short, long) = (Digest::sha256(&whole), Digest::sha512(&whole));
    for (algorithm, digest) in [
        (Algorithm::Sha256, &short),
        (Algorithm::Sha256, &long),
        (Algorithm::Sha512, &long),
        (Algorithm::Sha512, &short),
    ] {
        let id = blobs.begin_upload("somebody", algorithm).await.unwrap();
        assert_eq!(blobs.upload_offset(&id).await.unwrap(), 0);
        let mut offset = 0;
        for end in [0, 1, 300_000, 900_001] {
            let part = whole.slice(offset as usize..end as usize);
            offset = blobs.append(&id, offset, pieces(&part, 70_001), PLENTY).await.expect("it goes on");
            assert_eq!((offset, blobs.upload_offset(&id).await.unwrap()), (end, end));
            assert_eq!(blobs.size(digest).await.unwrap(), None, "nothing is visible before the end");
        }
        assert_eq!(blobs.finish_upload(&id, digest).await.unwrap(), 900_001, "{algorithm} for `{digest}`");
        assert_eq!(read_all(blobs, digest, None).await.unwrap().as_ref(), Some(&whole));
        let over = blobs.finish_upload(&id, digest).await;
        assert!(matches!(over, Err(UploadError::Unknown(_))), "it is over: {over:?}");
        is_gone(blobs, &id).await;
        assert!(blobs.delete(digest).await.unwrap(), "the next one begins from nothing");
    }
}

async fn out_of_order(blobs: &dyn Blobs) {
    let id = blobs.begin_upload("somebody", Algorithm::Sha256).await.unwrap();
    blobs.append(&id, 0, pieces(&bytes(100), 100), PLENTY).await.unwrap();
    for begins_at in [0, 99, 101] {
        let refused = blobs.append(&id, begins_at, pieces(&bytes(5), 5), PLENTY).await;
        let expected =
            matches!(refused, Err(UploadError::OutOfOrder { stands_at: 100, begins_at: b }) if b == begins_at);
        assert!(expected, "from {begins_at}: {refused:?}");
    }
    let part = bytes(50);
    let (one, two) = futures::join!(
        blobs.append(&id, 100, pieces(&part, 10), PLENTY),
        blobs.append(&id, 100, pieces(&part, 10), PLENTY)
    );
    let alone = matches!(
        (&one, &two),
        (Ok(150), Err(UploadError::OutOfOrder { .. })) | (Err(UploadError::OutOfOrder { .. }), Ok(150))
    );
    assert!(alone, "only one of two continues: {one:?} {two:?}");
    blobs.cancel_upload(&id).await.unwrap();
}

async fn interrupted(blobs: &dyn Blobs) {
    let whole = bytes(1_000);
    let id = blobs.begin_upload("somebody", Algorithm::Sha256).await.unwrap();
    let broken = futures::stream::iter([Err(Trouble::new("read from the client", "it is gone"))]);
    let client = pieces(&whole.slice(..600), 100).chain(broken).boxed();
    let refused = blobs.append(&id, 0, client, PLENTY).await;
    assert!(matches!(refused, Err(UploadError::Interrupted(_))), "{refused:?}");
    assert_eq!(blobs.upload_offset(&id).await.unwrap(), 600, "what came is kept");
    let refused = blobs.append(&id, 600, pieces(&whole.slice(600..), 100), 399).await;
    assert!(matches!(refused, Err(UploadError::Interrupted(_))), "more than allowed: {refused:?}");
    let offset = blobs.upload_offset(&id).await.unwrap();
    assert!((600..1_000).contains(&offset), "no more than allowed: {offset}");
    let rest = pieces(&whole.slice(offset as usize..), 100);
    blobs.append(&id, offset, rest, 1_000 - offset).await.expect("exactly as much as allowed");
    let digest = Digest::sha256(&whole);
    blobs.finish_upload(&id, &digest).await.unwrap();
    assert_eq!(read_all(blobs, &digest, None).await.unwrap(), Some(whole));
}

async fn of_other_bytes(blobs: &dyn Blobs) {
    let id = blobs.begin_upload("somebody", Algorithm::Sha256).await.unwrap();
    blobs.append(&id, 0, pieces(&Bytes::from_static(b"these"), 2), PLENTY).await.unwrap();
    let (claimed, actual) = (Digest::sha256(b"those"), Digest::sha256(b"these"));
    match blobs.finish_upload(&id, &claimed).await {
        Err(UploadError::DigestMismatch { claimed: c, actual: a }) => {
            assert_eq!((c, a), (claimed.clone(), actual.clone()))
        }
        other => panic!("other bytes are refused: {other:?}"),
    }
    assert_eq!((blobs.size(&claimed).await.unwrap(), blobs.size(&actual).await.unwrap()), (None, None));
    is_gone(blobs, &id).await;
}

async fn cancelled(blobs: &dyn Blobs) {
    let id = blobs.begin_upload("somebody", Algorithm::Sha256).await.unwrap();
    blobs.append(&id, 0, pieces(&bytes(10), 3), PLENTY).await.unwrap();
    blobs.cancel_upload(&id).await.unwrap();
    is_gone(blobs, &id).await;
    assert!(matches!(blobs.cancel_upload(&id).await, Err(UploadError::Unknown(_))));
    is_gone(blobs, &UploadId::new([7; 16], "somebody")).await;
}

async fn of_somebody_else(blobs: &dyn Blobs) {
    let id = blobs.begin_upload("somebody", Algorithm::Sha256).await.unwrap();
    assert_eq!(UploadId::named(id.name(), "somebody").unwrap(), id, "its owner finds it by its name");
    is_gone(blobs, &UploadId::named(id.name(), "somebody else").unwrap()).await;
    blobs.cancel_upload(&id).await.unwrap();
}

/// A client whose connection died without a word comes back; what it sends now must not wait for what will never come.
async fn stalled(blobs: &dyn Blobs) {
    let whole = bytes(30);
    let id = blobs.begin_upload("somebody", Algorithm::Sha256).await.unwrap();
    let silent = pieces(&whole.slice(..10), 10).chain(futures::stream::pending()).boxed();
    let mut dead = Box::pin(blobs.append(&id, 0, silent, PLENTY));
    assert!(futures::poll!(&mut dead).is_pending());
    let resumed = async {
        let offset = blobs.upload_offset(&id).await.unwrap();
        assert_eq!(offset, 10);
        blobs.append(&id, offset, pieces(&whole.slice(10..), 10), PLENTY).await.expect("it goes on");
        blobs.finish_upload(&id, &Digest::sha256(&whole)).await
    };
    tokio::select! {
        finished = resumed => assert_eq!(finished.unwrap(), 30),
        size = async { drop((&mut dead).await); std::future::pending::<u64>().await } => unreachable!("{size}"),
    }
}

async fn of_the_same(blobs: &dyn Blobs) {
    let whole = bytes(123_456);
    let digest = Digest::sha256(&whole);
    let upload = async || {
        let id = blobs.begin_upload("somebody", Algorithm::Sha256).await?;
        blobs.append(&id, 0, pieces(&whole, 50_000), PLENTY).await?;
        blobs.finish_upload(&id, &digest).await
    };
    let sizes = futures::future::try_join_all((0..8).map(|_| upload())).await.expect("each of them succeeds");
    assert_eq!(sizes, [123_456; 8]);
    assert_eq!(read_all(blobs, &digest, None).await.unwrap(), Some(whole.clone()));
}

async fn is_gone(blobs: &dyn Blobs, id: &UploadId) {
    let offset = blobs.upload_offset(id).await;
    assert!(matches!(offset, Err(UploadError::Unknown(_))), "there is no such upload: {offset:?}");
    let appended = blobs.append(id, 0, pieces(&bytes(1), 1), PLENTY).await;
    assert!(matches!(appended, Err(UploadError::Unknown(_))), "nothing can be added: {appended:?}");
}
