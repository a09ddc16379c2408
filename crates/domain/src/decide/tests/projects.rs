use crate::testing::Story;

pub(super) const STORIES: &[Story] = &[
    // A component keeps its repository as long as a stage has something of it that the new one has not.
    (
        "apply dev; push web-1; release 1; promote 1 dev",
        "apply {components: {web: {repository: shop/front}}, stages: {dev: {}}}",
        "refused component-in-use: component `web` cannot move to `shop/front`: stage `dev` has `web-1`, which is not there",
    ),
    (
        "apply dev; push web-1; release 1; promote 1 dev; push web-1 from shop/front",
        "apply {components: {web: {repository: shop/front}}, stages: {dev: {}}}",
        "config-applied",
    ),
    (
        "apply dev; push web-1; release 1",
        "apply {components: {web: {repository: shop/front}}, stages: {dev: {}}}",
        "config-applied",
    ),
    // Configurations.
    ("", "apply dev > prod", "config-applied"),
    ("apply dev > prod", "apply dev > prod", "nothing"),
    ("apply dev > prod", "apply dev", "config-applied"),
    ("", "apply dev expecting nothing", "config-applied"),
    ("apply dev", "apply dev > prod expecting current", "config-applied"),
    (
        "apply dev",
        "apply dev > prod expecting nothing",
        "refused plan-stale: the configuration of `shop` has changed since the plan was made",
    ),
    ("apply dev", "apply dev > prod expecting another", "refused plan-stale..."),
    ("", "apply dev expecting another", "refused plan-stale..."),
    ("apply dev", "apply dev expecting another", "refused plan-stale..."),
    (
        "apply dev > prod; push web-1; release 1; promote 1 dev",
        "apply {prod: {}}",
        "refused stage-in-use: stage `dev` still has a current release and cannot be removed",
    ),
    ("apply dev > prod; push web-1; release 1; promote 1 dev", "apply dev", "config-applied"),
    // A stage that comes back comes back empty; what was said of a release stays said.
    ("apply dev > prod; pin prod; apply dev; apply dev > prod", "unpin prod", "refused not-steered..."),
    (
        "apply dev > prod; push web-1; release 1; promote 1 dev; veto 1 prod; apply dev; apply dev > prod",
        "promote 1 prod",
        "refused vetoed...",
    ),
    (
        "apply dev > prod; push web-1; release 1; promote 1 dev; pause dev; apply dev > live",
        "promote 1 live",
        "promoted 1 to live",
    ),
    // Tokens.
    ("apply dev", "token a publisher@shop for machine:ci", "token-issued"),
    ("", "token a reader@* for ada", "token-issued"),
    ("token a reader@*", "token a reader@*", "refused token-exists: token `000000000000000a` exists already"),
    ("token a reader@*", "revoke a because lost", "token-revoked"),
    ("token a reader@*; revoke a", "revoke a", "nothing"),
    ("token a reader@*; revoke a", "token a reader@*", "refused token-exists..."),
    ("", "revoke a", "refused token-unknown: there is no token `000000000000000a`"),
    ("", "token a reader@* lasting 366d", "token-issued"),
    (
        "",
        "token a reader@* lasting 366d1ms",
        "refused token-lifetime: a token ends after now and within a year, not at 2027-01-02T00:00:00.001Z",
    ),
    ("wait 1h", "token a reader@* lasting 1h", "refused token-lifetime..."),
    ("wait 1h", "token a reader@* lasting 1h1ms", "token-issued"),
    // Nobody gives more than they have.
    ("apply dev", "token a reader@shop by ada as admin", "token-issued"),
    ("apply dev", "token a puller@shop/dev by ada as admin", "token-issued"),
    (
        "apply dev",
        "token a reader@other by ada as admin",
        "refused permission-missing: permission `issue-tokens` is missing for project `other`",
    ),
    (
        "apply dev",
        "token a reader@* by ada as admin",
        "refused permission-missing: permission `issue-tokens` is missing for all projects",
    ),
    ("apply dev", "token a reader@shop/dev by ada as admin@shop/dev", "refused permission-missing..."),
    ("apply dev", "token a reader@shop by ada as operator,publisher", "refused permission-missing..."),
    (
        "apply {stages: {dev: {}}, roles: {lead: [issue-tokens, read]}}",
        "token a admin@shop by ada as lead",
        "refused grant-exceeds: grant `admin@shop` is more than you have yourself",
    ),
    (
        "apply {stages: {dev: {}}, roles: {lead: [issue-tokens, read]}}",
        "token a reader@shop,promoter@shop by ada as lead,reader",
        "refused grant-exceeds: grant `promoter@shop`...",
    ),
    (
        "apply {stages: {dev: {}}, roles: {lead: [issue-tokens, read]}}",
        "token a lead@shop/dev by ada as lead",
        "token-issued",
    ),
    (
        "apply {stages: {dev: {}}, roles: {lead: [issue-tokens, read]}}",
        "token a promoter@shop by ada as lead,promoter@shop/dev",
        "refused grant-exceeds...",
    ),
    (
        "apply {stages: {dev: {}}, roles: {lead: [issue-tokens, read]}}",
        "token a promoter@shop/dev by ada as lead,promoter@shop/dev",
        "token-issued",
    ),
    (
        "apply {stages: {dev: {}}, roles: {lead: [issue-tokens, read]}}",
        "token a lead@* by ada as lead@*",
        "refused permission-missing...",
    ),
    // One's own token can be revoked by whoever has all that it gives; another's by who could have issued it. A name alone opens nothing.
    ("apply dev; token a admin@* for ada", "revoke a by ada as admin", "refused permission-missing..."),
    ("apply dev; token a puller@shop/dev for ada", "revoke a by ada as puller@shop", "token-revoked"),
    ("apply dev; token a reader@shop for ada", "revoke a by ada as reader", "token-revoked"),
    ("apply dev; token a reader@shop for ada", "revoke a by ben as admin", "token-revoked"),
    ("apply dev; token a reader@shop for ada", "revoke a by ben as reader", "refused permission-missing..."),
    ("apply dev; token a reader@* for ada", "revoke a by ben as admin", "refused permission-missing..."),
    (
        "apply {stages: {dev: {}}, roles: {lead: [issue-tokens]}}; token a reader@shop for ada",
        "revoke a by ben as lead",
        "token-revoked",
    ),
];
