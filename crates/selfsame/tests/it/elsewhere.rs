//! Other registries, as they are: Debian's docker-registry, and what stands between it and us when things go wrong.

mod between;
mod copies;
mod deliveries;
pub(super) mod foreign;
mod imports;
mod lame;
mod mirrors;
