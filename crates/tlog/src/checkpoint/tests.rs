use proptest::prelude::*;

use super::*;
use crate::{empty_root, leaf_hash};

const ORIGIN: &str = "example.com/log";

fn log() -> SignerKey {
    SignerKey::from_seed(ORIGIN, [1; 32]).unwrap()
}

fn witness() -> SignerKey {
    SignerKey::from_seed("witness.example/w", [2; 32]).unwrap()
}

fn head() -> Checkpoint {
    Checkpoint::new(ORIGIN, 42, leaf_hash(b"root")).unwrap()
}

/// The example of c2sp.org/tlog-cosignature; its keys are not published.
#[test]
fn the_example_of_the_specification_is_read() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let signatures = "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = Note::parse(format!("{text}\n{signatures}").as_bytes()).unwrap();
    let checkpoint: Checkpoint = note.unverified_text().parse().unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_string(), text);
    let timestamp = note.signatures()[1].bytes().first_chunk().copied().map(u64::from_be_bytes);
    assert_eq!((note.signatures()[1].bytes().len(), timestamp), (8 + 64, Some(1_679_315_147)));
}

#[test]
fn other_texts_are_refused() {
    let root = empty_root().to_base64();
    let line = |line| CheckpointError::Line { line };
    let cases = [
        (String::new(), CheckpointError::Note(NoteError::Shape)),
        (format!("o\n0\n{root}"), CheckpointError::Note(NoteError::Shape)),
        ("o\n".to_owned(), line(2)),
        ("o\n0\n".to_owned(), line(3)),
        (format!("\n0\n{root}\n"), line(1)),
        (format!("o\tp\n0\n{root}\n"), line(1)),
        (format!("o\n\n{root}\n"), CheckpointError::Size),
        (format!("o\n00\n{root}\n"), CheckpointError::Size),
        (format!("o\n01\n{root}\n"), CheckpointError::Size),
        (format!("o\n-1\n{root}\n"), CheckpointError::Size),
        (format!("o\n0x1\n{root}\n"), CheckpointError::Size),
        (format!("o\n99999999999999999999\n{root}\n"), CheckpointError::Size),
        (format!("o\n9223372036854775808\n{root}\n"), CheckpointError::TooLarge { size: 1 << 63 }),
        ("o\n0\n\n".to_owned(), CheckpointError::Root),
        (format!("o\n0\n{}\n", empty_root()), CheckpointError::Root),
        (format!("o\n0\n{root}\r\n"), CheckpointError::Root),
        (format!("o\n0\n{root}\n\n"), line(4)),
        (format!("o\n0\n{root}\nextension\n\nmore\n"), line(5)),
    ];
    for (text, wanted) in cases {
        assert_eq!(text.parse::<Checkpoint>(), Err(wanted), "{text:?}");
    }
}

#[test]
fn a_signed_and_cosigned_checkpoint_opens() {
    let mut note = head().sign(&log()).unwrap();
    note.add_signature(head().cosign(&witness(), 1_700_000_000).unwrap()).unwrap();
    let bytes = note.to_string();
    let keys = [witness().cosignature_key(), log().verifier_key()];
    let opened = Checkpoint::open(bytes.as_bytes(), &keys).unwrap();
    assert_eq!(opened.checkpoint(), &head());
    assert_eq!((opened.origin(), opened.size(), opened.root()), (ORIGIN, 42, leaf_hash(b"root")));
    let cosigned: Vec<_> = opened.cosignatures().map(|s| (s.key().name().to_string(), s.timestamp())).collect();
    assert_eq!(cosigned, [("witness.example/w".to_owned(), Some(1_700_000_000))]);
    // Without the witness's key its line is ignored.
    let opened = Checkpoint::open(bytes.as_bytes(), &[log().verifier_key()]).unwrap();
    assert_eq!((opened.signatures().len(), opened.cosignatures().count()), (1, 0));
}

/// A witness is not the log, and the key of one log says nothing about another.
#[test]
fn only_the_log_itself_can_vouch_for_its_head() {
    let other_log = SignerKey::from_seed("example.com/other", [3; 32]).unwrap();
    let text = head().to_string();
    let not_by_log = CheckpointError::NotSignedByLog { origin: ORIGIN.to_owned() };

    let by_other = Note::sign(&text, &other_log).unwrap();
    let keys = [log().verifier_key(), other_log.verifier_key()];
    assert_eq!(Checkpoint::verify(&by_other, &keys), Err(not_by_log.clone()));

    let mut by_witness = head().sign(&log()).unwrap();
    by_witness.add_signature(head().cosign(&witness(), 7).unwrap()).unwrap();
    assert_eq!(Checkpoint::verify(&by_witness, &[witness().cosignature_key()]), Err(not_by_log.clone()));

    // A cosignature by a witness that calls itself like the log is still only a cosignature.
    let mut namesake = head().sign(&log()).unwrap();
    namesake.add_signature(head().cosign(&log(), 7).unwrap()).unwrap();
    assert_eq!(Checkpoint::verify(&namesake, &[log().cosignature_key()]), Err(not_by_log));

    let wanted = CheckpointError::SignerIsNotOrigin { signer: other_log.name().clone(), origin: ORIGIN.to_owned() };
    assert_eq!(head().sign(&other_log), Err(wanted));
}

#[test]
fn a_signed_note_that_is_no_checkpoint_is_refused() {
    let note = Note::sign("just a text\n", &log()).unwrap();
    assert_eq!(Checkpoint::verify(&note, &[log().verifier_key()]), Err(CheckpointError::Line { line: 2 }));
}

#[test]
fn a_cosignature_is_bound_to_its_time_and_head() {
    let keys = [log().verifier_key(), witness().cosignature_key()];
    let signature = head().cosign(&witness(), 1000).unwrap();
    let bad = CheckpointError::Note(NoteError::BadSignature {
        name: witness().name().clone(),
        id: witness().cosignature_key().id(),
    });
    let opened_with = |head: &Checkpoint, bytes: Vec<u8>| {
        let mut note = head.sign(&log()).unwrap();
        note.add_signature(NoteSignature::new(signature.name().clone(), signature.key_id(), bytes)).unwrap();
        Checkpoint::verify(&note, &keys)
    };
    assert!(opened_with(&head(), signature.bytes().to_vec()).is_ok());
    let other_head = Checkpoint::new(ORIGIN, 43, leaf_hash(b"root")).unwrap();
    assert_eq!(opened_with(&other_head, signature.bytes().to_vec()), Err(bad.clone()), "another head");
    let mut later = signature.bytes().to_vec();
    later[7] ^= 1;
    assert_eq!(opened_with(&head(), later), Err(bad.clone()), "another time");
    assert_eq!(opened_with(&head(), signature.bytes()[..8].to_vec()), Err(bad.clone()), "only the time");
    assert_eq!(opened_with(&head(), signature.bytes()[8..].to_vec()), Err(bad.clone()), "no time");
    let far = [&[0xff; 8], &signature.bytes()[8..]].concat();
    assert_eq!(opened_with(&head(), far), Err(bad), "a time above the limit");
    let timestamp = 1 << 63;
    assert_eq!(head().cosign(&witness(), timestamp), Err(CheckpointError::Timestamp { timestamp }));
}

#[test]
fn the_cosigned_message_is_the_one_of_the_specification() {
    let message = format!("cosignature/v1\ntime 1679315147\n{}", head());
    let as_plain_note = Note::sign(&message, &witness()).unwrap();
    let signature = head().cosign(&witness(), 1_679_315_147).unwrap();
    assert_eq!(signature.bytes()[8..], *as_plain_note.signatures()[0].bytes());
}

proptest! {
    #[test]
    fn texts_round_trip(
        origin in "[^\\x00-\\x1f]{1,30}", size in 0..=MAX_TREE_SIZE, root: [u8; 32],
        extensions in proptest::collection::vec("[^\\x00-\\x1f]{1,30}", 0..3),
    ) {
        let head = Checkpoint::new(&origin, size, Hash::from_bytes(root)).unwrap();
        let head = head.with_extensions(extensions).unwrap();
        prop_assert_eq!(head.to_string().parse(), Ok(head));
    }

    #[test]
    fn parsing_never_panics(text: String, almost in "[a-z]{0,2}\n[0-9]{0,21}\n(47DEQpj8HBSa\\+/TImW\\+5JCeuQeRkm5NMpJWZG3hSuFU=)?\n{0,3}") {
        for text in [text, almost] {
            if let Ok(head) = text.parse::<Checkpoint>() {
                prop_assert_eq!(head.to_string(), text.clone());
            }
            let _ = Checkpoint::open(text.as_bytes(), &[log().verifier_key()]);
        }
    }
}
