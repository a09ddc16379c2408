//! Who acts, and what they may do: [`Actor`], [`Grant`], [`Permission`].

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Party, ProjectName, RoleName, StageName};

/// Somebody who was authenticated, with all that they were granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The stable id that entries name.
    pub party: Party,
    /// What was granted; nothing else is allowed.
    pub grants: Vec<Grant>,
}

/// One thing that can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// See projects, releases, decisions and history.
    Read,
    /// Pull artifacts. Granted for one stage only, it covers what that stage has promoted and nothing else.
    Pull,
    /// Push artifacts and tags.
    Push,
    /// Record evidence.
    Attest,
    /// Create releases.
    CreateRelease,
    /// Move a release into a stage.
    Promote,
    /// Say yes to a release for a stage.
    Approve,
    /// Put an earlier release back.
    RollBack,
    /// Hold a digest, and let it go.
    Hold,
    /// Veto a release for a stage, and lift the veto.
    Veto,
    /// Pin and unpin, pause and resume a stage.
    Steer,
    /// Report how a stage does.
    Observe,
    /// Change a project's configuration.
    Apply,
    /// Issue and revoke access tokens.
    IssueTokens,
}

/// A role in a place. Written `role@project`, `role@project/stage` or `role@*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grant {
    /// What may be done.
    pub role: RoleName,
    /// Where: one project, or all.
    pub project: Scope,
    /// In this stage only. Such a grant gives nothing that concerns the whole project, except to read it.
    pub stage: Option<StageName>,
}

/// One project or all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every project, also those to come.
    All,
    /// This project.
    Project(ProjectName),
}

/// Why a text is no [`Grant`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no grant: write `role@project`, `role@project/stage` or `role@*`, for example `approver@shop/prod`")]
pub struct InvalidGrant(String);

/// Roles that a project defines itself, beside the built-in ones.
pub type CustomRoles = BTreeMap<RoleName, Vec<Permission>>;

impl Permission {
    /// Every permission there is.
    pub const ALL: [Self; 14] = [
        Self::Read,
        Self::Pull,
        Self::Push,
        Self::Attest,
        Self::CreateRelease,
        Self::Promote,
        Self::Approve,
        Self::RollBack,
        Self::Hold,
        Self::Veto,
        Self::Steer,
        Self::Observe,
        Self::Apply,
        Self::IssueTokens,
    ];
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Attest => "attest",
            Self::CreateRelease => "create-release",
            Self::Promote => "promote",
            Self::Approve => "approve",
            Self::RollBack => "roll-back",
            Self::Hold => "hold",
            Self::Veto => "veto",
            Self::Steer => "steer",
            Self::Observe => "observe",
            Self::Apply => "apply",
            Self::IssueTokens => "issue-tokens",
        })
    }
}

/// The built-in roles, with what each may do and a line that explains it.
pub const BUILT_IN_ROLES: [(&str, &[Permission], &str); 8] = {
    use Permission::{Approve, Attest, CreateRelease, Hold, Observe, Promote, Pull, Push, Read, RollBack, Steer, Veto};
    [
        ("admin", &Permission::ALL, "everything"),
        ("reader", &[Read, Pull], "sees everything and pulls any artifact"),
        ("puller", &[Pull], "pulls artifacts; for one stage only, just what that stage has promoted"),
        (
            "publisher",
            &[Read, Pull, Push, Attest, CreateRelease],
            "a build: pushes, records evidence, creates releases",
        ),
        ("promoter", &[Read, Pull, Promote], "moves releases that meet the gate"),
        ("approver", &[Read, Pull, Approve, Veto], "says yes, or never, to a release for a stage"),
        (
            "operator",
            &[Read, Pull, Promote, RollBack, Hold, Veto, Steer, Observe],
            "runs a stage: promotes, rolls back, holds, pins, pauses",
        ),
        ("observer", &[Read, Observe], "reports how a stage does"),
    ]
};

/// The permissions of `role`, looked up among the built-in roles and then among the project's own.
fn permissions<'a>(role: &RoleName, custom: &'a CustomRoles) -> &'a [Permission] {
    match BUILT_IN_ROLES.iter().find(|(name, ..)| *name == role.as_str()) {
        Some((_, permissions, _)) => permissions,
        None => custom.get(role).map_or(&[], Vec::as_slice),
    }
}

impl Actor {
    /// Somebody who came without a token: what a project says that anybody may pull is all there is for them.
    ///
    /// # Panics
    /// Never: the name is one.
    pub fn anonymous() -> Self {
        Self { party: "machine:anonymous".parse().expect("a valid party"), grants: Vec::new() }
    }

    /// Whether this actor may do `permission` in `project`, and there in `stage` where one is given.
    pub fn may(
        &self,
        permission: Permission,
        project: &ProjectName,
        stage: Option<&StageName>,
        custom: &CustomRoles,
    ) -> bool {
        self.grants.iter().any(|grant| {
            let in_stage = match (&grant.stage, stage) {
                (None, _) => true,
                (Some(granted), Some(asked)) => granted == asked,
                (Some(_), None) => permission == Permission::Read,
            };
            in_stage && grant.covers(project) && permissions(&grant.role, custom).contains(&permission)
        })
    }

    /// Whether this actor may do `permission` in every project.
    pub fn may_everywhere(&self, permission: Permission) -> bool {
        self.grants.iter().any(|grant| {
            grant.project == Scope::All
                && grant.stage.is_none()
                && permissions(&grant.role, &CustomRoles::new()).contains(&permission)
        })
    }

    /// The roles that this actor has in `project` for `stage`.
    pub fn roles_in(&self, project: &ProjectName, stage: &StageName) -> Vec<RoleName> {
        let here =
            |grant: &&Grant| grant.covers(project) && grant.stage.as_ref().is_none_or(|granted| granted == stage);
        let mut roles: Vec<_> = self.grants.iter().filter(here).map(|grant| grant.role.clone()).collect();
        roles.sort();
        roles.dedup();
        roles
    }

    /// The stages of `project` that this actor may pull from, where the right to pull is bound to stages.
    pub fn stages_to_pull_from(&self, project: &ProjectName, custom: &CustomRoles) -> Vec<StageName> {
        let pulls =
            |grant: &&Grant| grant.covers(project) && permissions(&grant.role, custom).contains(&Permission::Pull);
        self.grants.iter().filter(pulls).filter_map(|grant| grant.stage.clone()).collect()
    }
}

impl Grant {
    fn covers(&self, project: &ProjectName) -> bool {
        match &self.project {
            Scope::All => true,
            Scope::Project(granted) => granted == project,
        }
    }

    /// Whether everything that `other` gives, this gives too, as far as names can tell: `admin` gives every role.
    pub fn includes(&self, other: &Self) -> bool {
        let role = self.role.as_str() == "admin" || self.role == other.role;
        let project = self.project == Scope::All || self.project == other.project;
        let stage = self.stage.is_none() || self.stage == other.stage;
        role && project && stage
    }
}

impl FromStr for Grant {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let invalid = || InvalidGrant(text.chars().take(200).collect());
        let (role, place) = text.split_once('@').ok_or_else(invalid)?;
        let (project, stage) = match place.split_once('/') {
            Some((project, stage)) => (project, Some(stage.parse().map_err(|_| invalid())?)),
            None => (place, None),
        };
        let project = match project {
            "*" if stage.is_none() => Scope::All,
            name => Scope::Project(name.parse().map_err(|_| invalid())?),
        };
        Ok(Self { role: role.parse().map_err(|_| invalid())?, project, stage })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.project {
            Scope::All => write!(f, "{}@*", self.role)?,
            Scope::Project(project) => write!(f, "{}@{project}", self.role)?,
        }
        self.stage.as_ref().map_or(Ok(()), |stage| write!(f, "/{stage}"))
    }
}

impl TryFrom<String> for Grant {
    type Error = InvalidGrant;

    fn try_from(text: String) -> Result<Self, InvalidGrant> {
        text.parse()
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> Self {
        grant.to_string()
    }
}
