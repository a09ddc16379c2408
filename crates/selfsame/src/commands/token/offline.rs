//! Issues a token on a stopped server's data: the way back in when no token is valid any more.

use std::time::Duration;

use api::{IssuedToken, TokenRequest};
use domain::{Actor, Command, Digest, Submission};
use engine::Engine;

use crate::{
    compose::DataDir,
    outcome::{Failure, Outcome},
};

/// How long the entry has to be published.
const PUBLISH_PATIENCE: Duration = Duration::from_secs(10);

/// Issues a token as the ledger itself, by the writer that a server has: the same rules, the same entry.
pub async fn issue(folder: DataDir, asked: TokenRequest) -> Outcome<IssuedToken> {
    // Opening would begin a ledger that is not there.
    if !folder.keys().public().is_file() {
        return Err(Failure::usage(
            format!("there is no ledger in `{}`", folder.path().display()),
            "name the server's data directory, and with --keys the folder of its keys if they are elsewhere",
        ));
    }
    // The ledger has its name already.
    let composed = folder.compose("selfsame.invalid/ledger").await.map_err(|unusable| Failure::Broken {
        text: unusable.to_string(),
        hint: Some("while the server runs, leave --data out and ask it with a token".into()),
    })?;
    let issued = submit(&composed.engine, asked).await?;
    composed.engine.wait_published(issued.as_of, PUBLISH_PATIENCE).await;
    Ok(issued)
}

async fn submit(engine: &Engine, asked: TokenRequest) -> Outcome<IssuedToken> {
    let secret = server::token::generate();
    let id = server::token::id_of(&secret).expect("a new token has an id");
    let expires = asked.expires.at(engine.now());
    let TokenRequest { party, grants, .. } = asked;
    let actor = Actor {
        party: "machine:selfsame".parse().expect("a valid party"),
        grants: vec!["admin@*".parse().expect("a valid grant")],
    };
    let command = Command::IssueToken {
        token: id.clone(),
        hash: Digest::sha256(secret.as_bytes()),
        party: party.clone(),
        grants: grants.clone(),
        expires,
    };
    let receipt = engine.submit(Submission { actor, key: None, command }).await.map_err(|error| match error {
        engine::Error::Refused(refusal) => {
            let hint = Some(refusal.hint()).filter(|hint| !hint.is_empty());
            Failure::refused(refusal.code(), refusal.to_string(), hint)
        }
        other => Failure::broken(other.to_string()),
    })?;
    Ok(IssuedToken { as_of: receipt.size, index: receipt.index, id, token: secret, party, grants, expires })
}
