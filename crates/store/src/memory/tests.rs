//! The adapter in memory passes the suites.

use super::Memory;
use crate::conformance;

#[tokio::test]
async fn it_conforms() {
    conformance::ledger(&Memory::new()).await;
    conformance::catalog(&Memory::new()).await;
    conformance::views(&Memory::new()).await;
    conformance::blobs(&Memory::new()).await;
    conformance::tiers(&Memory::new()).await;
    conformance::tiles(&Memory::new()).await;
}
