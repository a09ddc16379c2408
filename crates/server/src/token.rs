//! Access tokens: `ss_<id>_<secret>`. The ledger knows the id and a hash of the whole; the whole is shown once and never kept.

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{Actor, Digest, Key, TokenId};
use engine::{Engine, Error};
use http::HeaderValue;
use subtle::ConstantTimeEq;

/// How long the text of a token is: `ss_`, 16 digits, `_`, 32 bytes in base64url.
const LENGTH: usize = 3 + 16 + 1 + 43;

/// A new token: an id of 8 random bytes and a secret of 32.
///
/// # Panics
/// When the operating system gives no random bytes: nothing that needs a secret can go on then.
pub fn generate() -> String {
    let mut bytes = [0_u8; 40];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    let id: String = bytes[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("ss_{id}_{}", BASE64_URL_SAFE_NO_PAD.encode(&bytes[8..]))
}

/// The id of a token, if `text` is one.
pub fn id_of(text: &str) -> Option<TokenId> {
    let (id, _) = text.strip_prefix("ss_")?.split_once('_')?;
    (text.len() == LENGTH).then(|| id.parse().ok())?
}

/// Which token came in an `Authorization` header, as a bearer or as the password beside any user name, and who acts with it. `None` for a header that
/// opens nothing, whatever is wrong with it.
pub async fn authenticate(
    engine: &Engine,
    authorization: Option<&HeaderValue>,
) -> Result<Option<(TokenId, Actor)>, Error> {
    let Some(text) = authorization.and_then(secret_of) else { return Ok(None) };
    let Some(id) = id_of(&text) else { return Ok(None) };
    let now = engine.now();
    let hash = Digest::sha256(text.as_bytes());
    engine
        .read(&[Key::Token(id.clone())], |state| {
            let token = state.token(&id)?;
            let same: bool = token.hash.as_str().as_bytes().ct_eq(hash.as_str().as_bytes()).into();
            let actor = || Actor { party: token.party.clone(), grants: token.grants.clone() };
            (same && token.is_valid(now)).then(|| (id.clone(), actor()))
        })
        .await
}

fn secret_of(authorization: &HeaderValue) -> Option<String> {
    let (scheme, rest) = authorization.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}
