//! [`Page`]: a part of a list.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How many items a part of a list has unless its query says otherwise.
pub const LIMIT_DEFAULT: u32 = 100;
/// How many items a part of a list has at most.
pub const LIMIT_MAX: u32 = 1000;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next part; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// The `next` of the part before; from the beginning without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many items at most: 1 to 1000, 100 unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
}
