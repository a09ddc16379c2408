//! What is typed, and what comes of it.

/// A line that somebody types.
pub struct Line {
    /// Whose token is used; `nobody` has none, and names no server.
    pub who: &'static str,
    /// What is typed after `selfsame`; `NAME <- ` before it keeps what it made, and `{NAME}` speaks of that.
    pub line: &'static str,
    /// The exit code.
    pub code: i32,
    /// What people read; the code of the refusal, where the exit code is 1.
    pub says: &'static str,
}

const fn line(who: &'static str, line: &'static str, code: i32, says: &'static str) -> Line {
    Line { who, line, code, says }
}

/// The parts of the story, in their order; the whole ledger is audited after each.
pub const STORY: [&[Line]; 8] = [PROJECT, TOKENS, FIRST, SECOND, STEERING, KEEPING, LOOKING, LOGIN];

const PROJECT: &[Line] = &[
    line("admin", "apply --schema", 0, "$schema"),
    line("admin", "apply selfsame.yaml --dry-run", 0, "+ component web"),
    line("admin", "apply selfsame.yaml", 64, "nobody is here to be asked"),
    line("admin", "apply broken.yaml --yes", 64, "broken.yaml:3:"),
    line("admin", "apply nothing-there.yaml --yes", 2, "nothing-there.yaml"),
    line("admin", "apply selfsame.yaml --yes", 0, "applied: entry"),
    line("admin", "apply selfsame.yaml --yes", 0, "nothing to change"),
    line("admin", "status", 0, "project `shop`"),
    line("admin", "release list", 0, "no release yet"),
    line("admin", "history", 0, "nothing yet"),
    line("admin", "promote latest --to dev", 1, "release-unknown"),
    line("admin", "status --project nothing", 1, "project-unknown"),
];

const TOKENS: &[Line] = &[
    line("admin", "token roles", 0, "approver"),
    line("admin", "token issue person:ben --grant approver@shop --expires 1d --output ben.token", 0, "is in ben.token"),
    line("admin", "token issue person:ben --grant approver@shop --expires 1d --output ben.token", 2, "ben.token"),
    line("admin", "spare <- token issue machine:spare --grant reader@shop --expires 1d", 0, "shown this once"),
    line("admin", "token issue machine:spare --grant reader@shop --expires 500d", 1, "token-lifetime"),
    line("ben", "token issue machine:more --grant reader@shop --expires 1d", 1, "permission-missing"),
    line("admin", "token revoke {spare} --reason lost", 0, "is revoked: entry"),
    line("admin", "token revoke {spare} --reason lost", 0, "was revoked already"),
    line("admin", "token revoke 0000000000000000 --reason lost", 1, "token-unknown"),
];

const FIRST: &[Line] = &[
    line("admin", "artifact <- push one --component web --commit 1111111", 0, "pushed shop/web@sha256:"),
    line("admin", "push nothing-there --component web", 2, "nothing-there"),
    line("admin", "push one --component api", 1, "component-unknown"),
    line("ben", "push one --component web", 1, "permission-missing"),
    line("admin", "first <- release create --component web={artifact} --commit 1111111", 0, "sha256:"),
    line("admin", "release create --component api={artifact}", 1, "component-unknown"),
    line("admin", "release create --component web", 64, "NAME=DIGEST"),
    line("admin", "release list", 0, "1111111"),
    line("admin", "promote {first} --to dev", 0, "is in `dev`: entry"),
    line("admin", "promote {first} --to dev", 1, "already-current"),
    line("admin", "gate check {first} --to staging", 1, "gate-unmet"),
    line("admin", "promote {first} --to staging --wait=1s", 1, "gate-unmet"),
    line("admin", "attest {first} --kind tests --name unit --result passed", 0, "tests `unit` passed"),
    line("admin", "scan bom.json --advisories osv.json", 0, "0 vulnerabilities"),
    line("admin", "scan bom.json --advisories selfsame.yaml", 2, "no OSV record"),
    line("admin", "scan bom.json --advisories osv.json --attest {first}", 0, "scan passed"),
    line("admin", "gate check {first} --to staging", 0, "met"),
    line("admin", "gate check {first} --to staging --at 2099-01-01T00:00:00Z", 0, "2099"),
    line("admin", "gate check {first} --to staging --at 2020-01-01T00:00:00Z", 1, "project-unknown"),
    line("admin", "promote {first} --to staging --dry-run", 0, "would enter `staging`"),
    line("admin", "promote {first} --to staging --wait=1s", 0, "is in `staging`: entry"),
    line("ben", "approve {first} --for prod --comment tried", 0, "is approved for `prod`: entry"),
    line("ben", "promote {first} --to prod", 1, "permission-missing"),
    line("admin", "promote {first} --to prod --reason begin", 0, "is in `prod`: entry"),
    line("admin", "promote latest --to UPPER", 64, "UPPER"),
];

const SECOND: &[Line] = &[
    line("admin", "other <- push two --component web", 0, "sha256:"),
    line("admin", "second <- release create --component web={other}", 0, "sha256:"),
    line("admin", "promote latest --to dev", 0, "is in `dev`"),
    line("admin", "attest {other} --kind tests --name unit --result failed", 0, "tests `unit` failed"),
    line("admin", "promote dev --to staging", 1, "gate-unmet"),
    line("admin", "attest {other} --kind tests --name unit --result passed", 0, "tests `unit` passed"),
    line("admin", "promote dev --to staging", 0, "is in `staging`"),
    line("ben", "approve {second} --for prod", 0, "is approved"),
    line("ben", "veto {second} --stage prod --reason prices", 0, "never enters `prod`: entry"),
    line("ben", "veto {second} --stage prod --reason prices", 0, "already"),
    line("admin", "promote {second} --to prod", 1, "vetoed"),
    line("ben", "unveto {second} --stage prod --reason mended", 0, "entry"),
    line("ben", "unveto {second} --stage prod --reason mended", 1, "not-vetoed"),
    line("admin", "hold {other} --reason malware", 0, "is held everywhere: entry"),
    line("admin", "hold {other} --reason malware", 0, "was held everywhere already"),
    line("admin", "promote {second} --to prod", 1, "gate-unmet"),
    line("admin", "unhold {other} --reason checked", 0, "is let go: entry"),
    line("admin", "unhold {other} --reason checked", 1, "not-held"),
    line("admin", "hold sha1:abc --reason malware", 64, "sha1:abc"),
];

const STEERING: &[Line] = &[
    line("admin", "pause prod --reason night", 0, "`prod` is paused: entry"),
    line("admin", "pause prod --reason night", 0, "nothing had to change"),
    line("admin", "promote {second} --to prod", 1, "stage-paused"),
    line("admin", "resume prod --reason morning", 0, "`prod` goes on: entry"),
    line("admin", "health staging unhealthy --reason slow", 0, "`staging` is unhealthy: entry"),
    line("admin", "health staging unhealthy --reason slow", 0, "reported unhealthy already"),
    line("admin", "promote {second} --to prod", 1, "gate-unmet"),
    line("admin", "health staging healthy", 0, "`staging` is healthy: entry"),
    line("admin", "promote {second} --to prod", 0, "is in `prod`: entry"),
    line("admin", "pin prod --reason review", 0, "`prod` is pinned: entry"),
    line("admin", "rollback prod --reason slow", 1, "stage-pinned"),
    line("admin", "unpin prod --reason done", 0, "`prod` is no longer pinned: entry"),
    line("admin", "pin nowhere --reason review", 1, "stage-unknown"),
    line("ben", "pin prod --reason review", 1, "permission-missing"),
    line("admin", "rollback prod --reason slow", 0, "`prod` is back on sha256:"),
    line("admin", "rollback prod --reason slow", 1, "nothing-earlier"),
    line("admin", "health nowhere healthy", 1, "stage-unknown"),
];

const KEEPING: &[Line] = &[
    line("admin", "retention status", 0, "no retention policy"),
    line("admin", "retention plan", 1, "retention-unset"),
    line("ben", "retention plan", 1, "permission-missing"),
    line("admin", "retention apply {artifact}", 1, "retention-plan-stale"),
    line("admin", "retention restore {artifact}", 1, "not-in-trash"),
    line("admin", "retention keep {artifact} --reason lawsuit", 0, "is kept: entry"),
    line("admin", "retention keep {artifact} --reason lawsuit", 0, "was kept already"),
    line("admin", "retention status", 0, "lawsuit"),
    line("admin", "retention unkeep {artifact} --reason settled", 0, "is kept no longer: entry"),
    line("admin", "retention unkeep {artifact} --reason settled", 1, "not-kept"),
    line("admin", "retention keep {artifact}", 64, "--reason"),
    line("admin", "running dev {artifact}", 0, "1 digests run in `dev`: entry"),
    line("admin", "running dev {artifact}", 0, "less than an hour ago"),
    line("admin", "trace {artifact}", 0, "runs in `dev` of `shop`"),
    line("admin", "running nowhere {artifact}", 1, "stage-unknown"),
    line("admin", "running dev", 0, "0 digests run in `dev`: entry"),
    line("admin", "lease {artifact} --for 2h --reason delivery", 0, "is leased for 2h: entry"),
    line("admin", "lease {artifact} --for 1h --reason delivery", 0, "for as long already"),
    line("admin", "lease {artifact} --for 40d --reason delivery", 1, "limit-reached"),
    line("admin", "trace {artifact}", 0, "leased until"),
    line("admin", "retention status", 0, "delivery"),
    line("ben", "unlease {artifact} --party person:admin", 1, "permission-missing"),
    line("admin", "unlease {artifact}", 0, "is leased no longer: entry"),
    line("admin", "unlease {artifact}", 1, "not-leased"),
];

const LOOKING: &[Line] = &[
    line("admin", "status", 0, "STAGE"),
    line("admin", "history", 0, "rolled back to"),
    line("admin", "history prod --limit 1", 0, "prod"),
    line("admin", "history --at 2099-01-01T00:00:00Z", 0, "prod"),
    line("admin", "history --at 2020-01-01T00:00:00Z", 0, "nothing yet"),
    line("admin", "history --at yesterday", 64, "yesterday"),
    line("admin", "trace {artifact}", 0, "commit 1111111"),
    line("admin", "trace prod", 0, "in `prod` since"),
    line("admin", "trace nowhere", 1, "release-unknown"),
    line("admin", "diff prod staging", 0, "from sha256:"),
    line("admin", "diff prod prod", 0, "the same bytes"),
    line("admin", "receipt get prod", 0, "was promoted to `prod`"),
    line("admin", "receipt get prod --component web -o web.json", 0, "is in web.json"),
    line("admin", "receipt get prod --component nothing", 64, "it has: web"),
    line("admin", "receipt get prod --promotion 0", 1, "not-found"),
    line("admin", "receipt get nowhere", 1, "stage-unknown"),
    line("admin", "receipt key -o receipts.pub", 0, "receipts.pub"),
    line("nobody", "verify web.json --key receipts.pub --ledger-key {data}/keys/ledger.pub", 0, "verified"),
    line("nobody", "verify web.json --key receipts.pub --stage dev", 1, "receipt-invalid"),
    line("nobody", "verify web.json --key web.json", 64, "holds no public key"),
    line("admin", "pull shop/web:prod --output pulled", 0, "wrote pulled/one"),
    line("admin", "pull shop/web:nothing --output pulled", 1, "manifest-unknown"),
    line("admin", "copy {url}/shop/web:prod {url}/shop/spare:kept --dry-run", 0, "would copy from"),
    line("admin", "copy {url}/shop/web:prod {url}/shop/spare:kept", 0, "copied from"),
    line("admin", "copy {url}/shop/web:nothing {url}/shop/spare", 1, "missing"),
    line("admin", "import registry {url} {url}/shop/imported --repository shop/spare", 0, "copied from"),
    line("admin", "import promoter mirrors.yaml {url}/shop/imported", 64, "mirrors.yaml"),
    line("admin", "mirror check mirrors.yaml", 0, "5m"),
    line("admin", "mirror check not-mirrors.yaml", 64, "upsteam"),
    line("admin", "copy shop/web:prod {url}/shop/spare", 64, "is no place in a registry"),
    line("admin", "audit verify --url {url} --key {data}/keys/ledger.pub", 0, "sound"),
    line("admin", "audit replay --url {url} --key {data}/keys/ledger.pub", 0, "decisions follow from"),
    line("admin", "audit replay 0 --url {url} --key {data}/keys/ledger.pub", 1, "entry-unknown"),
    line("admin", "audit prove 2 --output proof", 0, "proof"),
    line("admin", "audit export --project shop --output pack", 0, "are in pack"),
    line("admin", "audit export --project shop --output pack", 2, "pack"),
    line("nobody", "verify pack --ledger-key {data}/keys/ledger.pub", 0, "sound"),
    line("nobody", "verify pack", 64, "no key of a ledger was given"),
];

const LOGIN: &[Line] = &[
    line("nobody", "status", 64, "no server is known"),
    line("nobody", "login {url}", 64, "nobody is here to be asked for the token"),
    line("nobody", "login {url} --token-file selfsame.yaml", 64, "a token is one word"),
    line("nobody", "login {url} --token-file wrong.token", 1, "unauthenticated"),
    line("nobody", "login {url} --token-file admin.token", 0, "as person:admin"),
    line("nobody", "status", 0, "project `shop`"),
    line("nobody", "logout", 0, "logged out of http://"),
    line("nobody", "logout", 0, "nobody was logged in"),
    line("nobody", "status", 64, "no server is known"),
    line("nobody", "status --server {url}", 1, "unauthenticated"),
    line("nobody", "no-such-verb", 64, "no-such-verb"),
    line("nobody", "promote", 64, "--to <STAGE>"),
];

/// What is typed while the server is down and needs it.
pub const BREAKS: &[Line] = &[
    line("admin", "apply selfsame.yaml --yes", 2, "could not speak to"),
    line("admin", "token roles", 2, "could not speak to"),
    line("admin", "push one --component web", 2, "could not speak to"),
    line("admin", "pull shop/web:prod --output elsewhere", 2, "could not speak to"),
    line("admin", "copy {url}/shop/web:prod {url}/shop/spare", 2, "could not speak to"),
    line("admin", "attest {first} --kind tests --result passed", 2, "could not speak to"),
    line("admin", "release list", 2, "could not speak to"),
    line("admin", "gate check {first} --to prod", 2, "could not speak to"),
    line("admin", "promote {first} --to prod", 2, "could not speak to"),
    line("ben", "approve {first} --for prod", 2, "could not speak to"),
    line("admin", "rollback prod --reason slow", 2, "could not speak to"),
    line("admin", "hold {other} --reason malware", 2, "could not speak to"),
    line("admin", "unhold {other} --reason malware", 2, "could not speak to"),
    line("admin", "veto {first} --stage prod --reason x", 2, "could not speak to"),
    line("admin", "unveto {first} --stage prod --reason x", 2, "could not speak to"),
    line("admin", "pin prod", 2, "could not speak to"),
    line("admin", "unpin prod", 2, "could not speak to"),
    line("admin", "pause prod", 2, "could not speak to"),
    line("admin", "resume prod", 2, "could not speak to"),
    line("admin", "health prod healthy", 2, "could not speak to"),
    line("admin", "retention status", 2, "could not speak to"),
    line("admin", "status", 2, "could not speak to"),
    line("admin", "history", 2, "could not speak to"),
    line("admin", "trace {artifact}", 2, "could not speak to"),
    line("admin", "diff dev prod", 2, "could not speak to"),
    line("admin", "audit export --project shop --output pack-2", 2, "could not speak to"),
    line("nobody", "login {url} --token-file admin.token", 2, "could not speak to"),
];

/// What is typed while the server is down and works on its data.
pub const OFFLINE: &[Line] = &[
    line(
        "nobody",
        "token issue person:back --grant admin@* --expires 30d --data {data} --output back.token",
        0,
        "back",
    ),
    line("nobody", "token issue person:back --grant admin@* --expires 500d --data {data}", 1, "token-lifetime"),
    line("nobody", "token issue person:back --grant admin@* --expires 30d --data nothing-there", 64, "no ledger in"),
    line("nobody", "keys create --to keys --origin example.org/other", 0, "example.org/other+"),
    line("nobody", "keys create --to keys --origin example.org/other", 64, "is there already"),
    line("nobody", "keys add-receipts --to keys", 64, "is there already"),
    line("nobody", "keys add-receipts --to nothing-there", 64, "holds no key of a ledger"),
    line("nobody", "ready --server {url}", 2, "could not speak to"),
    line("nobody", "doctor --data {data}", 0, "ok     public key"),
    line("nobody", "doctor --data nothing-there", 64, "there is no folder"),
    line("nobody", "scrub --data {data}", 0, "blobs are intact"),
    line("nobody", "scrub --data nothing-there", 64, "there is no folder"),
    line("nobody", "backup --data {data} --to backup", 0, "copied"),
    line("nobody", "backup --data nothing-there --to backup", 64, "there is no folder"),
    line("nobody", "restore --from backup --data restored", 0, "put the ledger's private key"),
    line("nobody", "restore --from backup --data {data}", 0, "0 of them new"),
    line("nobody", "restore --from nothing-there --data restored-2", 64, "holds no ledger"),
    line("nobody", "rebuild --data {data}", 0, "folded"),
    line("nobody", "rebuild --data nothing-there", 64, "there is no folder"),
    line("nobody", "audit verify --dir {data}/ledger --data {data} --key {data}/keys/ledger.pub", 0, "sound"),
];

/// What is typed once the server is up again.
pub const AFTERWARDS: &[Line] = &[
    line("back", "token roles", 0, "approver"),
    line("nobody", "token issue person:back --grant admin@* --expires 30d --data {data}", 2, "could not lock"),
    line("nobody", "ready --server {url}", 0, "takes commands"),
    line("admin", "status", 0, "project `shop`"),
    line("admin", "history prod", 0, "rolled back to"),
    line("admin", "pull shop/web:prod --output once-more", 0, "wrote once-more/one"),
];

/// What has no answer in JSON.
pub const NO_JSON: &[Line] = &[
    line("nobody", "serve --data {data}", 64, "serve"),
    line("nobody", "quickstart --exit --data {data}", 64, "quickstart"),
    line("nobody", "completions bash", 64, "completions"),
];
