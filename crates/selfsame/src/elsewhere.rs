//! Other registries, as the command line speaks to them: who we are there, where plans are kept, and what is told of a copy.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
};

use clap::Args;
use connect::{Client, Copied, Copy, Error, Host, Journal, Limits, Place, Plan, Remote, Secret, Sources, Wanted};
use domain::{Digest, TagName};
use serde::Serialize;

use crate::{
    context::Context,
    credentials::Credentials,
    outcome::{Failure, Outcome},
    output, progress,
};

/// How copies are made.
#[derive(Debug, Args)]
pub struct CopyOptions {
    /// Another repository with the same bytes, asked where the first does not help; once for each.
    #[arg(long = "from", value_name = "HOST/REPOSITORY")]
    pub fallbacks: Vec<Place>,
    /// Find out what there is to copy, say how many bytes it has, and copy nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How many things are copied at once.
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: u8,
    /// The file that keeps the plan until all of it is done; one in the state directory without it.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// What one copy came to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Where it came from.
    pub source: String,
    /// Where it went.
    pub destination: String,
    /// Whether nothing was copied, for that was asked.
    pub dry_run: bool,
    /// What points where at the destination.
    pub tags: BTreeMap<TagName, Digest>,
    /// What was asked for; everything else belongs to it.
    pub artifacts: BTreeSet<Digest>,
    /// How much it was.
    #[serde(flatten)]
    pub copied: Copied,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let hint = |text: &str| Some(text.to_owned());
        match &error {
            Error::Unauthorized { .. } => Self::refused(
                "unauthenticated",
                text,
                hint(
                    "log in there, for example with `docker login`, `skopeo login` or, if it is Selfsame, `selfsame login`",
                ),
            ),
            error if error.is_missing() => Self::refused("missing", text, None),
            Error::Conflict(_) | Error::AtWork(_) => Self::refused("conflict", text, None),
            error if error.is_refusal() => Self::refused("refused", text, None),
            Error::Unreachable { .. } => {
                Self::Broken { text, hint: hint("ask again: what was done already is not done twice") }
            }
            _ => Self::broken(text),
        }
    }
}

/// A client that is whoever the tools on this machine are logged in as, and to our own servers whoever `selfsame login` knows.
pub fn client(context: &Context, jobs: u8) -> Outcome<Client> {
    let mut credentials = connect::Credentials::of_this_machine();
    let secret = |token: String| Secret::Password { user: "selfsame".into(), password: token };
    for (server, token) in Credentials::load()?.tokens {
        if let Ok(host) = server.trim_end_matches('/').parse::<Host>() {
            credentials = credentials.with(host, secret(token));
        }
    }
    // Without a server there is nobody that the token is for.
    if let Ok((server, Some(token))) = context.server_and_token()
        && let Ok(host) = server.trim_end_matches('/').parse::<Host>()
    {
        credentials = credentials.with(host, secret(token));
    }
    let limits = Limits { at_once: usize::from(jobs) + 2, ..Limits::default() };
    Ok(Client::new(credentials, limits)?)
}

/// Plans a copy, or goes on with one that was broken off, and does it.
pub async fn copy(
    context: &Context,
    client: &Client,
    (from, to): (Place, Place),
    wanted: &Wanted,
    moves_tags: bool,
    options: &CopyOptions,
) -> Outcome<Report> {
    let remote = |place: Place| Remote::new(client.clone(), place);
    let (source, destination) = (from.to_string(), to.to_string());
    let copy = Copy {
        sources: Sources::new(remote(from), options.fallbacks.iter().cloned().map(remote).collect()),
        destination: remote(to),
        jobs: usize::from(options.jobs),
        moves_tags,
    };
    let report = |plan: Plan, dry_run: bool, copied: Copied| {
        let Plan { tags, roots: artifacts, .. } = plan;
        Report { source: source.clone(), destination: destination.clone(), dry_run, tags, artifacts, copied }
    };
    if options.dry_run {
        let plan = copy.plan(wanted).await?;
        let copied = copy.weigh(&plan).await?;
        return Ok(report(plan, true, copied));
    }
    let asked = wanted.describe(&copy.sources, &copy.destination);
    let file = match &options.plan {
        Some(file) => file.clone(),
        None => default_file(&asked)?,
    };
    let (journal, kept) = Journal::open(&file)?;
    let plan = match kept {
        Some(plan) if plan.asked == asked => {
            if !context.json {
                let (file, count) = (file.display(), journal.count());
                output::note(&format!("going on with the plan in {file}: {count} steps of it are done"));
            }
            plan
        }
        Some(other) => return Err(of_another(&file, &other)),
        None => {
            let plan = copy.plan(wanted).await?;
            journal.begin(&plan)?;
            plan
        }
    };
    let bar = progress::bytes("copying", plan.blobs().values().sum());
    let copied = copy.run(&plan, &journal, &|bytes| bar.inc(bytes)).await?;
    bar.finish_and_clear();
    journal.end()?;
    Ok(report(plan, false, copied))
}

fn of_another(file: &Path, plan: &Plan) -> Failure {
    Failure::usage(
        format!("`{}` keeps the plan of another copy: {}", file.display(), plan.asked),
        "end that one first, remove the file, or name another with --plan",
    )
}

/// Where the plan of a copy is kept unless somebody says otherwise.
fn default_file(asked: &str) -> Outcome<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    let state = state.ok_or_else(|| {
        Failure::usage("neither XDG_STATE_HOME nor HOME says where to keep the plan", "name a file with --plan")
    })?;
    let name = Digest::sha256(asked.as_bytes());
    Ok(state.join("selfsame/copies").join(format!("{}.plan", &name.hex()[..32])))
}

impl Report {
    /// What people read.
    pub fn in_words(&self) -> String {
        let Self { source, destination, dry_run, tags, artifacts, copied } = self;
        let mut lines: Vec<String> = tags.iter().map(|(tag, digest)| format!("{destination}:{tag} {digest}")).collect();
        if tags.is_empty() {
            lines.extend(artifacts.iter().map(|digest| format!("{destination}@{digest}")));
        }
        let (all, sent) = (output::bytes(copied.bytes), output::bytes(copied.bytes_sent));
        let Copied { manifests, blobs, blobs_sent, blobs_mounted, .. } = copied;
        lines.push(match dry_run {
            true => format!(
                "would copy from {source}: {manifests} manifests and {blobs} blobs, {all}; {blobs_sent} blobs with {sent} are not there yet"
            ),
            false => format!(
                "copied from {source}: {manifests} manifests and {blobs} blobs, {all}; {blobs_sent} blobs with {sent} were sent, {blobs_mounted} mounted"
            ),
        });
        lines.join("\n")
    }
}
