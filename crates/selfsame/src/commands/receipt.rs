//! `selfsame receipt`: what a promotion leaves that others can verify.

use std::path::PathBuf;

use api::{ComponentReceipt, PromotionReceipts, ReceiptsQuery};
use clap::{Args, Subcommand};
use domain::{ComponentName, StageName};

use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output::{self, Table},
};

/// Get the signed receipts of a promotion, and the key that verifies them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct ReceiptArgs {
    #[command(subcommand)]
    what: What,
}

const EXAMPLE: &str = "Example:
  selfsame receipt key -o receipts.pub
  selfsame receipt get prod --component web -o web.sigstore.json
  selfsame verify web.sigstore.json --key receipts.pub --ledger-key ledger.pub";

#[derive(Debug, Subcommand)]
enum What {
    Get(GetArgs),
    Key(KeyArgs),
}

/// Get the receipts of a promotion, one for each component: a Sigstore bundle with a SLSA verification summary and the ledger's proof.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame receipt get prod\n  selfsame receipt get prod --component web -o web.sigstore.json"
)]
struct GetArgs {
    /// The stage.
    stage: StageName,
    /// The entry of the promotion, as `history` shows it; the last one of what the stage has without it.
    #[arg(long, value_name = "ENTRY")]
    promotion: Option<u64>,
    /// Only the receipt of this component, and of that the bundle itself.
    #[arg(long)]
    component: Option<ComponentName>,
    /// The file to write the bundle to.
    #[arg(long, short, value_name = "FILE", requires = "component")]
    output: Option<PathBuf>,
}

/// Get the public key that verifies receipts. Whoever wants to be sure gets it another way: it is `receipts.pub` in the server's folder of keys.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame receipt key -o receipts.pub")]
struct KeyArgs {
    /// The file to write it to.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ReceiptArgs) -> Outcome {
    match args.what {
        What::Get(args) => get(context, args).await,
        What::Key(args) => key(context, args).await,
    }
}

async fn get(context: &Context, args: GetArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let query = ReceiptsQuery { promotion: args.promotion };
    let answer = client.receipts(&project, &args.stage, &query).await?;
    let Some(component) = &args.component else { return output::answer(context.json, &answer, describe) };
    let found = answer.receipts.iter().find(|receipt| receipt.component == *component);
    let Some(ComponentReceipt { bundle, .. }) = found else {
        let known: Vec<_> = answer.receipts.iter().map(|receipt| receipt.component.as_str()).collect();
        let text = format!("the release has no component `{component}`; it has: {}", known.join(", "));
        return Err(Failure::usage(text, "name one of them"));
    };
    match &args.output {
        None => output::answer(context.json, bundle, ToString::to_string),
        Some(file) => {
            std::fs::write(file, bundle.to_string()).map_err(|error| Failure::file(file, &error))?;
            output::answer(context.json, bundle, |_| format!("the receipt of `{component}` is in {}", file.display()))
        }
    }
}

fn describe(answer: &PromotionReceipts) -> String {
    let mut table = Table::new(["COMPONENT", "ARTIFACT", "AND"]);
    for ComponentReceipt { component, subjects, .. } in &answer.receipts {
        let artifact = subjects.first().map(ToString::to_string).unwrap_or_default();
        let more = match subjects.len().saturating_sub(1) {
            0 => String::new(),
            platforms => format!("{platforms} manifests that it names"),
        };
        table.row([component.to_string(), artifact, more]);
    }
    let PromotionReceipts { stage, release, promotion, at, .. } = answer;
    format!("release {} was promoted to `{stage}` at {at}, by entry {promotion}\n{}", release.short(), table.render())
}

async fn key(context: &Context, args: KeyArgs) -> Outcome {
    let answer = context.client()?.receipt_key().await?;
    if let Some(file) = &args.output {
        std::fs::write(file, &answer.key).map_err(|error| Failure::file(file, &error))?;
        return output::answer(context.json, &answer, |_| format!("the key is in {}", file.display()));
    }
    output::answer(context.json, &answer, |answer| answer.key.trim_end().to_owned())
}
