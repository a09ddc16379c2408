//! From build to production and back, through the command line.

use super::server::Server;

#[test]
fn a_release_goes_to_production_and_back() {
    let server = Server::start();
    server.apply_project();
    let ben = server.token("person:ben", &["approver@shop"]);
    let (first_artifact, first) = server.release("first build");
    server.audit();
    server.done(&["promote", &first, "--to", "dev"]);
    server.refused(&server.admin(), "gate-unmet", &["promote", &first, "--to", "staging"]);
    server.refused(&server.admin(), "gate-unmet", &["promote", &first, "--to", "staging", "--dry-run"]);
    server.done(&["attest", &first_artifact, "--kind", "tests", "--name", "unit", "--result", "failed"]);
    server.refused(&server.admin(), "gate-unmet", &["promote", &first, "--to", "staging"]);
    server.done(&["attest", &first_artifact, "--kind", "tests", "--name", "unit", "--result", "passed"]);
    server.done(&["promote", &first, "--to", "staging"]);
    server.audit();
    server.refused(&server.admin(), "gate-unmet", &["promote", &first, "--to", "prod"]);
    server.done_as(&ben, &["approve", &first, "--for", "prod"]);
    server.done(&["promote", &first, "--to", "prod"]);
    let (second_artifact, second) = server.release("second build");
    server.done(&["promote", &second, "--to", "dev"]);
    server.done(&["attest", &second_artifact, "--kind", "tests", "--name", "unit", "--result", "passed"]);
    server.done(&["promote", &second, "--to", "staging"]);
    server.done_as(&ben, &["approve", &second, "--for", "prod"]);
    server.done(&["promote", &second, "--to", "prod"]);
    server.audit();
    server.done(&["rollback", "prod", "--reason", "it is slow"]);
    let history = server.done(&["history", "prod"]);
    assert!(history.contains("it is slow"), "{history}");
    let trace = server.done(&["trace", &first_artifact]);
    assert!(trace.contains("prod"), "{trace}");
    server.audit();
    server.done(&["hold", &second_artifact, "--reason", "malware"]);
    server.refused(&server.admin(), "held", &["rollback", "prod", "--to", &second, "--reason", "again"]);
    server.audit();
}

#[test]
fn asking_twice_with_one_key_does_it_once() {
    let server = Server::start();
    server.apply_project();
    let (_, release) = server.release("a build");
    let asked = ["promote", &release, "--to", "dev", "--idempotency-key", "build-7", "--json"];
    let read = |printed: String| -> serde_json::Value { serde_json::from_str(&printed).expect("a receipt") };
    let (first, second) = (read(server.done(&asked)), read(server.done(&asked)));
    assert_eq!(first["index"], second["index"], "the same entry");
    assert_eq!((&first["repeated"], &second["repeated"]), (&false.into(), &true.into()));
    let (index, as_of) = (first["index"].as_u64().expect("an index"), second["as_of"].as_u64().expect("a size"));
    assert_eq!(as_of, index + 1, "and no other");
    let another = ["pause", "dev", "--reason", "night", "--idempotency-key", "build-7"];
    let refused = server.refused(&server.admin(), "key-reused", &another);
    assert!(refused.stderr.contains("hint:"), "{refused:?}");
    let without_key = ["promote", &release, "--to", "dev"];
    server.refused(&server.admin(), "already-current", &without_key);
    server.audit();
}

#[test]
fn usage_errors_and_breakages_have_their_own_exit_codes() {
    let server = Server::start();
    for (arguments, code) in [
        (&["no-such-verb"][..], 64),
        (&["promote"][..], 64),
        (&["promote", "latest", "--to", "UPPER"][..], 64),
        (&["status", "--project", "nothing"][..], 1),
    ] {
        assert_eq!(server.run(&server.admin(), arguments).code, code, "{arguments:?}");
    }
    assert_eq!(
        server.run("ss_0000000000000000_wrong", &["status", "--project", "shop"]).code,
        1,
        "a wrong token is refused"
    );
}
