use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Facts, Object, Outcome, Policy, Reason, about, plan};
use crate::{About, Digest, Span, Timestamp};

fn digest(label: &str) -> Digest {
    Digest::sha256(label.as_bytes())
}

/// `REPOSITORY:NAME age [#TAG] [>CHILD] [^SUBJECT] [=BLOB/SIZE] [@PULLED]`, the age in days or `?`.
fn object(text: &str) -> Object {
    let mut words = text.split_whitespace();
    let (repository, name) = words.next().and_then(|word| word.split_once(':')).expect("REPOSITORY:NAME");
    let age = words.next().expect("an age");
    let mut object = Object {
        repository: repository.parse().expect("a repository"),
        digest: digest(name),
        size: 100,
        subject: None,
        tags: Vec::new(),
        children: Vec::new(),
        blobs: Vec::new(),
        touched: age.parse().ok().map(days_ago),
        pulled: None,
    };
    for word in words {
        let (kind, rest) = word.split_at(1);
        match kind {
            "#" => {
                let tag = match rest.split_once('/') {
                    Some((of, suffix)) => format!("sha256-{}{suffix}", digest(of).hex()),
                    None => rest.to_owned(),
                };
                object.tags.push(tag.parse().expect("a tag"));
            }
            ">" => object.children.push(digest(rest)),
            "^" => object.subject = Some(digest(rest)),
            "=" => {
                let (blob, size) = rest.split_once('/').expect("BLOB/SIZE");
                object.blobs.push((digest(blob), size.parse().expect("a size")));
            }
            "@" => object.pulled = Some(days_ago(rest.parse().expect("days"))),
            other => panic!("`{other}` is no mark"),
        }
    }
    object
}

fn days_ago(days: i64) -> Timestamp {
    Timestamp::from_millis(now().as_millis() - days * 86_400_000)
}

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().expect("a time")
}

fn facts<T: AsRef<str>>(objects: &[T], hot: &[T], cold: &[T]) -> Facts {
    let pulls_since = Some(days_ago(300));
    let mut facts =
        Facts { pulls_since, objects: objects.iter().map(|text| object(text.as_ref())).collect(), ..Facts::default() };
    facts.objects.sort_by(|a, b| (&a.repository, &a.digest).cmp(&(&b.repository, &b.digest)));
    let release = |label: &T| {
        let digest = digest(label.as_ref());
        (digest.clone(), BTreeSet::from([Reason::Kept { digest }]))
    };
    facts.roots.hot = hot.iter().map(release).collect();
    facts.roots.cold = cold.iter().map(release).collect();
    facts
}

/// What becomes of each object, by the names in `objects`: `web:a keep`, and how many bytes are free in the end.
fn planned(facts: &Facts, policy: &str, names: &[&str]) -> String {
    let policy: Policy = serde_saphyr::from_str(policy).expect("a policy");
    let plan = plan("shop".parse().expect("a name"), 9, facts, &policy, now());
    let names: BTreeMap<Digest, &str> = names
        .iter()
        .map(|text| {
            let name = text.split([':', ' ']).nth(1).expect("a name");
            (digest(name), name)
        })
        .collect();
    let mut said: Vec<String> = plan
        .items
        .iter()
        .map(|item| {
            let outcome = match item.outcome {
                Outcome::Keep => "",
                Outcome::Archive => "~",
                Outcome::Trash => "-",
            };
            format!("{outcome}{}", names[&item.digest])
        })
        .collect();
    said.sort_by(|a, b| a.trim_start_matches(['~', '-']).cmp(b.trim_start_matches(['~', '-'])));
    format!("{} frees {}", said.join(" "), plan.totals.frees)
}

#[test]
fn what_becomes_of_objects() {
    type Case = (&'static [&'static str], &'static [&'static str], &'static [&'static str], &'static str, &'static str);
    let cases: &[Case] = &[
        (&["w:a 9 =x/7"], &[], &[], "{}", "-a frees 107"),
        (&["w:a 0 =x/7"], &[], &[], "{}", "a frees 0"),
        (&["w:a 9"], &[], &[], "{fresh: 10d}", "a frees 0"),
        (&["w:a ? =x/7"], &[], &[], "{}", "a frees 0"),
        (&["w:a 9 =x/7", "w:b 9 =x/7"], &["b"], &[], "{}", "-a b frees 100"),
        (&["w:a 9 =x/7", "w:b 9 =x/7"], &[], &[], "{}", "-a -b frees 207"),
        // What a root consists of, and what is about it, by subject or by cosign's tag, and what is about that.
        (&["w:i 9 >a >b", "w:a 9", "w:b 9", "w:c 9"], &["i"], &[], "{}", "a b -c i frees 100"),
        (&["w:i 9 >a", "w:a 9", "w:s 9 ^a", "w:t 9 #a/.sig", "w:u 9 ^s"], &["i"], &[], "{}", "a i s t u frees 0"),
        (&["w:a 9", "w:s 9 ^a", "w:t 9 #a/"], &[], &[], "{}", "-a -s -t frees 300"),
        (&["w:a 9", "v:s 9 ^a"], &["a"], &[], "{}", "a -s frees 100"),
        // A referrer keeps nothing, and counts as no image.
        (&["w:a 9", "w:s 0 ^a"], &[], &[], "{}", "-a s frees 100"),
        (&["w:a 9 #v1", "w:s 2 ^a #v2"], &[], &[], "{keep: [{latest: 1}]}", "a s frees 0"),
        (&["w:i 9 >a", "w:a 2"], &[], &[], "{keep: [{latest: 1}]}", "a i frees 0"),
        // Rules.
        (&["w:a 9 #v1", "w:b 8 #main", "w:c 7"], &[], &[], "{keep: [{tags: 'v*'}]}", "a -b -c frees 200"),
        (&["w:a 9 #v1", "w:b 8 #v2", "w:c 7 #x"], &[], &[], "{keep: [{tags: 'v*', latest: 1}]}", "-a b -c frees 200"),
        (&["w:a 9", "w:b 8", "v:c 9", "v:d 8"], &[], &[], "{keep: [{latest: 1}]}", "-a b -c d frees 200"),
        (&["w:a 9", "v:c 9"], &[], &[], "{keep: [{repository: w, latest: 1}]}", "a -c frees 100"),
        (&["w:a 9", "w:b 3"], &[], &[], "{keep: [{pushed_within: 4d}]}", "-a b frees 100"),
        (&["w:a 9 @3", "w:b 9 @5", "w:c 9"], &[], &[], "{keep: [{pulled_within: 4d}]}", "a -b -c frees 200"),
        (&["w:a 9 @4", "w:b 9 @5 #v1"], &[], &[], "{keep: [{pulled_within: 4d, tags: 'v*'}]}", "-a -b frees 200"),
        (&["w:i 9 >a", "w:a 9 @3", "w:s 9 ^i"], &[], &[], "{keep: [{pulled_within: 4d}]}", "a i s frees 0"),
        (&["w:a 9", "w:b 8", "w:c 3"], &[], &[], "{keep: [{pushed_within: 4d, latest: 2}]}", "-a b c frees 100"),
        (&["w:a 9", "w:b 8"], &[], &[], "{keep: [{}]}", "a b frees 0"),
        // The archive takes configurations and layers that nothing at hand shares.
        (&["w:a 9 =x/7 =y/5", "w:b 9 =y/5"], &["b"], &["a"], "{}", "~a b frees 7"),
        (&["w:a 9 =x/7"], &["a"], &["a"], "{}", "a frees 0"),
        (&["w:i 9 >a", "w:a 9 =x/7", "w:s 9 ^i =z/3"], &[], &["i"], "{}", "~a ~i ~s frees 10"),
        (&["w:a 9 =x/7", "w:b 9 =x/7"], &[], &["a"], "{}", "~a -b frees 107"),
        // A root that is no manifest keeps what names it.
        (&["w:a 9 =x/7", "w:b 9"], &["x"], &[], "{}", "a -b frees 100"),
    ];
    for (objects, hot, cold, policy, expected) in cases {
        assert_eq!(planned(&facts(objects, hot, cold), policy, objects), *expected, "{objects:?} {hot:?} {policy}");
    }
}

#[test]
fn patterns_match_whole_tags() {
    for (pattern, tag, expected) in [
        ("v1", "v1", true),
        ("v1", "v12", false),
        ("v*", "v", true),
        ("v*", "av", false),
        ("*", "x", true),
        ("*-rc", "1-rc", true),
        ("*-rc", "1-rc2", false),
        ("a*b*c", "abc", true),
        ("a*b*c", "axbxbc", true),
        ("a*b*c", "acb", false),
        ("a*a", "a", false),
        ("*a*", "bab", true),
        ("**", "x", true),
    ] {
        let parsed: super::Pattern = pattern.parse().expect("a pattern");
        assert_eq!(parsed.matches(&tag.parse().expect("a tag")), expected, "{pattern} {tag}");
    }
    for invalid in ["", "a b", "ä", &"x".repeat(129)] {
        assert!(invalid.parse::<super::Pattern>().is_err(), "{invalid}");
    }
}

#[test]
fn tags_say_what_manifests_are_about() {
    let signature = format!("sha256-{}.sig", digest("a").hex());
    let subjects = |tags: &[&str]| {
        let tags: Vec<_> = tags.iter().map(|tag| tag.parse().expect("a tag")).collect();
        about(None, &tags)
    };
    assert_eq!(subjects(&[&signature]), [About::Digest(digest("a"))]);
    assert_eq!(subjects(&[&signature, "v1"]), [], "somebody uses it as an artifact of its own");
    assert_eq!(subjects(&["sha256-12.sig"]), []);
}

#[test]
fn the_list_under_the_tag_of_a_longer_digest_goes_with_what_it_is_about() {
    let subject = Digest::sha512(b"signed");
    let mut signed = object("web:signed 400 #v1");
    signed.digest = subject.clone();
    let mut list = object("web:list 400");
    list.tags = vec![subject.tags_about().remove(0)];
    let mut facts = Facts { objects: vec![signed, list], ..Facts::default() };
    facts.objects.sort_by(|a, b| a.digest.cmp(&b.digest));
    let policy: Policy = serde_saphyr::from_str("keep: [{tags: v*}]").expect("a policy");
    let plan = plan("shop".parse().expect("a name"), 9, &facts, &policy, now());
    let kept = plan.items.iter().filter(|item| item.outcome == Outcome::Keep).count();
    assert_eq!(kept, 2, "{:?}", plan.items);
    let list = plan.items.iter().find(|item| item.digest == digest("list")).expect("the list");
    assert_eq!(list.about, [subject]);
}

/// Objects `0` to `11` with random ages; each may consist of later ones, be about an earlier one, and share layers.
fn anything() -> impl Strategy<Value = Facts> {
    let children = prop::collection::btree_set(0..12_usize, 0..3);
    let one = (0..30_u32, children, prop::option::weighted(0.3, 0..12_usize), 0..4_usize);
    let roots = || prop::collection::btree_set((0..12_usize).prop_map(|at| at.to_string()), 0..3);
    (prop::collection::vec(one, 12), roots(), roots()).prop_map(|(objects, hot, cold)| {
        let text = |(at, (age, children, subject, layer)): (usize, (u32, BTreeSet<usize>, Option<usize>, usize))| {
            let children: String = children.range(at + 1..).map(|child| format!(">{child} ")).collect();
            let subject = subject.filter(|subject| *subject < at).map(|subject| format!("^{subject}"));
            format!("w:{at} {age} #t{at} {children} {} =layer{layer}/{layer}0", subject.unwrap_or_default())
        };
        let texts: Vec<String> = objects.into_iter().enumerate().map(text).collect();
        facts(&texts, &Vec::from_iter(hot), &Vec::from_iter(cold))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_goes_that_something_needs(facts in anything(), latest in 1..4_u32, fresh in 0..10_u64) {
        let rule = super::KeepRule { latest: Some(latest), ..super::KeepRule::default() };
        let policy = Policy { keep: vec![rule], fresh: Some(Span::from_secs(fresh * 86_400)), ..Policy::default() };
        let made = plan("shop".parse().expect("a name"), 9, &facts, &policy, now());
        prop_assert_eq!(&made, &plan("shop".parse().expect("a name"), 9, &facts, &policy, now()), "the same facts, the same plan");
        let outcome: BTreeMap<&Digest, Outcome> = made.items.iter().map(|item| (&item.digest, item.outcome)).collect();
        let place: BTreeMap<&Digest, usize> = made.items.iter().enumerate().map(|(at, item)| (&item.digest, at)).collect();
        prop_assert_eq!(outcome.len(), facts.objects.len(), "each object once");
        let mut at_hand = BTreeSet::new();
        for object in &facts.objects {
            let its = outcome[&object.digest];
            for child in &object.children {
                prop_assert!(outcome[child] <= its, "a part goes before what consists of it");
                prop_assert!(place[child] > place[&object.digest]);
            }
            if let Some(subject) = &object.subject {
                prop_assert!(outcome[&object.digest] <= outcome[subject], "evidence goes before what it is about");
            }
            if facts.roots.hot.contains_key(&object.digest) {
                prop_assert_eq!(its, Outcome::Keep);
            }
            if facts.roots.cold.contains_key(&object.digest) {
                prop_assert!(its <= Outcome::Archive);
            }
            if its == Outcome::Keep {
                at_hand.extend(object.blobs.iter().map(|(digest, _)| digest));
            }
        }
        let going = facts.objects.iter().filter(|object| outcome[&object.digest] != Outcome::Keep);
        let blobs: BTreeMap<_, _> = going.clone().flat_map(|object| object.blobs.iter().cloned()).collect();
        let free: u64 = blobs.iter().filter(|(digest, _)| !at_hand.contains(digest)).map(|(_, size)| size).sum();
        let manifests = 100 * going.filter(|object| outcome[&object.digest] == Outcome::Trash).count() as u64;
        prop_assert_eq!(made.totals.frees, free + manifests, "each byte is counted once");
        for item in &made.items {
            prop_assert_eq!(item.because.is_empty(), item.outcome == Outcome::Trash, "whatever stays has a reason");
        }
        let read: super::Plan = crate::canonical::from_slice(&made.document()).expect("a plan can be read");
        prop_assert_eq!(read, made);
    }
}

#[test]
fn where_pulls_are_not_known_for_so_long_everything_may_have_been_pulled() {
    for (since, then) in [(None, "a b frees 0"), (Some(3), "a b frees 0"), (Some(4), "a -b frees 100")] {
        let mut facts = facts(&["w:a 9 @2", "w:b 9"], &[], &[]);
        facts.pulls_since = since.map(days_ago);
        assert_eq!(planned(&facts, "{keep: [{pulled_within: 4d}]}", &["w:a", "w:b"]), then, "{since:?}");
    }
}
