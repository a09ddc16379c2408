//! [`Buffers`]: memory that pulls read into, used again and again. New memory would be cleared by the kernel and by the allocator for each piece,
//! which costs as much as reading it.

use std::sync::{Arc, Mutex, PoisonError};

use super::CHUNK;

/// How many idle buffers are kept at most: 8 MiB.
const IDLE_MAX: usize = 32;

/// Buffers of one chunk each.
#[derive(Default)]
pub(super) struct Buffers {
    idle: Mutex<Vec<Box<[u8]>>>,
}

/// A buffer in use; it goes back when nobody reads it any more.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    length: usize,
    home: Arc<Buffers>,
}

impl Buffers {
    /// A buffer for `length` bytes, at most a chunk. What it holds is left over from its last use.
    pub fn take(self: &Arc<Self>, length: usize) -> Buffer {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = idle.unwrap_or_else(|| vec![0; CHUNK].into_boxed_slice());
        Buffer { bytes, length: length.min(CHUNK), home: self.clone() }
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(bytes);
        }
    }
}
