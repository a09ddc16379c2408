use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The example of c2sp.org/signed-note.
const SPEC_VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, [seed; 32]).unwrap()
}

/// A signature line that decodes to a key id and `bytes` of signature.
fn line(name: &str, id: [u8; 4], bytes: usize) -> String {
    NoteSignature::new(name.parse().unwrap(), KeyId::from_bytes(id), vec![5; bytes]).to_string()
}

#[test]
fn the_example_of_the_specification_verifies() {
    let note = Note::parse(SPEC_NOTE.as_bytes()).unwrap();
    let key: VerifierKey = SPEC_VKEY.parse().unwrap();
    let verified = note.verify(std::slice::from_ref(&key)).unwrap();
    assert_eq!(verified.text(), "This is an example message.\n");
    assert_eq!(verified.signatures(), [VerifiedSignature::new(key, None)]);
    assert_eq!(note.to_string(), SPEC_NOTE);
}

/// The other two example notes of the specifications have no published keys; they are still notes.
#[test]
fn unverifiable_examples_are_read() {
    let poem = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n";
    let signature = "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let bytes = format!("{poem}\n{signature}");
    let note = Note::parse(bytes.as_bytes()).unwrap();
    assert_eq!(note.unverified_text(), poem);
    assert_eq!(note.signatures()[0].name().as_str(), "quasimodo.example/salvatore");
    assert_eq!(note.signatures()[0].key_id().to_string(), "367ba04b");
    assert_eq!(note.to_string(), bytes);
    let wanted = NoteError::NoKnownSigner { known: 0, signers: vec!["quasimodo.example/salvatore".parse().unwrap()] };
    assert_eq!(note.verify(&[]), Err(wanted.clone()));
    assert!(wanted.to_string().contains("only `quasimodo.example/salvatore`"), "{wanted}");
}

#[test]
fn other_bytes_are_refused() {
    let good = line("a", [0; 4], 1);
    let cases: [(Vec<u8>, NoteError); 20] = [
        (vec![], NoteError::Shape),
        (b"text\n".to_vec(), NoteError::Shape),
        (b"text\n\n".to_vec(), NoteError::Shape),
        (format!("text\n{good}\n").into(), NoteError::Shape),
        (format!("\n{good}\n").into(), NoteError::Shape),
        (format!("text\n\n{good}").into(), NoteError::Shape),
        (format!("text\n\n{good}\n\n").into(), NoteError::Shape),
        (format!("text\n\n{good}\nmore\n").into(), NoteError::SignatureLine { line: 2 }),
        (format!("text\n\n{good} \n").into(), NoteError::SignatureLine { line: 1 }),
        (format!("text\n\n {good}\n").into(), NoteError::SignatureLine { line: 1 }),
        (format!("text\n\n{}\n", good.replace('—', "-")).into(), NoteError::SignatureLine { line: 1 }),
        (format!("text\n\n{}\n", good.replace(" a ", "  ")).into(), NoteError::SignatureLine { line: 1 }),
        (format!("text\n\n{}\n", good.replace(" a ", " a+b ")).into(), NoteError::SignatureLine { line: 1 }),
        (format!("text\n\n{}\n", good.replace(" a ", " a\u{a0}b ")).into(), NoteError::SignatureLine { line: 1 }),
        (format!("text\n\n{}\n", good.trim_end_matches('=')).into(), NoteError::SignatureLine { line: 1 }),
        (format!("text\n\n{}\n", line("a", [0; 4], 0)).into(), NoteError::SignatureLine { line: 1 }),
        (format!("te\txt\n\n{good}\n").into(), NoteError::Characters { at: 2 }),
        (format!("text\r\n\n{good}\n").into(), NoteError::Characters { at: 4 }),
        (b"te\xffxt\n\n".to_vec(), NoteError::Characters { at: 2 }),
        (vec![b'\n'; Note::MAX_BYTES + 1], NoteError::TooLong { length: Note::MAX_BYTES + 1 }),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(Note::parse(&bytes), Err(wanted), "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(80)]));
    }
}

#[test]
fn a_hundred_signatures_are_read_and_no_more() {
    let note = |count: u32| {
        let lines: String = (0..count).map(|id| line("a", id.to_be_bytes(), 64) + "\n").collect();
        format!("text\n\n{lines}")
    };
    let mut full = Note::parse(note(100).as_bytes()).unwrap();
    assert_eq!(full.signatures().len(), 100);
    assert_eq!(Note::parse(note(101).as_bytes()), Err(NoteError::TooManySignatures));
    let extra = NoteSignature::parse_line(&line("b", [0; 4], 64)).unwrap();
    assert_eq!(full.add_signature(extra), Err(NoteError::TooManySignatures));
    let replaced = NoteSignature::parse_line(&line("a", [0; 4], 65)).unwrap();
    assert_eq!(full.add_signature(replaced.clone()), Ok(()));
    assert_eq!(full.signatures().last(), Some(&replaced));
    let huge = NoteSignature::new("a".parse().unwrap(), KeyId::from_bytes([0; 4]), vec![0; Note::MAX_BYTES]);
    assert!(matches!(full.add_signature(huge), Err(NoteError::TooLong { .. })));
    assert_eq!(full.signatures().len(), 100);
}

#[test]
fn texts_that_no_note_can_have_are_not_signed() {
    let cases =
        [("", NoteError::Shape), ("no newline", NoteError::Shape), ("a\x1bb\n", NoteError::Characters { at: 1 })];
    for (text, wanted) in cases {
        assert_eq!(Note::sign(text, &signer("a", 1)), Err(wanted));
    }
}

#[test]
fn who_signed_decides() {
    let (alice, bob, carol) = (signer("alice", 1), signer("bob", 2), signer("carol", 3));
    let mut note = Note::sign("text\n", &alice).unwrap();
    let bobs = Note::sign("text\n", &bob).unwrap().signatures()[0].clone();
    note.add_signature(bobs).unwrap();
    let names = |keys: &[VerifierKey]| {
        let verified = note.verify(keys)?;
        Ok(verified.signatures().iter().map(|s| s.key().name().to_string()).collect::<Vec<_>>().join(" "))
    };
    let other_alice = signer("alice", 4).verifier_key();
    assert_eq!(names(&[alice.verifier_key(), bob.verifier_key()]), Ok("alice bob".to_owned()));
    assert_eq!(names(&[bob.verifier_key(), bob.verifier_key()]), Ok("bob".to_owned()), "one key given twice");
    assert_eq!(names(&[bob.verifier_key(), carol.verifier_key()]), Ok("bob".to_owned()), "unknown keys ignored");
    assert_eq!(names(&[bob.verifier_key(), other_alice.clone()]), Ok("bob".to_owned()), "same name, other id");
    let unknown = NoteError::NoKnownSigner { known: 2, signers: vec![alice.name().clone(), bob.name().clone()] };
    assert_eq!(names(&[carol.verifier_key(), other_alice]), Err(unknown.clone()));
    // A cosignature key of the same owner is another key: its id differs.
    let NoteError::NoKnownSigner { signers, .. } = unknown else { unreachable!() };
    assert_eq!(names(&[alice.cosignature_key()]), Err(NoteError::NoKnownSigner { known: 1, signers }));
}

#[test]
fn one_failing_known_key_rejects_the_note() {
    let (alice, bob) = (signer("alice", 1), signer("bob", 2));
    let mut note = Note::sign("text\n", &alice).unwrap();
    let (id, _) = bob.sign("text\n");
    let (_, over_another_text) = bob.sign("another\n");
    for forged in [over_another_text, vec![0; 64], vec![0; 63], vec![0]] {
        note.add_signature(NoteSignature::new(bob.name().clone(), id, forged)).unwrap();
        let wanted = NoteError::BadSignature { name: bob.name().clone(), id };
        assert_eq!(note.verify(&[alice.verifier_key(), bob.verifier_key()]), Err(wanted));
        assert!(note.verify(&[alice.verifier_key()]).is_ok(), "bob is unknown here");
    }
}

/// A second line by the same key is verified too, and the key still counts once.
#[test]
fn a_key_that_signed_twice_counts_once() {
    let alice = signer("alice", 1);
    let note = Note::sign("text\n", &alice).unwrap();
    let twice = format!("{note}{}\n", note.signatures()[0]);
    let twice = Note::parse(twice.as_bytes()).unwrap();
    assert_eq!(twice.signatures().len(), 2);
    assert_eq!(twice.verify(&[alice.verifier_key()]).unwrap().signatures().len(), 1);
    let forged = NoteSignature::new(alice.name().clone(), alice.verifier_key().id(), vec![0; 64]);
    let forged = Note::parse(format!("{note}{forged}\n").as_bytes()).unwrap();
    assert!(matches!(forged.verify(&[alice.verifier_key()]), Err(NoteError::BadSignature { .. })));
}

/// Ids are short, so two keys of one name can share one. These two seeds were searched for.
#[test]
fn two_known_keys_with_one_name_and_id_are_refused() {
    let numbered = |number: u32| {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        SignerKey::from_seed("alice", seed).unwrap()
    };
    let (alice, double) = (numbered(90_034), numbered(104_683));
    let (key, doubles_key) = (alice.verifier_key(), double.verifier_key());
    assert!(key.id() == doubles_key.id() && key != doubles_key);
    let note = Note::sign("text\n", &alice).unwrap();
    assert!(note.verify(std::slice::from_ref(&key)).is_ok());
    let wanted = NoteError::AmbiguousKey { name: alice.name().clone(), id: key.id() };
    assert_eq!(note.verify(&[key.clone(), doubles_key.clone()]), Err(wanted));
    let wanted = NoteError::BadSignature { name: alice.name().clone(), id: key.id() };
    assert_eq!(note.verify(&[doubles_key]), Err(wanted));
}

proptest! {
    #[test]
    fn signed_texts_verify_and_any_changed_byte_is_noticed(
        body in "[^\\x00-\\x1f]{0,40}(\n[^\\x00-\\x1f]{0,40}){0,3}", place: proptest::sample::Index, bit in 0u8..8,
    ) {
        let alice = signer("alice", 1);
        let text = format!("{body}\n");
        let note = Note::sign(&text, &alice).unwrap();
        let bytes = note.to_string().into_bytes();
        let read = Note::parse(&bytes).unwrap();
        prop_assert_eq!(&read, &note);
        prop_assert_eq!(read.verify(&[alice.verifier_key()]).unwrap().text(), &text);
        let mut changed = bytes.clone();
        changed[place.index(bytes.len())] ^= 1 << bit;
        let opened = Note::parse(&changed).is_ok_and(|note| note.verify(&[alice.verifier_key()]).is_ok());
        prop_assert!(!opened, "accepted {:?}", String::from_utf8_lossy(&changed));
    }

    #[test]
    fn parsing_never_panics(bytes: Vec<u8>, parts in vec("(\n|— |a |AAAAAAA=|é|\t){0,4}", 0..6)) {
        for bytes in [bytes, parts.concat().into_bytes()] {
            if let Ok(note) = Note::parse(&bytes) {
                prop_assert_eq!(note.to_string().into_bytes(), bytes);
                let _ = note.verify(&[SPEC_VKEY.parse().unwrap()]);
            }
        }
    }
}
