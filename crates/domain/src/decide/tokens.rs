//! Access tokens.

use super::{Answer, Desk, text};
use crate::{Digest, Event, Grant, Party, Permission, Refusal, Scope, Span, Timestamp, TokenId};

/// How long a token lasts at most: 366 days.
const LIFETIME_MAX: u64 = 366 * 24 * 3600;
/// How many grants a token has at most.
pub(crate) const GRANTS_MAX: usize = 50;

impl Desk<'_> {
    pub(super) fn issue_token(
        &self,
        token: TokenId,
        hash: Digest,
        party: Party,
        grants: Vec<Grant>,
        expires: Timestamp,
    ) -> Answer {
        if grants.is_empty() || grants.len() > GRANTS_MAX {
            return Err(Refusal::LimitReached {
                what: "a token",
                limit: format!("{GRANTS_MAX} grants, and at least one"),
            });
        }
        for grant in &grants {
            self.may_issue(grant.project.clone())?;
            if !self.actor.grants.iter().any(|own| own.includes(grant)) {
                return Err(Refusal::GrantExceeds { grant: grant.to_string() });
            }
        }
        if expires <= self.now || expires > self.now + Span::from_secs(LIFETIME_MAX) {
            return Err(Refusal::TokenLifetime { expires });
        }
        if self.state.token(&token).is_some() {
            return Err(Refusal::TokenExists { token });
        }
        Ok(vec![Event::TokenIssued { token, hash, party, grants, expires }])
    }

    pub(super) fn revoke_token(&self, token: TokenId, reason: String) -> Answer {
        text("a reason", &reason)?;
        let known = self.state.token(&token).ok_or_else(|| Refusal::TokenUnknown { token: token.clone() })?;
        // Who shares a name with the token's owner is not its owner: anybody who issues tokens can take a name.
        let holds_as_much = |grant: &Grant| self.actor.grants.iter().any(|own| own.includes(grant));
        let own = known.party == self.actor.party && known.grants.iter().all(holds_as_much);
        if !own {
            for grant in &known.grants {
                self.may_issue(grant.project.clone())?;
            }
        }
        if known.revoked.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![Event::TokenRevoked { token, reason }])
    }

    fn may_issue(&self, scope: Scope) -> Result<(), Refusal> {
        let permission = Permission::IssueTokens;
        let (allowed, project) = match scope {
            Scope::All => (self.actor.may_everywhere(permission), None),
            Scope::Project(name) => {
                let none = crate::CustomRoles::new();
                let custom = self.state.project(&name).map_or(&none, |project| &project.config.roles);
                (self.actor.may(permission, &name, None, custom), Some(name))
            }
        };
        if allowed { Ok(()) } else { Err(Refusal::PermissionMissing { permission, project, stage: None }) }
    }
}
