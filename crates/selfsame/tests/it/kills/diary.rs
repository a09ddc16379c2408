//! [`Diary`]: what was asked for and what was acknowledged, and whether the server still knows it.

use std::{collections::BTreeMap, ops::AddAssign};

use domain::Digest;

use super::{
    super::http::{Answer, Wire},
    work::{self, OCTETS, content},
};

/// What was asked for and what was acknowledged.
#[derive(Default)]
pub struct Diary {
    /// Promotions by idempotency key.
    pub promotions: BTreeMap<String, Promotion>,
    /// Manifests that were acknowledged, by digest.
    pub manifests: BTreeMap<String, Vec<u8>>,
    /// Uploads in chunks, by the number that their contents follow from.
    pub uploads: BTreeMap<u64, Upload>,
    resumed: u64,
}

/// A promotion that was asked for.
#[derive(Clone)]
pub struct Promotion {
    /// Into which stage.
    pub stage: String,
    /// Of which release.
    pub release: String,
    /// The entry's index, once it was acknowledged.
    pub acknowledged: Option<u64>,
}

/// An upload in chunks.
#[derive(Clone)]
pub struct Upload {
    /// Where it goes on.
    pub location: String,
    /// How many bytes were acknowledged.
    pub acknowledged: usize,
    /// Whether its end was asked for.
    pub ended: bool,
    /// Whether its end was acknowledged: it is a blob.
    pub stored: bool,
}

/// How much was acknowledged before a kill.
#[derive(Debug, Default)]
pub struct Counts {
    /// Promotions.
    pub promotions: u64,
    /// Pushed manifests with their blobs.
    pub manifests: u64,
    /// Blobs that were uploaded in chunks.
    pub uploads: u64,
    /// Uploads that a kill broke off, and that went on where they were.
    pub resumed: u64,
}

impl Diary {
    /// What was acknowledged is there; what was not is done once when it is asked for again, whether it had been done before or not.
    pub fn compare(&mut self, wire: &mut Wire) {
        for (digest, bytes) in &self.manifests {
            manifest_is_there(wire, digest, bytes);
        }
        for (key, promotion) in &mut self.promotions {
            promotion_is_there(wire, key, promotion);
        }
        for (number, upload) in &mut self.uploads {
            if !upload.stored {
                self.resumed += u64::from(go_on(wire, *number, upload));
                upload.stored = true;
            }
            blob_is_there(wire, &Digest::sha256(&content(*number)).to_string());
        }
    }

    /// Takes over what another knows.
    pub fn extend(&mut self, other: Self) {
        self.promotions.extend(other.promotions);
        self.manifests.extend(other.manifests);
        self.uploads.extend(other.uploads);
        self.resumed += other.resumed;
    }

    /// How much it knows.
    pub fn counts(&self) -> Counts {
        let acknowledged = self.promotions.values().filter(|promotion| promotion.acknowledged.is_some());
        Counts {
            promotions: acknowledged.count() as u64,
            manifests: self.manifests.len() as u64,
            uploads: self.uploads.len() as u64 - self.resumed,
            resumed: self.resumed,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.promotions += other.promotions;
        self.manifests += other.manifests;
        self.uploads += other.uploads;
        self.resumed += other.resumed;
    }
}

fn get(wire: &mut Wire, path: &str) -> Answer {
    wire.ask("GET", path, &[], b"").expect("the server is up")
}

fn manifest_is_there(wire: &mut Wire, digest: &str, bytes: &[u8]) {
    let found = get(wire, &format!("/v2/shop/web/manifests/{digest}"));
    assert_eq!((found.status, &found.body[..]), (200, bytes), "an acknowledged manifest is there, byte by byte");
    blob_is_there(wire, found.json()["layers"][0]["digest"].as_str().expect("a digest"));
}

fn blob_is_there(wire: &mut Wire, digest: &str) {
    let blob = get(wire, &format!("/v2/shop/web/blobs/{digest}"));
    assert_eq!((blob.status, Digest::sha256(&blob.body).as_str()), (200, digest), "an acknowledged blob is there");
}

fn promotion_is_there(wire: &mut Wire, key: &str, promotion: &mut Promotion) {
    let Promotion { stage, release, acknowledged } = promotion;
    let again = work::promote(wire, stage, release, key).expect("the server is up");
    let index = match (again.status, &acknowledged) {
        (201 | 200, _) => again.json()["index"].as_u64().expect("an index"),
        // It was never done, and another one was since.
        (409, None) => return assert_eq!(again.json()["code"], "already-current", "{again:?}"),
        _ => panic!("an acknowledged promotion is not known any more: {again:?}"),
    };
    assert!(
        acknowledged.is_none_or(|before| before == index),
        "a key is answered with another entry: {index} and {acknowledged:?}"
    );
    *acknowledged = Some(index);
    let text = String::from_utf8_lossy(&get(wire, &format!("/v1/ledger/entries/{index}")).body).into_owned();
    let is_it = text.contains(key) && text.contains(release.as_str());
    assert!(is_it, "entry {index} is not the promotion `{key}`: {text}");
}

/// Ends an upload that a kill broke off; `false` if it had ended unseen.
fn go_on(wire: &mut Wire, number: u64, upload: &Upload) -> bool {
    let bytes = content(number);
    let digest = Digest::sha256(&bytes);
    let stands = get(wire, &upload.location);
    if stands.status == 404 && upload.ended {
        // It became a blob, which may or may not be known in the repository. A client pushes it again.
        let path = format!("/v2/shop/web/blobs/uploads/?digest={digest}");
        let pushed = wire.ask("POST", &path, &[OCTETS], &bytes).expect("the server is up");
        assert_eq!(pushed.status, 201, "{pushed:?}");
        return false;
    }
    assert_eq!(stands.status, 204, "an acknowledged upload is not known any more: {stands:?}");
    let last = stands.header("range").and_then(|range| range.strip_prefix("0-")?.parse::<usize>().ok());
    // `0-0` is what an upload without a byte says, too; no chunk has just one.
    let there = last.map(|last| if last == 0 { 0 } else { last + 1 }).expect("how far it is");
    assert!(there >= upload.acknowledged, "{there} of {} acknowledged bytes are left", upload.acknowledged);
    assert!(there <= bytes.len(), "more than was sent: {stands:?}");
    let range = format!("{there}-{}", bytes.len() - 1);
    let path = format!("{}?digest={digest}", upload.location);
    let headers = [OCTETS, ("Content-Range", range.as_str())];
    let headers = if there == bytes.len() { &headers[..1] } else { &headers[..] };
    let put = wire.ask("PUT", &path, headers, &bytes[there..]).expect("the server is up");
    assert_eq!(put.status, 201, "the upload goes on where it was, and is what was sent: {put:?}");
    true
}
