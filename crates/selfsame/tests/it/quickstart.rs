//! The first command of the README.

use std::process::Command;

use super::server::PROGRAM;

#[test]
fn the_story_is_told_to_its_end_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for project in ["demo", "demo-2"] {
        let output = Command::new(PROGRAM)
            .args(["quickstart", "--exit", "--data"])
            .arg(folder.path().join("data"))
            .args(["--listen", "127.0.0.1:0"])
            .output()
            .expect("quickstart runs");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
        for part in [
            format!("project: {project}"),
            "gate-unmet".to_owned(),
            "the same as were pushed".to_owned(),
            "not-promoted".to_owned(),
            "rollback prod".to_owned(),
            "audit verify".to_owned(),
        ] {
            assert!(told.contains(&part), "the story does not tell of `{part}`:\n{told}");
        }
    }
}
