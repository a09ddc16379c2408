//! A manifest as a client pushes it: any bytes under any media type give a record or an error.

#![no_main]

use domain::{Digest, RepositoryName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (media_type, bytes) = match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (String::from_utf8_lossy(&input[..end]).into_owned(), &input[end + 1..]),
        None => ("application/vnd.oci.image.manifest.v1+json".to_owned(), input),
    };
    let repository: RepositoryName = "shop/web".parse().expect("a repository");
    let digest = Digest::sha256(bytes);
    if let Ok(record) = engine::manifest::parse(&repository, &digest, &media_type, bytes) {
        assert_eq!((record.repository, record.digest, record.size), (repository, digest, bytes.len() as u64));
    }
});
