use super::Refusal;

/// The refusals that shells give, and that no story of this crate can lead to.
#[test]
fn refusals_of_the_shells() {
    for (refusal, code, says) in [
        (
            Refusal::KeyReused { key: "k".into() },
            "key-reused",
            "idempotency key `k` was used before, for another command",
        ),
        (
            Refusal::PartMissing { repository: "shop/web".parse().expect("a name"), part: crate::Digest::sha256(b"") },
            "part-missing",
            "the manifest names `sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`, which is not in `shop/web`",
        ),
        (
            Refusal::NotInTrash { digest: crate::Digest::sha256(b"") },
            "not-in-trash",
            "`sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855` is not in the trash",
        ),
    ] {
        assert_eq!((refusal.code(), refusal.to_string().as_str()), (code, says));
        assert!(!refusal.hint().is_empty());
    }
}
