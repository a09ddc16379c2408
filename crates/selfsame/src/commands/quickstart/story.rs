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
    after: { all: [staging], soak: 3s }
    gate:
      - evidence: { kind: tests, name: smoke, by: [\"machine:ci\"] }
      - approvals: { count: 1, role: approver, expires: 7d }
";

struct Story<'a> {
    narrator: Narrator,
    data: &'a Path,
    project: String,
}

/// What a build led to.
struct Built {
    /// The file that was built.
    file: &'static str,
    artifact: String,
    release: String,
}

/// Tells the story on the server at `url`, whose data lies in `data`.
pub fn tell(data: &Path, url: &str) -> Result<(), Failure> {
    let data = &fs::canonicalize(data).map_err(|error| Failure::file(data, &error))?;
    let (project, folder) = new_project(data)?;
    println!("# Selfsame: the bytes that passed the tests are the bytes that run in production.");
    println!("# Each line with a `$` was typed into a shell, and what follows is what it printed.");
    let story = Story { narrator: Narrator::new(&folder, url)?, data, project };
    story.project_file(&folder)?;
    story.set_up()?;
    let first = story.first_build()?;
    story.reach_staging(&first)?;
    story.reach_production(&first)?;
    story.pull_in_production(&first)?;
    story.second_build()?;
    story.roll_back()?;
    story.prove()
}

/// The first project name that no earlier run has used, and a folder for it.
fn new_project(data: &Path) -> Result<(String, PathBuf), Failure> {
    for number in 1..10_000 {
        let name = if number == 1 { "demo".to_owned() } else { format!("demo-{number}") };
        let folder = data.join("quickstart").join(&name);
        if !folder.exists() {
            fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
            return Ok((name, folder));
        }
    }
    Err(Failure::broken(format!("10,000 runs are enough for `{}`: remove it", data.display())))
}

impl Story<'_> {
    fn admin(&self) -> As<'_> {
        As(Path::new("../../keys/admin.token"))
    }

    fn ci(&self) -> As<'_> {
        As(Path::new("ci.token"))
    }

    fn ada(&self) -> As<'_> {
        As(Path::new("ada.token"))
    }

    fn ben(&self) -> As<'_> {
        As(Path::new("ben.token"))
    }

    fn cluster(&self) -> As<'_> {
        As(Path::new("cluster.token"))
    }

    fn run(&self, who: As<'_>, arguments: &[&str]) -> Result<String, Failure> {
        self.narrator.run(who, arguments, Expect::Done)
    }

    fn type_in(&self, line: &str) -> Result<(), Failure> {
        self.narrator.type_in(line, Expect::Done).map(drop)
    }

    fn project_file(&self, folder: &Path) -> Result<(), Failure> {
        self.narrator.say("A project: one component, three stages, and what each stage demands.");
        let file = folder.join("selfsame.yaml");
        fs::write(&file, PROJECT_FILE.replace("PROJECT", &self.project))
            .map_err(|error| Failure::file(&file, &error))?;
        self.type_in("cat selfsame.yaml")
    }

    fn set_up(&self) -> Result<(), Failure> {
        self.narrator.say("It is put in force. The build, two people and a production cluster get a token each.");
        self.run(self.admin(), &["apply", "selfsame.yaml", "--yes"])?;
        let project = &self.project;
        let issue = |party: &str, grants: &[String], As(file): As<'_>| {
            let mut arguments = vec!["token", "issue", party];
            for grant in grants {
                arguments.extend(["--grant", grant.as_str()]);
            }
            let file = file.to_string_lossy();
            arguments.extend(["--expires", "1d", "--output", &file]);
            self.run(self.admin(), &arguments).map(drop)
        };
        issue("machine:ci", &[format!("publisher@{project}"), format!("promoter@{project}")], self.ci())?;
        issue("person:ada", &[format!("operator@{project}")], self.ada())?;
        issue("person:ben", &[format!("approver@{project}")], self.ben())?;
        issue("machine:prod-cluster", &[format!("puller@{project}/prod")], self.cluster())
    }

    fn first_build(&self) -> Result<Built, Failure> {
        self.narrator
            .say("The build pushes an artifact, the very program that you are running, and makes a release of it.");
        self.type_in("mkdir build-1 && cp \"$(command -v selfsame)\" build-1/selfsame")?;
        self.release("build-1/selfsame", "1111111")
    }

    /// Pushes a file and makes a release of it, and brings that to dev.
    fn release(&self, file: &'static str, commit: &str) -> Result<Built, Failure> {
        let artifact = digest(&self.run(self.ci(), &["push", file, "--component", "app"])?)?;
        let component = format!("app={artifact}");
        let created = self.run(self.ci(), &["release", "create", "--component", &component, "--commit", commit])?;
        let release = digest(&created)?;
        self.run(self.ci(), &["promote", short(&release), "--to", "dev"])?;
        Ok(Built { file, artifact, release })
    }

    fn reach_staging(&self, built: &Built) -> Result<(), Failure> {
        self.narrator
            .say("Staging demands unit tests. Without them the rules say no, and say what to do (exit code 1).");
        let release = short(&built.release);
        self.narrator.run(self.ci(), &["promote", release, "--to", "staging"], Expect::Refused)?;
        self.unit_tests(built)
    }

    /// Runs the program as its unit tests, records what came of it, and promotes to staging.
    fn unit_tests(&self, Built { file, release, .. }: &Built) -> Result<(), Failure> {
        self.type_in(&format!("{file} --version"))?;
        let release = short(release);
        self.run(self.ci(), &["attest", release, "--kind", "tests", "--name", "unit", "--result", "passed"])?;
        self.run(self.ci(), &["promote", release, "--to", "staging"]).map(drop)
    }

    fn reach_production(&self, built: &Built) -> Result<(), Failure> {
        self.narrator.say("Production demands more. Ada is refused, with the reason and the next step:");
        self.narrator.run(self.ada(), &["promote", short(&built.release), "--to", "prod"], Expect::Refused)?;
        self.narrator
            .say("So the build tries itself against this server, and records that. Ben approves, and Ada promotes.");
        self.smoke_test(built)?;
        self.approve_and_promote(built)?;
        self.run(self.ada(), &["status"]).map(drop)
    }

    /// Runs the program against the server, and records what came of it.
    fn smoke_test(&self, Built { file, release, .. }: &Built) -> Result<(), Failure> {
        self.narrator.act_as(self.ci());
        self.type_in(&format!("{file} release list"))?;
        let arguments = ["attest", short(release), "--kind", "tests", "--name", "smoke", "--result", "passed"];
        self.run(self.ci(), &arguments).map(drop)
    }

    fn approve_and_promote(&self, Built { release, .. }: &Built) -> Result<(), Failure> {
        let release = short(release);
        self.run(self.ben(), &["approve", release, "--for", "prod", "--comment", "looks good"])?;
        self.run(self.ada(), &["promote", release, "--to", "prod", "--wait"]).map(drop)
    }

    fn pull_in_production(&self, built: &Built) -> Result<(), Failure> {
        self.narrator.say("The cluster's token pulls what production has: the bytes that were tested.");
        self.run(self.cluster(), &["pull", &format!("{}/app:prod", self.project), "--output", "pulled"])?;
        self.type_in(&format!("cmp {} pulled/selfsame && echo the selfsame bytes", built.file))?;
        self.type_in("pulled/selfsame --version")
    }

    fn second_build(&self) -> Result<(), Failure> {
        self.narrator
            .say("A second build: other bytes, another digest. The cluster cannot pull it until it is in production.");
        self.type_in("mkdir build-2 && cp build-1/selfsame build-2/ && echo 'second build' >> build-2/selfsame")?;
        let second = self.release("build-2/selfsame", "2222222")?;
        self.run(self.ci(), &["diff", "prod", "dev"])?;
        let reference = format!("{}/app@{}", self.project, second.artifact);
        self.narrator.run(self.cluster(), &["pull", &reference, "--output", "too-early"], Expect::Refused)?;
        self.unit_tests(&second)?;
        self.smoke_test(&second)?;
        self.approve_and_promote(&second)
    }

    fn roll_back(&self) -> Result<(), Failure> {
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
fn digest(printed: &str) -> Result<String, Failure> {
    printed
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'))
        .find(|word| word.parse::<domain::Digest>().is_ok())
        .map(ToOwned::to_owned)
        .ok_or_else(|| Failure::broken(format!("no digest in what the command printed: {printed}")))
}

/// As much of a release's id as a person would type.
fn short(release: &str) -> &str {
    release.get(7..19).unwrap_or(release)
}
