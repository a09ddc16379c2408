//! Clients that are not on every machine.

use std::process::Command;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::server::Server;

/// Whether a client is there that Debian does not bring everywhere. Where one is missing the tests that use it say so and are passed by, except where
/// `CI` is set, since `.ci/run` installs it, or names in `SELFSAME_TESTS_WITHOUT` what could not be had.
pub fn is_installed(program: &str, arguments: &[&str]) -> bool {
    let installed = Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    if !installed {
        let without = std::env::var("SELFSAME_TESTS_WITHOUT").unwrap_or_default();
        let known = std::env::var_os("CI").is_none() || without.split(' ').any(|name| name == program);
        assert!(known, "`{program}` is missing: `.ci/run` installs it");
        eprintln!("PASSED BY: `{program}` is not installed");
    }
    installed
}

/// Lets clients that read Docker's configuration log in with `token`, which may be none; the folder of the configuration.
pub fn docker_config(server: &Server, token: Option<&str>) -> String {
    let folder = server.folder().join(if token.is_some() { ".docker" } else { ".docker-nobody" });
    std::fs::create_dir_all(&folder).expect("a folder");
    let auth = token.map(|token| BASE64_STANDARD.encode(format!("x:{token}")));
    let login = auth.map(|auth| serde_json::json!({server.host(): {"auth": auth}})).unwrap_or(serde_json::json!({}));
    let config = serde_json::json!({ "auths": login }).to_string();
    std::fs::write(folder.join("config.json"), config).expect("a file of the test can be written");
    folder.display().to_string()
}
