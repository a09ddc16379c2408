//! From a step of a story to a command.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    str::FromStr,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::World;
use crate::{
    Actor, Artifact, Command, Contents, DeliveryReport, Digest, EvidenceResult, Grant, ProjectConfig, ProjectName,
    PublicKeyPem, RepositoryName, Source, Span, StageName, Statement, Steering, retention::Totals,
};

/// A step of a story.
pub(crate) enum Step {
    /// Time goes by.
    Wait(Span),
    /// Somebody asks for something.
    Ask(Actor, Box<Command>),
    /// What does the gate say?
    Gate(Actor, Command),
    /// How does the release stand?
    Standing(Actor, Command),
}

/// The words of a step: the positional ones, and those that follow a keyword.
struct Words<'a> {
    verb: &'a str,
    plain: Vec<&'a str>,
    named: BTreeMap<&'a str, &'a str>,
    reason: String,
}

const KEYWORDS: [&str; 17] = [
    "about",
    "attaching",
    "attributes",
    "claiming",
    "commit",
    "config",
    "expecting",
    "for",
    "from",
    "in",
    "lacking",
    "lasting",
    "of",
    "seen",
    "signed",
    "sized",
    "tagged",
];

impl Step {
    /// Reads a step. Stories are written by us, so a mistake in one panics.
    pub fn parse(world: &mut World, text: &str) -> Self {
        let (text, reason) = cut(text.trim(), " because ");
        let (text, grants) = cut(text, " as ");
        let (text, party) = cut(text, " by ");
        let actor = actor(party.unwrap_or("root"), grants.unwrap_or("admin@*"));
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb {
            "wait" => return Self::Wait(get(rest)),
            "apply" => return Self::Ask(actor, Box::new(apply(world, rest))),
            _ => {}
        }
        let words = Words::of(verb, rest, long(reason.unwrap_or_default()));
        match verb {
            "gate" => Self::Gate(actor, words.command(world)),
            "standing" => Self::Standing(actor, words.command(world)),
            _ => Self::Ask(actor, Box::new(words.command(world))),
        }
    }
}

impl<'a> Words<'a> {
    fn of(verb: &'a str, text: &'a str, reason: String) -> Self {
        let mut words = Self { verb, plain: Vec::new(), named: BTreeMap::new(), reason };
        let mut all = text.split_whitespace();
        while let Some(word) = all.next() {
            if KEYWORDS.contains(&word) {
                words.named.insert(word, all.next().unwrap_or_else(|| panic!("`{text}`: nothing follows `{word}`")));
            } else {
                words.plain.push(word);
            }
        }
        words
    }

    fn project(&self) -> ProjectName {
        get(self.named.get("in").copied().unwrap_or("shop"))
    }

    /// `shop/web` for `web-1`, unless `from` says otherwise.
    fn repository(&self) -> RepositoryName {
        let component = self.plain[0].rsplit_once('-').map_or(self.plain[0], |(component, _)| component);
        self.named.get("from").map_or_else(|| get(&format!("{}/{component}", self.project())), |from| get(from))
    }

    fn stage(&self, position: usize) -> StageName {
        get(self.plain[position])
    }

    fn command(self, world: &mut World) -> Command {
        let (project, reason) = (self.project(), self.reason.clone());
        match self.verb {
            "push" | "delete" | "untag" | "attest" | "hold" | "unhold" => self.about_artifacts(world),
            "token" | "revoke" => self.about_tokens(),
            "deliver" | "fail" => self.about_deliveries(world),
            "plan" | "carry" | "collect" | "end" | "keep" | "unkeep" => self.about_retention(world),
            "observe" | "lease" | "unlease" => self.claims(world),
            "release" => {
                let source = Source { commit: self.named.get("commit").map(|text| long(text)), ..Source::default() };
                Command::CreateRelease { project, contents: contents(world, self.plain[0]), source }
            }
            "rollback" => {
                let to = (self.plain.get(1) == Some(&"to")).then(|| contents(world, self.plain[2]).id());
                let from = self.named.get("seen").map(|seen| contents(world, seen).id());
                Command::RollBack { project, stage: self.stage(0), from, to, reason }
            }
            "pin" | "unpin" | "pause" | "resume" => {
                let change = match self.verb {
                    "pin" => Steering::Pinned,
                    "unpin" => Steering::Unpinned,
                    "pause" => Steering::Paused,
                    _ => Steering::Resumed,
                };
                Command::Steer { project, stage: self.stage(0), change, reason }
            }
            "report" => {
                let release = self.named.get("seen").map(|seen| contents(world, seen).id());
                let healthy = self.plain[1] == "healthy";
                Command::ReportHealth { project, stage: self.stage(0), release, healthy, reason }
            }
            _ => self.about_release(world),
        }
    }

    fn about_release(self, world: &mut World) -> Command {
        let (project, stage, release) = (self.project(), self.stage(1), contents(world, self.plain[0]).id());
        let reason = self.reason;
        match self.verb {
            "promote" | "gate" | "standing" => Command::Promote { project, stage, release, reason },
            "veto" => Command::Veto { project, stage, release, reason },
            "unveto" => Command::Unveto { project, stage, release, reason },
            "approve" => {
                let gate = self.named.get("seen").map(|seen| match *seen {
                    "current" => {
                        world.full.project(&project).expect("a project").config.stages[&stage].full_gate().digest()
                    }
                    other => Digest::sha256(other.as_bytes()),
                });
                Command::Approve { project, stage, release, gate, comment: reason }
            }
            verb => panic!("`{verb}` is no verb of stories"),
        }
    }

    fn about_artifacts(self, world: &mut World) -> Command {
        let named = |name| self.named.get(name).copied();
        let reason = self.reason.clone();
        if self.verb == "untag" {
            let attaching = named("attaching").map(|label| digest(world, label).cosign_tags().remove(0));
            let tag = attaching.unwrap_or_else(|| get(self.plain[0]));
            return Command::DeleteTag { repository: get(named("from").unwrap_or("shop/web")), tag };
        }
        let digest = digest(world, self.plain[0]);
        let subject = named("about").map(|label| self::digest(world, label));
        let attaching = named("attaching").map(|label| self::digest(world, label));
        if self.verb == "push" {
            self.consists(world, &digest);
            let attached = world.attached.entry((self.repository(), digest.clone())).or_default();
            attached.extend(subject.iter().chain(&attaching).cloned());
        }
        let everywhere = self.plain.get(1) == Some(&"everywhere");
        let held_in = (!everywhere).then(|| self.project());
        match self.verb {
            "push" => Command::PushManifest {
                repository: self.repository(),
                digest,
                media_type: "application/vnd.oci.image.manifest.v1+json".into(),
                size: named("sized").map_or(1000, get),
                subject,
                tags: match attaching {
                    Some(attaching) => attaching.cosign_tags()[..1].to_vec(),
                    None => named("tagged").map_or_else(Vec::new, list),
                },
            },
            "delete" => Command::DeleteManifest { repository: self.repository(), digest },
            "hold" => Command::Hold { digest, project: held_in, reason },
            "unhold" => Command::Unhold { digest, project: held_in, reason },
            _ => {
                let (kind, name) =
                    self.plain[1].split_once('/').map_or((self.plain[1], None), |(kind, name)| (kind, Some(name)));
                let result = match self.plain[2] {
                    "passed" => EvidenceResult::Passed,
                    "warned" => EvidenceResult::Warned,
                    "failed" => EvidenceResult::Failed,
                    other => panic!("`{other}` is no result"),
                };
                let attributes = named("attributes").map_or_else(BTreeMap::new, attributes);
                let (kind, name) = (get(kind), name.map(get));
                Command::RecordEvidence {
                    project: self.project(),
                    subject: digest,
                    kind,
                    name,
                    result,
                    attributes,
                    document: None,
                    statement: named("signed").map(|by| statement(by, self.plain[2], named("claiming"))),
                }
            }
        }
    }

    /// `observe dev web-1,web-2`, `lease web-1 lasting 2h for dev`, `unlease web-1 from ada`.
    fn claims(self, world: &mut World) -> Command {
        let (project, reason) = (self.project(), self.reason.clone());
        if self.verb == "observe" {
            let named = self.plain.get(1).map_or_else(Vec::new, |labels| labels.split(',').collect());
            let digests = named.into_iter().flat_map(|label| match label.split_once('*') {
                Some((label, count)) => (0..get(count)).map(|number: usize| format!("{label}-{number}")).collect(),
                None => vec![label.to_owned()],
            });
            let digests = digests.map(|label| digest(world, &label)).collect();
            return Command::Observe { project, stage: self.stage(0), digests };
        }
        let digest = digest(world, self.plain[0]);
        match self.verb {
            "lease" => {
                let stage = self.named.get("for").map(|stage| get(stage));
                let lasts = get(self.named.get("lasting").copied().unwrap_or("2h"));
                Command::Lease { project, digest, stage, lasts, reason }
            }
            _ => Command::Unlease { project, digest, party: self.named.get("from").map(|name| get(&party(name))) },
        }
    }

    /// `plan p seen 9`, `carry p`, `collect web-1 of p`, `end p`, `keep web-1`.
    fn about_retention(self, world: &mut World) -> Command {
        let project = self.project();
        let named = self.named.get("of").copied().unwrap_or(self.plain[0]);
        let plan = Digest::sha256(named.as_bytes());
        world.labels.insert(plan.clone(), named.into());
        match self.verb {
            "plan" => {
                let as_of = self.named.get("seen").map_or(world.full.size(), |seen| get(seen));
                let totals = Totals { kept: 1, archived: 2, trashed: 3, frees: 4 };
                Command::PlanRetention { project, plan, as_of, totals }
            }
            "carry" => Command::ApplyRetention { project, plan },
            "end" => Command::EndRetention { project, plan, collected: 1, saved: 0 },
            "collect" => {
                let manifests = self.plain[0].split(',').map(|label| {
                    let component = label.rsplit_once('-').map_or(label, |(component, _)| component);
                    (get(&format!("shop/{component}")), digest(world, label))
                });
                Command::Collect { project, plan, manifests: manifests.collect() }
            }
            verb => {
                let (digest, reason) = (digest(world, self.plain[0]), self.reason);
                match verb {
                    "keep" => Command::Keep { project, digest, reason },
                    _ => Command::Unkeep { project, digest, reason },
                }
            }
        }
    }

    /// Keeps what the artifact consists of: `push web-1 of layer-a,layer-b lacking layer-b`.
    fn consists(&self, world: &mut World, artifact: &Digest) {
        let mut parts = BTreeSet::from([artifact.clone()]);
        let named = self.named.get("of").map_or_else(Vec::new, |of| of.split(',').collect());
        let count = named.first().and_then(|of| of.split_once('*')).map_or(0, |(_, count)| get(count));
        parts.extend(named.iter().filter(|of| !of.contains('*')).map(|of| digest(world, of)));
        let missing = self.named.get("lacking").map(|lacking| digest(world, lacking));
        let known = Artifact { parts, missing, cut: count > crate::PARTS_MAX };
        world.artifacts.insert((self.repository(), artifact.clone()), known);
    }

    /// `deliver prod eu`, `deliver prod eu of 2`, `fail prod eu 3`: what is current, or with `seen 1` what release 1 was there last.
    fn about_deliveries(self, world: &mut World) -> Command {
        let (project, stage) = (self.project(), self.stage(0));
        let seen = self.named.get("seen").map(|seen| contents(world, seen).id());
        let found = self.named.get("of").map(|of| contents(world, of).components);
        let known = world.full.project(&project).cloned();
        let current = known.as_ref().and_then(|known| known.stage(&stage).current.clone());
        let meant = seen.and_then(|seen| Some(world.full.release(&project, &seen)?.presence(&stage)?.index));
        let target = get(self.plain[1]);
        let to = match (self.named.get("from"), &known) {
            (None, Some(known)) => known.config.targets(&stage).get(&target).cloned(),
            _ => None,
        };
        let elsewhere = || serde_json::json!({"registry": self.named.get("from").unwrap_or(&"r.example/other")});
        let found = found.or_else(|| current.as_ref().map(|current| current.contents.components.clone()));
        Command::ReportDelivery {
            project,
            stage,
            promotion: meant.or_else(|| current.map(|current| current.mark.index)).unwrap_or_default(),
            target,
            to: to.unwrap_or_else(|| serde_json::from_value(elsewhere()).expect("a target")),
            tries: self.plain.get(2).map_or(1, |tries| get(tries)),
            report: match self.verb {
                "deliver" => DeliveryReport::Found(found.unwrap_or_default()),
                _ => DeliveryReport::Failed(self.reason),
            },
        }
    }

    fn about_tokens(self) -> Command {
        let token = get(&format!("{:0>16}", self.plain[0]));
        if self.verb == "revoke" {
            return Command::RevokeToken { token, reason: self.reason };
        }
        let lasting: Span = get(self.named.get("lasting").copied().unwrap_or("30d"));
        let start: crate::Timestamp = get("2026-01-01T00:00:00Z");
        Command::IssueToken {
            token,
            hash: Digest::sha256(self.plain[0].as_bytes()),
            party: get(&party(self.named.get("for").copied().unwrap_or("ada"))),
            grants: self.plain.get(1).map_or_else(Vec::new, |grants| list(grants)),
            expires: start + lasting,
        }
    }
}

fn apply(world: &World, text: &str) -> Command {
    let (text, expecting) = cut(text, " expecting ");
    let config = config(text).unwrap_or_else(|problem| panic!("`{text}`: {problem}"));
    let known = world.full.project(&config.project).map(|project| project.config.digest());
    let expect = expecting.map(|expecting| match expecting {
        "current" => known,
        "nothing" => None,
        other => Some(Digest::sha256(other.as_bytes())),
    });
    Command::ApplyConfig { config: Box::new(config), expect }
}

/// A configuration from YAML, or from `dev > prod`: of project `shop` with component `web` unless it says otherwise.
pub(crate) fn config(text: &str) -> Result<ProjectConfig, String> {
    let text = text.trim();
    let mut value: Value = if text.starts_with('{') {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())?
    } else {
        let mut stages = serde_json::Map::new();
        let mut before = None;
        for stage in text.split('>').map(str::trim) {
            stages.insert(
                stage.into(),
                before.map_or(serde_json::json!({}), |before| serde_json::json!({ "after": before })),
            );
            before = Some(stage);
        }
        serde_json::json!({ "stages": stages })
    };
    if value.get("stages").is_none() {
        value = serde_json::json!({ "stages": value });
    }
    spell_out(&mut value);
    let members = value.as_object_mut().expect("a map");
    members.entry("project").or_insert("shop".into());
    members.entry("components").or_insert(serde_json::json!({ "web": {} }));
    let config: ProjectConfig = serde_json::from_value(value).map_err(|error| error.to_string())?;
    config.check().map_err(|invalid| format!("{}: {invalid}", invalid.path.join(".")))?;
    Ok(config)
}

/// The contents of release `1` (`web=1`) or `web=1,api=2,config=c`.
fn contents(world: &mut World, text: &str) -> Contents {
    let mut contents = Contents { components: BTreeMap::new(), config: None };
    for part in text.split(',') {
        let (component, version) = part.split_once('=').unwrap_or(("web", part));
        let digest = digest(world, &format!("{component}-{version}"));
        if component == "config" {
            contents.config = Some(digest);
        } else {
            contents.components.insert(get(component), digest);
        }
    }
    world.labels.insert(contents.id().digest().clone(), text.into());
    contents
}

/// The digest of `web-1`, or of the release `release:1`.
fn digest(world: &mut World, label: &str) -> Digest {
    if let Some(release) = label.strip_prefix("release:") {
        return contents(world, release).id().digest().clone();
    }
    let digest = Digest::sha256(label.as_bytes());
    world.labels.insert(digest.clone(), label.into());
    digest
}

/// Somebody with grants: `ada` is a person, `approver` a role in `shop`.
pub(crate) fn actor(name: &str, grants: &str) -> Actor {
    let in_shop = |grant: &str| if grant.contains('@') { grant.to_owned() } else { format!("{grant}@shop") };
    let grants: Vec<Grant> =
        grants.split(',').filter(|grant| !grant.is_empty()).map(|grant| get(&in_shop(grant))).collect();
    Actor { party: get(&party(name)), grants }
}

fn party(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("person:{name}") }
}

/// `ci,lab:test` is a statement of type `https://types.example/test` that both have signed; `builder=b,source=s` is what it claims. What has another result
/// or `#2` behind it is another statement.
fn statement(text: &str, result: &str, claims: Option<&str>) -> Statement {
    let (signers, kind) = text.split_once(':').expect("SIGNERS:TYPE");
    let digest = Digest::sha256(format!("{kind} {result} {claims:?}").as_bytes());
    let kind = kind.split('#').next().unwrap_or_default();
    let signer = |name| PublicKeyPem::try_from(pem(name)).expect("a key").id().clone();
    let claims = claims.into_iter().flat_map(|claims| claims.split(','));
    Statement {
        digest,
        predicate: get(&format!("https://types.example/{kind}")),
        signers: signers.split(',').map(signer).collect(),
        claims: claims
            .map(|claim| claim.split_once('=').expect("CLAIM=VALUE"))
            .map(|(k, v)| (k.into(), v.into()))
            .collect(),
    }
}

/// Something that looks like a public key, of somebody with that name.
fn pem(name: &str) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(name))
}

/// Puts a key wherever `pem/NAME` stands, and a type for `type/NAME`.
fn spell_out(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("pem/") {
                *text = pem(name);
            } else if let Some(name) = text.strip_prefix("type/") {
                *text = format!("https://types.example/{name}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spell_out),
        Value::Object(members) => members.values_mut().for_each(spell_out),
        _ => {}
    }
}

/// `32*1500` is 32 attributes of 1500 bytes each; `32*1500_escapes` the same of bytes that JSON must escape.
fn attributes(text: &str) -> BTreeMap<String, String> {
    let (count, bytes) = text.split_once('*').expect("COUNT*BYTES");
    let (bytes, letter) = bytes.strip_suffix("_escapes").map_or((bytes, "x"), |bytes| (bytes, "\u{1}"));
    let bytes: usize = get(bytes);
    (0..get(count)).map(|number: usize| (format!("{number:0>4}"), letter.repeat(bytes - 4))).collect()
}

/// A text, or as many bytes as it asks for: `2001_bytes`.
fn long(text: &str) -> String {
    match text.split_once('_') {
        Some((count, "bytes")) => "x".repeat(get(count)),
        _ => text.into(),
    }
}

fn list<T: FromStr<Err: Debug>>(text: &str) -> Vec<T> {
    match text.split_once('*') {
        Some((item, count)) if !count.is_empty() => {
            (0..get(count)).map(|number: usize| get(&item.replace('#', &number.to_string()))).collect()
        }
        _ => text.split(',').map(get).collect(),
    }
}

fn get<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("`{text}`: {error:?}"))
}

fn cut<'a>(text: &'a str, keyword: &str) -> (&'a str, Option<&'a str>) {
    text.split_once(keyword).map_or((text, None), |(before, after)| (before.trim(), Some(after.trim())))
}
