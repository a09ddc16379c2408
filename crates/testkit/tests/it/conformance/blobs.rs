//! Blobs: every way to bring one, and what is answered to those who ask for it.

use domain::{Algorithm, Digest};

use super::{Registry, script::Conversation};

/// A way to bring a blob: its name, how large the blob is, and the conversation.
type Case = (&'static str, usize, &'static str);

/// What every blob that was stored goes through in the end.
const STORED: &str = "
    GET    {location}         -> 200 | = whole
    HEAD   {a}/blobs/{digest} -> 200 | Content-Length: {size} | Docker-Content-Digest: {digest} | = nothing
    GET    {a}/blobs/{digest} -> 200 | Content-Length: {size} | Docker-Content-Digest: {digest} | = whole
    DELETE {a}/blobs/{digest} -> 202
    HEAD   {a}/blobs/{digest} -> 404
    GET    {a}/blobs/{digest} -> 404 | = BLOB_UNKNOWN
    DELETE {a}/blobs/{digest} -> 404
";

const BROUGHT: &[Case] = &[
    ("one POST", 512, "
        GET    {a}/blobs/{digest}                       -> 404 | = BLOB_UNKNOWN
        POST   {a}/blobs/uploads/?digest={digest} whole -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("POST and PUT", 512, "
        POST   {a}/blobs/uploads/                       -> 202 | Location | Range: 0-0
        PUT    {location}?digest={digest} whole         -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("POST without the slash", 512, "
        POST   {a}/blobs/uploads                        -> 202 | Location
        PUT    {location}?digest={digest} whole         -> 201 | Location
    "),
    ("POST that says by what the blob is named", 512, "
        POST   {a}/blobs/uploads/?digest-algorithm={algorithm} -> 202 | Location
        PATCH  {location} stream                        -> 202 | Location | Range: 0-511
        PUT    {location}?digest={digest}               -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("POST that says something else than the end", 512, "
        POST   {a}/blobs/uploads/?digest-algorithm=sha512 -> 202 | Location
        PATCH  {location} 0-99                          -> 202 | Location
        PUT    {location}?digest={digest} 100-511       -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("one chunk", 512, "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} 0-511                         -> 202 | Location | Range: 0-511
        PUT    {location}?digest={digest}               -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("three chunks", 3067, "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} 0-1023                        -> 202 | Location | Range: 0-1023
        PATCH  {location} 1024-2047                     -> 202 | Location | Range: 0-2047
        PATCH  {location} 2048-3066                     -> 202 | Location | Range: 0-3066
        PUT    {location}?digest={digest}               -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("three chunks, the last with the PUT", 3067, "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} 0-1023                        -> 202 | Location
        PATCH  {location} 1024-2047                     -> 202 | Location
        PUT    {location}?digest={digest} 2048-3066     -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("chunks out of order", 3067, "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} 1024-2047                     -> 416 | = BLOB_UPLOAD_INVALID
        GET    {location}                               -> 204 | Location | Range: 0-0
        PATCH  {location} 0-1023                        -> 202 | Location
        PATCH  {location} 2048-3066                     -> 416
        GET    {location}                               -> 204 | Location | Range: 0-1023
        PATCH  {location} 1024-2047                     -> 202 | Location
        PATCH  {location} 0-1023                        -> 416 | Range: 0-2047
        GET    {location}                               -> 204 | Location | Range: 0-2047
        PATCH  {location} 2048-3066                     -> 202 | Location
        PUT    {location}?digest={digest}               -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("chunks out of order, the last with the PUT", 3067, "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} 0-1023                        -> 202 | Location
        PUT    {location}?digest={digest} 2048-3066     -> 416
        GET    {location}                               -> 204 | Location | Range: 0-1023
        PATCH  {location} 1024-2047                     -> 202 | Location
        PUT    {location}?digest={digest} 2048-3066     -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("a stream", 3067, "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} stream                        -> 202 | Location | Range: 0-3066
        PUT    {location}?digest={digest}               -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("mounted from where it is", 512, "
        POST   {b}/blobs/uploads/?digest={digest} whole -> 201
        HEAD   {a}/blobs/{digest}                       -> 404
        POST   {a}/blobs/uploads/?mount={digest}&from=conformance/b -> 201 | Location | Docker-Content-Digest: {digest}
        DELETE {b}/blobs/{digest}                       -> 202
        GET    {a}/blobs/{digest}                       -> 200 | = whole
        POST   {a}/blobs/uploads/?mount={digest}&from=conformance/a -> 201 | Location
    "),
    ("mounted from wherever it is", 512, "
        POST   {b}/blobs/uploads/?digest={digest} whole -> 201
        POST   {a}/blobs/uploads/?mount={digest}        -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("mounted from where it is not", 512, "
        POST   {a}/blobs/uploads/?mount={digest}&from=conformance/b -> 202 | Location
        PUT    {location}?digest={digest} whole         -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("mounted from what is no repository", 512, "
        POST   {a}/blobs/uploads/?mount={digest}&from=.NO -> 202 | Location
        PUT    {location}?digest={digest} whole         -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("mounted by what is no digest", 512, "
        POST   {a}/blobs/uploads/?mount=sha256:no       -> 202 | Location
        PUT    {location}?digest={digest} whole         -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("brought twice", 512, "
        POST   {a}/blobs/uploads/?digest={digest} whole -> 201 | Location
        POST   {a}/blobs/uploads/?digest={digest} whole -> 201 | Location
    "),
    ("parts of it", 2048, "
        POST   {a}/blobs/uploads/?digest={digest} whole -> 201 | Location
        GET    {location} | Range: bytes=500-1499       -> 206 | Content-Length: 1000 | Content-Range: bytes 500-1499/2048 | = 500-1499
        GET    {location} | Range: bytes=500-           -> 206 | Content-Length: 1548 | Content-Range: bytes 500-2047/2048 | = 500-2047
        GET    {location} | Range: bytes=-500           -> 206 | Content-Length: 500 | Content-Range: bytes 1548-2047/2048 | = 1548-2047
        GET    {location} | Range: bytes=2000-5000      -> 206 | Content-Length: 48 | Content-Range: bytes 2000-2047/2048 | = 2000-2047
        GET    {location} | Range: bytes=500-0          -> 416
        GET    {location} | Range: bytes=5000-10000     -> 416 | Content-Range: bytes */2048
        GET    {location} | Range: lines=1-2            -> 200 | = whole
    "),
    ("nothing at all", 0, "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PUT    {location}?digest={digest}               -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("nothing at all, in one POST", 0, "
        POST   {a}/blobs/uploads/?digest={digest}       -> 201 | Location | Docker-Content-Digest: {digest}
    "),
    ("`{}`", 2, "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PUT    {location}?digest={digest} whole         -> 201 | Location | Docker-Content-Digest: {digest}
    "),
];

/// What every blob that was refused goes through in the end.
const REFUSED: &str = "
    HEAD   {a}/blobs/{digest} -> 404
    GET    {a}/blobs/{digest} -> 404 | = BLOB_UNKNOWN
";

const NOT_BROUGHT: &[Case] = &[
    (
        "other bytes in one POST",
        3067,
        "
        POST   {a}/blobs/uploads/?digest={digest} other -> 400 | = DIGEST_INVALID
    ",
    ),
    (
        "other bytes in the PUT",
        3067,
        "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PUT    {location}?digest={digest} other         -> 400 | = DIGEST_INVALID
        GET    {location}                               -> 404 | = BLOB_UPLOAD_UNKNOWN
    ",
    ),
    (
        "too few chunks",
        3067,
        "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} 0-1023                        -> 202 | Location
        PATCH  {location} 1024-2047                     -> 202 | Location
        PUT    {location}?digest={digest}               -> 400 | = DIGEST_INVALID
    ",
    ),
    (
        "too few chunks, the last with the PUT",
        3067,
        "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} 0-1023                        -> 202 | Location
        PUT    {location}?digest={digest} 1024-2047     -> 400 | = DIGEST_INVALID
    ",
    ),
    (
        "other bytes in a stream",
        3067,
        "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} other                         -> 202 | Location
        PUT    {location}?digest={digest}               -> 400 | = DIGEST_INVALID
    ",
    ),
    (
        "a PUT that does not say what it is",
        512,
        "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PUT    {location} whole                         -> 400 | = DIGEST_INVALID
        PUT    {location}?digest={algorithm}:short      -> 400 | = DIGEST_INVALID
        GET    {location}                               -> 204 | Range: 0-0
        DELETE {location}                               -> 204
    ",
    ),
    (
        "cancelled",
        512,
        "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} 0-99                          -> 202 | Location
        DELETE {location}                               -> 204
        GET    {location}                               -> 404 | = BLOB_UPLOAD_UNKNOWN
        PATCH  {location} 100-511                       -> 404 | = BLOB_UPLOAD_UNKNOWN
        PUT    {location}?digest={digest}               -> 404 | = BLOB_UPLOAD_UNKNOWN
        DELETE {location}                               -> 404 | = BLOB_UPLOAD_UNKNOWN
    ",
    ),
    (
        "a chunk that is not as long as it says",
        512,
        "
        POST   {a}/blobs/uploads/                       -> 202 | Location
        PATCH  {location} whole | Content-Range: 0-99   -> 400 | = SIZE_INVALID
        PATCH  {location} whole | Content-Range: bytes  -> 400 | = BLOB_UPLOAD_INVALID
        PATCH  {location} stream | Content-Range: 0-99  -> 400 | = BLOB_UPLOAD_INVALID
        GET    {location}                               -> 204 | Range: 0-0
    ",
    ),
    (
        "in another repository than it was begun in",
        512,
        "
        POST   {a}/blobs/uploads/                       -> 202 | Docker-Upload-Uuid
        GET    {b}/blobs/uploads/{upload}               -> 404 | = BLOB_UPLOAD_UNKNOWN
        PATCH  {b}/blobs/uploads/{upload} whole         -> 404 | = BLOB_UPLOAD_UNKNOWN
        DELETE {b}/blobs/uploads/{upload}               -> 404 | = BLOB_UPLOAD_UNKNOWN
        GET    {a}/blobs/uploads/{upload}               -> 204 | Range: 0-0
    ",
    ),
    (
        "by a hash function that nobody trusts",
        512,
        "
        POST   {a}/blobs/uploads/?digest-algorithm=md5  -> 400 | = DIGEST_INVALID
        POST   {a}/blobs/uploads/?digest=md5:d41d8cd98f00b204e9800998ecf8427e whole -> 400 | = DIGEST_INVALID
        GET    {a}/blobs/{algorithm}:short              -> 400 | = DIGEST_INVALID
    ",
    ),
];

/// A conversation about a blob of `size` bytes that no other case has.
fn about(case: &str, size: usize, algorithm: Algorithm) -> Conversation {
    let mut conversation = Conversation::new();
    let seed = Digest::sha512(format!("{case} {algorithm}").as_bytes());
    conversation.blob = match case {
        "`{}`" => b"{}".to_vec(),
        // No two chunks are alike, so that one in another's place is noticed.
        _ => seed.hex().bytes().cycle().zip(0..size).map(|(digit, at)| digit ^ (at / 128).to_le_bytes()[0]).collect(),
    };
    conversation.names.insert("digest", Digest::of(algorithm, &conversation.blob).to_string());
    conversation.names.insert("algorithm", algorithm.to_string());
    conversation.names.insert("size", conversation.blob.len().to_string());
    conversation
}

async fn go_through(cases: &[Case], end: &str) {
    let registry = Registry::begin().await;
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        for (name, size, script) in cases {
            let mut conversation = about(name, *size, algorithm);
            let case = format!("{name} ({algorithm})");
            conversation.run(&registry, &case, script).await;
            conversation.run(&registry, &case, end).await;
        }
    }
    registry.world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_brought_in_every_way() {
    go_through(BROUGHT, STORED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_blob_is_not_stored() {
    go_through(NOT_BROUGHT, REFUSED).await;
}

/// A mount gives nothing away: who may not pull a blob where it is has to bring it, as if it were nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_mounts_what_they_may_not_pull() {
    let registry = Registry::begin().await;
    let request = api::TokenRequest {
        party: "machine:ci".parse().expect("a party"),
        grants: vec!["publisher@conformance".parse().expect("a grant")],
        expires: api::Ending::In(domain::Span::from_secs(3600)),
    };
    let token = registry.world.client().issue_token(&request).await.expect("the token is issued").token;
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let mut conversation = about("private", 512, algorithm);
        conversation.run(&registry, "private", "POST {c}/blobs/uploads/?digest={digest} whole -> 201").await;
        conversation.token = Some(token.clone());
        let script = "
            GET    {c}/blobs/{digest}                       -> 403 | = DENIED
            POST   {a}/blobs/uploads/?mount={digest}&from=private/c -> 202 | Location
            POST   {a}/blobs/uploads/?mount={digest}        -> 202 | Location
            HEAD   {a}/blobs/{digest}                       -> 404
            POST   {c}/blobs/uploads/                       -> 403 | = DENIED
            PUT    {location}?digest={digest} whole         -> 201 | Location
            POST   {b}/blobs/uploads/?mount={digest}        -> 201 | Location
        ";
        conversation.run(&registry, &format!("private ({algorithm})"), script).await;
    }
    registry.world.audit().await;
}
