//! The advisory locks of a shared database. They stand in one place, since two with one number would be one lock.

/// Of whoever brings the database to this version: two programs that start together must not both do it.
pub const MIGRATING: i64 = 7_310_579;
/// Of whoever writes the views.
pub const VIEWS: i64 = 7_310_580;
/// Of whoever puts a checkpoint.
pub const CHECKPOINT: i64 = 7_310_581;
/// Of whoever takes a turn.
pub const TURNS: i64 = 7_310_582;
/// Of every server that is there, shared; of whoever must be alone, not shared.
pub const PRESENT: i64 = 7_310_583;
/// Of whoever writes to the ledger, where several do.
pub const WRITING: i64 = 7_310_584;
