use crate::testing::Story;

/// A release in dev that has been in prod before, and what it takes for every verb to have something to do.
const GIVEN: &str =
    "apply dev > prod; push web-1; push web-2; release 1; release 2; promote 1 dev; promote 2 dev; promote 1 prod";

pub(super) const STORIES: &[Story] = &[
    // What each verb asks for.
    (GIVEN, "apply dev as operator", "refused permission-missing: permission `apply` is missing for project `shop`"),
    (GIVEN, "push web-3 as operator", "refused permission-missing: permission `push` is missing for project `shop`"),
    (GIVEN, "delete web-9 as reader", "refused permission-missing: permission `push` is missing for project `shop`"),
    (GIVEN, "untag v1 as reader", "refused permission-missing: permission `push` is missing for project `shop`"),
    (
        GIVEN,
        "attest web-1 scan passed as operator",
        "refused permission-missing: permission `attest` is missing for project `shop`",
    ),
    (
        GIVEN,
        "release 1 as operator",
        "refused permission-missing: permission `create-release` is missing for project `shop`",
    ),
    (
        GIVEN,
        "promote 2 prod as publisher",
        "refused permission-missing: permission `promote` is missing for stage `prod` of project `shop`",
    ),
    (
        GIVEN,
        "approve 2 prod as promoter",
        "refused permission-missing: permission `approve` is missing for stage `prod` of project `shop`",
    ),
    (
        GIVEN,
        "rollback dev as promoter",
        "refused permission-missing: permission `roll-back` is missing for stage `dev` of project `shop`",
    ),
    (GIVEN, "hold web-1 as approver", "refused permission-missing: permission `hold` is missing for project `shop`"),
    (
        GIVEN,
        "hold web-1 everywhere as operator",
        "refused permission-missing: permission `hold` is missing for all projects",
    ),
    (GIVEN, "unhold web-1 as approver", "refused permission-missing: permission `hold` is missing for project `shop`"),
    (
        GIVEN,
        "veto 1 dev as promoter",
        "refused permission-missing: permission `veto` is missing for stage `dev` of project `shop`",
    ),
    (
        GIVEN,
        "unveto 1 dev as promoter",
        "refused permission-missing: permission `veto` is missing for stage `dev` of project `shop`",
    ),
    (
        GIVEN,
        "pin dev as approver",
        "refused permission-missing: permission `steer` is missing for stage `dev` of project `shop`",
    ),
    (
        GIVEN,
        "report dev unhealthy as approver",
        "refused permission-missing: permission `observe` is missing for stage `dev` of project `shop`",
    ),
    // What each role may.
    (GIVEN, "promote 2 prod as promoter", "promoted 2 to prod, replacing 1"),
    (GIVEN, "promote 2 prod as operator", "promoted 2 to prod, replacing 1"),
    (GIVEN, "rollback dev as operator", "rolled back dev from 2 to 1"),
    (GIVEN, "approve 2 prod as approver", "approved as approver"),
    (GIVEN, "attest web-1 scan passed as publisher", "evidence-recorded"),
    (GIVEN, "pause prod as operator", "steered"),
    (GIVEN, "apply dev > prod > live as admin", "config-applied"),
    (GIVEN, "hold web-1 everywhere as operator@*", "held"),
    // A grant for one stage gives that stage and nothing that concerns the whole project.
    (GIVEN, "promote 2 prod as operator@shop/prod", "promoted 2 to prod, replacing 1"),
    (GIVEN, "promote 2 prod as operator@shop/dev", "refused permission-missing..."),
    (GIVEN, "hold web-1 as operator@shop/prod", "refused permission-missing..."),
    (GIVEN, "apply dev as admin@shop/prod", "refused permission-missing..."),
    (GIVEN, "push web-3 as admin@shop/prod", "refused permission-missing..."),
    (GIVEN, "promote 2 prod as operator@shop/dev,promoter@shop/prod", "promoted 2 to prod, replacing 1"),
    // Another project's grants give nothing here; those of all projects do.
    (GIVEN, "promote 2 prod as admin@other", "refused permission-missing..."),
    (GIVEN, "promote 2 prod as promoter@*", "promoted 2 to prod, replacing 1"),
    (
        GIVEN,
        "push web-3 from tools_x/web as publisher@shop",
        "refused permission-missing: permission `push` is missing for all projects",
    ),
    // A role that nobody defined gives nothing, and the project's own roles give what it says.
    (GIVEN, "promote 2 prod as deployer", "refused permission-missing..."),
    (
        "apply {stages: {dev: {}}, roles: {deployer: [promote]}}; push web-1; release 1",
        "promote 1 dev as deployer",
        "promoted 1 to dev",
    ),
    (
        "apply {stages: {dev: {}}, roles: {deployer: [promote]}}; push web-1; release 1",
        "rollback dev as deployer",
        "refused permission-missing...",
    ),
    ("apply {stages: {dev: {}}, roles: {guard: [hold]}}", "hold web-1 as guard", "held"),
    ("apply {stages: {dev: {}}, roles: {guard: [hold]}}; hold web-1", "unhold web-1 as guard", "unheld"),
    (
        "apply {stages: {dev: {}}, roles: {guard: [hold]}}",
        "hold web-1 everywhere as guard@*",
        "refused permission-missing...",
    ),
    ("apply {stages: {dev: {}}, roles: {builder: [push]}}", "push web-1 as builder", "manifest-pushed"),
    ("apply {stages: {dev: {}}, roles: {builder: [push]}}", "untag v1 as builder", "tag-deleted"),
    ("apply {stages: {dev: {}}, roles: {builder: [push]}}; push web-1", "delete web-1 as builder", "manifest-deleted"),
    ("apply {stages: {dev: {}}, roles: {keeper: [apply]}}", "apply dev > prod as keeper", "config-applied"),
    (
        "apply {stages: {dev: {}}, roles: {deployer: [promote]}}; push web-1; release 1; apply dev",
        "promote 1 dev as deployer",
        "refused permission-missing...",
    ),
    // Who may do nothing learns nothing, not even whether there is such a project.
    (
        "",
        "promote 1 dev as admin@other",
        "refused permission-missing: permission `promote` is missing for stage `dev` of project `shop`",
    ),
    ("", "hold web-1 as admin@other", "refused permission-missing..."),
    ("", "promote 1 dev as nobody", "refused permission-missing..."),
];
