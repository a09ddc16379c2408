//! The story: what a team does with one artifact, from build to production and back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::narrator::{As, Expect, Narrator};
use crate::outcome::Failure;

/// The project's file, with a place for its name.
const PROJECT_FILE: &str = "\
project: PROJECT
components:
  app: {}
stages:
  dev: {}
  staging:
    after: dev
    gate:
      - evidence: { kind: tests, name: unit, max_age: 7d }
  prod:
    after: { all: [staging], soak: 2s }
    gate:
      - evidence: { kind: tests, name: smoke, by: [\"machine:ci\"] }
      - approvals: { count: 1, role: approver, expires: 7d }
";

/// Who takes part: a name for the transcript and the file of a token.
struct Cast {
    admin: PathBuf,
    ci: PathBuf,
    ada: PathBuf,
    ben: PathBuf,
    cluster: PathBuf,
}

struct Story<'a> {
    narrator: Narrator,
    data: &'a Path,
    folder: PathBuf,
    project: String,
    cast: Cast,
}

/// Tells the story on the server at `url`, whose data lies in `data`.
pub fn tell(data: &Path, url: &str) -> Result<(), Failure> {
    let data = &fs::canonicalize(data).map_err(|error| file_failure(data, &error))?;
    let (project, folder) = new_project(data)?;
    let token = |name: &str| folder.join(format!("{name}.token"));
    let cast = Cast {
        admin: data.join("keys/admin.token"),
        ci: token("ci"),
        ada: token("ada"),
        ben: token("ben"),
        cluster: token("cluster"),
    };
    let story = Story { narrator: Narrator::new(&folder, url)?, data, folder, project, cast };
    println!("# Selfsame: the bytes that passed the tests are the bytes that run in production.");
    println!("# Each line with a `$` is a command that you can type; what follows is what it printed.");
    story.set_up()?;
    let first = story.first_release()?;
    story.meet_the_gate(&first)?;
    story.pull_in_production()?;
    story.second_release(&first)?;
    story.prove()
}

/// The first project name that no earlier run has used, and a folder for it.
fn new_project(data: &Path) -> Result<(String, PathBuf), Failure> {
    for number in 1..10_000 {
        let name = if number == 1 { "demo".to_owned() } else { format!("demo-{number}") };
        let folder = data.join("quickstart").join(&name);
        if !folder.exists() {
            fs::create_dir_all(&folder).map_err(|error| file_failure(&folder, &error))?;
            return Ok((name, folder));
        }
    }
    Err(Failure::broken(format!("10,000 runs are enough for `{}`: remove it", data.display())))
}

impl Story<'_> {
    fn admin(&self) -> As<'_> {
        As { name: "admin", token: &self.cast.admin }
    }

    fn ci(&self) -> As<'_> {
        As { name: "ci", token: &self.cast.ci }
    }

    fn ada(&self) -> As<'_> {
        As { name: "ada", token: &self.cast.ada }
    }

    fn ben(&self) -> As<'_> {
        As { name: "ben", token: &self.cast.ben }
    }

    fn cluster(&self) -> As<'_> {
        As { name: "cluster", token: &self.cast.cluster }
    }

    fn run(&self, who: As<'_>, arguments: &[&str]) -> Result<String, Failure> {
        self.narrator.run(who, arguments, Expect::Done)
    }

    fn set_up(&self) -> Result<(), Failure> {
        self.narrator
            .say("A project: one component, three stages, and what each stage demands. This is selfsame.yaml:");
        let text = PROJECT_FILE.replace("PROJECT", &self.project);
        write(&self.folder.join("selfsame.yaml"), text.as_bytes())?;
        self.narrator.show(&text);
        self.run(self.admin(), &["apply", "selfsame.yaml", "--yes"])?;
        self.narrator.say("Credentials: the build, two people, and a production cluster that can only pull.");
        let project = &self.project;
        let issue = |party: &str, grants: &[String], file: &Path| {
            let mut arguments = vec!["token", "issue", party];
            for grant in grants {
                arguments.extend(["--grant", grant.as_str()]);
            }
            let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            arguments.extend(["--expires", "1d", "--output", &file]);
            self.run(self.admin(), &arguments).map(drop)
        };
        issue("machine:ci", &[format!("publisher@{project}"), format!("promoter@{project}")], &self.cast.ci)?;
        issue("person:ada", &[format!("operator@{project}")], &self.cast.ada)?;
        issue("person:ben", &[format!("approver@{project}")], &self.cast.ben)?;
        issue("machine:prod-cluster", &[format!("puller@{project}/prod")], &self.cast.cluster)
    }

    fn first_release(&self) -> Result<String, Failure> {
        self.narrator.say("The build pushes an artifact: the very program that you are running.");
        let program = self.narrator.program().to_string_lossy().into_owned();
        let build = self.folder.join("build-1").join("selfsame");
        copy(Path::new(&program), &build, b"")?;
        self.release("build-1/selfsame", "1111111")
    }

    /// Pushes a file and makes a release of it, and brings that to dev.
    fn release(&self, file: &str, commit: &str) -> Result<String, Failure> {
        let pushed = self.run(self.ci(), &["push", file, "--component", "app", "--commit", commit])?;
        let component = format!("app={}", first_digest(&pushed)?);
        let created = self.run(self.ci(), &["release", "create", "--component", &component, "--commit", commit])?;
        let release = first_digest(&created)?;
        self.run(self.ci(), &["promote", short(&release), "--to", "dev"])?;
        Ok(release)
    }

    fn meet_the_gate(&self, release: &str) -> Result<(), Failure> {
        self.narrator
            .say("Staging demands unit tests. Without them the rules say no, and say what is missing (exit code 1).");
        self.narrator.run(self.ci(), &["promote", short(release), "--to", "staging"], Expect::Refused)?;
        self.test_and_record(release, "build-1/selfsame", "unit")?;
        self.run(self.ci(), &["promote", short(release), "--to", "staging"])?;
        self.narrator.say("Production demands more. Refused, with the reason and the next step:");
        self.narrator.run(self.ada(), &["promote", short(release), "--to", "prod"], Expect::Refused)?;
        self.narrator.say("So: the smoke test is run and recorded, Ben approves, and Ada promotes.");
        self.test_and_record(release, "build-1/selfsame", "smoke")?;
        self.run(self.ben(), &["approve", short(release), "--for", "prod", "--comment", "looks good"])?;
        self.run(self.ada(), &["promote", short(release), "--to", "prod", "--wait", "--reason", "first release"])?;
        self.run(self.ada(), &["status"]).map(drop)
    }

    /// Runs the program as a test, and records what came of it about the release.
    fn test_and_record(&self, release: &str, file: &str, suite: &str) -> Result<(), Failure> {
        let passed = std::process::Command::new(self.folder.join(file)).arg("--version").output();
        let result = if passed.is_ok_and(|output| output.status.success()) { "passed" } else { "failed" };
        self.run(self.ci(), &["attest", release, "--kind", "tests", "--name", suite, "--result", result]).map(drop)
    }

    fn pull_in_production(&self) -> Result<(), Failure> {
        self.narrator.say("The cluster's credential can pull what production has, and nothing else.");
        self.run(self.cluster(), &["pull", &format!("{}/app:prod", self.project), "--output", "pulled"])?;
        let (built, pulled) = (self.folder.join("build-1/selfsame"), self.folder.join("pulled/selfsame"));
        if read(&built)? != read(&pulled)? {
            return Err(Failure::broken("the pulled bytes are not the pushed bytes".to_owned()));
        }
        let output = std::process::Command::new(&pulled).arg("--version").output();
        let output = output.map_err(|error| file_failure(&pulled, &error))?;
        self.narrator.show(&format!(
            "compared: {} bytes, the same as were pushed; running the pulled copy prints `{}`",
            read(&pulled)?.len(),
            String::from_utf8_lossy(&output.stdout).trim()
        ));
        Ok(())
    }

    fn second_release(&self, first: &str) -> Result<(), Failure> {
        self.narrator.say("A second build: other bytes, another digest. Production's credential cannot see it yet.");
        let second_file = self.folder.join("build-2").join("selfsame");
        copy(self.narrator.program(), &second_file, format!("\nsecond build of {}\n", self.project).as_bytes())?;
        let second = self.release("build-2/selfsame", "2222222")?;
        let pulled = self.run(self.ci(), &["diff", "prod", "dev"])?;
        let unpromoted = first_digest_other_than(&pulled, &[first, &second]);
        if let Some(digest) = unpromoted {
            let reference = format!("{}/app@{digest}", self.project);
            self.narrator.run(self.cluster(), &["pull", &reference, "--output", "unpromoted"], Expect::Refused)?;
        }
        self.test_and_record(&second, "build-2/selfsame", "unit")?;
        self.run(self.ci(), &["promote", short(&second), "--to", "staging"])?;
        self.test_and_record(&second, "build-2/selfsame", "smoke")?;
        self.run(self.ben(), &["approve", short(&second), "--for", "prod"])?;
        self.run(self.ada(), &["promote", short(&second), "--to", "prod", "--wait"])?;
        self.narrator.say("Something is wrong with it. One command, no rebuild:");
        self.run(self.ada(), &["rollback", "prod", "--reason", "checkout fails for some users"])?;
        self.run(self.ada(), &["history", "prod"]).map(drop)
    }

    fn prove(&self) -> Result<(), Failure> {
        let (ledger, key) = (self.data.join("ledger"), self.data.join("keys/ledger.pub"));
        let (ledger, key) = (ledger.to_string_lossy().into_owned(), key.to_string_lossy().into_owned());
        self.narrator.say(
            "And the proof: all that the server shows and hands out, checked with nothing but the ledger's public key.",
        );
        // It waits for the checkpoint that covers the last entry.
        self.run(self.admin(), &["audit", "verify", "--url", self.narrator.url(), "--key", &key])?;
        self.narrator.say("The same from the files alone, offline: anybody can keep a copy of them.");
        self.run(self.admin(), &["audit", "verify", "--dir", &ledger, "--key", &key]).map(drop)
    }
}

/// The first digest that a command printed.
fn first_digest(printed: &str) -> Result<String, Failure> {
    first_digest_other_than(printed, &[])
        .ok_or_else(|| Failure::broken(format!("no digest in what the command printed: {printed}")))
}

/// The last digest in `printed` that is none of `known`.
fn first_digest_other_than(printed: &str, known: &[&str]) -> Option<String> {
    printed
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'))
        .filter(|word| word.parse::<domain::Digest>().is_ok())
        .find(|word| !known.contains(word))
        .map(ToOwned::to_owned)
}

/// As much of a release's id as a person would type.
fn short(release: &str) -> &str {
    release.get(7..19).unwrap_or(release)
}

fn copy(from: &Path, to: &Path, note: &[u8]) -> Result<(), Failure> {
    let mut bytes = read(from)?;
    bytes.extend_from_slice(note);
    write(to, &bytes)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(to, mode).map_err(|error| file_failure(to, &error))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| file_failure(path, &error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes)).map_err(|error| file_failure(path, &error))
}

fn file_failure(path: &Path, error: &std::io::Error) -> Failure {
    Failure::broken(format!("`{}`: {error}", path.display()))
}
