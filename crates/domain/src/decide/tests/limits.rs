use crate::testing::Story;

const TEXT: &str = "refused limit-reached: a reason has at most 2000 bytes";
const ENTRY: &str = "refused limit-reached: an entry of the ledger has at most 65535 bytes";
const BOTH: &str = "apply dev; push web-1; push web-2; release 1; release 2; promote 1 dev";

/// Limits on what comes from outside, each one at the limit and one over it.
pub(super) const STORIES: &[Story] = &[
    (BOTH, "promote 2 dev because 2000_bytes", "promoted 2..."),
    (BOTH, "promote 2 dev because 2001_bytes", TEXT),
    (BOTH, "rollback dev because 2001_bytes", TEXT),
    (BOTH, "hold web-1 because 2000_bytes", "held"),
    (BOTH, "hold web-1 because 2001_bytes", TEXT),
    (BOTH, "unhold web-1 because 2001_bytes", TEXT),
    (BOTH, "veto 1 dev because 2001_bytes", TEXT),
    (BOTH, "unveto 1 dev because 2001_bytes", TEXT),
    (BOTH, "pin dev because 2001_bytes", TEXT),
    (BOTH, "report dev unhealthy because 2001_bytes", TEXT),
    ("token a reader@*", "revoke a because 2001_bytes", TEXT),
    (BOTH, "approve 2 dev because 2001_bytes", "refused limit-reached: a comment has at most 2000 bytes"),
    ("apply dev; push web-1", "release 1 commit 2000_bytes", "release-created"),
    (
        "apply dev; push web-1",
        "release 1 commit 2001_bytes",
        "refused limit-reached: a source has at most 2000 bytes in each part",
    ),
    // Artifacts.
    ("apply dev", "push web-1 tagged v#*50", "manifest-pushed"),
    ("apply dev", "push web-1 tagged v#*51", "refused limit-reached: one push has at most 50 tags"),
    ("apply dev", "push web-1 sized 9007199254740991", "manifest-pushed"),
    (
        "apply dev",
        "push web-1 sized 9007199254740992",
        "refused limit-reached: a manifest has at most 9007199254740991 bytes",
    ),
    // Evidence.
    ("apply dev", "attest web-1 scan passed attributes 32*1500", "evidence-recorded"),
    (
        "apply dev",
        "attest web-1 scan passed attributes 33*10",
        "refused limit-reached: a piece of evidence has at most 32 attributes",
    ),
    (
        "apply dev",
        "attest web-1 scan passed attributes 1*1501",
        "refused limit-reached: an attribute has at most 1500 bytes",
    ),
    ("apply dev", "attest web-1 scan passed attributes 32*1500_escapes", ENTRY),
    // Tokens.
    ("", "token a reader@p#*50", "token-issued"),
    ("", "token a reader@p#*51", "refused limit-reached: a token has at most 50 grants, and at least one"),
    ("", "token a", "refused limit-reached: a token has at most 50 grants, and at least one"),
];
