//! Things to store.

use bytes::Bytes;
use domain::Timestamp;
use engine::ports::{Batch, ByteStream, Head, NewEntry, Trouble};
use tlog::leaf_hash;

/// A batch that appends entries with these bytes to a ledger that ends at `expected`.
pub fn batch(expected: &Head, entries: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Batch {
    let mut next = expected.clone();
    let mut new = Vec::new();
    for entry in entries {
        let (bytes, leaf) = (Bytes::copy_from_slice(entry.as_ref()), leaf_hash(entry.as_ref()));
        next.frontier.append(leaf);
        next.time = Timestamp::from_millis(next.time.as_millis() + 1);
        new.push(NewEntry { bytes, leaf });
    }
    Batch { expected: expected.clone(), entries: new, next, ..Batch::default() }
}

/// Bytes that are nowhere like those before them.
pub fn bytes(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A client's bytes on their way, in pieces of `size`.
pub fn pieces(bytes: &Bytes, size: usize) -> ByteStream {
    let pieces: Vec<Result<Bytes, Trouble>> =
        bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(futures::stream::iter(pieces))
}
