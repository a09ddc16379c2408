//! [`Shown`]: the rows of the state that a server or its database shows, to be compared with the fold of the entries.

use std::{collections::BTreeMap, time::Duration};

use api::{Client, ClientError};
use domain::{Digest, State};

use super::Finding;
use crate::outcome::{Failure, Outcome};

/// How many rows are asked for at once.
const PAGE: u32 = 1000;
/// How often the rows are read anew because the ledger grew meanwhile.
const TRIES: usize = 8;

/// The hash of each row, as of one size of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How many entries the rows take into account.
    pub size: u64,
    /// The SHA-256 hash of each row in hexadecimal, by its key.
    pub rows: BTreeMap<String, String>,
}

impl Shown {
    /// The rows that a server shows; or why they cannot be compared.
    pub async fn of_server(client: &Client) -> Outcome<Result<Self, String>> {
        for attempt in 0..TRIES {
            match pages(client).await {
                Ok(Some(shown)) => return Ok(Ok(shown)),
                Ok(None) => tokio::time::sleep(Duration::from_millis(100 << attempt)).await,
                Err(ClientError::Refused(problem)) => return Ok(Err(problem.detail)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Err("the ledger grew all the while".into()))
    }

    /// Says which rows do not follow from the entries.
    pub fn compare(&self, folded: &BTreeMap<String, String>, findings: &mut Vec<Finding>) {
        for (key, hash) in folded {
            let problem = match self.rows.get(key) {
                None => "is missing",
                Some(shown) if shown != hash => "is not what the entries make it",
                Some(_) => continue,
            };
            findings.push(Finding::Row { key: key.clone(), problem });
        }
        let extra = self.rows.keys().filter(|key| !folded.contains_key(*key));
        findings.extend(extra.map(|key| Finding::Row { key: key.clone(), problem: "follows from no entry" }));
    }
}

/// The rows as the fold has them.
pub fn folded_rows(state: &State) -> BTreeMap<String, String> {
    let row = |key: domain::Key| Some((key.to_string(), Digest::sha256(&state.row(&key)?).hex().to_owned()));
    state.keys().filter_map(row).collect()
}

/// All pages; `None` if they are not of one size.
async fn pages(client: &Client) -> Result<Option<Shown>, ClientError> {
    let mut shown: Option<Shown> = None;
    let mut after: Option<String> = None;
    loop {
        let page = client.state(after.as_deref(), Some(PAGE)).await?;
        let whole = shown.get_or_insert_with(|| Shown { size: page.as_of, rows: BTreeMap::new() });
        if whole.size != page.as_of {
            return Ok(None);
        }
        whole.rows.extend(page.items.into_iter().map(|row| (row.key, row.sha256)));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(shown),
        }
    }
}

impl From<engine::ports::Trouble> for Failure {
    fn from(trouble: engine::ports::Trouble) -> Self {
        Self::broken(trouble.to_string())
    }
}
