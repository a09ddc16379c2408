//! The published ledger's formats: notes, checkpoints, proof files, keys, tile paths, tiles, bundles.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::{Checkpoint, EntryBundle, Frontier, Note, SignerKey, Tile, TlogProof, VerifierKey};

fuzz_target!(|bytes: &[u8]| {
    let signer = SignerKey::from_seed("example.com/log", [7; 32]).expect("a key");
    let keys = [signer.verifier_key()];
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes, "a note has one spelling");
        let _ = note.verify(&keys);
    }
    let _ = Checkpoint::open(bytes, &keys);
    if let Ok(proof) = TlogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes, "a proof file has one spelling");
        let _ = proof.verify(b"entry", &keys);
    }
    if let Ok(frontier) = Frontier::from_bytes(bytes) {
        assert_eq!(frontier.to_bytes(), bytes, "a frontier has one spelling");
        let _ = frontier.root();
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse::<VerifierKey>().as_ref(), Ok(&key));
    }
    let (path, contents) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(tile) = path.parse::<Tile>() {
        assert_eq!(tile.to_string(), path, "a tile has one path");
        let _ = tile.decode(contents.as_bytes());
    }
    if let Ok(bundle) = path.parse::<EntryBundle>() {
        assert_eq!(bundle.to_string(), path, "a bundle has one path");
        if let Ok(entries) = bundle.decode(contents.as_bytes()) {
            assert_eq!(bundle.encode(&entries).ok().as_deref(), Some(contents.as_bytes()), "a bundle has one spelling");
        }
    }
});
