//! Paths: a repository's name may have slashes, so what is asked for stands behind it.

use domain::{Digest, InvalidName, RepositoryName, TagName};

use crate::error::Failure;

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `blobs/<digest>`
    Blob(Digest),
    /// `blobs/uploads/`
    Uploads,
    /// `blobs/uploads/<name>`
    Upload(String),
    /// `manifests/<tag or digest>`
    Manifest(Reference),
    /// `tags/list`
    Tags,
    /// `referrers/<digest>`
    Referrers(Digest),
}

/// A tag or a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Tag(TagName),
    Digest(Digest),
    /// What no tag can be called: there is none, and none is made.
    NoTag(InvalidName),
}

/// Splits a path below `/v2/`.
pub(crate) fn parse(path: &str) -> Result<(RepositoryName, Target), Failure> {
    let nothing = || Failure::unknown("NAME_UNKNOWN", "there is nothing at this address");
    let (rest, last) = path.trim_end_matches('/').rsplit_once('/').ok_or_else(nothing)?;
    let target = |name: &str, target: Target| Ok((repository(name)?, target));
    if let Some(name) = path.strip_suffix("/blobs/uploads/").or_else(|| path.strip_suffix("/blobs/uploads")) {
        return target(name, Target::Uploads);
    }
    if let Some(name) = rest.strip_suffix("/blobs/uploads") {
        return target(name, Target::Upload(last.to_owned()));
    }
    if let Some(name) = rest.strip_suffix("/blobs") {
        return target(name, Target::Blob(digest(last)?));
    }
    if let Some(name) = rest.strip_suffix("/manifests") {
        return target(name, Target::Manifest(reference(last)?));
    }
    if let Some(name) = rest.strip_suffix("/referrers") {
        return target(name, Target::Referrers(digest(last)?));
    }
    match rest.strip_suffix("/tags") {
        Some(name) if last == "list" => target(name, Target::Tags),
        _ => Err(nothing()),
    }
}

fn repository(name: &str) -> Result<RepositoryName, Failure> {
    name.parse().map_err(|error: InvalidName| Failure::malformed("NAME_INVALID", error.to_string()))
}

pub(crate) fn digest(text: &str) -> Result<Digest, Failure> {
    text.parse().map_err(|error: domain::InvalidDigest| Failure::malformed("DIGEST_INVALID", error.to_string()))
}

fn reference(text: &str) -> Result<Reference, Failure> {
    if text.contains(':') {
        return digest(text).map(Reference::Digest);
    }
    Ok(text.parse().map_or_else(Reference::NoTag, Reference::Tag))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_path_is_split_or_refused(path in "[^/]{0,5}(/[^/]{0,9}|/blobs|/uploads|/manifests|/tags|/list|/referrers){0,6}") {
            let _ = parse(&path);
        }

        #[test]
        fn a_repository_may_be_called_anything(
            name in "[a-z0-9]{1,5}(/([a-z0-9]{1,5}|blobs|manifests|tags|uploads|referrers)){0,4}",
            bytes in any::<[u8; 4]>(),
            tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}",
        ) {
            let digest = domain::Digest::sha256(&bytes);
            for (below, target) in [
                (format!("blobs/{digest}"), format!("Blob({digest})")),
                (format!("manifests/{digest}"), format!("Manifest(Digest({digest}))")),
                (format!("manifests/{tag}"), format!("Manifest(Tag({tag}))")),
                (format!("referrers/{digest}"), format!("Referrers({digest})")),
                ("tags/list".to_owned(), "Tags".to_owned()),
            ] {
                let (repository, found) = parse(&format!("{name}/{below}")).expect("a path");
                prop_assert_eq!((repository.as_str(), format!("{found:?}")), (name.as_str(), target));
            }
        }
    }

    #[test]
    fn paths_are_split_behind_the_repository() {
        let digest = domain::Digest::sha256(b"");
        let id = "0123456789abcdef0123456789abcdef";
        for (path, expected) in [
            (format!("shop/web/blobs/{digest}"), format!("shop/web Blob({digest})")),
            ("a/b/c/blobs/uploads/".into(), "a/b/c Uploads".into()),
            (format!("blobs/blobs/uploads/{id}"), format!("blobs Upload(\"{id}\")")),
            ("shop/web/manifests/latest".into(), "shop/web Manifest(Tag(latest))".into()),
            (format!("shop/web/manifests/{digest}"), format!("shop/web Manifest(Digest({digest}))")),
            ("shop/web/tags/list".into(), "shop/web Tags".into()),
            (format!("shop/web/referrers/{digest}"), format!("shop/web Referrers({digest})")),
            ("Shop/web/tags/list".into(), "400".into()),
            ("shop/web/manifests/sha256:short".into(), "400".into()),
            ("shop/web/blobs/uploads/../../x".into(), "404".into()),
            ("shop".into(), "404".into()),
            ("shop/web/nothing/here".into(), "404".into()),
        ] {
            let found = match parse(&path) {
                Ok((repository, target)) => format!("{repository} {target:?}"),
                Err(failure) => axum::response::IntoResponse::into_response(failure).status().as_str().to_owned(),
            };
            assert_eq!(found, expected, "{path}");
        }
    }
}
