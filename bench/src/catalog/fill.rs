//! Fills a ledger with artifacts: through the engine and the storage of a server, in this process, without HTTP and without the manifests' bytes.
//! So entries, rows, catalog, views and the published ledger are those of a server that was pushed to.

use std::{collections::BTreeMap, error::Error, fs, path::Path, sync::Arc, time::Duration};

use domain::{Actor, Command, Digest, RepositoryName, Submission};
use engine::{
    Engine, Options, Ports,
    ports::{ManifestRecord, Part, PartKind},
};
use futures::{StreamExt, TryStreamExt};
use store::sql::Database;
use tlog::SignerKey;

/// How many are on their way at once, and in one commit at most.
const TOGETHER: usize = 1024;
/// How many artifacts each of the small repositories has.
const EACH: usize = 100;
/// How long views and publisher may take to follow, in all.
const PATIENCE: Duration = Duration::from_secs(1800);
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// What there is, all in project `bench`.
pub struct Filled {
    /// Tags of the repository `bench/many`: half of all artifacts, each with a tag of its own.
    pub tags: usize,
    /// Repositories beside it.
    pub repositories: usize,
    /// Artifacts about the first one of `bench/many`: a hundredth of all.
    pub referrers: usize,
    /// Artifacts in all.
    pub artifacts: usize,
}

impl Filled {
    /// How `artifacts` are spread.
    pub fn of(artifacts: usize) -> Self {
        let (tags, referrers) = (artifacts / 2, artifacts / 100);
        let repositories = artifacts.saturating_sub(tags + referrers).div_ceil(EACH);
        Self { tags, repositories, referrers, artifacts: tags + referrers + repositories * EACH }
    }

    /// The artifact with this number.
    pub fn digest(&self, number: usize) -> Digest {
        Digest::sha256(format!("artifact {number}").as_bytes())
    }

    /// The tag of the artifact with this number.
    pub fn tag(&self, number: usize) -> String {
        format!("v{number:07}")
    }

    /// The small repository with this number.
    pub fn repository(&self, number: usize) -> String {
        format!("bench/r{number:06}")
    }

    fn push(&self, number: usize) -> (String, Vec<String>, Option<Digest>) {
        if number < self.tags {
            return ("bench/many".into(), vec![self.tag(number)], None);
        }
        match number - self.tags {
            about if about < self.referrers => ("bench/many".into(), Vec::new(), Some(self.digest(0))),
            rest => (self.repository((rest - self.referrers) / EACH), vec![self.tag(number)], None),
        }
    }
}

/// Pushes everything into the data directory, whose server is stopped and whose project `bench` was applied.
pub fn fill(data: &Path, filled: &Filled) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (engine, database) = open(data).await?;
        let pushes = futures::stream::iter(0..filled.artifacts).map(|number| {
            let engine = &engine;
            async move {
                let (submission, record) = push(filled, number)?;
                engine.submit_manifest(submission, record).await?;
                Ok::<_, Box<dyn Error>>(())
            }
        });
        pushes.buffer_unordered(TOGETHER).try_collect::<()>().await?;
        let size = engine.size();
        if !engine.wait_for(size, PATIENCE).await || !engine.wait_published(size, PATIENCE).await {
            return Err("the views or the publisher do not follow".into());
        }
        drop(engine);
        // The followers end by themselves, and let go of the database.
        while Arc::strong_count(&database) > 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    })
}

async fn open(data: &Path) -> Result<(Engine, Arc<Database>), Box<dyn Error>> {
    let opened = store::open(data)?;
    let ports = Ports {
        ledger: opened.database.clone(),
        catalog: opened.database.clone(),
        blobs: opened.shelves.blobs,
        views: opened.database.clone(),
        tiles: opened.shelves.tiles,
    };
    let name = fs::read_to_string(data.join("keys/ledger.pub"))?;
    let name = name.split('+').next().unwrap_or_default().to_owned();
    let signer = SignerKey::from_pkcs8_pem(&name, &fs::read_to_string(data.join("keys/ledger.key"))?)?;
    let options = Options { queue: 2 * TOGETHER, batch: TOGETHER, ..Options::new(signer, None) };
    Ok((Engine::start(ports, options).await?, opened.database))
}

fn push(filled: &Filled, number: usize) -> Result<(Submission, ManifestRecord), Box<dyn Error>> {
    let (repository, tags, subject) = filled.push(number);
    let repository: RepositoryName = repository.parse()?;
    let digest = filled.digest(number);
    let part = |kind, text: String, media_type: &str| Part {
        kind,
        digest: Digest::sha256(text.as_bytes()),
        size: 1 << 20,
        media_type: media_type.into(),
    };
    let kind = if subject.is_some() { format!("application/vnd.bench.kind-{}", number % 4) } else { String::new() };
    let record = ManifestRecord {
        repository: repository.clone(),
        digest: digest.clone(),
        media_type: IMAGE.into(),
        size: 600,
        subject: subject.clone(),
        artifact_type: Some(kind).filter(|kind| !kind.is_empty()),
        annotations: BTreeMap::from([("org.opencontainers.image.created".into(), "2026-11-29T00:00:00Z".into())]),
        parts: vec![
            part(PartKind::Config, format!("config {number}"), "application/vnd.oci.image.config.v1+json"),
            // As builds have it: most layers are shared.
            part(PartKind::Layer, format!("base {}", number % 100), "application/vnd.oci.image.layer.v1.tar+gzip"),
            part(PartKind::Layer, format!("layer {number}"), "application/vnd.oci.image.layer.v1.tar+gzip"),
        ],
    };
    let tags = tags.iter().map(|tag| tag.parse()).collect::<Result<_, _>>()?;
    let command = Command::PushManifest { repository, digest, media_type: IMAGE.into(), size: 600, subject, tags };
    let actor = Actor { party: "machine:ci".parse()?, grants: vec!["admin@*".parse()?] };
    Ok((Submission { actor, key: None, command }, record))
}
