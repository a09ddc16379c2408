use clap::{Command, Parser};

use super::{Cli, command};
use crate::outcome::USAGE;

/// Every verb with its whole name, those below others included.
fn verbs(command: &Command, prefix: &str) -> Vec<(String, Command)> {
    let below = command.get_subcommands().filter(|verb| verb.get_name() != "help");
    below
        .flat_map(|verb| {
            let name = format!("{prefix} {}", verb.get_name());
            let deeper = verbs(verb, &name);
            std::iter::once((name, verb.clone())).chain(deeper)
        })
        .collect()
}

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn every_verb_says_what_it_does_and_has_an_example_of_itself() {
    let all = verbs(&command(), "selfsame");
    assert!(all.len() > 35, "only {} verbs", all.len());
    for (name, mut verb) in all {
        let help = verb.render_long_help().to_string();
        assert!(verb.get_about().is_some(), "`{name}` does not say what it does");
        assert!(help.contains("Example:") && help.contains(&name), "`{name} --help` has no example of it:\n{help}");
    }
}

#[test]
fn every_argument_says_what_it_is() {
    for (name, verb) in verbs(&command(), "selfsame") {
        for argument in verb.get_arguments().filter(|argument| argument.get_id() != "help") {
            assert!(argument.get_help().is_some(), "`{name}`: `{}` does not say what it is", argument.get_id());
        }
    }
}

/// The exit code of a command line that is only read.
fn code(line: &str) -> u8 {
    match Cli::try_parse_from(line.split(' ')) {
        Ok(_) => 0,
        Err(error) if error.use_stderr() => USAGE,
        Err(_) => 0,
    }
}

#[test]
fn what_is_not_understood_is_told_from_what_is() {
    for (line, expected) in [
        ("selfsame", 64),
        ("selfsame --help", 0),
        ("selfsame --version", 0),
        ("selfsame no-such-verb", 64),
        ("selfsame status", 0),
        ("selfsame status --json --project shop", 0),
        ("selfsame status --project Shop", 64),
        ("selfsame promote", 64),
        ("selfsame promote latest", 64),
        ("selfsame promote latest --to UPPER", 64),
        ("selfsame promote latest --to prod", 0),
        ("selfsame promote latest --to prod --wait", 0),
        ("selfsame promote latest --to prod --wait=90s", 0),
        ("selfsame promote latest --to prod --wait=soon", 64),
        ("selfsame promote latest --to prod --wait --dry-run", 64),
        ("selfsame promote prod --to prod-eu", 0),
        ("selfsame promote 3f2a0 --to prod", 64),
        ("selfsame promote 3f2a01 --to prod", 0),
        ("selfsame promote sha256:3f2a01 --to prod", 0),
        ("selfsame rollback prod", 64),
        ("selfsame rollback prod --reason slow", 0),
        ("selfsame hold sha1:abc --reason bad", 64),
        ("selfsame attest latest --kind tests --result great", 64),
        ("selfsame attest latest --kind tests --result passed --attribute a=b", 0),
        ("selfsame attest latest --kind tests --result passed --attribute a", 64),
        ("selfsame token issue ben --grant approver@shop --expires 30d", 64),
        ("selfsame token issue person:ben --expires 30d", 64),
        ("selfsame token issue person:ben --grant approver@shop --expires 30d", 0),
        ("selfsame release create --component web", 64),
        ("selfsame release create --component web=1.4", 0),
        ("selfsame release create --component web=sha256:12", 64),
        ("selfsame pull shop/web", 64),
        ("selfsame pull shop/web:prod -o out", 0),
        ("selfsame gate check latest --to prod --at yesterday", 64),
        ("selfsame gate check latest --to prod --at 2026-11-24T09:30:00Z --as person:ada", 0),
        ("selfsame audit verify", 64),
        ("selfsame audit verify --key k --url http://x --dir y", 64),
        ("selfsame audit verify --key k --dir y --data z --since w", 0),
        ("selfsame apply --dry-run --yes", 64),
        ("selfsame history prod --limit 0", 64),
        ("selfsame completions bash", 0),
        ("selfsame completions cobol", 64),
    ] {
        assert_eq!(code(line), expected, "{line}");
    }
}
