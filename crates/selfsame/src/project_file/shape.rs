//! [`Shape`]: what a project's file may say, once, for the reader and for the JSON Schema that editors use.

use std::fmt::Display;

use domain::{
    ComponentName, EvidenceKind, EvidenceName, KeyName, Party, Permission, PredicateType, ProjectName, PublicKeyPem,
    RegistryAddress, RepositoryName, RoleName, Span, StageName, TagName, TargetName, Timestamp,
    config::{COMPONENTS_MAX, REQUIREMENTS_MAX, STAGES_MAX, TARGET_TAGS_MAX, TARGETS_MAX},
    retention::Pattern,
    trust::{ATTESTS_MAX, CLAIM_BYTES_MAX, CLAIMS_MAX, KEYS_MAX},
};

/// What a value may be.
pub enum Shape {
    /// A text of its own kind.
    Text(TextShape),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number between these, both included.
    Number(u64, u64),
    /// A list.
    List(&'static Shape, Option<usize>),
    /// A map of names.
    Names {
        /// What each key is.
        key: TextShape,
        /// What each value is.
        value: &'static Shape,
        /// How many at most.
        max: Option<usize>,
    },
    /// A map with known keys.
    Fields(&'static FieldsShape),
    /// A map with exactly one of these keys.
    One {
        /// What it is called in a message.
        what: &'static str,
        /// The keys.
        of: &'static [Field],
    },
    /// One of several forms.
    Forms {
        /// A single word.
        text: &'static Shape,
        /// A list.
        list: &'static Shape,
        /// A map.
        map: &'static Shape,
    },
}

/// A text of its own kind.
#[derive(Clone, Copy)]
pub struct TextShape {
    /// Checks it; the problem says what is allowed.
    pub check: fn(&str) -> Result<(), String>,
    /// A regular expression that is at least as wide as `check`, for editors.
    pub pattern: &'static str,
}

/// A map with known keys.
pub struct FieldsShape {
    /// What it is called in a message.
    pub what: &'static str,
    /// The keys.
    pub fields: &'static [Field],
}

/// A key with its value.
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What the value may be.
    pub shape: &'static Shape,
    /// What it means.
    pub about: &'static str,
}

const fn required(name: &'static str, shape: &'static Shape, about: &'static str) -> Field {
    Field { name, required: true, shape, about }
}

const fn optional(name: &'static str, shape: &'static Shape, about: &'static str) -> Field {
    Field { name, required: false, shape, about }
}

fn parses<T: std::str::FromStr<Err: Display>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(drop).map_err(|error| error.to_string())
}

fn claim(text: &str) -> Result<(), String> {
    let fits = (1..=CLAIM_BYTES_MAX).contains(&text.len());
    if fits { Ok(()) } else { Err(format!("a claim has 1 to {CLAIM_BYTES_MAX} bytes")) }
}

fn public_key(text: &str) -> Result<(), String> {
    PublicKeyPem::try_from(text.to_owned()).map_err(|error| error.to_string())?;
    engine::signed::check_key(text.trim()).map_err(|error| error.to_string())
}

const SLUG: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
const COMPONENT_NAME: TextShape = TextShape { check: parses::<ComponentName>, pattern: SLUG };
const STAGE_NAME: TextShape = TextShape { check: parses::<StageName>, pattern: SLUG };
const TARGET_NAME: TextShape = TextShape { check: parses::<TargetName>, pattern: SLUG };
const ROLE_NAME: TextShape = TextShape { check: parses::<RoleName>, pattern: SLUG };

static PROJECT: Shape = Shape::Text(TextShape { check: parses::<ProjectName>, pattern: SLUG });
static STAGE: Shape = Shape::Text(STAGE_NAME);
static STAGES: Shape = Shape::List(&STAGE, Some(STAGES_MAX));
static ROLE: Shape = Shape::Text(ROLE_NAME);
static REPOSITORY: Shape =
    Shape::Text(TextShape { check: parses::<RepositoryName>, pattern: "^[a-z0-9]+([._/-]+[a-z0-9]+)*$" });
static REGISTRY: Shape = Shape::Text(TextShape {
    check: parses::<RegistryAddress>,
    pattern: "^(https?://)?[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._/-]+[a-z0-9]+)*)?$",
});
static TAG: Shape = Shape::Text(TextShape { check: parses::<TagName>, pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]*$" });
static KIND: Shape =
    Shape::Text(TextShape { check: parses::<EvidenceKind>, pattern: "^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$" });
static NAME: Shape =
    Shape::Text(TextShape { check: parses::<EvidenceName>, pattern: "^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$" });
static PARTY: Shape =
    Shape::Text(TextShape { check: parses::<Party>, pattern: "^(person|machine):[A-Za-z0-9][A-Za-z0-9._@/+-]*$" });
static PARTIES: Shape = Shape::List(&PARTY, None);
const KEY_NAME: TextShape = TextShape { check: parses::<KeyName>, pattern: SLUG };
const CLAIM_NAME: TextShape = TextShape { check: parses::<EvidenceName>, pattern: "^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$" };
static CLAIM: Shape = Shape::Text(TextShape { check: claim, pattern: "^.+$" });
static KEYS: Shape = Shape::List(&Shape::Text(KEY_NAME), Some(KEYS_MAX));
static PREDICATE: Shape =
    Shape::Text(TextShape { check: parses::<PredicateType>, pattern: "^([A-Za-z][A-Za-z0-9]*:[!-~]+|\\*)$" });
static PUBLIC_KEY: Shape = Shape::Text(TextShape { check: public_key, pattern: "^\\s*-----BEGIN PUBLIC KEY-----" });
static TIME: Shape = Shape::Text(TextShape { check: parses::<Timestamp>, pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T" });
static SPAN: Shape = Shape::Text(TextShape { check: parses::<Span>, pattern: "^([0-9]+(ms|s|m|h|d))+$" });
static RESULT: Shape = Shape::Word(&["passed", "warned"]);
static PATTERN: Shape = Shape::Text(TextShape { check: parses::<Pattern>, pattern: "^[A-Za-z0-9._*-]+$" });
static LATEST: Shape = Shape::Number(1, 100_000);
static COUNT: Shape = Shape::Number(1, 20);

/// Every permission, as [`Permission`] spells it; a test compares the two.
pub static PERMISSIONS: [&str; Permission::ALL.len()] = [
    "read",
    "pull",
    "push",
    "attest",
    "create-release",
    "promote",
    "approve",
    "roll-back",
    "hold",
    "veto",
    "steer",
    "observe",
    "apply",
    "issue-tokens",
];

static COMPONENT: Shape = Shape::Fields(&FieldsShape {
    what: "a component",
    fields: &[optional(
        "repository",
        &REPOSITORY,
        "Where its artifacts are pushed; `PROJECT/COMPONENT` unless it says otherwise.",
    )],
});

static EVIDENCE: Shape = Shape::Fields(&FieldsShape {
    what: "`evidence`",
    fields: &[
        required("kind", &KIND, "What it is, for example `tests`."),
        optional("name", &NAME, "Which one of the kind, for example the suite `unit`. Any, unless it says so."),
        optional("result", &RESULT, "The worst result that is good enough; `passed` unless it says otherwise."),
        optional("max_age", &SPAN, "How old it may be, for example `7d`."),
        optional("by", &PARTIES, "Who may give it. Anybody allowed to attest, unless it says so."),
    ],
});

static ATTESTATION: Shape = Shape::Fields(&FieldsShape {
    what: "`attestation`",
    fields: &[
        required("type", &PREDICATE, "What kind of thing is to be said, for example `https://slsa.dev/provenance/v1`."),
        optional("by", &KEYS, "By which keys, as `trust` names them. Every one that may attest it, unless it says so."),
        optional("threshold", &COUNT, "By how many different keys; one unless it says otherwise."),
        optional("result", &RESULT, "The worst result that is good enough; `passed` unless it says otherwise."),
        optional("max_age", &SPAN, "How old it may be since it was recorded, for example `7d`."),
        optional(
            "where",
            &Shape::Names { key: CLAIM_NAME, value: &CLAIM, max: Some(CLAIMS_MAX) },
            "What it must claim, for example `builder` and `source` of a build; a value that ends in `*` is how it must begin.",
        ),
    ],
});

static APPROVALS: Shape = Shape::Fields(&FieldsShape {
    what: "`approvals`",
    fields: &[
        required("count", &COUNT, "How many distinct people, never who asks to promote."),
        optional("role", &ROLE, "The role that each must have. Any role that can approve, unless it says so."),
        optional(
            "expires",
            &SPAN,
            "How long an approval lasts. As long as the gate stays the same, unless it says so.",
        ),
    ],
});

static REQUIREMENT: Shape = Shape::One {
    what: "a requirement",
    of: &[
        required(
            "evidence",
            &EVIDENCE,
            "Evidence about every component, or about the release as a whole. The latest counts.",
        ),
        required(
            "attestation",
            &ATTESTATION,
            "A signed statement about every component, or about the release as a whole. Of each trusted key the latest counts.",
        ),
        required("approvals", &APPROVALS, "People who said yes to this release for this stage."),
    ],
};

static UPSTREAM: Shape = Shape::Fields(&FieldsShape {
    what: "`after`",
    fields: &[
        optional("all", &STAGES, "The release must have been in every one of these stages."),
        optional("any", &STAGES, "The release must have been in at least one of these stages."),
        optional("soak", &SPAN, "How long it must have been current and healthy there, for example `10m`."),
    ],
});

static AFTER: Shape = Shape::Forms { text: &STAGE, list: &STAGES, map: &UPSTREAM };

static TARGET: Shape = Shape::Fields(&FieldsShape {
    what: "a target",
    fields: &[
        required(
            "registry",
            &REGISTRY,
            "A registry and what its repositories begin with, for example `registry.example.org/team/shop`: component `web` goes to `web` below it.",
        ),
        optional(
            "repositories",
            &Shape::Names { key: COMPONENT_NAME, value: &REPOSITORY, max: Some(COMPONENTS_MAX) },
            "The repositories there for components that go elsewhere, each by its whole name.",
        ),
        optional(
            "tags",
            &Shape::List(&TAG, Some(TARGET_TAGS_MAX)),
            "The tags to set there; that of the stage's name unless it says otherwise.",
        ),
    ],
});

static RECEIPT: Shape = Shape::Word(&["referrer", "tag"]);

static STAGE_FIELDS: Shape = Shape::Fields(&FieldsShape {
    what: "a stage",
    fields: &[
        optional(
            "after",
            &AFTER,
            "The stages that a release must have been in before: one, a list, or a map with soak time.",
        ),
        optional(
            "gate",
            &Shape::List(&REQUIREMENT, Some(REQUIREMENTS_MAX)),
            "What else must hold for a release to enter.",
        ),
        optional(
            "deliver",
            &Shape::Names { key: TARGET_NAME, value: &TARGET, max: Some(TARGETS_MAX) },
            "Where it delivers what it has: a release is settled once every target has it.",
        ),
        optional(
            "receipts",
            &Shape::List(&RECEIPT, Some(2)),
            "How receipts of promotions are attached to what was promoted: `referrer` (OCI 1.1), `tag` (cosign's older form). Not at all, unless it says so.",
        ),
    ],
});

static PUBLIC: Shape = Shape::Fields(&FieldsShape {
    what: "`public`",
    fields: &[
        optional(
            "repositories",
            &Shape::List(&REPOSITORY, None),
            "Repositories of the project of which anybody may pull all that is pushed to them.",
        ),
        optional("stages", &STAGES, "Stages of which anybody may pull what they have."),
    ],
});

static KEEP_RULE: Shape = Shape::Fields(&FieldsShape {
    what: "a rule",
    fields: &[
        optional("repository", &REPOSITORY, "In this repository only."),
        optional(
            "tags",
            &PATTERN,
            "Only images that have a tag like this, for example `v*`; untagged ones too without it.",
        ),
        optional("pushed_within", &SPAN, "As long as they were pushed or tagged so recently, for example `30d`."),
        optional("pulled_within", &SPAN, "As long as they were pulled so recently, for example `90d`; a year at most."),
        optional("latest", &LATEST, "As long as they are among so many newest of their repository."),
    ],
});

static TRUSTED_KEY: Shape = Shape::Fields(&FieldsShape {
    what: "a key",
    fields: &[
        required("key", &PUBLIC_KEY, "The public key as PEM, `-----BEGIN PUBLIC KEY-----`."),
        required(
            "attests",
            &Shape::List(&PREDICATE, Some(ATTESTS_MAX)),
            "The predicate types that it may attest; `\"*\"` for all of them.",
        ),
        optional("retired", &TIME, "When it went out of use: what was recorded before still counts, and nothing else."),
        optional("revoked", &TIME, "Since when it is not to be believed: nothing recorded from then on counts."),
    ],
});

static TRUST: Shape = Shape::Fields(&FieldsShape {
    what: "`trust`",
    fields: &[optional(
        "keys",
        &Shape::Names { key: KEY_NAME, value: &TRUSTED_KEY, max: Some(KEYS_MAX) },
        "Public keys, by the names that gates call them.",
    )],
});

static RETENTION: Shape = Shape::Fields(&FieldsShape {
    what: "`retention`",
    fields: &[
        optional(
            "keep",
            &Shape::List(&KEEP_RULE, None),
            "Rules, each of which keeps images: for as long as one of its limits holds, or always if it has none.",
        ),
        optional("fresh", &SPAN, "How long whatever was pushed stays; `24h` unless it says otherwise."),
        optional(
            "open",
            &SPAN,
            "How long a release may still be promoted after the last thing that happened to it; `30d` unless it says otherwise.",
        ),
        optional(
            "archive_after",
            &SPAN,
            "How long after a release left its last stage its bytes go into the archive. Never, unless it says so.",
        ),
        optional(
            "delete_after",
            &SPAN,
            "How long after a release left its last stage it keeps nothing any more. Never, unless it says so.",
        ),
        optional(
            "running",
            &SPAN,
            "How long a report keeps what runs in a stage; `7d` unless it says otherwise, `30d` at most.",
        ),
        optional(
            "every",
            &SPAN,
            "How often the server makes a plan and applies it by itself. Never, unless it says so.",
        ),
    ],
});

/// The whole file.
pub static FILE: Shape = Shape::Fields(&FieldsShape {
    what: "the project's file",
    fields: &[
        required("project", &PROJECT, "The name of the project."),
        required(
            "components",
            &Shape::Names { key: COMPONENT_NAME, value: &COMPONENT, max: Some(COMPONENTS_MAX) },
            "The parts that a release is made of.",
        ),
        required(
            "stages",
            &Shape::Names { key: STAGE_NAME, value: &STAGE_FIELDS, max: Some(STAGES_MAX) },
            "The stages of the pipeline, a directed acyclic graph.",
        ),
        optional(
            "roles",
            &Shape::Names { key: ROLE_NAME, value: &Shape::List(&Shape::Word(&PERMISSIONS), None), max: None },
            "Roles beside the built-in ones, each with its permissions.",
        ),
        optional("public", &PUBLIC, "What anybody may pull, without a token. Nothing, unless it says so."),
        optional("trust", &TRUST, "Whose signed statements count. Nobody's, unless it says so."),
        optional("retention", &RETENTION, "What stays and what goes. Without it, nothing goes."),
    ],
});
