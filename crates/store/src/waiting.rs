//! Work that waits for a disk.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs `work` here, after the runtime has moved the other tasks of this thread elsewhere. Where it cannot (a runtime of one thread, or none) they wait.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
