//! Types commands into a shell and shows them as a user would see them.

use std::{
    cell::RefCell,
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use crate::outcome::{Failure, Outcome};

/// Types lines into a shell in a folder, and narrates. Whatever a line depends on was shown before it.
pub struct Narrator {
    /// Where the shell finds `selfsame`.
    programs: PathBuf,
    folder: PathBuf,
    url: String,
    /// The file of the token of whoever acts now; empty before anybody does.
    token: RefCell<PathBuf>,
}

/// What a command of the story is expected to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Exit code 0.
    Done,
    /// Exit code 1: the rules say no, and the story is about that.
    Refused,
}

/// Who runs a command: the file that holds the token, relative to the story's folder.
#[derive(Clone, Copy, Debug)]
pub struct As<'a>(pub &'a Path);

impl Narrator {
    /// A narrator who types in `folder` and speaks to the server at `url`. Shows how to do the same.
    pub fn new(folder: &Path, url: &str) -> Outcome<Self> {
        let programs = programs(folder)?;
        println!("$ cd {}", quoted(&folder.to_string_lossy()));
        println!("$ export PATH={}:\"$PATH\"", quoted(&programs.to_string_lossy()));
        println!("$ export SELFSAME_SERVER={url}");
        Ok(Self { programs, folder: folder.to_owned(), url: url.to_owned(), token: RefCell::default() })
    }

    /// The address of the server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Says what comes next.
    pub fn say(&self, text: &str) {
        println!("\n# {text}");
    }

    /// From here on, somebody else acts.
    pub fn act_as(&self, As(token): As<'_>) {
        if *self.token.borrow() != token {
            println!("$ export SELFSAME_TOKEN_FILE={}", quoted(&token.to_string_lossy()));
            token.clone_into(&mut self.token.borrow_mut());
        }
    }

    /// Runs this program as somebody. Answers with what it printed.
    pub fn run(&self, who: As<'_>, arguments: &[&str], expect: Expect) -> Outcome<String> {
        self.act_as(who);
        let words: Vec<_> = arguments.iter().map(|argument| quoted(argument)).collect();
        self.type_in(&format!("selfsame {}", words.join(" ")), expect)
    }

    /// Types a line, shows it with what it prints, and checks how it ends. Answers with what it printed.
    pub fn type_in(&self, line: &str, expect: Expect) -> Outcome<String> {
        println!("$ {line}");
        let (printed, status) =
            self.shell(line).map_err(|error| Failure::broken(format!("`sh` cannot run `{line}`: {error}")))?;
        for line in printed.lines() {
            println!("{}", format!("    {line}").trim_end());
        }
        let wanted = match expect {
            Expect::Done => 0,
            Expect::Refused => 1,
        };
        if status.code() == Some(wanted) {
            return Ok(printed);
        }
        Err(Failure::broken(format!("`{line}` ended with {status}, not with exit code {wanted}")))
    }

    /// What a line prints, on both streams in their order, as on a terminal.
    fn shell(&self, line: &str) -> io::Result<(String, ExitStatus)> {
        let (mut reader, writer) = io::pipe()?;
        let mut paths = vec![self.programs.clone()];
        paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(&self.folder)
            .env("PATH", std::env::join_paths(paths).map_err(io::Error::other)?)
            .env("SELFSAME_SERVER", &self.url)
            .env("SELFSAME_TOKEN_FILE", &*self.token.borrow())
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        for other in ["SELFSAME_TOKEN", "SELFSAME_PROJECT", "SELFSAME_DATA"] {
            command.env_remove(other);
        }
        let mut child = command.spawn()?;
        // The pipe ends when nobody can write to it any more, and the command holds ends of it.
        drop(command);
        let mut printed = Vec::new();
        reader.read_to_end(&mut printed)?;
        Ok((String::from_utf8_lossy(&printed).into_owned(), child.wait()?))
    }
}

/// A folder in which this program is called `selfsame`: its own, unless it has another name there.
fn programs(folder: &Path) -> Outcome<PathBuf> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::broken(format!("this program cannot find itself: {error}")))?;
    match (program.parent(), program.file_name()) {
        (Some(parent), Some(name)) if name == "selfsame" => Ok(parent.to_owned()),
        _ => {
            let link = folder.join("bin/selfsame");
            let linked =
                fs::create_dir_all(folder.join("bin")).and_then(|()| std::os::unix::fs::symlink(&program, &link));
            linked.map_err(|error| Failure::file(&link, &error))?;
            Ok(folder.join("bin"))
        }
    }
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
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
