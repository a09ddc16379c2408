//! What every [`Tiers`](engine::ports::Tiers) does.

use bytes::Bytes;
use domain::{Digest, Timestamp};
use engine::ports::{Away, Blobs, Tier};
use futures::TryStreamExt;

use super::samples;

/// Checks what is not at hand; nothing may be in the archive or in the trash.
pub async fn tiers(blobs: &dyn Blobs) {
    for (size, tier) in [(10, Tier::Archive), (300_000, Tier::Archive), (10, Tier::Trash), (300_000, Tier::Trash)] {
        there_and_back(blobs, &samples::bytes(size), tier).await;
    }
    in_two_places(blobs).await;
    lists(blobs).await;
}

async fn there_and_back(blobs: &dyn Blobs, whole: &Bytes, tier: Tier) {
    let (digest, at) = (Digest::sha256(whole), Timestamp::from_millis(1_700_000_000_123));
    assert!(!blobs.put_away(&digest, tier, at).await.unwrap(), "what is nowhere cannot be put away");
    assert!(!blobs.take_back(&digest, tier).await.unwrap(), "nor taken back");
    assert!(blobs.read_away(&digest, tier).await.unwrap().is_none(), "nor read");
    assert_eq!(
        (blobs.away(&digest, tier).await.unwrap(), blobs.verify_away(&digest, tier).await.unwrap()),
        (None, None)
    );
    blobs.put(&digest, whole.clone()).await.expect("a blob is stored");
    assert!(blobs.put_away(&digest, tier, at).await.unwrap());
    assert!(blobs.put_away(&digest, tier, at).await.unwrap(), "again, it is there already");
    assert_eq!(blobs.size(&digest).await.unwrap(), None, "it is not at hand");
    assert!(blobs.get(&digest, None).await.unwrap().is_none());
    assert!(!blobs.list(None, 1000).await.unwrap().contains(&digest));
    let size = whole.len() as u64;
    let expected = Some(Away { digest: digest.clone(), size, at });
    assert_eq!(blobs.away(&digest, tier).await.unwrap(), expected);
    assert_eq!(blobs.verify_away(&digest, tier).await.unwrap(), Some(true));
    let read = blobs.read_away(&digest, tier).await.unwrap().expect("it can be read where it lies");
    let pieces: Vec<Bytes> = read.bytes.try_collect().await.expect("its bytes");
    assert_eq!((read.size, pieces.concat()), (size, whole.to_vec()));
    assert!(blobs.take_back(&digest, tier).await.unwrap());
    assert!(blobs.take_back(&digest, tier).await.unwrap_or(true), "twice does no harm");
    assert_eq!(blobs.away(&digest, tier).await.unwrap(), None);
    assert_eq!(blobs.read(&digest, size).await.unwrap().as_ref(), Some(whole), "it is what it was");
    assert_eq!(blobs.verify(&digest).await.unwrap(), Some(true));
    blobs.delete(&digest).await.unwrap();
}

/// Somebody stores again what lies elsewhere.
async fn in_two_places(blobs: &dyn Blobs) {
    let (whole, at) = (samples::bytes(70_000), Timestamp::from_millis(5));
    let digest = Digest::sha256(&whole);
    for tier in [Tier::Archive, Tier::Trash] {
        blobs.put(&digest, whole.clone()).await.unwrap();
        blobs.put_away(&digest, tier, at).await.unwrap();
        blobs.put(&digest, whole.clone()).await.unwrap();
        assert!(blobs.take_back(&digest, tier).await.unwrap(), "it is at hand");
        assert_eq!(blobs.away(&digest, tier).await.unwrap(), None, "and nowhere else any more");
        assert_eq!(blobs.verify(&digest).await.unwrap(), Some(true));
    }
    blobs.put_away(&digest, Tier::Trash, at).await.unwrap();
    blobs.put(&digest, whole.clone()).await.unwrap();
    assert!(blobs.discard(&digest).await.unwrap(), "only the trash loses it");
    assert!(!blobs.discard(&digest).await.unwrap());
    assert_eq!(blobs.verify(&digest).await.unwrap(), Some(true));
    blobs.delete(&digest).await.unwrap();
}

async fn lists(blobs: &dyn Blobs) {
    let mut digests = Vec::new();
    for number in 0..5_u8 {
        let digest = Digest::sha256(&[number]);
        blobs.put(&digest, Bytes::copy_from_slice(&[number])).await.unwrap();
        blobs.put_away(&digest, Tier::Trash, Timestamp::from_millis(i64::from(number))).await.unwrap();
        digests.push(digest);
    }
    digests.sort();
    let listed = async |after: Option<&Digest>, limit| {
        let page = blobs.list_away(Tier::Trash, after, limit).await.unwrap();
        page.into_iter().map(|away| away.digest).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 9).await, digests);
    assert_eq!(listed(None, 2).await, digests[..2]);
    assert_eq!(listed(Some(&digests[1]), 2).await, digests[2..4]);
    assert_eq!(listed(Some(&digests[4]), 2).await, []);
    assert_eq!(blobs.list_away(Tier::Archive, None, 9).await.unwrap(), []);
    for digest in digests {
        assert!(blobs.discard(&digest).await.unwrap());
    }
}
