//! `selfsame token`: issues and revokes access tokens, and lists the roles.

mod offline;

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::storage::{Elsewhere, KeysFolder};
use api::{Ending, IssuedToken, TokenRequest};
use clap::{Args, Subcommand};
use domain::{Grant, Party, TokenId};
use serde::Serialize;

use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output::{self, Table},
};

/// Issue and revoke access tokens.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame token issue machine:ci --grant publisher@shop --expires 30d --output ci.token\n  selfsame token roles"
)]
pub struct TokenArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Issue(Box<IssueArgs>),
    Revoke(RevokeArgs),
    Roles(RolesArgs),
}

/// Issue a token. Its secret is shown once.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame token issue person:ben --grant approver@shop --expires 30d\n  selfsame token issue person:admin --grant admin@* --expires 365d --data selfsame-data --output admin.token"
)]
struct IssueArgs {
    /// Who will act with it: `person:NAME` or `machine:NAME`.
    party: Party,
    /// What it allows: `role@project`, `role@project/stage` or `role@*`; once for each.
    #[arg(long = "grant", value_name = "GRANT", required = true)]
    grants: Vec<Grant>,
    /// When it ends: a time, or how long from now.
    #[arg(long, value_name = "WHEN")]
    expires: Ending,
    /// The data directory of a stopped server: issue it there, as the ledger itself. For when no token is valid any more. Of several servers on one
    /// database none need be stopped.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    elsewhere: Elsewhere,
    #[command(flatten)]
    keys: KeysFolder,
    /// Write the secret to this new file, which only you can read, instead of printing it.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Revoke a token, by its id.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame token revoke 0123456789abcdef --reason \"the laptop was lost\"")]
struct RevokeArgs {
    /// The id: the first part of the token, `ss_ID_SECRET`.
    token: TokenId,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// List the built-in roles.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame token roles")]
struct RolesArgs {}

/// A token whose secret went to a file.
#[derive(Serialize)]
struct Written<'a> {
    as_of: u64,
    id: &'a TokenId,
    party: &'a Party,
    grants: &'a [Grant],
    expires: domain::Timestamp,
    file: &'a Path,
}

/// Runs the verb.
pub async fn run(context: &Context, args: TokenArgs) -> Outcome {
    match args.what {
        What::Issue(args) => issue(context, *args).await,
        What::Revoke(args) => revoke(context, args).await,
        What::Roles(RolesArgs {}) => roles(context).await,
    }
}

async fn issue(context: &Context, args: IssueArgs) -> Outcome {
    let file = match &args.output {
        Some(path) => Some((path, create(path).map_err(|error| Failure::file(path, &error))?)),
        None => None,
    };
    let request = TokenRequest { party: args.party, grants: args.grants, expires: args.expires };
    let issued = match &args.data {
        Some(data) => offline::issue(args.elsewhere.folder(data)?.with_keys(args.keys.keys), request).await,
        None => online(context, &request).await,
    };
    let issued = issued.inspect_err(|_| {
        if let Some((path, _)) = &file {
            let _ = std::fs::remove_file(path);
        }
    })?;
    match file {
        Some((path, mut file)) => {
            let written = writeln!(file, "{}", issued.token).and_then(|()| file.sync_all());
            written.map_err(|error| Failure::file(path, &error))?;
            let IssuedToken { as_of, id, party, grants, expires, .. } = &issued;
            let written = Written { as_of: *as_of, id, party, grants, expires: *expires, file: path };
            output::answer(context.json, &written, |_| {
                format!("token {id} for {party}, until {expires}, is in {}", path.display())
            })
        }
        None => {
            if !context.json {
                output::note(&format!(
                    "token {} for {}, until {}; its secret is shown this once:",
                    issued.id, issued.party, issued.expires
                ));
            }
            output::answer(context.json, &issued, |issued| issued.token.clone())
        }
    }
}

async fn online(context: &Context, request: &TokenRequest) -> Outcome<IssuedToken> {
    let client = context.client()?;
    let issued = client.issue_token(request).await?;
    context.settle(&client, issued.as_of).await;
    Ok(issued)
}

fn create(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

async fn revoke(context: &Context, args: RevokeArgs) -> Outcome {
    let client = context.client()?;
    let receipt = client.revoke_token(&context.key(), &args.token, &args.reason).await?;
    output::answer(context.json, &receipt, |receipt| match receipt.count {
        0 => format!("token {} was revoked already", args.token),
        _ => format!("token {} is revoked: entry {}", args.token, receipt.index),
    })
}

async fn roles(context: &Context) -> Outcome {
    let roles = context.client()?.roles().await?;
    output::answer(context.json, &roles, |roles| {
        let mut table = Table::new(["ROLE", "ABOUT", "PERMISSIONS"]);
        for role in &roles.roles {
            let permissions: Vec<_> = role.permissions.iter().map(ToString::to_string).collect();
            table.row([role.role.to_string(), role.about.clone(), permissions.join(", ")]);
        }
        table.render()
    })
}
