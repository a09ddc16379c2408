//! The directory passes the suite; it survives restarts, and serves no damage.

use std::{fs, path::PathBuf, time::Duration};

use bytes::Bytes;
use domain::{Algorithm, Digest};
use engine::ports::{Blobs, UploadError, UploadId};
use futures::StreamExt;
use tempfile::TempDir;

use super::{CHUNK, Directory};
use crate::conformance::{self, bytes, pieces};

const PLENTY: u64 = 1 << 30;

fn opened() -> (Directory, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    (Directory::open(folder.path()).expect("a directory"), folder)
}

fn reopened(folder: &TempDir) -> Directory {
    Directory::open(folder.path()).expect("a directory")
}

/// The pieces that a blob gives until it ends or fails, and whether it failed.
async fn served(directory: &Directory, digest: &Digest, range: Option<(u64, u64)>) -> (Vec<u8>, bool) {
    let Ok(found) = directory.get(digest, range.map(|(first, last)| first..=last)).await else {
        return (Vec::new(), true);
    };
    let mut stream = found.expect("a blob").bytes;
    let mut all = Vec::new();
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => all.extend_from_slice(&piece),
            Err(_) => return (all, true),
        }
    }
    (all, false)
}

async fn stored(directory: &Directory, size: usize) -> (Digest, Bytes, PathBuf) {
    let whole = bytes(size);
    let digest = Digest::sha256(&whole);
    directory.put(&digest, whole.clone()).await.expect("a blob is stored");
    let path = directory.path("blobs", &digest);
    (digest, whole, path)
}

fn flip(path: &PathBuf, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 0x10;
    fs::write(path, bytes).expect("a damaged file");
}

#[tokio::test]
async fn it_conforms() {
    let (directory, folder) = opened();
    conformance::blobs(&directory).await;
    conformance::tiers(&directory).await;
    let left: Vec<_> = fs::read_dir(folder.path().join("uploads")).expect("the folder").collect();
    assert!(left.is_empty(), "nothing is left behind: {left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_where_tasks_move() {
    conformance::blobs(&opened().0).await;
}

#[tokio::test]
async fn a_flipped_bit_is_never_served() {
    for size in [1, 500, 65_536, 65_537, CHUNK, 3 * CHUNK + 17] {
        for (at, again) in [(0, false), (size / 2, false), (size - 1, false), (size - 1, true)] {
            let (mut directory, folder) = opened();
            let (digest, whole, path) = stored(&directory, size).await;
            flip(&path, at);
            if again {
                directory = reopened(&folder);
            }
            let (found, failed) = served(&directory, &digest, None).await;
            assert!(failed && whole.starts_with(&found), "{size} bytes, flipped at {at}");
            assert!(found.len() <= at, "nothing of the damaged chunk of {size} bytes, flipped at {at}");
            let (found, failed) = served(&directory, &digest, Some((at as u64, at as u64))).await;
            assert!(failed && found.is_empty(), "not even one byte of {size}, flipped at {at}");
            assert!(directory.read(&digest, PLENTY).await.is_err());
            assert_eq!(directory.verify(&digest).await.expect("it can be read"), Some(false));
            directory.put(&digest, whole.clone()).await.expect("it is stored again");
            assert_eq!(served(&directory, &digest, None).await, (whole.to_vec(), false), "and healed");
        }
    }
}

#[tokio::test]
async fn other_chunks_of_a_damaged_blob_can_be_read() {
    let (directory, _folder) = opened();
    let (digest, whole, path) = stored(&directory, 3 * CHUNK).await;
    flip(&path, CHUNK + 5);
    let (first, last) = (2 * CHUNK as u64 + 9, 2 * CHUNK as u64 + 20);
    let expected = whole[first as usize..=last as usize].to_vec();
    assert_eq!(served(&directory, &digest, Some((first, last))).await, (expected, false));
}

#[tokio::test]
async fn a_file_of_another_length_is_never_served() {
    for length in [0, 9, 65_000, CHUNK, 2 * CHUNK, 2 * CHUNK + 2, 5 * CHUNK] {
        let (directory, _folder) = opened();
        let (digest, whole, path) = stored(&directory, 2 * CHUNK + 1).await;
        let file = fs::File::options().write(true).open(&path).expect("the blob");
        file.set_len(length as u64).expect("another length");
        let (found, failed) = served(&directory, &digest, None).await;
        assert!(failed && whole.starts_with(&found), "{length} bytes");
    }
}

#[tokio::test]
async fn sums_that_are_lost_or_damaged_are_taken_anew() {
    for spoil in [
        |path: &PathBuf| fs::remove_file(path).expect("removed"),
        |path: &PathBuf| flip(path, 20),
        |path: &PathBuf| flip(path, 9),
        |path: &PathBuf| fs::write(path, b"").expect("emptied"),
    ] {
        let (directory, folder) = opened();
        let (digest, whole, blob) = stored(&directory, 2 * CHUNK + 1).await;
        let path = directory.path("sums", &digest);
        let sums = fs::read(&path).expect("the sums");
        spoil(&path);
        let directory = reopened(&folder);
        assert_eq!(served(&directory, &digest, None).await, (whole.to_vec(), false));
        assert_eq!(fs::read(&path).expect("the sums"), sums, "they are written again");
        spoil(&path);
        flip(&blob, CHUNK);
        let (found, failed) = served(&reopened(&folder), &digest, None).await;
        assert!(failed && found.is_empty(), "sums are taken of nothing but the right bytes");
    }
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let (mut directory, folder) = opened();
    let whole = bytes(2 * CHUNK + 5);
    let digest = Digest::sha256(&whole);
    let id = directory.begin_upload("somebody", Algorithm::Sha256).await.expect("an upload");
    let mut offset = 0;
    for end in [10, CHUNK + 1, CHUNK + 2, whole.len()] {
        directory = reopened(&folder);
        let part = whole.slice(offset as usize..end);
        offset = directory.append(&id, offset, pieces(&part, 1_000), PLENTY).await.expect("it goes on");
        assert_eq!(reopened(&folder).upload_offset(&id).await.expect("an offset"), end as u64);
    }
    let directory = reopened(&folder);
    directory.finish_upload(&id, &digest).await.expect("a blob");
    assert!(directory.path("sums", &digest).exists());
    assert_eq!(served(&directory, &digest, None).await, (whole.to_vec(), false));
}

/// A write that was torn leaves a file that is longer than what is known of it. It must not become part of a blob unseen.
#[tokio::test]
async fn a_file_that_changed_underneath_is_hashed_anew() {
    let (directory, _folder) = opened();
    let id = directory.begin_upload("somebody", Algorithm::Sha256).await.expect("an upload");
    directory.append(&id, 0, pieces(&bytes(100), 100), PLENTY).await.expect("it begins");
    let path = directory.upload_path(&id);
    let torn = [&fs::read(&path).expect("the file")[..], b"torn"].concat();
    fs::write(&path, &torn).expect("a longer file");
    let refused = directory.append(&id, 100, pieces(&bytes(3), 3), PLENTY).await;
    assert!(matches!(refused, Err(UploadError::OutOfOrder { stands_at: 104, .. })), "{refused:?}");
    directory.finish_upload(&id, &Digest::sha256(&torn)).await.expect("it has these bytes");
}

#[tokio::test]
async fn nobody_waits_for_a_client_that_is_gone() {
    let (directory, _folder) = opened();
    let id = directory.begin_upload("somebody", Algorithm::Sha256).await.expect("an upload");
    let stalled = pieces(&bytes(10), 10).chain(futures::stream::pending()).boxed();
    let mut append = Box::pin(directory.append(&id, 0, stalled, PLENTY));
    assert!(futures::poll!(&mut append).is_pending());
    assert_eq!(directory.upload_offset(&id).await.expect("an offset"), 10);
    let refused = directory.append(&id, 0, pieces(&bytes(1), 1), PLENTY).await;
    assert!(matches!(refused, Err(UploadError::OutOfOrder { stands_at: 10, .. })), "{refused:?}");
    assert_eq!(directory.collect_uploads(Duration::ZERO).await.expect("a count"), 0, "somebody is at work on it");
    drop(append);
    let goes_on = directory.append(&id, 10, pieces(&bytes(1), 1), PLENTY).await;
    assert_eq!(goes_on.expect("the upload goes on"), 11);
}

#[tokio::test]
async fn stale_uploads_are_collected() {
    let (directory, folder) = opened();
    let ids: Vec<UploadId> =
        futures::future::try_join_all((0..3).map(|_| directory.begin_upload("somebody", Algorithm::Sha256)))
            .await
            .expect("uploads");
    directory.append(&ids[0], 0, pieces(&bytes(10), 3), PLENTY).await.expect("it begins");
    assert_eq!(directory.collect_uploads(Duration::from_secs(3_600)).await.expect("a count"), 0, "none is old");
    assert_eq!(directory.collect_uploads(Duration::ZERO).await.expect("a count"), 3);
    for id in &ids {
        assert!(matches!(directory.upload_offset(id).await, Err(UploadError::Unknown(_))));
        assert!(matches!(reopened(&folder).upload_offset(id).await, Err(UploadError::Unknown(_))));
    }
}
