//! Adapters to the world: registries that are not ours.
//!
//! [`Client`] speaks the OCI distribution specification to any registry as it really behaves; [`Copy`](struct@Copy) copies artifacts with all that
//! belongs to them from one to another, byte by byte the same, and goes on where it was broken off. [`Mirrors`] are what a server fetches
//! from when somebody pulls, [`Registries`] where it delivers to what stages have.

mod address;
mod auth;
mod challenge;
mod client;
mod copy;
mod credentials;
mod deliver;
mod download;
mod error;
mod graph;
mod here;
mod journal;
mod link;
mod lists;
mod location;
mod mirrors;
mod origin;
mod pace;
mod plan;
mod remote;
mod sources;
mod upload;

pub use client::{Client, Limits};
pub use copy::{Copied, Copy, Placed};
pub use credentials::{Credentials, Secret};
pub use deliver::Registries;
pub use download::Download;
pub use error::Error;
pub use here::Here;
pub use journal::Journal;
pub use lists::Listed;
pub use location::{Host, InvalidLocation, Location, Place, Reference};
pub use mirrors::{MirrorOf, Mirrors};
pub use plan::{Plan, Wanted};
pub use remote::{Manifest, Remote};
pub use sources::Sources;
