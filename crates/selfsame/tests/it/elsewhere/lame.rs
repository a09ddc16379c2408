//! Registries that are down, busy, slow, or want to know who asks.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use super::{
    between::{Between, Fate},
    copies::{copy, manifest},
    foreign::Foreign,
};
use crate::server::{PROGRAM, Ran, Server};

#[test]
fn one_of_two_sources_dies_in_the_middle_of_a_blob() {
    let (server, first, second, to) = (Server::start(), Foreign::start(), Foreign::start(), Foreign::start());
    let image = first.image("team/app", "1", 3_000_000);
    second.image("copy/app", "1", 3_000_000);
    let blob = image.blobs[0].clone();
    let dying = Between::before(&first.host, move |asked| match asked.method == "GET" && asked.path.contains(&blob) {
        true => Fate::Break(1_000_000),
        false => Fate::Through,
    });
    let after = Between::before(&second.host, |_| Fate::Through);
    let (source, fallback) = (format!("{}/team/app@{}", dying.host, image.index), format!("{}/copy/app", after.host));
    let ran = copy(&server, &[&source, &format!("{}/team/app", to.host), "--from", &fallback, "--jobs", "1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let resumed = after.asked().into_iter().find(|asked| asked.method == "GET" && asked.path.contains(&image.blobs[0]));
    assert!(
        resumed.and_then(|asked| asked.range).is_some_and(|range| range.starts_with("bytes=9")),
        "it goes on, and does not begin anew"
    );
    for digest in &image.manifests {
        manifest(&to.host, "", "team/app", digest);
    }
    let alone = copy(&server, &[&source, &format!("{}/team/other", to.host)]);
    assert!(alone.code == 2 && alone.stderr.contains("could not speak to"), "{alone:?}");
}

#[test]
fn a_killed_copy_goes_on_where_it_was() {
    let (server, from, to) = (Server::start(), Foreign::start(), Foreign::start());
    let image = from.image("team/app", "1", 400_000);
    let held = image.blobs.iter().max().expect("a blob").clone();
    let slow = {
        let held = held.clone();
        Between::before(&from.host, move |asked| match asked.method == "GET" && asked.path.contains(&held) {
            true => Fate::Hold,
            false => Fate::Through,
        })
    };
    let plan = server.folder().join("the.plan");
    let destination = format!("{}/team/app", to.host);
    let arguments = [
        "copy",
        &format!("{}/team/app:1", slow.host),
        &destination,
        "--jobs",
        "8",
        "--plan",
        plan.to_str().expect("a path"),
    ];
    let mut command = Command::new(PROGRAM);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = command.env("XDG_CONFIG_HOME", server.folder()).spawn().expect("the copy runs");
    let begun = Instant::now();
    let done =
        || fs::read_to_string(&plan).unwrap_or_default().lines().filter(|line| line.starts_with("blob ")).count();
    while done() < 6 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the copy does not come forward");
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().and_then(|()| killed.wait().map(drop)).expect("the copy can be killed");
    slow.let_go();
    let other = image.blobs.iter().min().expect("a blob");
    assert_eq!(slow.count("GET", other), 1);
    let walked = slow.count("GET", "/referrers/");
    let ran = server.run("", &arguments);
    assert!(ran.code == 0 && ran.stderr.contains("going on with the plan"), "{ran:?}");
    assert_eq!((slow.count("GET", other), slow.count("GET", &held)), (1, 2), "what is done is not done again");
    assert_eq!(slow.count("GET", "/referrers/"), walked, "nor planned again");
    assert!(!plan.exists(), "a plan that is done is gone");
    for digest in &image.manifests {
        manifest(&to.host, "", "team/app", digest);
    }
}

#[test]
fn a_busy_registry_is_waited_for() {
    let (server, from, to) = (Server::start(), Foreign::start(), Foreign::start());
    let image = from.image("team/app", "1", 100_000);
    let seen = AtomicUsize::new(0);
    let busy = Between::before(&from.host, move |asked| match asked.path.contains("/blobs/") {
        true if seen.fetch_add(1, Ordering::SeqCst) == 0 => {
            Fate::Answer("429 Too Many Requests\r\nRetry-After: 2".into(), String::new())
        }
        true if seen.fetch_add(1, Ordering::SeqCst) == 2 => {
            Fate::Answer("503 Service Unavailable".into(), String::new())
        }
        true if seen.fetch_add(1, Ordering::SeqCst) == 5 => Fate::Cut(50_000),
        _ => Fate::Through,
    });
    let begun = Instant::now();
    let ran = copy(&server, &[&format!("{}/team/app:1", busy.host), &format!("{}/team/app", to.host), "--jobs", "1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(begun.elapsed() >= Duration::from_secs(2), "it was told to wait");
    manifest(&to.host, "", "team/app", &image.index);
}

/// A registry that gives tokens to `robot` with `secret`, and blobs from elsewhere.
fn guarded(from: &Foreign, elsewhere: &Between) -> Between {
    let cdn = elsewhere.host.clone();
    Between::before(&from.host, move |asked| {
        let is = |expected: &str| asked.authorization.as_deref() == Some(expected);
        if asked.path.starts_with("/token") {
            // `robot:secret`
            let known = is("Basic cm9ib3Q6c2VjcmV0") && asked.path.contains("scope=repository%3Ateam%2Fapp%3Apull");
            return match known {
                true => Fate::Answer("200 OK".into(), r#"{"access_token": "let-me-in", "expires_in": 300}"#.into()),
                false => Fate::Answer("401 Unauthorized".into(), "{}".into()),
            };
        }
        if !is("Bearer let-me-in") {
            let challenge = format!("Bearer realm=\"http://{}/token\",service=\"r\"", asked.host);
            return Fate::Answer(format!("401 Unauthorized\r\nWWW-Authenticate: {challenge}"), "{}".into());
        }
        match asked.method == "GET" && asked.path.contains("/blobs/") {
            true => {
                Fate::Answer(format!("307 Temporary Redirect\r\nLocation: http://{cdn}{}", asked.path), String::new())
            }
            false => Fate::Through,
        }
    })
}

#[test]
fn a_helper_s_secret_gets_a_token_that_goes_nowhere_else() {
    let (server, from, to) = (Server::start(), Foreign::start(), Foreign::start());
    let image = from.image("team/app", "1", 100_000);
    let elsewhere = Between::before(&from.host, |_| Fate::Through);
    let guard = guarded(&from, &elsewhere);
    let source = format!("{}/team/app:1", guard.host);
    let destination = format!("{}/team/app", to.host);
    let folder = server.folder();
    let helper = folder.join("docker-credential-testing");
    let script = "#!/bin/sh\nread host\n[ \"$1\" = get ] && [ \"$host\" = \"$KNOWN\" ] || { echo credentials not found in native keychain; exit 1; }\necho '{\"ServerURL\": \"x\", \"Username\": \"robot\", \"Secret\": \"secret\"}'\n";
    fs::write(&helper, script).expect("a file of the test can be written");
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("a script can be run");
    let config = format!(r#"{{"credHelpers": {{"{}": "testing"}}}}"#, guard.host);
    fs::write(folder.join("config.json"), config).expect("a file of the test can be written");
    let run = |known: &str| {
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(PROGRAM);
        command.args(["copy", &source, &destination]).stdin(Stdio::null()).env("PATH", path).env("KNOWN", known);
        command.env("DOCKER_CONFIG", folder).env("XDG_CONFIG_HOME", folder).env("XDG_STATE_HOME", folder);
        Ran::from(command.output().expect("the copy runs"))
    };
    let nobody = run("another registry");
    assert!(nobody.code == 1 && nobody.stderr.contains("unauthenticated"), "{nobody:?}");
    let known = run(&guard.host);
    assert_eq!(known.code, 0, "{known:?}");
    manifest(&to.host, "", "team/app", &image.index);
    assert_eq!(guard.count("GET", "/token"), 2, "one token is enough");
    let led = elsewhere.asked();
    assert!(led.len() >= 7 && led.iter().all(|asked| asked.authorization.is_none()), "{led:?}");
}
