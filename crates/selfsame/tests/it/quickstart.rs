//! The first command of the README: it tells its story to the end, the README shows it as it is, and whoever types it gets the same.

mod transcript;

use std::{fs, path::Path, process::Command};

use super::server::{PROGRAM, Server, program_result};

/// What the story tells, in a new folder or in one where it was told before.
fn tell(folder: &Path) -> String {
    let output = Command::new(PROGRAM)
        .args(["quickstart", "--exit", "--listen", "127.0.0.1:0"])
        .current_dir(folder)
        .output()
        .expect("quickstart runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    told
}

#[test]
fn the_story_is_told_to_its_end_twice_and_the_readme_shows_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = tell(folder.path());
    transcript::compare_with_readme(&first, folder.path());
    let second = tell(folder.path());
    for (project, told) in [("demo", first), ("demo-2", second)] {
        for part in [
            format!("project: {project}"),
            "gate-unmet".to_owned(),
            "the selfsame bytes".to_owned(),
            "not-promoted".to_owned(),
            "rollback prod".to_owned(),
            "audit verify".to_owned(),
        ] {
            assert!(told.contains(&part), "the story does not tell of `{part}`:\n{told}");
        }
    }
}

/// The lines that were typed, each with whether the rules said no to it.
fn typed(told: &str) -> Vec<(&str, bool)> {
    let mut typed: Vec<(&str, bool)> = Vec::new();
    for line in told.lines() {
        match (line.strip_prefix("$ "), typed.last_mut()) {
            (Some(line), _) => typed.push((line, false)),
            (None, Some(last)) => last.1 |= line.starts_with("    refused "),
            (None, None) => {}
        }
    }
    typed
}

#[test]
fn whoever_types_the_story_s_lines_gets_its_answers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let told = tell(folder.path());
    let server = Server::start();
    let (theirs, ours) = (folder.path().join("selfsame-quickstart"), server.data());
    let (their_demo, our_demo) = (theirs.join("quickstart/demo"), ours.join("quickstart/demo"));
    fs::create_dir_all(&our_demo).expect("a folder");
    fs::copy(their_demo.join("selfsame.yaml"), our_demo.join("selfsame.yaml")).expect("the project's file");
    let their_url = told.split("SELFSAME_SERVER=").nth(1).and_then(|rest| rest.lines().next()).expect("an address");
    let typed = typed(&told);
    assert!(typed.len() > 50 && typed.iter().any(|(_, refused)| *refused), "{typed:?}");
    let mut script = "unset SELFSAME_SERVER SELFSAME_TOKEN SELFSAME_TOKEN_FILE SELFSAME_PROJECT\n".to_owned();
    for (line, refused) in typed {
        let line = line
            .replace(theirs.to_str().expect("a path"), ours.to_str().expect("a path"))
            .replace(their_url, &format!("http://{}", server.host()));
        script.push_str(&format!(
            "{line}\nif [ $? -ne {} ]; then echo 'after this line'; exit 9; fi\n",
            u8::from(refused)
        ));
    }
    let ran = program_result(server.folder(), "sh", &["-xc", &script]);
    assert_eq!(ran.code, 0, "{ran:?}");
    server.audit();
}
