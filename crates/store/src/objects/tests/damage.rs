//! Objects that somebody or something changed: never served.

use bytes::Bytes;
use domain::Digest;
use engine::ports::{Blobs, Trouble};
use futures::TryStreamExt;

use super::Replicas;
use crate::{
    conformance::bytes,
    objects::{Objects, blob, named},
};

async fn read(objects: &Objects, digest: &Digest, range: std::ops::RangeInclusive<u64>) -> Result<Bytes, Trouble> {
    let blob = objects.get(digest, Some(range)).await?.expect("it is there");
    let pieces: Vec<Bytes> = blob.bytes.try_collect().await?;
    Ok(pieces.concat().into())
}

/// A blob with another byte at `at`.
fn flipped(whole: &Bytes, at: usize) -> Bytes {
    let mut bytes = whole.to_vec();
    bytes[at] ^= 1;
    bytes.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_changed_byte_is_served() {
    let replicas = Replicas::new();
    let whole = bytes(600_000);
    let digest = Digest::sha256(&whole);
    let last = whole.len() as u64 - 1;
    // Which bytes are changed, and which can still be had.
    for (what, stored, sound) in [
        ("a byte of the second chunk", flipped(&whole, 300_000), Some(0..=262_143)),
        ("the last byte", flipped(&whole, 599_999), Some(0..=524_287)),
        ("a byte less", whole.slice(..599_999), None),
        ("a byte more", [&whole[..], b"x"].concat().into(), None),
        ("nothing", Bytes::new(), None),
    ] {
        for know_sums in [true, false] {
            let objects = replicas.start();
            objects.put(&digest, whole.clone()).await.expect("it is stored");
            if know_sums {
                read(&objects, &digest, 0..=last).await.expect("it is sound");
            }
            objects.bucket.put(&blob(&digest), stored.clone()).await.expect("it is spoiled");
            assert!(read(&objects, &digest, 0..=last).await.is_err(), "{what}");
            assert!(read(&objects, &digest, 599_000..=last).await.is_err() || what.starts_with("a byte of"), "{what}");
            assert!(objects.read(&digest, 1 << 20).await.is_err(), "{what}");
            assert_eq!(objects.verify(&digest).await.expect("an answer"), Some(false), "{what}");
            if let Some(sound) = &sound {
                let part = read(&objects, &digest, sound.clone()).await.expect("what is sound is served");
                assert!(part == whole.slice(*sound.start() as usize..=*sound.end() as usize), "{what}");
            }
            // Storing it again heals it.
            objects.put(&digest, whole.clone()).await.expect("it is stored again");
            assert!(read(&objects, &digest, 0..=last).await.expect("it is sound") == whole);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_derived() {
    let replicas = Replicas::new();
    let whole = bytes(600_000);
    let digest = Digest::sha256(&whole);
    replicas.start().put(&digest, whole.clone()).await.expect("it is stored");
    let sums = named("sums", &digest);
    let kept = replicas.start().bucket.whole(&sums).await.expect("an answer").expect("sums");
    for spoiled in [None, Some(Bytes::new()), Some(flipped(&kept, 30))] {
        let objects = replicas.start();
        match spoiled {
            Some(spoiled) => objects.bucket.put(&sums, spoiled).await.expect("they are spoiled"),
            None => objects.bucket.delete(&sums).await.expect("they are lost"),
        }
        assert!(read(&objects, &digest, 1..=400_000).await.expect("it is sound") == whole.slice(1..=400_000));
        let again = objects.bucket.whole(&sums).await.expect("an answer");
        assert_eq!(again, Some(kept.clone()), "they are taken anew, from bytes that have the digest");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_is_set_aside() {
    let replicas = Replicas::new();
    let objects = replicas.start();
    let whole = bytes(100_000);
    let digest = Digest::sha256(&whole);
    assert!(!objects.set_aside(&digest).await.expect("an answer"), "there is none");
    objects.put(&digest, whole.clone()).await.expect("it is stored");
    objects.bucket.put(&blob(&digest), flipped(&whole, 9)).await.expect("it is spoiled");
    assert!(objects.set_aside(&digest).await.expect("it is set aside"));
    assert_eq!(objects.size(&digest).await.expect("an answer"), None);
    let aside = objects.bucket.whole(&format!("damaged/{}", digest.hex())).await.expect("an answer");
    assert_eq!(aside, Some(flipped(&whole, 9)), "its bytes are kept for whoever wants to look at them");
}
