//! What every [`Blobs`] does.

use bytes::{Bytes, BytesMut};
use domain::Digest;
use engine::ports::{BlobRange, Blobs, Trouble, UploadError};
use futures::TryStreamExt;

use super::{samples::bytes, uploads};

/// Sizes around the borders that adapters may have: empty, small, chunks of 64 and 256 KiB.
const SIZES: [usize; 9] = [0, 1, 65_535, 65_536, 65_537, 262_143, 262_144, 262_145, 700_000];

/// Checks blobs, of which there must be none.
pub async fn blobs(blobs: &dyn Blobs) {
    let none = Digest::sha256(b"none");
    assert_eq!(blobs.size(&none).await.unwrap(), None);
    assert!(blobs.get(&none, None).await.unwrap().is_none());
    assert_eq!(blobs.read(&none, 9).await.unwrap(), None);
    assert_eq!(blobs.verify(&none).await.unwrap(), None);
    assert!(!blobs.delete(&none).await.unwrap());
    for size in SIZES {
        what_is_put_is_read(blobs, &bytes(size)).await;
    }
    let wrong = blobs.put(&none, Bytes::from_static(b"some")).await;
    assert!(matches!(wrong, Err(UploadError::DigestMismatch { .. })), "other bytes are refused: {wrong:?}");
    assert_eq!(blobs.size(&none).await.unwrap(), None, "and not stored");
    many_put_the_same(blobs).await;
    lists(blobs).await;
    uploads::uploads(blobs).await;
}

async fn what_is_put_is_read(blobs: &dyn Blobs, whole: &Bytes) {
    let size = whole.len() as u64;
    for digest in [Digest::sha256(whole), Digest::sha512(whole)] {
        blobs.put(&digest, whole.clone()).await.expect("a blob is stored");
        blobs.put(&digest, whole.clone()).await.expect("and again");
        assert_eq!(blobs.size(&digest).await.unwrap(), Some(size));
        assert_eq!(read_all(blobs, &digest, None).await.unwrap().as_ref(), Some(whole), "{size} bytes");
        assert_eq!(blobs.read(&digest, size).await.unwrap().as_ref(), Some(whole), "{size} bytes at once");
        assert_eq!(blobs.verify(&digest).await.unwrap(), Some(true), "{size} bytes are what they should be");
        if size > 0 {
            assert!(blobs.read(&digest, size - 1).await.is_err(), "more than the limit is refused");
        }
        for (first, last) in
            [(0, 0), (0, size / 2), (size / 3, size / 2), (size.saturating_sub(1), size.saturating_sub(1))]
        {
            if last < size {
                let expected = whole.slice(first as usize..=last as usize);
                let found = read_all(blobs, &digest, Some(first..=last)).await.unwrap();
                assert_eq!(found, Some(expected), "bytes {first} to {last} of {size}");
            }
        }
    }
}

async fn many_put_the_same(blobs: &dyn Blobs) {
    for size in [300, 300_000] {
        let whole = bytes(size);
        let digest = Digest::sha256(&whole);
        let puts = (0..16).map(|_| blobs.put(&digest, whole.clone()));
        futures::future::try_join_all(puts).await.expect("each of them succeeds");
        assert_eq!(read_all(blobs, &digest, None).await.unwrap(), Some(whole));
        assert!(blobs.delete(&digest).await.unwrap() && !blobs.delete(&digest).await.unwrap(), "it goes once");
        assert_eq!(blobs.size(&digest).await.unwrap(), None);
    }
}

async fn lists(blobs: &dyn Blobs) {
    let mut expected: Vec<_> = SIZES.map(bytes).iter().flat_map(|b| [Digest::sha256(b), Digest::sha512(b)]).collect();
    expected.sort();
    let mut found: Vec<Digest> = Vec::new();
    loop {
        let page = blobs.list(found.last(), 4).await.unwrap();
        assert!(page.len() <= 4, "a page is no longer than asked for");
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, expected, "all digests in their order, page by page");
}

/// Everything that a blob gives.
pub(crate) async fn read_all(
    blobs: &dyn Blobs,
    digest: &Digest,
    range: Option<BlobRange>,
) -> Result<Option<Bytes>, Trouble> {
    let Some(blob) = blobs.get(digest, range).await? else { return Ok(None) };
    let all: BytesMut = blob.bytes.try_collect::<Vec<Bytes>>().await?.concat().as_slice().into();
    Ok(Some(all.freeze()))
}
