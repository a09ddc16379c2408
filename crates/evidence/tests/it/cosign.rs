//! What cosign itself signs, in each form that it writes, by keys of each kind that it makes or takes. Nothing here needs a network.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey as _, spki::der::pem::LineEnding};
use evidence::signed::{
    NotVerified, Signer, Verified,
    bundle::Bundle,
    cosign::BlobSignature,
    digest::Digest,
    dsse::Envelope,
    key::{Message, PublicKey, Scheme},
    statement::Statement,
    trust::Trust,
};
use tempfile::TempDir;

const BLOB: &[u8] = b"hello\n";
const PREDICATE: &str = r#"{"passed":true}"#;
const PREDICATE_TYPE: &str = "https://example.com/test/v1";

/// cosign 3 signs without a log only if it is told to do without its configuration too.
const OFFLINE_2: &[&str] = &["--tlog-upload=false", "--yes"];
const OFFLINE_3: &[&str] = &["--tlog-upload=false", "--use-signing-config=false", "--yes"];
/// What cosign 2 has to be told to write a bundle as cosign 3 does.
const BUNDLE_2: &[&str] = &["--new-bundle-format"];

/// One version of cosign, with a key, a blob and a predicate.
struct Cosign {
    program: &'static str,
    folder: TempDir,
    offline: &'static [&'static str],
    /// One key, once for each scheme that it signs by.
    keys: Vec<PublicKey>,
}

impl Cosign {
    /// With a key that cosign makes.
    fn new(program: &'static str, offline: &'static [&'static str]) -> Self {
        Self::with_key(program, offline, &["generate-key-pair"], &[Scheme::EcdsaP256], |_| {})
    }

    /// With a key that cosign takes.
    fn importing(
        program: &'static str,
        offline: &'static [&'static str],
        key: &impl EncodePrivateKey,
        schemes: &[Scheme],
    ) -> Self {
        let pem = key.to_pkcs8_pem(LineEnding::LF).expect("a key in PEM");
        let import = &["import-key-pair", "--key", "private.pem", "--output-key-prefix", "cosign"];
        Self::with_key(program, offline, import, schemes, |folder| {
            fs::write(folder.join("private.pem"), &pem).expect("a file");
        })
    }

    fn with_key(
        program: &'static str,
        offline: &'static [&'static str],
        arguments: &[&str],
        schemes: &[Scheme],
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        prepare(folder.path());
        fs::write(folder.path().join("blob"), BLOB).expect("a file");
        fs::write(folder.path().join("predicate.json"), PREDICATE).expect("a file");
        run(program, folder.path(), arguments);
        let pem = fs::read_to_string(folder.path().join("cosign.pub")).expect("a public key");
        let key = PublicKey::from_pem(&pem).expect("a public key");
        let by = |scheme: &Scheme| key.clone().with_scheme(*scheme).expect("a scheme of its kind");
        Self { program, folder, offline, keys: schemes.iter().map(by).collect() }
    }

    /// What cosign writes to the file `out`.
    fn writes(&self, arguments: &[&str], more: &[&str]) -> Vec<u8> {
        run(
            self.program,
            self.folder.path(),
            &[arguments, &["--key", "cosign.key"], self.offline, more, &["blob"]].concat(),
        );
        fs::read(self.folder.path().join("out")).expect("what cosign wrote")
    }

    fn signs_a_blob(&self, more: &[&str]) -> Vec<u8> {
        self.writes(&["sign-blob", "--bundle", "out"], more)
    }

    fn attests_a_blob(&self, more: &[&str]) -> Vec<u8> {
        let arguments = ["attest-blob", "--bundle", "out", "--predicate", "predicate.json", "--type", PREDICATE_TYPE];
        self.writes(&arguments, more)
    }

    /// A key that signs nothing here, and then those that do.
    fn and_another(&self) -> Vec<PublicKey> {
        [vec![other_key()], self.keys.clone()].concat()
    }

    fn is_signer(&self, signers: &BTreeSet<Signer>) {
        assert_eq!(signers.iter().collect::<Vec<_>>(), [&Signer::Key(self.keys[0].id())]);
    }

    /// Bundles over the blob and over a statement about it are believed, by this key only and about this blob only.
    fn makes_bundles(&self, more: &[&str]) {
        let keys = self.and_another();
        let open = |bytes: &[u8], blob: &[u8], keys: &[PublicKey]| {
            Bundle::parse(bytes).expect("a bundle").open_message(&Message::of_bytes(blob), Trust::in_keys(keys))
        };
        let bytes = self.signs_a_blob(more);
        let opened = open(&bytes, BLOB, &keys).expect("a signature over the blob");
        assert_eq!(opened.content(), &Digest::sha256(BLOB));
        self.is_signer(opened.signers());
        assert!(matches!(open(&bytes, BLOB, &keys[..1]), Err(NotVerified::NoKnownSigner { .. })));
        assert!(open(&bytes, b"other", &keys).is_err());

        let bytes = self.attests_a_blob(more);
        let open = |keys: &[PublicKey]| Bundle::parse(&bytes).expect("a bundle").open_envelope(Trust::in_keys(keys));
        self.states(Statement::open(open(&keys).expect("an envelope")).expect("a statement"));
        assert!(matches!(open(&keys[..1]), Err(NotVerified::NoKnownSigner { .. })));
    }

    fn states(&self, statement: Verified<Statement>) {
        self.is_signer(statement.signers());
        let statement = statement.into_content();
        assert!(statement.is_about(&Digest::sha256(BLOB)));
        assert!(!statement.is_about(&Digest::sha256(b"other")));
        assert_eq!((statement.predicate_type(), statement.predicate()), (PREDICATE_TYPE, PREDICATE));
    }
}

fn run(program: &str, folder: &Path, arguments: &[&str]) {
    let mut command = Command::new(program);
    // It keeps what it fetched below HOME; nothing of that is to be found.
    command.args(arguments).current_dir(folder).env("COSIGN_PASSWORD", "").env("HOME", folder);
    let output = command.output().expect("cosign runs");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn ed25519(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

fn p384(seed: u8) -> p384::SecretKey {
    p384::SecretKey::from_slice(&[seed; 48]).expect("a key")
}

/// A key that signs nothing here.
fn other_key() -> PublicKey {
    let der = ed25519(1).verifying_key().to_public_key_der().expect("a key in DER");
    PublicKey::from_der(der.as_bytes()).expect("a key")
}

#[test]
#[cfg_attr(not(cosign_3), ignore = "`cosign-3` is not on the PATH")]
fn what_cosign_3_signs_is_believed() {
    Cosign::new("cosign-3", OFFLINE_3).makes_bundles(&[]);
}

#[test]
#[cfg_attr(not(cosign_2), ignore = "`cosign-2` is not on the PATH")]
fn what_cosign_2_signs_is_believed() {
    Cosign::new("cosign-2", OFFLINE_2).makes_bundles(BUNDLE_2);
}

/// cosign 3 signs blobs and envelopes by two schemes with such a key.
#[test]
#[cfg_attr(not(cosign_3), ignore = "`cosign-3` is not on the PATH")]
fn cosign_3_signs_with_keys_of_other_kinds() {
    Cosign::importing("cosign-3", OFFLINE_3, &ed25519(5), &[Scheme::Ed25519ph, Scheme::Ed25519]).makes_bundles(&[]);
    Cosign::importing("cosign-3", OFFLINE_3, &p384(5), &[Scheme::EcdsaP384]).makes_bundles(&[]);
}

#[test]
#[cfg_attr(not(cosign_2), ignore = "`cosign-2` is not on the PATH")]
fn cosign_2_signs_with_keys_of_another_kind() {
    Cosign::importing("cosign-2", OFFLINE_2, &ed25519(5), &[Scheme::Ed25519]).makes_bundles(BUNDLE_2);
}

/// cosign 2 takes no key on P-384 from elsewhere, and signs with one that cosign 3 took.
#[test]
#[cfg_attr(not(all(cosign_2, cosign_3)), ignore = "`cosign-2` and `cosign-3` are not both on the PATH")]
fn cosign_2_signs_with_a_key_of_cosign_3() {
    let taken = Cosign::importing("cosign-3", OFFLINE_2, &p384(5), &[Scheme::EcdsaP384Sha256]);
    Cosign { program: "cosign-2", ..taken }.makes_bundles(BUNDLE_2);
}

#[test]
#[cfg_attr(not(cosign_2), ignore = "`cosign-2` is not on the PATH")]
fn what_cosign_2_wrote_before_there_were_bundles_is_believed() {
    let cosign = Cosign::new("cosign-2", OFFLINE_2);
    let keys = cosign.and_another();
    let signature = BlobSignature::parse(&cosign.signs_a_blob(&[])).expect("a signature");
    let signed = signature.verify(&Message::of_bytes(BLOB), &keys).expect("a signature over the blob");
    cosign.is_signer(signed.signers());
    assert!(signature.verify(&Message::of_bytes(b"other"), &keys).is_err());
    assert!(signature.verify(&Message::of_bytes(BLOB), &keys[..1]).is_err());

    let attested = BlobSignature::parse(&cosign.attests_a_blob(&[])).expect("a signature");
    let envelope = attested.envelope().expect("an envelope").verify(&keys).expect("a signed envelope");
    cosign.states(Statement::open(envelope).expect("a statement"));
}

#[test]
#[cfg_attr(not(cosign_2), ignore = "`cosign-2` is not on the PATH")]
fn cosign_reads_the_envelopes_that_we_write() {
    let cosign = Cosign::new("cosign-2", OFFLINE_2);
    let attested = BlobSignature::parse(&cosign.attests_a_blob(&[])).expect("a signature");
    let envelope: Envelope = attested.envelope().expect("an envelope");
    fs::write(cosign.folder.path().join("envelope.json"), envelope.encode()).expect("a file");
    let verify =
        ["verify-blob-attestation", "--key", "cosign.pub", "--insecure-ignore-tlog", "--signature", "envelope.json"];
    run("cosign-2", cosign.folder.path(), &[&verify[..], &["--type", PREDICATE_TYPE, "blob"]].concat());
}
