//! The published vectors of transparency-dev/merkle: every good proof accepted, every bad one refused.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::hash::leaf_hash;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InclusionVector {
    leaf_idx: u64,
    tree_size: u64,
    root: LooseHash,
    leaf_hash: String,
    proof: Option<Vec<LooseHash>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsistencyVector {
    size1: u64,
    size2: u64,
    root1: LooseHash,
    root2: LooseHash,
    proof: Option<Vec<LooseHash>>,
    want_err: bool,
}

/// A root or proof hash of a vector. Some vectors use short texts there, which [`Hash`] cannot hold at all. Such a text
/// becomes a hash of itself: equal texts stay equal, different ones stay different, and the verifier still decides.
#[derive(Deserialize)]
#[serde(from = "String")]
struct LooseHash(Hash);

impl From<String> for LooseHash {
    fn from(text: String) -> Self {
        Self(Hash::from_base64(&text).unwrap_or_else(|_| leaf_hash(text.as_bytes())))
    }
}

fn hashes(proof: Option<Vec<LooseHash>>) -> Vec<Hash> {
    proof.unwrap_or_default().into_iter().map(|hash| hash.0).collect()
}

/// The folder of vectors. They are data made elsewhere, which lie beside the project and not in it.
fn folder(kind: &str) -> PathBuf {
    let data = std::env::var_os("SELFSAME_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let folder = data.join("merkle").join(kind);
    assert!(
        folder.is_dir(),
        "there are no {kind} vectors in `{}`: put the test data into `shared/data` beside the project's folder, or name its place with SELFSAME_TEST_DATA",
        folder.display()
    );
    folder
}

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

/// Runs `verify` on each vector of a kind; it returns whether the vector wants a refusal, and what was decided.
fn check_vectors<V: DeserializeOwned>(kind: &str, verify: impl Fn(V) -> (bool, Result<(), String>)) {
    let folder = folder(kind);
    let mut files = Vec::new();
    json_files(&folder, &mut files);
    let (mut accepted, mut refused) = (0, 0);
    for file in &files {
        let vector = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let (want_refusal, decision) = verify(vector);
        assert_eq!(want_refusal, decision.is_err(), "{}: {decision:?}", file.display());
        *(if decision.is_ok() { &mut accepted } else { &mut refused }) += 1;
    }
    println!("{kind}: {accepted} good vectors accepted, {refused} bad ones refused");
    assert!(accepted > 0 && refused > 0, "{}: {accepted} good and {refused} bad vectors", folder.display());
}

#[test]
#[cfg_attr(
    not(merkle_vectors),
    ignore = "the vectors are not there: put them into `shared/data/merkle` beside the project's folder"
)]
fn inclusion_vectors() {
    check_vectors("inclusion", |v: InclusionVector| {
        // A leaf hash of another length is refused when it is read, so no verifier ever sees it.
        let decision = Hash::from_base64(&v.leaf_hash).map_err(|error| error.to_string()).and_then(|leaf| {
            let proof = hashes(v.proof);
            verify_inclusion(&leaf, v.leaf_idx, v.tree_size, &proof, &v.root.0).map_err(|error| error.to_string())
        });
        (v.want_err, decision)
    });
}

#[test]
#[cfg_attr(
    not(merkle_vectors),
    ignore = "the vectors are not there: put them into `shared/data/merkle` beside the project's folder"
)]
fn consistency_vectors() {
    check_vectors("consistency", |v: ConsistencyVector| {
        let decision = verify_consistency(v.size1, &v.root1.0, v.size2, &v.root2.0, &hashes(v.proof));
        (v.want_err, decision.map_err(|error| error.to_string()))
    });
}

#[test]
fn impossible_requests_are_told_apart() {
    let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
    let huge = MAX_TREE_SIZE + 1;
    let cases = [
        (verify_inclusion(&a, 1, 1, &[], &a), ProofError::IndexOutOfRange { index: 1, size: 1 }),
        (verify_inclusion(&a, 0, 0, &[], &a), ProofError::IndexOutOfRange { index: 0, size: 0 }),
        (verify_inclusion(&a, 0, huge, &[], &a), ProofError::TreeTooLarge { size: huge }),
        (verify_inclusion(&a, 0, 1, &[], &b), ProofError::RootMismatch { expected: b, computed: a }),
        (verify_inclusion(&a, 0, MAX_TREE_SIZE, &[a; 64], &a), ProofError::WrongLength { wanted: 63, got: 64 }),
        (verify_consistency(0, &a, 0, &a, &[]), ProofError::EmptyOldTree),
        (verify_consistency(2, &a, 1, &a, &[]), ProofError::Shrunk { old_size: 2, new_size: 1 }),
        (verify_consistency(1, &a, u64::MAX, &a, &[]), ProofError::TreeTooLarge { size: u64::MAX }),
        (verify_consistency(1, &a, 1, &a, &[b]), ProofError::WrongLength { wanted: 0, got: 1 }),
        (verify_consistency((1 << 62) - 1, &a, MAX_TREE_SIZE, &a, &[]), ProofError::WrongLength { wanted: 64, got: 0 }),
        (
            verify_consistency(MAX_TREE_SIZE - 2, &a, MAX_TREE_SIZE, &a, &[]),
            ProofError::WrongLength { wanted: 64, got: 0 },
        ),
    ];
    for (decision, wanted) in cases {
        assert_eq!(decision, Err(wanted));
    }
}
