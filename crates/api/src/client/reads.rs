//! Questions.

use bytes::Bytes;
use domain::{Digest, ProjectName, StageName};

use super::{Client, ClientError};
use crate::{
    Board, DiffQuery, Difference, EntryAnswer, Events, EventsQuery, EvidenceList, EvidenceQuery, GateAnswer, GateQuery,
    HistoryQuery, Hold, Live, Page, PageQuery, ProjectAnswer, ProjectSummary, PromotionReceipts, Ready, ReceiptKey,
    ReceiptsQuery, Release, ReleaseSummary, Roles, Scrub, StateQuery, StateRow, Trace, Transition, Whoami,
};

impl Client {
    /// Whether the server is up; needs no token.
    pub async fn health(&self) -> Result<Live, ClientError> {
        self.get(&["v1", "health"], &()).await
    }

    /// Whether the server does its work.
    pub async fn ready(&self) -> Result<Ready, ClientError> {
        self.get(&["v1", "ready"], &()).await
    }

    /// What the server found when it read again what it stores.
    pub async fn scrub(&self) -> Result<Scrub, ClientError> {
        self.get(&["v1", "scrub"], &()).await
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
        self.get(&["v1", "projects", project.as_str(), "evidence"], &EvidenceQuery { subject: subject.clone() }).await
    }

    /// The releases, the latest first.
    pub async fn releases(&self, project: &ProjectName, page: &PageQuery) -> Result<Page<ReleaseSummary>, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "releases"], page).await
    }

    /// A release, by its id or a prefix of at least 6 hexadecimal digits that no other release has.
    pub async fn release(&self, project: &ProjectName, id: &str) -> Result<Release, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "releases", id], &()).await
    }

    /// The gate's answer.
    pub async fn gate(
        &self,
        project: &ProjectName,
        stage: &StageName,
        query: &GateQuery,
    ) -> Result<GateAnswer, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "stages", stage.as_str(), "gate"], query).await
    }

    /// The document of the evidence that an entry recorded; `None` if it has none, or none any more.
    pub async fn evidence_document(&self, project: &ProjectName, entry: u64) -> Result<Option<Bytes>, ClientError> {
        let path = ["v1", "projects", project.as_str(), "evidence", &entry.to_string(), "document"];
        match self.get_bytes(&path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The receipts of a promotion.
    pub async fn receipts(
        &self,
        project: &ProjectName,
        stage: &StageName,
        query: &ReceiptsQuery,
    ) -> Result<PromotionReceipts, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "stages", stage.as_str(), "receipts"], query).await
    }

    /// The public key that verifies receipts; needs no token.
    pub async fn receipt_key(&self) -> Result<ReceiptKey, ClientError> {
        self.get(&["v1", "receipts", "key"], &()).await
    }

    /// The transitions of the project's stages, the latest first.
    pub async fn history(&self, project: &ProjectName, query: &HistoryQuery) -> Result<Page<Transition>, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "history"], query).await
    }

    /// What is different between two sides, each the name of a stage, or a release as for [`Client::release`].
    pub async fn diff(&self, project: &ProjectName, from: &str, to: &str) -> Result<Difference, ClientError> {
        let query = DiffQuery { from: from.to_owned(), to: to.to_owned() };
        self.get(&["v1", "projects", project.as_str(), "diff"], &query).await
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
        let query = StateQuery { after: after.map(str::to_owned), limit };
        self.get(&["v1", "state"], &query).await
    }
}
