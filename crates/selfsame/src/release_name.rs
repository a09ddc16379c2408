//! [`ReleaseName`]: how people name a release on the command line.

use std::str::FromStr;

use api::{Client, PageQuery};
use domain::{ProjectName, ReleaseId, StageName};

use crate::outcome::{Failure, Outcome};

/// How many hexadecimal digits name a release at least.
const DIGITS_MIN: usize = 6;

/// A release, as it is named: its id, the beginning of its id, `latest`, or a stage that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseName {
    /// By its whole id.
    Id(ReleaseId),
    /// The one that was created last.
    Latest,
    /// By a word that may name a stage, and may be the beginning of an id.
    Word(String),
}

impl FromStr for ReleaseName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        match text {
            "latest" => Ok(Self::Latest),
            _ if is_prefix(digits) => Ok(Self::Word(digits.to_owned())),
            _ if text.parse::<StageName>().is_ok() => Ok(Self::Word(text.to_owned())),
            _ => Err(format!(
                "name a release by its id, by at least {DIGITS_MIN} digits of its id, by `latest`, or by a stage that has it"
            )),
        }
    }
}

fn is_prefix(text: &str) -> bool {
    (DIGITS_MIN..=64).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl ReleaseName {
    /// The release that is meant.
    pub async fn resolve(&self, client: &Client, project: &ProjectName) -> Outcome<ReleaseId> {
        match self {
            Self::Id(id) => Ok(id.clone()),
            Self::Latest => latest(client, project).await,
            Self::Word(word) => match word.parse() {
                Ok(stage) => by_stage_or_digits(client, project, &stage).await,
                Err(_) => Ok(client.release(project, word).await?.release),
            },
        }
    }
}

async fn latest(client: &Client, project: &ProjectName) -> Outcome<ReleaseId> {
    let page = client.releases(project, &PageQuery { limit: Some(1), ..PageQuery::default() }).await?;
    let unknown = || {
        let hint = "create one with `selfsame release create`";
        Failure::refused("release-unknown", format!("project `{project}` has no release yet"), Some(hint.into()))
    };
    page.items.into_iter().next().map(|release| release.release).ok_or_else(unknown)
}

async fn by_stage_or_digits(client: &Client, project: &ProjectName, name: &StageName) -> Outcome<ReleaseId> {
    let board = client.board(project).await?;
    if let Some(stage) = board.stages.iter().find(|stage| stage.stage == *name) {
        let empty = || {
            Failure::refused("stage-empty", format!("stage `{name}` has no release"), Some("promote one first".into()))
        };
        return stage.current.as_ref().map(|current| current.release.clone()).ok_or_else(empty);
    }
    if is_prefix(name.as_str()) {
        return Ok(client.release(project, name.as_str()).await?.release);
    }
    let stages: Vec<_> = board.stages.iter().map(|stage| stage.stage.as_str()).collect();
    Err(Failure::refused(
        "release-unknown",
        format!("`{name}` is neither a release nor a stage of project `{project}`"),
        Some(format!("its stages are: {}", stages.join(", "))),
    ))
}
