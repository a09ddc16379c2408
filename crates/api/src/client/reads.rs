//! Questions.

use domain::{Digest, Party, ProjectName, Span, StageName, Timestamp};
use serde::Serialize;

use super::{Client, ClientError};
use crate::{
    Board, Difference, EntryAnswer, Events, EvidenceList, GateAnswer, Hold, Live, Page, PageQuery, ProjectAnswer,
    ProjectSummary, Ready, Release, ReleaseSummary, Roles, StateRow, Trace, Transition, Whoami,
};

/// What to ask a gate.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GateQuery {
    /// At this time, gone by or to come; now without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// As if this party wanted to promote; oneself without it.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub asker: Option<Party>,
}

/// Which part of the history.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HistoryQuery {
    /// Of this stage only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// Only what was current at this time: one transition for each stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Which part of the list.
    #[serde(flatten)]
    pub page: PageQuery,
}

/// Which entries.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EventsQuery {
    /// Those after the entry with this index; from the first without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Those about this project; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// How many at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How long to wait for one, at most 30 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Span>,
}

impl Client {
    /// Whether the server is up; needs no token.
    pub async fn health(&self) -> Result<Live, ClientError> {
        self.get(&["v1", "health"], &()).await
    }

    /// Whether the server does its work.
    pub async fn ready(&self) -> Result<Ready, ClientError> {
        self.get(&["v1", "ready"], &()).await
    }

    /// Who the token makes one.
    pub async fn whoami(&self) -> Result<Whoami, ClientError> {
        self.get(&["v1", "whoami"], &()).await
    }

    /// The built-in roles.
    pub async fn roles(&self) -> Result<Roles, ClientError> {
        self.get(&["v1", "roles"], &()).await
    }

    /// The projects that one may read.
    pub async fn projects(&self, page: &PageQuery) -> Result<Page<ProjectSummary>, ClientError> {
        self.get(&["v1", "projects"], page).await
    }

    /// A project with its configuration.
    pub async fn project(&self, project: &ProjectName) -> Result<ProjectAnswer, ClientError> {
        self.get(&["v1", "projects", project.as_str()], &()).await
    }

    /// What each stage has, and what could enter it next.
    pub async fn board(&self, project: &ProjectName) -> Result<Board, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "board"], &()).await
    }

    /// Evidence about a digest.
    pub async fn evidence(&self, project: &ProjectName, subject: &Digest) -> Result<EvidenceList, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "evidence"], &[("subject", subject.as_str())]).await
    }

    /// The releases, the latest first.
    pub async fn releases(&self, project: &ProjectName, page: &PageQuery) -> Result<Page<ReleaseSummary>, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "releases"], page).await
    }

    /// A release, by its id or a prefix of at least 6 hexadecimal digits that no other release has.
    pub async fn release(&self, project: &ProjectName, id: &str) -> Result<Release, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "releases", id], &()).await
    }

    /// The gate's answer; `release` as for [`Client::release`].
    pub async fn gate(
        &self,
        project: &ProjectName,
        stage: &StageName,
        release: &str,
        query: &GateQuery,
    ) -> Result<GateAnswer, ClientError> {
        #[derive(Serialize)]
        struct Asked<'a> {
            release: &'a str,
            #[serde(flatten)]
            query: &'a GateQuery,
        }
        let path = ["v1", "projects", project.as_str(), "stages", stage.as_str(), "gate"];
        self.get(&path, &Asked { release, query }).await
    }

    /// The transitions of the project's stages, the latest first.
    pub async fn history(&self, project: &ProjectName, query: &HistoryQuery) -> Result<Page<Transition>, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "history"], query).await
    }

    /// What is different between two sides, each the name of a stage, or a release as for [`Client::release`].
    pub async fn diff(&self, project: &ProjectName, from: &str, to: &str) -> Result<Difference, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "diff"], &[("from", from), ("to", to)]).await
    }

    /// Everything about a digest.
    pub async fn trace(&self, digest: &Digest, page: &PageQuery) -> Result<Trace, ClientError> {
        self.get(&["v1", "trace", digest.as_str()], page).await
    }

    /// The holds in force.
    pub async fn holds(&self, page: &PageQuery) -> Result<Page<Hold>, ClientError> {
        self.get(&["v1", "holds"], page).await
    }

    /// Entries in their order; waits for one if there is none yet and the query says so.
    pub async fn events(&self, query: &EventsQuery) -> Result<Events, ClientError> {
        self.get(&["v1", "events"], query).await
    }

    /// One entry of the ledger.
    pub async fn entry(&self, index: u64) -> Result<EntryAnswer, ClientError> {
        self.get(&["v1", "ledger", "entries", &index.to_string()], &()).await
    }

    /// Rows of the state in the order of their keys, beginning after the key `after`: all of one answer are as of the same ledger size.
    pub async fn state(&self, after: Option<&str>, limit: Option<u32>) -> Result<Page<StateRow>, ClientError> {
        #[derive(Serialize)]
        struct Asked<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            after: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            limit: Option<u32>,
        }
        self.get(&["v1", "state"], &Asked { after, limit }).await
    }
}
