//! Runs commands and shows them as a user would see them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::outcome::Failure;

/// Runs this program in a folder, against a server, and narrates.
pub struct Narrator {
    program: PathBuf,
    folder: PathBuf,
    url: String,
}

/// What a command of the story is expected to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Exit code 0.
    Done,
    /// Exit code 1: the rules say no, and the story is about that.
    Refused,
}

/// Who runs a command: the file that holds the token.
#[derive(Clone, Copy, Debug)]
pub struct As<'a> {
    /// As the story calls them.
    pub name: &'a str,
    /// The file of the token, relative to the story's folder or absolute.
    pub token: &'a Path,
}

impl Narrator {
    /// A narrator whose commands run in `folder` against `url`.
    pub fn new(folder: &Path, url: &str) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::broken(format!("this program cannot find itself: {error}")))?;
        Ok(Self { program, folder: folder.to_owned(), url: url.to_owned() })
    }

    /// This program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The address of the server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Says what comes next.
    pub fn say(&self, text: &str) {
        println!("\n# {text}");
    }

    /// Shows a file of the story.
    pub fn show(&self, text: &str) {
        for line in text.lines() {
            println!("    {line}");
        }
    }

    /// Runs a command as somebody, shows it with what it prints, and checks how it ends. Answers with what it printed on standard output.
    pub fn run(&self, who: As<'_>, arguments: &[&str], expect: Expect) -> Result<String, Failure> {
        println!(
            "{} $ selfsame {}",
            who.name,
            arguments.iter().map(|argument| quoted(argument)).collect::<Vec<_>>().join(" ")
        );
        let output = self.command(who, arguments)?;
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        self.show(&stdout);
        self.show(&stderr);
        let wanted = match expect {
            Expect::Done => 0,
            Expect::Refused => 1,
        };
        if output.status.code() == Some(wanted) {
            return Ok(stdout.into_owned());
        }
        Err(Failure::broken(format!(
            "`selfsame {}` ended with {}, not with exit code {wanted}",
            arguments.join(" "),
            output.status
        )))
    }

    fn command(&self, who: As<'_>, arguments: &[&str]) -> Result<Output, Failure> {
        Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.folder)
            .env("SELFSAME_SERVER", &self.url)
            .env("SELFSAME_TOKEN_FILE", who.token)
            .env_remove("SELFSAME_TOKEN")
            .env_remove("SELFSAME_PROJECT")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::broken(format!("this program cannot be run again: {error}")))
    }
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) { argument.to_owned() } else { format!("'{argument}'") }
}

/// Says where everything is, at the end.
pub fn stay(url: &str, data: &Path) {
    println!("\n# The server stays up; Ctrl-C ends it.");
    println!("    API         {url}/v1 (described by {url}/v1/openapi.json)");
    println!("    registry    {url}/v2/ (any user name, a token as password)");
    println!("    ledger      {url}/ledger/checkpoint");
    println!("    data        {}", data.display());
    println!("    admin token {}", data.join("keys/admin.token").display());
}
