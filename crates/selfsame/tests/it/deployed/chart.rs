//! The Helm chart: each way to use it is rendered by Helm itself, and what comes out names what is there.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

use super::{
    super::{
        http::send,
        installed::is_installed,
        server::{PROGRAM, Ran, Server, program_result},
    },
    deploy,
};

/// What every way needs.
const ALWAYS: &[&str] = &["image.repository=r.example/selfsame", "origin=example.org/ledger", "keys.secret=the-keys"];
/// What several servers need.
const SCALE_OUT: &[&str] =
    &["mode=scale-out", "database.secret=the-database", "objects.place=s3://b/p", "objects.secret=the-bucket"];
/// What may be added to either.
const MORE: &[&str] = &[
    "ingress.enabled=true",
    "ingress.host=selfsame.example",
    "ingress.tlsSecret=the-certificate",
    "networkPolicy.enabled=true",
    "networkPolicy.egress[0].to[0].ipBlock.cidr=0.0.0.0/0",
    "mirrors=mirrors: []",
    "extraArgs[0]=--trash=14d",
    "objects.endpoint=https://s3.example",
    "serviceAccount.create=false",
    "priorityClassName=high",
];

fn helm(verb: &[&str], values: &[&[&str]]) -> Ran {
    let chart = deploy("helm/selfsame").display().to_string();
    let mut words = verb.to_vec();
    words.extend([chart.as_str(), "--kube-version", "1.31.0"]);
    for value in values.iter().flat_map(|values| values.iter()) {
        words.extend(["--set", value]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    program_result(folder.path(), "helm", &words)
}

/// The documents that come out.
#[track_caller]
fn rendered(values: &[&[&str]]) -> Vec<Value> {
    let ran = helm(&["template", "one"], values);
    assert_eq!(ran.code, 0, "{values:?}: {ran:?}");
    let documents = ran.stdout.split("\n---\n").map(|text| text.trim_start_matches("---\n"));
    documents.map(|text| serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))).collect()
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

fn kinds(documents: &[Value]) -> BTreeSet<&str> {
    documents.iter().filter_map(|document| document["kind"].as_str()).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

#[test]
fn each_way_is_rendered_and_names_what_there_is() {
    if !is_installed("helm", &["version"]) {
        return;
    }
    let help = Command::new(PROGRAM).args(["serve", "--help"]).output().expect("the program runs");
    let help = String::from_utf8(help.stdout).expect("a text");
    let server = Server::start();
    for (values, servers, more) in [
        (vec![ALWAYS], "StatefulSet", &[][..]),
        (
            vec![ALWAYS, MORE, &["objects.place=s3://b/p", "objects.secret=s"]],
            "StatefulSet",
            &["Ingress", "NetworkPolicy", "ConfigMap"],
        ),
        (vec![ALWAYS, SCALE_OUT], "Deployment", &["PodDisruptionBudget"]),
        (
            vec![ALWAYS, SCALE_OUT, MORE],
            "Deployment",
            &["PodDisruptionBudget", "Ingress", "NetworkPolicy", "ConfigMap"],
        ),
        (vec![ALWAYS, SCALE_OUT, &["replicas=1"]], "Deployment", &[]),
    ] {
        let linted = helm(&["lint", "--strict"], &values);
        assert_eq!(linted.code, 0, "{linted:?}");
        let documents = rendered(&values);
        let mut expected: BTreeSet<&str> = more.iter().copied().chain([servers, "Service"]).collect();
        if !values.contains(&MORE) {
            expected.insert("ServiceAccount");
        }
        assert_eq!(kinds(&documents), expected, "{values:?}");
        let workload = of_kind(&documents, servers);
        check_pod(&workload["spec"]["template"], &help, &server);
        let labels = &workload["spec"]["template"]["metadata"]["labels"];
        let selectors = documents.iter().flat_map(|document| {
            let spec = &document["spec"];
            [&spec["selector"]["matchLabels"], &spec["podSelector"]["matchLabels"]]
        });
        let service = &of_kind(&documents, "Service")["spec"]["selector"];
        for (name, value) in selectors.chain([service]).filter_map(Value::as_object).flatten() {
            assert_eq!(labels[name], *value, "a selector finds the servers");
        }
    }
}

/// Options, variables and addresses are those of the program; nothing runs with more rights than it needs.
fn check_pod(pod: &Value, help: &str, server: &Server) {
    let spec = &pod["spec"];
    let container = &spec["containers"][0];
    let arguments = texts(&container["args"]);
    assert_eq!(arguments[0], "serve");
    for argument in &arguments[1..] {
        let name = argument.split('=').next().expect("a name");
        assert!(help.contains(&format!("{name} ")), "`serve` has no `{name}`: {help}");
    }
    for variable in container["env"].as_array().expect("a list") {
        let name = variable["name"].as_str().expect("a name");
        // Credentials of object storage are read from the environment alone.
        assert!(name.starts_with("AWS_") || help.contains(name), "`serve` knows no `{name}`");
    }
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let path = container[probe]["httpGet"]["path"].as_str().expect("a path");
        let answer = send(&server.host(), "", "GET", path, &[], b"").expect("the server answers");
        assert_eq!(answer.status, 200, "{probe}: {path}");
    }
    let stop = spec["terminationGracePeriodSeconds"].as_u64().expect("a number");
    let drain = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().expect("a number");
    assert!(stop >= drain + 30, "a server has 20 s for requests and 10 s to publish: {stop} s");
    assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
    assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let rights = &container["securityContext"];
    assert_eq!((&rights["readOnlyRootFilesystem"], &rights["allowPrivilegeEscalation"]), (&true.into(), &false.into()));
    assert_eq!(texts(&rights["capabilities"]["drop"]), ["ALL"]);
    assert_eq!((&spec["automountServiceAccountToken"], &spec["enableServiceLinks"]), (&false.into(), &false.into()));
    assert!(container["resources"]["limits"]["memory"].is_string() && container["resources"]["requests"].is_object());
    let mounted = container["volumeMounts"].as_array().expect("a list").iter();
    let mounted: BTreeSet<_> = mounted.filter_map(|mount| mount["name"].as_str()).collect();
    for volume in spec["volumes"].as_array().expect("a list") {
        assert!(mounted.contains(volume["name"].as_str().expect("a name")), "{volume} is mounted");
    }
}

#[test]
fn what_is_missing_or_unknown_is_refused_with_a_sentence() {
    if !is_installed("helm", &["version"]) {
        return;
    }
    for (values, said) in [
        (vec![&ALWAYS[..1], &ALWAYS[2..]], "origin: give the ledger a name"),
        (vec![&ALWAYS[1..]], "image.repository: name"),
        (vec![&ALWAYS[..2]], "keys.secret: name"),
        (vec![ALWAYS, &SCALE_OUT[..1]], "database.secret: several servers need a database"),
        (vec![ALWAYS, &SCALE_OUT[..2]], "objects.place: several servers need a bucket"),
        (vec![ALWAYS, &SCALE_OUT[..3]], "objects.secret: name"),
        (vec![ALWAYS, &["ingress.enabled=true"]], "ingress.host: name"),
        (vec![ALWAYS, &["mode=cluster"]], "mode"),
        (vec![ALWAYS, &["replica=2"]], "replica"),
        (vec![ALWAYS, &["objects.place=b/p"]], "place"),
        (vec![ALWAYS, &["image.digest=sha256:1"]], "digest"),
    ] {
        let ran = helm(&["template", "one"], &values);
        assert!(ran.code != 0 && ran.stderr.contains(said), "{values:?}: {ran:?}");
    }
}
