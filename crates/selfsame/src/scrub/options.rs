//! What a scrub is told on the command line.

use std::{fs, path::PathBuf};

use clap::Args;
use domain::Span;

use super::{Fetcher, Source};
use crate::{
    context::token,
    outcome::{Failure, Outcome},
};

/// How the running server reads again what it stores.
#[derive(Clone, Debug, Args)]
pub struct ScrubOptions {
    /// How many MiB a second are read, in the background, to compare every blob with its digest; 0 for none.
    #[arg(long, env = "SELFSAME_SCRUB_RATE", default_value_t = 8, value_name = "MIB")]
    pub scrub_rate: u32,
    /// How long to pause before it begins again.
    #[arg(long, env = "SELFSAME_SCRUB_PAUSE", default_value = "1d", value_name = "SPAN")]
    pub scrub_pause: Span,
    #[command(flatten)]
    pub repair: RepairOptions,
}

/// Where sound bytes are looked for.
#[derive(Clone, Debug, Default, Args)]
pub struct RepairOptions {
    /// Where sound bytes are looked for when a blob is damaged: another data directory, a copy of one, an OCI layout, or the address of a
    /// registry with the same repositories. May be given several times; what comes from there is checked.
    #[arg(long, env = "SELFSAME_REPAIR_FROM", value_delimiter = ',', value_name = "DIR|URL")]
    pub repair_from: Vec<Source>,
    /// A file that holds the token for those registries.
    #[arg(long, env = "SELFSAME_REPAIR_TOKEN_FILE", value_name = "FILE")]
    pub repair_token_file: Option<PathBuf>,
}

impl ScrubOptions {
    /// None at all, for a server that is there for a minute.
    pub fn off() -> Self {
        Self { scrub_rate: 0, scrub_pause: Span::from_secs(24 * 3600), repair: RepairOptions::default() }
    }
}

impl RepairOptions {
    /// What asks the sources.
    pub fn fetcher(&self) -> Outcome<Fetcher> {
        let read = |file: &PathBuf| fs::read_to_string(file).map_err(|error| Failure::file(file, &error));
        let text = self.repair_token_file.as_ref().map(read).transpose()?;
        let token = text.as_deref().map(token).transpose()?;
        Fetcher::new(token)
            .map_err(|error| Failure::broken(format!("could not prepare to ask for sound bytes: {error}")))
    }
}
