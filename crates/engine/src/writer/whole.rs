//! Indexes are stored whole: what an index names was there when its push began, and may have been deleted or collected since.

use std::collections::BTreeMap;

use domain::Refusal;

use super::Job;
use crate::{
    Error,
    ports::{Catalog, PartKind},
};

/// The jobs, by their positions, that push an index of which a child is missing.
pub(super) async fn missing_children(catalog: &dyn Catalog, jobs: &[Job]) -> Result<BTreeMap<usize, Refusal>, Error> {
    let mut missing = BTreeMap::new();
    for (position, job) in jobs.iter().enumerate() {
        let Some(manifest) = &job.manifest else { continue };
        for child in manifest.parts.iter().filter(|part| part.kind == PartKind::Child) {
            if catalog.manifest(&manifest.repository, &child.digest).await?.is_none() {
                let (repository, part) = (manifest.repository.clone(), child.digest.clone());
                missing.insert(position, Refusal::PartMissing { repository, part });
                break;
            }
        }
    }
    Ok(missing)
}
