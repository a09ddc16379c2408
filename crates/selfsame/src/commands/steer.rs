//! `selfsame pin`, `unpin`, `pause` and `resume`: steer a stage by hand.

use api::SteeringRequest;
use clap::Args;
use domain::{StageName, Steering};

use crate::{context::Context, outcome::Outcome, output};

/// What all four are given.
#[derive(Debug, Args)]
pub struct Asked {
    /// The stage.
    stage: StageName,
    /// Why.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// What is asked of a stage.
pub struct Steer {
    asked: Asked,
    change: Steering,
}

/// Declares a verb that steers.
macro_rules! verb {
    ($(#[$attribute:meta])* $name:ident, $change:ident) => {
        #[derive(Debug, Args)]
        $(#[$attribute])*
        pub struct $name {
            #[command(flatten)]
            asked: Asked,
        }

        impl From<$name> for Steer {
            fn from(args: $name) -> Self {
                Self { asked: args.asked, change: Steering::$change }
            }
        }
    };
}

verb! {
    /// Keep a stage on what it has: nothing enters, not even by rollback.
    #[command(after_help = "Example:\n  selfsame pin prod --reason \"audit until Friday\"")]
    PinArgs, Pinned
}
verb! {
    /// Take a stage's pin away.
    #[command(after_help = "Example:\n  selfsame unpin prod --reason \"the audit is over\"")]
    UnpinArgs, Unpinned
}
verb! {
    /// No promotions into a stage for now; rollback stays open.
    #[command(after_help = "Example:\n  selfsame pause prod --reason \"night\"")]
    PauseArgs, Paused
}
verb! {
    /// Let promotions into a stage go on.
    #[command(after_help = "Example:\n  selfsame resume prod --reason \"back at work\"")]
    ResumeArgs, Resumed
}

/// Runs the verb.
pub async fn run(context: &Context, Steer { asked, change }: Steer) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let request = SteeringRequest { change, reason: asked.reason };
    let receipt = client.steer(&context.key(), &project, &asked.stage, &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| {
        let word = match change {
            Steering::Pinned => "is pinned",
            Steering::Unpinned => "is no longer pinned",
            Steering::Paused => "is paused",
            Steering::Resumed => "goes on",
        };
        match receipt.count {
            0 => format!("`{}` {word}: nothing had to change", asked.stage),
            _ => format!("`{}` {word}: entry {}", asked.stage, receipt.index),
        }
    })
}
