//! OpenVEX 0.2.0: <https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Named, Product, Statement, Statements, Status, Vex, malformed, time};
use crate::Unreadable;

const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";

/// Why a product may not be affected.
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

#[derive(Deserialize)]
struct Form {
    #[serde(rename = "@context")]
    context: String,
}

#[derive(Deserialize)]
struct Document {
    author: Option<String>,
    timestamp: Option<String>,
    statements: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    vulnerability: Vulnerability,
    timestamp: Option<String>,
    #[serde(default)]
    products: Vec<ToldProduct>,
    status: String,
    justification: Option<String>,
    impact_statement: Option<String>,
    action_statement: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
}

#[derive(Deserialize)]
struct ToldProduct {
    #[serde(flatten)]
    component: Component,
    #[serde(default)]
    subcomponents: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "@id")]
    id: Option<String>,
    #[serde(default)]
    identifiers: BTreeMap<String, String>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

pub fn read(bytes: &[u8], enclosing: &[Named]) -> Result<Vex, Unreadable> {
    let form: Form = super::read(bytes)?;
    if form.context != CONTEXT {
        return Err(malformed(format!("OpenVEX `{}` is not read, but `{CONTEXT}`", form.context)));
    }
    let document: Document = super::read(bytes)?;
    let mut statements = Statements::default();
    for told in document.statements {
        statements.add(told.statement(document.timestamp.as_deref(), enclosing)?)?;
    }
    Ok(Vex { format: "OpenVEX 0.2.0".into(), author: document.author, statements: statements.said })
}

impl Told {
    fn statement(self, issued: Option<&str>, enclosing: &[Named]) -> Result<Statement, Unreadable> {
        let about = self.vulnerability.name;
        if about.is_empty() {
            return Err(malformed("a vulnerability has no name"));
        }
        let status = match self.status.as_str() {
            "not_affected" => Status::NotAffected,
            "affected" => Status::Affected,
            "fixed" => Status::Fixed,
            "under_investigation" => Status::UnderInvestigation,
            other => return Err(malformed(format!("`{other}` is no status"))),
        };
        let label = self.justification.as_deref();
        if let Some(unknown) = label.filter(|label| !JUSTIFICATIONS.contains(label)) {
            return Err(malformed(format!("`{unknown}` is no justification")));
        }
        let words = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        if status == Status::NotAffected && label.is_none() && !words(&self.impact_statement) {
            return Err(malformed(format!("it does not say why `{about}` affects nothing")));
        }
        let timestamp = time(self.timestamp.as_deref().or(issued))?;
        if timestamp.is_none() {
            return Err(malformed(format!("it does not say when it was so of `{about}`")));
        }
        let mut products = Vec::new();
        for product in self.products {
            let subcomponents: Result<_, _> = product.subcomponents.into_iter().map(Component::named).collect();
            products.push(Product { named: product.component.named()?, subcomponents: subcomponents? });
        }
        if products.is_empty() {
            products = enclosing.iter().map(|named| Product { named: named.clone(), ..Product::default() }).collect();
        }
        Ok(Statement {
            vulnerability: about,
            aliases: self.vulnerability.aliases,
            products,
            status,
            justification: self.justification.filter(|_| status == Status::NotAffected),
            note: self.impact_statement.or(self.action_statement),
            timestamp,
        })
    }
}

impl Component {
    fn named(self) -> Result<Named, Unreadable> {
        let purl = self.identifiers.get("purl").or(self.id.as_ref().filter(|id| id.starts_with("pkg:")));
        let digest = |(algorithm, hash): (&String, &String)| {
            format!("{}:{}", algorithm.replacen("sha-", "sha", 1), hash.to_ascii_lowercase())
        };
        let named = Named { purl: purl.cloned(), digests: self.hashes.iter().map(digest).collect(), id: self.id };
        if named.is_empty() {
            return Err(malformed("a product has neither an id nor a package URL nor a hash"));
        }
        named.within_limits()
    }
}
