//! [`Work`]: what clients do until the server is killed under them.

use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::Digest;

use super::{
    super::{
        http::{Answer, Wire},
        server::Server,
    },
    diary::{Diary, Promotion, Upload},
};

/// How many bytes a chunk of an upload has.
const CHUNK: usize = 6_000;
/// The header of a body of bytes.
pub const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What the clients do, one each.
const CLIENTS: [&str; 5] = ["a", "b", "push", "push", "chunks"];

/// What there is to do.
pub struct Work {
    releases: [String; 2],
    /// The next number of a push, an upload or a promotion.
    numbers: AtomicU64,
}

/// The bytes that follow from a number: no two are the same.
pub fn content(number: u64) -> Vec<u8> {
    number.to_le_bytes().iter().copied().cycle().take(20_000).collect()
}

/// Asks for a promotion under a key.
pub fn promote(wire: &mut Wire, stage: &str, release: &str, key: &str) -> io::Result<Answer> {
    let path = format!("/v1/projects/shop/stages/{stage}/promotions");
    let body = format!("{{\"release\":\"{release}\",\"reason\":\"{key}\"}}");
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
    wire.ask("POST", &path, &headers, body.as_bytes())
}

impl Work {
    /// Promotions of these releases in turn, pushes and uploads.
    pub fn new(releases: [String; 2]) -> Self {
        Self { releases, numbers: AtomicU64::new(0) }
    }

    /// Several clients work until the server is killed under them, so long after it came up. What they asked for and what it acknowledged.
    pub fn until_killed(&self, server: &mut Server, lifetime: Duration) -> Diary {
        let diary = Mutex::new(Diary::default());
        let (host, token) = (server.host(), server.admin());
        std::thread::scope(|scope| {
            for client in CLIENTS {
                let (host, token, diary) = (&host, &token, &diary);
                // What breaks off is what this is about.
                scope.spawn(move || drop(self.work(client, host, token, diary)));
            }
            std::thread::sleep(lifetime);
            server.kill();
        });
        diary.into_inner().expect("nobody panicked with the diary")
    }

    fn work(&self, client: &str, host: &str, token: &str, diary: &Mutex<Diary>) -> io::Result<()> {
        let mut wire = Wire::open(host, token)?;
        for turn in 0.. {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            match client {
                "push" => push(&mut wire, number, diary)?,
                "chunks" => upload(&mut wire, number, diary)?,
                stage => self.promote(&mut wire, stage, &self.releases[turn % 2], number, diary)?,
            }
        }
        Ok(())
    }

    fn promote(
        &self,
        wire: &mut Wire,
        stage: &str,
        release: &str,
        number: u64,
        diary: &Mutex<Diary>,
    ) -> io::Result<()> {
        let key = format!("promotion-{number}");
        let asked = Promotion { stage: stage.to_owned(), release: release.to_owned(), acknowledged: None };
        diary.lock().expect("the diary").promotions.insert(key.clone(), asked.clone());
        let answer = promote(wire, stage, release, &key)?;
        let mut diary = diary.lock().expect("the diary");
        match answer.status {
            201 => {
                let acknowledged = answer.json()["index"].as_u64();
                assert!(acknowledged.is_some(), "{answer:?}");
                diary.promotions.insert(key, Promotion { acknowledged, ..asked });
            }
            409 => {
                // A promotion that was never acknowledged had been done.
                assert_eq!(answer.json()["code"], "already-current", "{answer:?}");
                diary.promotions.remove(&key);
            }
            _ => panic!("{answer:?}"),
        }
        Ok(())
    }
}

/// Pushes a blob and a manifest that names it.
fn push(wire: &mut Wire, number: u64, diary: &Mutex<Diary>) -> io::Result<()> {
    let blob = content(number);
    let blob_digest = Digest::sha256(&blob);
    let path = format!("/v2/shop/web/blobs/uploads/?digest={blob_digest}");
    let pushed = wire.ask("POST", &path, &[OCTETS], &blob)?;
    assert_eq!(pushed.status, 201, "{pushed:?}");
    let descriptor =
        |media_type: &str| serde_json::json!({"mediaType": media_type, "digest": blob_digest, "size": blob.len()});
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor(OCTETS.1)],
    });
    let bytes = manifest.to_string().into_bytes();
    let path = format!("/v2/shop/web/manifests/n{number}");
    let put = wire.ask("PUT", &path, &[("Content-Type", MANIFEST)], &bytes)?;
    assert_eq!(put.status, 201, "{put:?}");
    diary.lock().expect("the diary").manifests.insert(Digest::sha256(&bytes).to_string(), bytes);
    Ok(())
}

/// Uploads a blob in chunks, and notes each that was acknowledged.
fn upload(wire: &mut Wire, number: u64, diary: &Mutex<Diary>) -> io::Result<()> {
    let note = |change: &dyn Fn(&mut Upload)| {
        diary.lock().expect("the diary").uploads.entry(number).and_modify(change);
    };
    let begun = wire.ask("POST", "/v2/shop/web/blobs/uploads/", &[], b"")?;
    assert_eq!(begun.status, 202, "{begun:?}");
    let location = begun.header("location").expect("where it goes on").to_owned();
    let upload = Upload { location: location.clone(), acknowledged: 0, ended: false, stored: false };
    diary.lock().expect("the diary").uploads.insert(number, upload);
    let bytes = content(number);
    let (chunks, rest) = bytes.split_at(2 * CHUNK);
    for (chunk, first) in chunks.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
        let end = first + chunk.len();
        let range = format!("{first}-{}", end - 1);
        let patched = wire.ask("PATCH", &location, &[OCTETS, ("Content-Range", &range)], chunk)?;
        assert_eq!(patched.status, 202, "{patched:?}");
        note(&|upload| upload.acknowledged = end);
    }
    note(&|upload| upload.ended = true);
    let put = wire.ask("PUT", &format!("{location}?digest={}", Digest::sha256(&bytes)), &[OCTETS], rest)?;
    assert_eq!(put.status, 201, "{put:?}");
    note(&|upload| upload.stored = true);
    Ok(())
}
