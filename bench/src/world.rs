//! A project to measure on, set up through the command line as a user would.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// How many stages the project has: one for each client at most.
pub const STAGES: usize = 64;

/// The program, a server, and the project on it.
pub struct World {
    program: PathBuf,
    folder: PathBuf,
    url: String,
    /// The first token of the server.
    pub token: String,
}

impl World {
    /// The world of the server at `address` whose data is in `data`.
    pub fn new(program: &Path, folder: &Path, data: &Path, address: &str) -> io::Result<Self> {
        let token = fs::read_to_string(data.join("keys/admin.token"))?.trim().to_owned();
        Ok(Self { program: program.to_owned(), folder: folder.to_owned(), url: format!("http://{address}"), token })
    }

    /// Applies a project `bench` with a component `app` and stages `s0`, `s1` and so on, none with a gate.
    pub fn apply_project(&self) -> io::Result<()> {
        let stages: String = (0..STAGES).map(|number| format!("  s{number}: {{}}\n")).collect();
        let text = format!("project: bench\ncomponents: {{ app: {{}} }}\nstages:\n{stages}");
        fs::write(self.folder.join("selfsame.yaml"), text)?;
        self.run(&["apply", "selfsame.yaml", "--yes"]).map(drop)
    }

    /// Pushes `file` and makes a release of it; answers with the release's id and the artifact's digest.
    pub fn release(&self, file: &str) -> io::Result<(String, String)> {
        let artifact = digest_in(&self.run(&["push", file, "--project", "bench", "--component", "app"])?)?;
        let component = format!("app={artifact}");
        let release = digest_in(&self.run(&["release", "create", "--project", "bench", "--component", &component])?)?;
        Ok((release, artifact))
    }

    /// Pushes a file for each component and makes a release of them; answers with the release's id and the artifacts' digests.
    pub fn release_of(&self, components: &[&str]) -> io::Result<(String, Vec<String>)> {
        let mut artifacts = Vec::new();
        let mut named = Vec::new();
        for component in components {
            fs::write(self.folder.join(component), component)?;
            let pushed = self.run(&["push", component, "--project", "bench", "--component", component])?;
            artifacts.push(digest_in(&pushed)?);
            named.extend(["--component".to_owned(), format!("{component}={}", artifacts[artifacts.len() - 1])]);
        }
        let mut arguments = vec!["release", "create", "--project", "bench"];
        arguments.extend(named.iter().map(String::as_str));
        Ok((digest_in(&self.run(&arguments)?)?, artifacts))
    }

    /// Where the server listens.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Runs a command of the program and answers with what it printed.
    pub fn run(&self, arguments: &[&str]) -> io::Result<String> {
        let output = Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.folder)
            .env("SELFSAME_SERVER", &self.url)
            .env("SELFSAME_TOKEN", &self.token)
            .output()?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("`selfsame {}` failed: {error}", arguments.join(" "))));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn digest_in(printed: &str) -> io::Result<String> {
    let words = printed.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'));
    let digest = words.into_iter().find(|word| word.parse::<domain::Digest>().is_ok());
    digest.map(ToOwned::to_owned).ok_or_else(|| io::Error::other(format!("no digest in {printed:?}")))
}
