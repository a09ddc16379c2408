//! Lists: tags, referrers, repositories.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use domain::{Digest, Permission, RepositoryName, TagName};
use engine::ports::{Catalog, Referrer};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use crate::{
    Registry, auth,
    error::Failure,
    request::{encode, parameter},
    rights::Rights,
};

/// How many rows a page has at most.
const PAGE_MAX: usize = 1000;
/// How many bytes of descriptors end a page of referrers: 2 MiB.
const PAGE_BYTES: usize = 2 << 20;
/// How many referrers are read at once.
const BATCH: usize = 8;

fn limit(query: Option<&str>) -> Result<usize, Failure> {
    match parameter(query, "n") {
        None => Ok(PAGE_MAX),
        Some(text) => {
            let number = text
                .parse::<usize>()
                .map_err(|_| Failure::malformed("UNSUPPORTED", format!("`n={text}` is no number")))?;
            Ok(number.min(PAGE_MAX))
        }
    }
}

fn linked(mut response: Response, next: Option<String>) -> Response {
    let value = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
    if let Some(value) = value {
        response.headers_mut().insert(header::LINK, value);
    }
    response
}

/// `tags/list`: pushed tags and the tags of stages, in lexical order.
pub(crate) async fn tags(registry: &Registry, rights: &Rights, query: Option<&str>) -> Result<Response, Failure> {
    let bound = rights.bound_to()?;
    let (limit, last) = (limit(query)?, parameter(query, "last"));
    let catalog = &registry.engine.ports().catalog;
    let mut stage_tags = rights.stage_tags();
    let pushed = match &bound {
        Some(stages) => {
            stage_tags.retain(|tag| stages.iter().any(|stage| stage.as_str() == tag));
            Vec::new()
        }
        None => {
            let unknown =
                || Failure::unknown("NAME_UNKNOWN", format!("there is no repository `{}`", rights.repository));
            // Tags that are left out must not make a page look like the last.
            let left_out = rights.project.as_ref().map_or(0, |project| project.config.stages.len());
            catalog.tags(&rights.repository, last.as_deref(), limit + 1 + left_out).await?.ok_or_else(unknown)?
        }
    };
    stage_tags.retain(|tag| last.as_deref().is_none_or(|last| tag.as_str() > last));
    let (tags, more) = page(&pushed, stage_tags, |tag| rights.stage_tag(tag).is_some(), limit);
    let next =
        tags.last().filter(|_| more).map(|last| format!("/v2/{}/tags/list?n={limit}&last={last}", rights.repository));
    Ok(linked(Json(json!({"name": rights.repository, "tags": tags})).into_response(), next))
}

/// The first `limit` of the pushed tags and the stages' own, and whether there are more. A tag that was pushed before there was a stage
/// of its name points nowhere any more, so it is left out.
fn page(
    pushed: &[TagName],
    stage_tags: Vec<String>,
    is_stage: impl Fn(&str) -> bool,
    limit: usize,
) -> (Vec<String>, bool) {
    let kept = pushed.iter().map(ToString::to_string).filter(|tag| !is_stage(tag));
    let mut tags: Vec<String> = kept.chain(stage_tags).collect();
    tags.sort();
    let more = tags.len() > limit;
    tags.truncate(limit);
    (tags, more)
}

/// `referrers/<digest>`: the manifests about another one.
pub(crate) async fn referrers(
    registry: &Registry,
    rights: &Rights,
    subject: &Digest,
    query: Option<&str>,
) -> Result<Response, Failure> {
    rights.pull(registry, subject).await?;
    crate::mirror::refresh_evidence(registry, rights, subject).await;
    let (limit, artifact_type) = (limit(query)?, parameter(query, "artifactType").filter(|kind| !kind.is_empty()));
    let after = parameter(query, "last").map(|text| crate::path::digest(&text)).transpose()?;
    let wanted = Wanted { repository: &rights.repository, subject, artifact_type: artifact_type.as_deref(), after };
    let Page { manifests, last, more } = page_of_referrers(&*registry.engine.ports().catalog, wanted, limit).await?;
    let filter = artifact_type.as_deref().map(|kind| format!("&artifactType={}", encode(kind))).unwrap_or_default();
    let next = last
        .filter(|_| more)
        .map(|last| format!("/v2/{}/referrers/{subject}?n={limit}&last={last}{filter}", rights.repository));
    let index =
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
    let mut response =
        ([(header::CONTENT_TYPE, "application/vnd.oci.image.index.v1+json")], index.to_string()).into_response();
    if artifact_type.is_some() {
        response.headers_mut().insert("oci-filters-applied", HeaderValue::from_static("artifactType"));
    }
    Ok(linked(response, next))
}

/// Which referrers are asked for.
struct Wanted<'a> {
    repository: &'a RepositoryName,
    subject: &'a Digest,
    artifact_type: Option<&'a str>,
    after: Option<Digest>,
}

/// Descriptors of referrers, and whether there are more after the last.
struct Page {
    manifests: Vec<Value>,
    last: Option<Digest>,
    more: bool,
}

/// At most `limit` of the referrers, and few of those that have much to say: annotations can be as large as a manifest.
async fn page_of_referrers(catalog: &dyn Catalog, wanted: Wanted<'_>, limit: usize) -> Result<Page, Failure> {
    let Wanted { repository, subject, artifact_type, after } = wanted;
    let (mut after, mut bytes) = (after, 0);
    let mut page = Page { manifests: Vec::new(), last: None, more: false };
    loop {
        let batch = catalog.referrers(repository, subject, artifact_type, after.as_ref(), BATCH).await?;
        let is_last = batch.len() < BATCH;
        for referrer in batch {
            if page.manifests.len() == limit || bytes >= PAGE_BYTES {
                page.more = true;
                return Ok(page);
            }
            let annotations = referrer.annotations.iter();
            bytes += 300 + annotations.map(|(key, value)| key.len() + value.len() + 6).sum::<usize>();
            page.manifests.push(descriptor(&referrer));
            page.last = Some(referrer.digest);
        }
        if is_last {
            return Ok(page);
        }
        after.clone_from(&page.last);
    }
}

fn descriptor(referrer: &Referrer) -> Value {
    let mut descriptor = json!({"mediaType": referrer.media_type, "digest": referrer.digest, "size": referrer.size});
    if let Some(kind) = &referrer.artifact_type {
        descriptor["artifactType"] = json!(kind);
    }
    if !referrer.annotations.is_empty() {
        descriptor["annotations"] = json!(referrer.annotations);
    }
    descriptor
}

/// `_catalog`: the repositories, for whoever may pull everything.
pub(crate) async fn catalog(State(registry): State<Registry>, request: Request) -> Result<Response, Failure> {
    let actor = auth::caller(&registry, request.headers(), Some("registry:catalog:*")).await?;
    if !actor.may_everywhere(Permission::Pull) {
        return Err(
            domain::Refusal::PermissionMissing { permission: Permission::Pull, project: None, stage: None }.into()
        );
    }
    let query = request.uri().query();
    let (limit, last) = (limit(query)?, parameter(query, "last"));
    let mut names = registry.engine.ports().catalog.repositories(last.as_deref(), limit + 1).await?;
    let more = names.len() > limit;
    names.truncate(limit);
    let next = names.last().filter(|_| more).map(|last| format!("/v2/_catalog?n={limit}&last={last}"));
    Ok(linked(Json(json!({"repositories": names})).into_response(), next))
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn pages_of_tags_merge_what_was_pushed_with_what_stages_have() {
        let stages = ["dev", "prod"];
        for (pushed, set, limit, expected) in [
            ("", "", 2, ("", false)),
            ("a b", "", 2, ("a b", false)),
            ("a b c", "", 2, ("a b", true)),
            ("a z", "dev", 3, ("a dev z", false)),
            ("a z", "dev prod", 3, ("a dev prod", true)),
            ("a dev z", "dev", 3, ("a dev z", false)),
            ("dev prod z", "", 1, ("z", false)),
            ("a", "dev", 0, ("", true)),
        ] {
            let pushed: Vec<_> = pushed.split_whitespace().map(|tag| tag.parse().expect("a valid tag")).collect();
            let set = set.split_whitespace().map(ToOwned::to_owned).collect();
            let (tags, more) = page(&pushed, set, |tag| stages.contains(&tag), limit);
            assert_eq!((tags.join(" ").as_str(), more), expected, "{pushed:?}");
        }
    }
}
