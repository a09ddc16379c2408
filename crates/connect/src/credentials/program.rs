//! Helper programs: `docker-credential-NAME get`, with the registry on standard input and a JSON object on standard output.

use std::{process::Stdio, time::Duration};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
};

use super::Secret;
use crate::Error;

/// How long a helper may take: it may ask somebody.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much it may say.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// What a helper calls a user whose secret is a refresh token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks a helper for what opens `key`; nothing if it does not know it.
pub(super) async fn ask(helper: &str, key: &str) -> Result<Option<Secret>, Error> {
    let broken = |problem: String| Error::Credentials(format!("`docker-credential-{helper}`: {problem}"));
    let is_name =
        helper.len() <= 100 && helper.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if !is_name {
        return Err(Error::Credentials(format!("`{helper}` is no name of a credential helper")));
    }
    let talk = async {
        let mut child = Command::new(format!("docker-credential-{helper}"))
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken(format!("cannot be run: {error}")))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A helper that reads nothing is told nothing; its answer is what counts.
            let _ = stdin.write_all(key.as_bytes()).await;
        }
        let mut said = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            let read = stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut said).await;
            read.map_err(|error| broken(error.to_string()))?;
        }
        let status = child.wait().await.map_err(|error| broken(error.to_string()))?;
        Ok((status, said))
    };
    let (status, said) = tokio::time::timeout(PATIENCE, talk)
        .await
        .map_err(|_| broken(format!("did not answer within {} seconds", PATIENCE.as_secs())))??;
    if !status.success() {
        let text = String::from_utf8_lossy(&said);
        if text.contains("credentials not found") {
            return Ok(None);
        }
        let first: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
        return Err(broken(format!("ended with {status}: {first}")));
    }
    // What it said is not repeated: it may be the secret.
    let Answer { username, secret } =
        serde_json::from_slice(&said).map_err(|_| broken("did not answer with `Username` and `Secret`".into()))?;
    Ok(Some(match username.as_str() {
        TOKEN_USER => Secret::Refresh(secret),
        _ => Secret::Password { user: username, password: secret },
    }))
}
