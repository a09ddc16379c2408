//! The file that says which repositories of a server are mirrors.

use std::{fs, path::Path, sync::Arc};

use connect::{Client, Credentials, Host, Limits, MirrorOf, Mirrors, Place};
use domain::{RepositoryName, Span};
use engine::ports::Upstream;
use serde::Deserialize;

use crate::outcome::{Failure, Outcome};

/// How many bytes the file has at most.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How many mirrors a server has at most.
const MIRRORS_MAX: usize = 1000;
/// How many seconds old what is known of a tag may be, where the file does not say.
const TAG_AGE_SECONDS: u64 = 600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    mirrors: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Line {
    repositories: RepositoryName,
    upstream: String,
    tag_age: Option<String>,
}

/// Reads the file.
pub fn read(file: &Path) -> Outcome<Vec<MirrorOf>> {
    let size = fs::metadata(file).map_err(|error| Failure::file(file, &error))?.len();
    let hint = "see docs/guide/other-registries.md for the form of the file";
    let wrong = |problem: String| Failure::usage(format!("{}: {problem}", file.display()), hint);
    if size > FILE_BYTES_MAX {
        return Err(wrong(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
    let File { mirrors } = serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if mirrors.len() > MIRRORS_MAX {
        return Err(wrong(format!("it has more than {MIRRORS_MAX} mirrors")));
    }
    let mirrors: Vec<MirrorOf> = mirrors.into_iter().map(|line| line.read().map_err(wrong)).collect::<Outcome<_>>()?;
    let mut names: Vec<_> = mirrors.iter().map(|mirror| &mirror.prefix).collect();
    names.sort();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(wrong(format!("`{}` is a mirror of two upstreams", twice[0])));
    }
    Ok(mirrors)
}

impl Line {
    fn read(self) -> Result<MirrorOf, String> {
        let (host, below) = match self.upstream.parse::<Host>() {
            Ok(host) => (host, None),
            Err(_) => {
                let place: Place = self.upstream.parse().map_err(|error| format!("{error}"))?;
                (place.host, Some(place.repository))
            }
        };
        let tag_age = self.tag_age.map(|text| text.parse().map_err(|error| format!("{error}"))).transpose()?;
        Ok(MirrorOf {
            prefix: self.repositories,
            host,
            below,
            tag_age: tag_age.unwrap_or(Span::from_secs(TAG_AGE_SECONDS)),
        })
    }
}

/// What a server fetches from, as the file says. Who it is there, the files and helper programs of this machine's tools say.
pub fn open(file: &Path) -> Outcome<Arc<dyn Upstream>> {
    let mirrors = read(file)?;
    // Clients wait meanwhile: a registry that does not answer soon is taken for one that is down.
    let limits = Limits { attempts: 3, ..Limits::default() };
    let client = Client::new(Credentials::of_this_machine(), limits)?;
    Ok(Arc::new(Mirrors::new(client, mirrors)))
}
