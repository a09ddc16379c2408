//! Retention: which artifacts of a project stay, which lie in the archive, and which go. Pure: the same facts give the same plan.
//!
//! *Roots* stay whatever the policy says: what stages have and could roll back to, open promotions, releases, holds, keeps. What a root
//! consists of stays with it, and so does what is about it. All else stays as long as a rule of the policy says so.

mod object;
mod plan;
mod policy;
mod reason;
mod roots;
#[cfg(test)]
mod tests;

pub use object::{Object, about};
pub use plan::{Facts, Item, Moves, Outcome, PLAN_OBJECTS_MAX, Plan, Totals, plan};
pub use policy::{KeepRule, Pattern, Policy};
pub use reason::Reason;
pub use roots::{KnownRelease, Roots};
