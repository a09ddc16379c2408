use proptest::prelude::*;

use super::{BUILT_IN_ROLES, CustomRoles, Grant, Permission};
use crate::testing::actor;

fn grant(text: &str) -> Grant {
    text.parse().unwrap_or_else(|invalid| panic!("{invalid}"))
}

#[test]
fn grants_have_three_forms() {
    for text in ["reader@shop", "approver@shop/prod", "admin@*"] {
        assert_eq!(grant(text).to_string(), text);
    }
    for text in [
        "",
        "reader",
        "@shop",
        "reader@",
        "reader@*/prod",
        "reader@shop/",
        "reader@shop/prod/eu",
        "reader@Shop",
        "a@b@c",
        "reader @shop",
    ] {
        let invalid = text.parse::<Grant>().expect_err(text);
        assert!(invalid.to_string().starts_with(&format!("`{text}`")), "{invalid}");
    }
}

#[test]
fn a_wider_grant_includes_a_narrower_one() {
    for (wide, narrow, includes) in [
        ("admin@*", "reader@shop/dev", true),
        ("admin@*", "admin@*", true),
        ("admin@shop", "approver@shop/dev", true),
        ("admin@shop", "reader@other", false),
        ("admin@shop", "reader@*", false),
        ("admin@shop/dev", "reader@shop", false),
        ("admin@shop/dev", "reader@shop/prod", false),
        ("reader@shop", "reader@shop/dev", true),
        ("reader@shop", "puller@shop", false),
        ("operator@*", "operator@shop", true),
        ("operator@shop", "admin@shop", false),
    ] {
        assert_eq!(grant(wide).includes(&grant(narrow)), includes, "{wide} {narrow}");
    }
}

#[test]
fn a_stage_credential_pulls_from_its_stage_only() {
    let (shop, none) = ("shop".parse().expect("a name"), CustomRoles::new());
    for (grants, everything, stages) in [
        ("puller@shop", true, &[][..]),
        ("puller@shop/prod", false, &["prod"][..]),
        ("puller@shop/prod,reader@shop/dev,observer@shop/live", false, &["prod", "dev"]),
        ("puller@other/prod", false, &[]),
        ("observer@shop", false, &[]),
    ] {
        let actor = actor("machine:cluster", grants);
        assert_eq!(actor.may(Permission::Pull, &shop, None, &none), everything, "{grants}");
        let from: Vec<_> = actor.stages_to_pull_from(&shop, &none).iter().map(ToString::to_string).collect();
        assert_eq!(from, stages, "{grants}");
    }
    assert!(
        actor("ada", "operator@shop/prod").may(Permission::Read, &shop, None, &none),
        "one stage is enough to read the project"
    );
}

#[test]
fn permissions_are_written_as_their_names() {
    let unique: std::collections::BTreeSet<_> = Permission::ALL.into_iter().collect();
    assert_eq!(unique.len(), Permission::ALL.len());
    for permission in Permission::ALL {
        assert_eq!(serde_json::to_value(permission).expect("JSON"), permission.to_string());
    }
    for (role, permissions, explained) in BUILT_IN_ROLES {
        assert!(role.parse::<crate::RoleName>().is_ok() && !permissions.is_empty() && !explained.is_empty(), "{role}");
    }
}

proptest! {
    #[test]
    fn grants_are_read_as_they_are_written(text in "\\PC{0,60}|[a-z-]{1,8}@([a-z-]{1,8}|\\*)(/[a-z-]{1,8})?") {
        if let Ok(grant) = text.parse::<Grant>() {
            prop_assert_eq!(grant.to_string(), text);
        }
    }

    /// Whoever has only the narrower grant may do nothing that the wider one would not allow.
    #[test]
    fn what_a_grant_includes_it_allows(
        wide in "(admin|operator|reader)@(shop|other|\\*)", narrow in "(admin|operator|reader)@(shop(/(dev|prod))?|other|\\*)",
        project in "shop|other|third", stage in proptest::option::of("dev|prod"),
    ) {
        let (project, stage) = (project.parse().unwrap(), stage.map(|stage| stage.parse().unwrap()));
        if grant(&wide).includes(&grant(&narrow)) {
            for permission in Permission::ALL {
                let may = |grants: &str| actor("ada", grants).may(permission, &project, stage.as_ref(), &CustomRoles::new());
                prop_assert!(may(&wide) || !may(&narrow), "{wide} {narrow} {permission}");
            }
        }
    }
}
