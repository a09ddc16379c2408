//! What goes over the wire of HTTP `/v1`: the types of requests and answers, and the [`Client`] that speaks them.
//!
//! Names and digests inside are those of `domain`, so whatever was read is valid. The shapes around them are declared here, apart from the
//! domain's, so that a change of the rules never changes the wire by accident. What a request may say is exact: an unknown member is an
//! error. What an answer says may grow: readers pass over members that they do not know.

mod board;
mod client;
mod delivery;
mod diff;
mod entry;
mod evidence;
mod gate;
mod health;
mod history;
mod hold;
mod page;
mod problem;
mod project;
mod query;
mod receipt;
mod receipts;
mod release;
mod retention;
mod scrub;
mod stage;
mod state;
mod token;
mod trace;

pub use board::{Board, BoardStage, Candidate, HealthReport, Mark, Tenure};
pub use client::{Client, ClientError};
pub use delivery::{Delivery, DeliveryState};
pub use diff::{DiffPart, DiffSide, Difference};
pub use entry::{Entry, EntryAnswer, Events};
pub use evidence::{Document, Evidence, EvidenceList, EvidenceRequest, SignedEvidenceRequest, SignedStatement};
pub use gate::{Decision, Finding, GateAnswer, Standing, Status};
pub use health::{Live, Ready, Whoami};
pub use history::Transition;
pub use hold::{Hold, HoldRequest};
pub use page::{LIMIT_DEFAULT, LIMIT_MAX, Page, PageQuery};
pub use problem::Problem;
pub use project::{Applied, ApplyRequest, Change, ChangeKind, Expected, Plan, ProjectAnswer, ProjectSummary};
pub use query::{
    ApplyQuery, DiffQuery, EventsQuery, EvidenceQuery, GateQuery, HistoryQuery, ReasonQuery, ReceiptsQuery, StateQuery,
    UnholdQuery,
};
pub use receipt::Receipt;
pub use receipts::{ComponentReceipt, PromotionReceipts, ReceiptKey};
pub use release::{CreatedRelease, Release, ReleaseInStage, ReleaseRequest, ReleaseSummary, Source};
pub use retention::{
    Heap, Keep, KeepRequest, Lease, LeaseRequest, Observation, ObservationRequest, RestoreRequest, Restored,
    RetentionApplyRequest, RetentionItem, RetentionOutcome, RetentionPlan, RetentionPlanRequest, RetentionProgress,
    RetentionStatus, UnleaseQuery,
};
pub use scrub::{DamagedBlob, Scrub};
pub use stage::{ApprovalRequest, HealthRequest, PromotionRequest, RollbackRequest, SteeringRequest, VetoRequest};
pub use state::StateRow;
pub use token::{Ending, IssuedToken, Role, Roles, TokenRequest};
pub use trace::{Attached, InRelease, InStage, SeenRunning, Trace};

/// The header of every answer: how many ledger entries it takes into account.
pub const LEDGER_SIZE_HEADER: &str = "selfsame-ledger-size";
/// The header of a read that shall wait until the server takes this many ledger entries into account.
pub const WAIT_FOR_HEADER: &str = "selfsame-wait-for";
/// The header of a command that makes asking twice safe.
pub const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";
