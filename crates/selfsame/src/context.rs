//! [`Context`]: which server, who asks, which project, and how to answer.

use std::{env, fs, path::PathBuf};

use api::{Client, PageQuery};
use clap::Args;
use domain::{CommandKey, ComponentName, ProjectConfig, ProjectName, RepositoryName};

use crate::{
    credentials::Credentials,
    outcome::{Failure, Outcome},
    project_file,
};

/// The project's file, where nothing else is said.
pub const PROJECT_FILE: &str = "selfsame.yaml";

/// What every command understands.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Context {
    /// The address of the server; the one logged in to without it.
    #[arg(long, global = true, env = "SELFSAME_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// A file that holds the token; $SELFSAME_TOKEN or the login's without it.
    #[arg(long, global = true, env = "SELFSAME_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The project; that of ./selfsame.yaml, or the only one there is, without it.
    #[arg(long, global = true, env = "SELFSAME_PROJECT", value_name = "NAME")]
    pub project: Option<ProjectName>,
    /// Makes asking twice safe: repeat a command with the key that it had. A new one without it.
    #[arg(long, global = true, value_name = "KEY")]
    pub idempotency_key: Option<CommandKey>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

impl Context {
    /// A client of the server, with the token.
    pub fn client(&self) -> Outcome<Client> {
        let (server, token) = self.server_and_token()?;
        Ok(Client::new(&server, token)?)
    }

    /// The server's address and the token, as far as there are any.
    pub fn server_and_token(&self) -> Outcome<(String, Option<String>)> {
        let own = self.own_token()?;
        if let (Some(server), Some(token)) = (&self.server, &own) {
            return Ok((server.clone(), Some(token.clone())));
        }
        let credentials = Credentials::load()?;
        let server = self.server.clone().or_else(|| credentials.current.clone()).ok_or_else(|| {
            Failure::usage(
                "no server is known",
                "log in with `selfsame login URL`, or give --server or SELFSAME_SERVER",
            )
        })?;
        let stored = credentials.tokens.get(server.trim_end_matches('/')).cloned();
        Ok((server, own.or(stored)))
    }

    /// The token that the command line or the environment names.
    fn own_token(&self) -> Outcome<Option<String>> {
        let text = match &self.token_file {
            Some(file) => Some(fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?),
            None => env::var("SELFSAME_TOKEN").ok(),
        };
        text.as_deref().filter(|text| !text.trim().is_empty()).map(token).transpose()
    }

    /// The project, if the command line, the environment or the project's file names one.
    pub fn named_project(&self) -> Outcome<Option<ProjectName>> {
        if self.project.is_some() {
            return Ok(self.project.clone());
        }
        match fs::read(PROJECT_FILE) {
            Ok(bytes) => {
                let config = project_file::parse(PROJECT_FILE.as_ref(), &bytes);
                let config = config.map_err(|invalid| {
                    Failure::usage(invalid.to_string(), "mend the file, or name the project with --project")
                })?;
                Ok(Some(config.project))
            }
            Err(_) => Ok(None),
        }
    }

    /// The project.
    pub async fn project(&self, client: &Client) -> Outcome<ProjectName> {
        if let Some(project) = self.named_project()? {
            return Ok(project);
        }
        let page = client.projects(&PageQuery { limit: Some(10), ..PageQuery::default() }).await?;
        match &page.items[..] {
            [only] => Ok(only.project.clone()),
            [] => Err(Failure::usage("there is no project that you may see", "create one with `selfsame apply FILE`")),
            several => {
                let names: Vec<_> = several.iter().map(|one| one.project.as_str()).collect();
                Err(Failure::usage(
                    "there are several projects",
                    &format!("name one with --project: {}", names.join(", ")),
                ))
            }
        }
    }

    /// The key of a command: the one that was given, or a new one.
    pub fn key(&self) -> CommandKey {
        self.idempotency_key.clone().unwrap_or_else(|| {
            let text: String = random().iter().map(|byte| format!("{byte:02x}")).collect();
            text.parse().expect("hexadecimal digits are visible ASCII")
        })
    }

    /// Waits until what was just written is seen by whatever reads next, so that one command sees what the one before it did.
    pub async fn settle(&self, client: &Client, as_of: u64) {
        // The command is done, whatever comes of this; the next one asks for itself.
        let _ = client.waiting_for(as_of).whoami().await;
    }
}

/// The token in a text that was read from somewhere.
pub fn token(text: &str) -> Outcome<String> {
    let word = text.trim();
    let hint = "`selfsame token issue` makes one";
    match word.is_empty() {
        true => Err(Failure::usage("there is no token", hint)),
        false if word.bytes().all(|b| b.is_ascii_graphic()) => Ok(word.to_owned()),
        false => Err(Failure::usage("this is no token: a token is one word", hint)),
    }
}

/// The repository of a component.
pub fn repository(config: &ProjectConfig, component: &ComponentName) -> Outcome<RepositoryName> {
    config.repository(component).ok_or_else(|| {
        let known: Vec<_> = config.components.keys().map(ComponentName::as_str).collect();
        let text = format!("project `{}` has no component `{component}`", config.project);
        Failure::refused("component-unknown", text, Some(format!("its components are: {}", known.join(", "))))
    })
}

fn random() -> [u8; 16] {
    use ring::rand::SecureRandom;
    let mut bytes = [0; 16];
    ring::rand::SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
