//! What somebody signed, on its way in: verified with the keys that a project trusts, and read as far as gates ask for it.
//!
//! [`open`] is pure. What comes of it goes into a command, and whether one of the signers is to be believed is decided there.

mod predicate;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::{
    Actor, Command, CommandKey, Digest, EvidenceKind, EvidenceResult, Key, KeyName, PredicateType, ProjectConfig,
    ProjectName, PublicKeyPem, Refusal, SignerId, Statement, Submission, Trust,
};
use evidence::signed::{
    NotVerified, Signer, Verified,
    bundle::Bundle,
    cosign::SimpleSigning,
    dsse::{Envelope, Payload, pae},
    key::{KeyError, PublicKey, Scheme},
    statement,
    trust::Trust as Believed,
};
use serde::Deserialize;

use crate::{Engine, Error, Receipt};

/// How many bytes a signed document has at most.
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// Something signed, in one of the ways in which it comes.
#[derive(Clone, Debug)]
pub enum Signed {
    /// A statement: a DSSE envelope or a Sigstore bundle.
    Document(Bytes),
    /// "This image", as cosign wrote it before there were bundles: the payload, and its signature in Base64.
    Image(Bytes, String),
}

/// What a signed document comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What evidence of it is called.
    pub kind: EvidenceKind,
    /// What it says of its subject, where it says good or bad; `passed` where it only says something.
    pub result: EvidenceResult,
    /// Who signed, and what.
    pub statement: Statement,
}

/// Why a document is no statement about a digest by somebody whom the project knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// It is signed by nobody whom the project knows, or is not what it should be.
    #[error(transparent)]
    NotVerified(#[from] NotVerified),
    /// It is neither of the forms that are read.
    #[error("it is neither a DSSE envelope nor a Sigstore bundle: {0}")]
    Form(String),
    /// It is about something else.
    #[error("it is about {subjects}, and not about `{digest}`")]
    OtherSubject {
        /// What it is about.
        subjects: String,
        /// What it should be about.
        digest: Digest,
    },
    /// Its predicate is not what its type says.
    #[error("its predicate is no `{predicate}`: {problem}")]
    Predicate {
        /// The type.
        predicate: String,
        /// What is wrong.
        problem: String,
    },
}

/// Which form a document has: told by the members that each form must have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    media_type: Option<String>,
    payload_type: Option<String>,
}

/// Opens what is to be about `subject`.
///
/// # Errors
/// [`NotOpened`] if it is no statement about that, or if none of its signatures is by a key that `trust` knows, in use or not.
pub fn open(trust: &Trust, subject: &Digest, signed: &Signed) -> Result<Opened, NotOpened> {
    let keys = keys(trust);
    match signed {
        Signed::Document(document) => open_statement(payload(document, &keys)?, subject),
        Signed::Image(payload, signature) => {
            let image = SimpleSigning::open(payload, signature, &keys)?;
            if image.content().digest().to_string() != subject.as_str() {
                let subjects = format!("`{}`", image.content().digest());
                return Err(NotOpened::OtherSubject { subjects, digest: subject.clone() });
            }
            let read = predicate::image();
            Ok(opened(read, predicate::SIGNATURE.parse().expect("a URI"), Digest::sha256(payload), image.signers()))
        }
    }
}

fn open_statement(payload: Verified<Payload>, subject: &Digest) -> Result<Opened, NotOpened> {
    let Payload { payload_type, bytes } = payload.content();
    let signed = Digest::sha256(&pae(payload_type, bytes));
    let statement = statement::Statement::open(payload)?;
    let said = statement.content();
    let digest = subject.as_str().parse().map_err(|_| other_subject(said, subject))?;
    if !said.is_about(&digest) {
        return Err(other_subject(said, subject));
    }
    let read = predicate::read(said.predicate_type(), said.predicate())
        .map_err(|problem| NotOpened::Predicate { predicate: said.predicate_type().to_owned(), problem })?;
    let predicate: PredicateType =
        said.predicate_type().parse().map_err(|invalid: domain::InvalidName| NotOpened::Predicate {
            predicate: said.predicate_type().chars().take(200).collect(),
            problem: invalid.to_string(),
        })?;
    Ok(opened(read, predicate, signed, statement.signers()))
}

fn opened(read: predicate::Read, predicate: PredicateType, digest: Digest, signers: &BTreeSet<Signer>) -> Opened {
    let signers = signers.iter().filter_map(signer).collect();
    let predicate::Read { kind, result, claims } = read;
    Opened { kind, result, statement: Statement { digest, predicate, signers, claims } }
}

/// What is wrong with a project's keys that only shows when they are read as keys: the name of the key, and a sentence.
///
/// # Errors
/// The first key that no signature could be verified with.
pub fn check_keys(config: &ProjectConfig) -> Result<(), (KeyName, KeyError)> {
    let unusable = |(name, trusted): (&KeyName, &domain::TrustedKey)| match check_key(trusted.key.as_str()) {
        Ok(()) => None,
        Err(error) => Some((name.clone(), error)),
    };
    config.trust.keys.iter().find_map(unusable).map_or(Ok(()), Err)
}

/// Whether a text is a public key, as PEM, that signatures can be verified with.
///
/// # Errors
/// What is wrong with it.
pub fn check_key(pem: &str) -> Result<(), KeyError> {
    PublicKey::from_pem(pem).map(drop)
}

impl Engine {
    /// Records what is signed of `subject`: the same for everybody who brings it, since who signed it is what counts. What it came in is to be stored
    /// already, as `document`.
    ///
    /// # Errors
    /// [`Refusal::StatementUntrusted`] if it does not count; otherwise as any command.
    pub async fn record_signed(
        &self,
        (actor, key): (Actor, Option<CommandKey>),
        project: ProjectName,
        subject: Digest,
        (document, signed): (Digest, Signed),
    ) -> Result<Receipt, Error> {
        let known = self.read(&[Key::Project(project.clone())], |state| state.project(&project).cloned()).await?;
        let known = known.ok_or_else(|| Refusal::ProjectUnknown { project: project.clone() })?;
        // What strangers wrote is read beside everything else, and not by many at once.
        let _turn = self.shared.opening.acquire().await;
        let (config, about) = (known.config.clone(), subject.clone());
        let opened = tokio::task::spawn_blocking(move || open(&config.trust, &about, &signed)).await;
        let opened = opened.map_err(|stopped| Error::broken("open a signed document", stopped))?;
        let Opened { kind, result, statement } =
            opened.map_err(|problem| Refusal::StatementUntrusted { problem: problem.to_string() })?;
        let command = Command::RecordEvidence {
            project,
            subject,
            kind,
            name: None,
            result,
            attributes: BTreeMap::new(),
            document: Some(document),
            statement: Some(statement),
        };
        self.submit(Submission { actor, key, command }).await
    }
}

fn payload(document: &[u8], keys: &[PublicKey]) -> Result<Verified<Payload>, NotOpened> {
    let form: Form = serde_json::from_slice(document).map_err(|error| NotOpened::Form(error.to_string()))?;
    match (form.media_type, form.payload_type) {
        (Some(_), None) => {
            let bundle = Bundle::parse(document).map_err(NotVerified::from)?;
            Ok(bundle.open_envelope(Believed::in_keys(keys))?)
        }
        (None, Some(_)) => Ok(Envelope::parse(document).map_err(NotVerified::from)?.verify(keys)?),
        _ => Err(NotOpened::Form("it has to have either `payloadType` or `mediaType`".into())),
    }
}

/// Every key that the project knows, whatever became of it: what a key that is out of use has signed is known to be by it. A key that tools use in
/// two ways is there twice, and is one signer.
fn keys(trust: &Trust) -> Vec<PublicKey> {
    let usable = |key: &PublicKeyPem| PublicKey::from_pem(key.as_str()).ok();
    let both = |key: PublicKey| {
        let other = match key.scheme() {
            Scheme::Ed25519 => Some(Scheme::Ed25519ph),
            Scheme::EcdsaP384 => Some(Scheme::EcdsaP384Sha256),
            _ => None,
        };
        let other = other.and_then(|scheme| key.clone().with_scheme(scheme).ok());
        std::iter::once(key).chain(other)
    };
    trust.keys.values().filter_map(|trusted| usable(&trusted.key)).flat_map(both).collect()
}

fn signer(signer: &Signer) -> Option<SignerId> {
    match signer {
        Signer::Key(id) => format!("key:{id}").parse().ok(),
        Signer::Identity { .. } => None,
    }
}

fn other_subject(said: &statement::Statement, digest: &Digest) -> NotOpened {
    let digests = said.subjects().iter().flat_map(|subject| &subject.digests);
    let mut subjects: Vec<_> = digests.take(4).map(|digest| format!("`{digest}`")).collect();
    if subjects.len() == 4 {
        subjects[3] = "others".into();
    }
    let subjects = if subjects.is_empty() { "nothing with a digest that counts".into() } else { subjects.join(", ") };
    NotOpened::OtherSubject { subjects, digest: digest.clone() }
}
