//! [`Receipts`]: what a promotion leaves that others can verify.
//!
//! A receipt says of one artifact that it was promoted into a stage: a SLSA verification summary, signed with a key that is for nothing else,
//! in a Sigstore bundle. In it is the ledger's entry with the proof that the ledger holds it, so whoever has the ledger's public key need not
//! believe the receipts' key alone. It is made from the ledger for whoever asks. A refusal leaves no receipt: there is none that could be
//! taken for a yes.

mod attach;
mod check;
mod follow;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{ComponentName, Digest, Entry, Event, Key, ProjectName, ReleaseId, RepositoryName, StageName};
use evidence::signed::{
    bundle::Bundle,
    dsse::{Envelope, Payload, pae},
    statement,
    summary::{self, Resource, Summary, Verifier},
};
use serde::{Deserialize, Serialize};

pub use check::{Checked, NotAReceipt, check};
pub use follow::First;

use crate::{
    Engine, Error,
    ports::{PartKind, SigningKey},
};

/// Under this name the predicate says what verification summaries have no place for.
pub const EXTENSION: &str = "urn:selfsame:receipt:v1";
/// How long a receipt waits for its entry to be published.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many signed documents a receipt names at most; none where there are more, since it must be all.
const INPUTS_MAX: usize = 500;

/// Makes receipts, and attaches them where a stage asks for that.
pub struct Receipts {
    engine: Engine,
    key: Arc<dyn SigningKey>,
    origin: String,
    /// Nothing is attached twice at the same time.
    attaching: tokio::sync::Mutex<()>,
}

/// One receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Of which component.
    pub component: ComponentName,
    /// Where its artifacts are; `None` if the project has no such component any more.
    pub repository: Option<RepositoryName>,
    /// The artifact, and after it the manifests that an index names.
    pub subjects: Vec<Digest>,
    /// The receipt as a Sigstore bundle.
    pub bundle: String,
    /// The same signed statement as a DSSE envelope.
    pub envelope: String,
    /// When the release was promoted.
    pub at: domain::Timestamp,
}

/// What a receipt says beyond a verification summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The release.
    pub release: ReleaseId,
    /// The component.
    pub component: ComponentName,
    /// The artifact of the component.
    pub artifact: Digest,
    /// The entry of the promotion.
    pub entry: u64,
    /// The entry itself, with the proof that the ledger holds it (c2sp.org/tlog-proof).
    pub proof: String,
}

/// A promotion, as its entry has it.
struct Promotion {
    index: u64,
    entry: Entry,
    bytes: Vec<u8>,
}

impl Receipts {
    /// Receipts of what `engine` promotes, signed with `key`. `origin` is the name of the ledger.
    pub fn new(engine: Engine, key: Arc<dyn SigningKey>, origin: &str) -> Self {
        Self { engine, key, origin: origin.to_owned(), attaching: tokio::sync::Mutex::default() }
    }

    /// The public key that verifies them, as PEM.
    pub fn public_pem(&self) -> &str {
        self.key.public_pem()
    }

    /// The receipts of a promotion, one for each component; `None` if that entry is no promotion into that stage.
    ///
    /// # Errors
    /// [`Error::Busy`] if the entry is not published yet.
    pub async fn make(&self, project: &ProjectName, stage: &StageName, index: u64) -> Result<Option<Vec<Made>>, Error> {
        let Some(promotion) = self.promotion(project, stage, index).await? else { return Ok(None) };
        let Event::Promoted { release, contents, decision, .. } = &promotion.entry.event else { return Ok(None) };
        if !self.engine.wait_published(index + 1, PATIENCE).await {
            let published = self.engine.published();
            return Err(Error::broken(
                format!("make the receipt of entry {index}"),
                format!("{published} entries are published so far"),
            ));
        }
        let proof = self.engine.prove(index, &promotion.bytes).await?.to_string();
        let inputs = self.inputs(decision.findings.iter().flat_map(|finding| &finding.entries)).await?;
        let known = self.engine.read(&[Key::Project(project.clone())], |state| state.project(project).cloned()).await?;
        let mut made = Vec::new();
        for (component, artifact) in &contents.components {
            let repository = known.as_ref().and_then(|known| known.config.repository(component));
            let mut subjects = vec![artifact.clone()];
            if let Some(repository) = &repository {
                let parts = self.engine.ports().catalog.parts(repository, artifact).await?;
                subjects.extend(parts.into_iter().filter(|part| part.kind == PartKind::Child).map(|part| part.digest));
            }
            let extension = Extension {
                project: project.clone(),
                stage: stage.clone(),
                release: release.clone(),
                component: component.clone(),
                artifact: artifact.clone(),
                entry: index,
                proof: proof.clone(),
            };
            let summary = self.summary(&promotion.entry, &extension, &decision.gate, inputs.clone())?;
            let name = repository.as_ref().map_or_else(|| component.to_string(), ToString::to_string);
            let (bundle, envelope) = self.sign(&name, &subjects, &summary).await?;
            let (component, at) = (component.clone(), promotion.entry.at);
            made.push(Made { component, repository, subjects, bundle, envelope, at });
        }
        Ok(Some(made))
    }

    /// Which release an entry promoted into the stage; `None` if it is no such promotion.
    pub async fn release(
        &self,
        project: &ProjectName,
        stage: &StageName,
        index: u64,
    ) -> Result<Option<ReleaseId>, Error> {
        Ok(self.promotion(project, stage, index).await?.and_then(|promotion| match promotion.entry.event {
            Event::Promoted { release, .. } => Some(release),
            _ => None,
        }))
    }

    async fn promotion(
        &self,
        project: &ProjectName,
        stage: &StageName,
        index: u64,
    ) -> Result<Option<Promotion>, Error> {
        let found = self.engine.ports().ledger.read_each(&[index]).await?;
        let Some((_, bytes)) = found.into_iter().next() else { return Ok(None) };
        let entry = Entry::decode(&bytes).map_err(|error| Error::broken(format!("read entry {index}"), error))?;
        let is_it =
            matches!(&entry.event, Event::Promoted { project: of, stage: into, .. } if of == project && into == stage);
        Ok(is_it.then_some(Promotion { index, entry, bytes: bytes.to_vec() }).filter(|found| found.index == index))
    }

    /// The documents that the gate looked at; none, unless each piece of evidence has one.
    async fn inputs(&self, entries: impl Iterator<Item = &u64>) -> Result<Vec<Resource>, Error> {
        let entries: Vec<u64> = entries.copied().collect();
        let mut inputs = Vec::new();
        for (index, bytes) in self.engine.ports().ledger.read_each(&entries).await? {
            let entry = Entry::decode(&bytes).map_err(|error| Error::broken(format!("read entry {index}"), error))?;
            let Event::EvidenceRecorded { document, .. } = entry.event else { continue };
            let Some(document) = document else { return Ok(Vec::new()) };
            inputs.push(Resource { uri: None, digest: digest_set(&document) });
        }
        if inputs.len() > INPUTS_MAX { Ok(Vec::new()) } else { Ok(inputs) }
    }

    fn summary(
        &self,
        entry: &Entry,
        extension: &Extension,
        gate: &Digest,
        input_attestations: Vec<Resource>,
    ) -> Result<Summary, Error> {
        let verifier = verifier_id(&self.origin);
        let Extension { project, stage, .. } = extension;
        let written = serde_json::to_value(extension).map_err(|error| Error::broken("write a receipt", error))?;
        Ok(Summary {
            time_verified: Some(entry.at.to_string()),
            resource_uri: resource_uri(&verifier, extension),
            policy: Resource {
                uri: Some(format!("{verifier}/projects/{project}/stages/{stage}/gate")),
                digest: digest_set(gate),
            },
            input_attestations,
            verification_result: summary::PASSED.to_owned(),
            verified_levels: vec![level(stage)],
            slsa_version: Some("1.1".to_owned()),
            extensions: BTreeMap::from([(EXTENSION.to_owned(), written)]),
            verifier: Verifier {
                id: verifier,
                version: BTreeMap::from([("selfsame".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
            },
        })
    }

    /// The statement as a bundle, and as an envelope alone.
    async fn sign(&self, name: &str, subjects: &[Digest], summary: &Summary) -> Result<(String, String), Error> {
        let broken = |problem: String| Error::broken("write a receipt", problem);
        let subject = |digest: &Digest| Some((name.to_owned(), digest.as_str().parse().ok()?));
        let subjects: Vec<_> = subjects.iter().filter_map(subject).collect();
        let bytes = statement::encode(&subjects, summary::PREDICATE_TYPE, summary).map_err(broken)?;
        let payload = Payload { payload_type: statement::PAYLOAD_TYPE.to_owned(), bytes };
        let signature = self.key.sign(&pae(&payload.payload_type, &payload.bytes)).await?;
        let envelope = Envelope::signed(payload, signature);
        let envelope = envelope.map_err(|error| broken(error.to_string()))?;
        let alone = envelope.encode();
        Ok((Bundle::encode(envelope, self.key.public().id()).map_err(|error| broken(error.to_string()))?, alone))
    }
}

/// Who verifies: the server that keeps the ledger of this name.
fn verifier_id(origin: &str) -> String {
    format!("https://{origin}")
}

/// As what the artifact was verified: as that component, in that stage. Whoever asks for another stage finds another text.
fn resource_uri(verifier: &str, of: &Extension) -> String {
    let Extension { project, stage, component, .. } = of;
    format!("{verifier}/projects/{project}/stages/{stage}/components/{component}")
}

/// The stage as a level of our own.
fn level(stage: &StageName) -> String {
    format!("SELFSAME_STAGE_{}", stage.as_str().replace('-', "_").to_uppercase())
}

fn digest_set(digest: &Digest) -> BTreeMap<String, String> {
    BTreeMap::from([(digest.algorithm().to_string(), digest.hex().to_owned())])
}
