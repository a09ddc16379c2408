use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::testing::{entry, leaves, mth, tiles};
use crate::{SignerKey, inclusion_proof};

const ORIGIN: &str = "example.com/log";

fn log() -> SignerKey {
    SignerKey::from_seed(ORIGIN, [1; 32]).unwrap()
}

/// The proof file of an entry in the test log at a size.
fn proof(index: usize, size: usize) -> TlogProof {
    let leaves = leaves(size);
    let hashes = inclusion_proof(index as u64, size as u64, &tiles(&leaves)).unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, size as u64, mth(&leaves)).unwrap().sign(&log()).unwrap();
    TlogProof::new(index as u64, hashes, checkpoint).unwrap()
}

#[test]
fn the_file_has_the_lines_of_the_specification() {
    let proof = proof(2, 4);
    let [sibling, uncle] = proof.hashes() else { panic!("{proof}") };
    let wanted = format!(
        "c2sp.org/tlog-proof@v1\nindex 2\n{}\n{}\n\n{}",
        sibling.to_base64(),
        uncle.to_base64(),
        proof.checkpoint()
    );
    assert_eq!(proof.to_string(), wanted);
    let with_extra = proof.with_extra(b"extra!".to_vec()).unwrap();
    assert_eq!(with_extra.to_string(), wanted.replacen("index", "extra ZXh0cmEh\nindex", 1));
    assert_eq!(with_extra.unauthenticated_extra(), Some(b"extra!".as_slice()));
}

#[test]
fn other_files_are_refused() {
    let file = proof(2, 4).with_extra(b"x".to_vec()).unwrap().to_string();
    let hash = proof(2, 4).hashes()[0].to_base64();
    let line = |line, wanted| ProofFileError::Line { line, wanted };
    let (extra, index) = ("base64 extra data", "`index <decimal>`");
    let hash_line = "the base64 of a hash, or the blank line before the checkpoint";
    let shape = ProofFileError::Checkpoint(CheckpointError::Note(NoteError::Shape));
    let edit = |from: &str, to: &str| {
        let edited = file.replacen(from, to, 1);
        assert_ne!(edited, file);
        edited
    };
    let cases = [
        (String::new(), ProofFileError::Header),
        ("c2sp.org/tlog-proof@v1".to_owned(), ProofFileError::Header),
        (edit("@v1", "@v2"), ProofFileError::Header),
        (edit("@v1\n", "@v1\r\n"), ProofFileError::Header),
        ("c2sp.org/tlog-proof@v1\n".to_owned(), line(2, index)),
        (edit("extra eA==", "extra eA"), line(2, extra)),
        (edit("extra eA==", "Extra eA=="), line(2, index)),
        (edit("extra eA==\n", "extra eA==\nextra eA==\n"), line(3, index)),
        (edit("index 2", "index 02"), line(3, index)),
        (edit("index 2", "index -2"), line(3, index)),
        (edit("index 2", "index  2"), line(3, index)),
        (edit("index 2", "index 9223372036854775807"), ProofFileError::IndexTooLarge { index: MAX_TREE_SIZE }),
        (edit(&hash, &hash[1..]), line(4, hash_line)),
        (edit(&hash, &format!("{hash}\n").repeat(64)), ProofFileError::TooManyHashes),
        (edit(&hash, &(format!("{hash}\n").repeat(64) + "more")), ProofFileError::TooManyHashes),
        (file[..file.find("\n\n").unwrap() + 1].to_owned(), line(6, hash_line)),
        (file[..file.find("\n\n").unwrap() + 2].to_owned(), shape.clone()),
        (file.trim_end().to_owned(), shape),
        (" ".repeat(TlogProof::MAX_BYTES + 1), ProofFileError::TooLong { length: TlogProof::MAX_BYTES + 1 }),
    ];
    for (text, wanted) in cases {
        assert_eq!(TlogProof::parse(text.as_bytes()), Err(wanted), "{:.300}", text);
    }
    let too_long = proof(2, 4).with_extra(vec![0; TlogProof::MAX_BYTES]);
    assert!(matches!(too_long, Err(ProofFileError::TooLong { .. })));
    let too_many = TlogProof::new(0, vec![leaf_hash(b""); 64], proof(0, 1).checkpoint().clone());
    assert_eq!(too_many, Err(ProofFileError::TooManyHashes));
}

#[test]
fn a_checkpoint_of_another_log_is_not_believed() {
    let stranger = SignerKey::from_seed(ORIGIN, [9; 32]).unwrap();
    let answer = proof(1, 3).verify(&entry(1), &[stranger.verifier_key()]);
    let signers = vec![log().name().clone()];
    let wanted = NoteError::NoKnownSigner { known: 1, signers };
    assert_eq!(answer, Err(ProofFileError::Checkpoint(CheckpointError::Note(wanted))));
}

#[test]
fn an_index_outside_the_signed_tree_is_refused() {
    let file = proof(1, 3).to_string().replacen("index 1", "index 3", 1);
    let answer = TlogProof::parse(file.as_bytes()).unwrap().verify(&entry(1), &[log().verifier_key()]);
    assert_eq!(answer, Err(ProofFileError::Proof(ProofError::IndexOutOfRange { index: 3, size: 3 })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn files_verify_and_changed_ones_do_not(size in 1usize..400, index: Index, place: Index, bit in 0u8..8) {
        let index = index.index(size);
        let proof = proof(index, size);
        let file = proof.to_string().into_bytes();
        let read = TlogProof::parse(&file).unwrap();
        prop_assert_eq!(&read, &proof);
        let keys = [log().verifier_key()];
        let verified = read.verify(&entry(index), &keys).unwrap();
        prop_assert_eq!((verified.index(), verified.checkpoint().size()), (index as u64, size as u64));
        prop_assert!(read.verify(&entry(index + 1), &keys).is_err(), "another entry");
        let mut changed = file.clone();
        changed[place.index(file.len())] ^= 1 << bit;
        let believed = TlogProof::parse(&changed).is_ok_and(|proof| proof.verify(&entry(index), &keys).is_ok());
        prop_assert!(!believed, "believed {}", String::from_utf8_lossy(&changed));
    }

    #[test]
    fn parsing_never_panics(bytes: Vec<u8>, cut: Index, insert: String) {
        let _ = TlogProof::parse(&bytes);
        let mut file = proof(2, 4).to_string();
        let at = (0..=cut.index(file.len())).rev().find(|at| file.is_char_boundary(*at)).unwrap();
        file.insert_str(at, &insert);
        if let Ok(proof) = TlogProof::parse(file.as_bytes()) {
            prop_assert_eq!(proof.to_string(), file);
        }
    }
}
