//! Access tokens and roles.

use std::{fmt, str::FromStr};

use domain::{Grant, InvalidTime, Party, Permission, RoleName, Span, Timestamp, TokenId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Issues an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Who will act with it: `person:NAME` or `machine:NAME`.
    #[schema(value_type = String)]
    pub party: Party,
    /// What it allows, each as `role@project`, `role@project/stage` or `role@*`.
    #[schema(value_type = Vec<String>)]
    pub grants: Vec<Grant>,
    /// When it ends: a time, or how long from now.
    #[schema(value_type = String)]
    pub expires: Ending,
}

/// When something ends: a point in time, or a length of time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Ending {
    /// At this time.
    At(Timestamp),
    /// So long from now.
    In(Span),
}

/// A token that was issued. This is the only time that its secret is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedToken {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The entry that issued it.
    pub index: u64,
    /// Its id: it names the token and opens nothing.
    #[schema(value_type = String)]
    pub id: TokenId,
    /// The secret: what to authenticate with.
    pub token: String,
    /// Who acts with it.
    #[schema(value_type = String)]
    pub party: Party,
    /// What it allows.
    #[schema(value_type = Vec<String>)]
    pub grants: Vec<Grant>,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

/// The built-in roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Roles {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The roles.
    pub roles: Vec<Role>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Role {
    /// Its name.
    #[schema(value_type = String)]
    pub role: RoleName,
    /// What it allows.
    #[schema(value_type = Vec<String>)]
    pub permissions: Vec<Permission>,
    /// A line that explains it.
    pub about: String,
}

impl Ending {
    /// The point in time, as seen at `now`.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::In(span) => now + span,
        }
    }
}

impl FromStr for Ending {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        if text.contains(['-', ':', 'T']) { text.parse().map(Self::At) } else { text.parse().map(Self::In) }
    }
}

impl TryFrom<String> for Ending {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, InvalidTime> {
        text.parse()
    }
}

impl From<Ending> for String {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::At(at) => at.to_string(),
            Ending::In(span) => span.to_string(),
        }
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("id", &self.id).field("party", &self.party).finish_non_exhaustive()
    }
}
