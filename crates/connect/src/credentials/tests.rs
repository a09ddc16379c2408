use std::fs;

use super::{Credentials, Secret};

async fn found(files: &[&str], place: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = files.iter().enumerate().map(|(number, text)| {
        let path = folder.path().join(number.to_string());
        if *text != "none" {
            fs::write(&path, text).expect("a file can be written");
        }
        path
    });
    let credentials = Credentials::from_files(paths.collect());
    match credentials.of(&place.parse().expect("a place")).await {
        Ok(Some(Secret::Password { user, password })) => format!("{user}:{password}"),
        Ok(Some(Secret::Refresh(token))) => format!("refresh {token}"),
        Ok(None) => "nobody".into(),
        Err(error) => error.to_string().rsplit('`').next().unwrap_or_default().into(),
    }
}

/// `dTpw` is `u:p`, `djpx` is `v:q`.
#[tokio::test]
async fn files_are_read_as_the_tools_write_them() {
    let docker = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "dTpw"}, "r.example": {}, "s.example:5000": {"username": "u", "password": "x"}}}"#;
    let containers = r#"{"auths": {"r.example/team": {"auth": "dTpw"}, "r.example": {"auth": "djpx"}, "t.example": {"identitytoken": "abc"}}}"#;
    for (files, place, expected) in [
        (&[docker][..], "docker.io/library/x", "u:p"),
        (&[docker], "r.example/a", "nobody"),
        (&[docker], "s.example:5000/a", "u:x"),
        (&[docker], "s.example/a", "nobody"),
        (&[containers], "r.example/team/app", "u:p"),
        (&[containers], "r.example/team", "u:p"),
        (&[containers], "r.example/teams", "v:q"),
        (&[containers], "r.example.evil.example/a", "nobody"),
        (&[containers], "t.example/a", "refresh abc"),
        (&[docker, containers], "r.example/other", "v:q"),
        (&["none", "", containers], "r.example/other", "v:q"),
        (&[r#"{"auths": {"r.example": {"auth": "dTpwAAAA"}}}"#], "r.example/a", "u:p"),
        (&[r#"{"auths": {"r.example": {"auth": "?"}}}"#], "r.example/a", ""),
        (&["{\"auths\": [dTpw"], "r.example/a", ":1:10: this is no file of credentials"),
        (&[r#"{"credsStore": "../x"}"#], "r.example/a", " is no name of a credential helper"),
        (&[r#"{"credHelpers": {"r.example": "there-is-none"}}"#], "other.example/a", "nobody"),
    ] {
        let found = found(files, place).await;
        assert_eq!(found, expected, "{place} in {files:?}");
    }
}
