//! [`Vex`]: what somebody says about vulnerabilities in a product: that it is affected, or why not.
//!
//! OpenVEX 0.2.0 and CycloneDX 1.4 to 1.7, as JSON. A statement that is not whole makes the document unreadable, as OpenVEX asks: what was left out
//! might have narrowed it.

mod cyclonedx;
mod excused;
mod openvex;

use serde::{Deserialize, de::IgnoredAny};

use crate::{Unreadable, at_most, time::Time};

pub use excused::{Covers, Excused, excused};

/// How large a document may be, in bytes.
pub const BYTES_MAX: usize = 32 << 20;

/// How many statements a document may make.
pub const STATEMENTS_MAX: usize = 50_000;

/// How many products and subcomponents the statements of a document may name, together.
pub const NAMED_MAX: usize = 100_000;

/// How long all that one of them is known by may be, in bytes. Statements share what they are about, so that a long name would be there many times.
const NAMED_BYTES_MAX: usize = 4 << 10;

/// Statements of one author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vex {
    /// What form they came in: `OpenVEX 0.2.0`.
    pub format: String,
    /// Who makes them, as the document says; whether that is so, a signature tells.
    pub author: Option<String>,
    /// The statements, in their order.
    pub statements: Vec<Statement>,
}

/// That a vulnerability does something to products, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The vulnerability.
    pub vulnerability: String,
    /// Its other ids.
    pub aliases: Vec<String>,
    /// What the statement is about.
    pub products: Vec<Product>,
    /// What is said.
    pub status: Status,
    /// Why it is not affected: one of the labels of the format.
    pub justification: Option<String>,
    /// The same in words, if there are some.
    pub note: Option<String>,
    /// Since when it is so. Only CycloneDX leaves it out.
    pub timestamp: Option<Time>,
}

/// What a statement is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// The product.
    pub named: Named,
    /// The parts of it to which the vulnerability belongs; all of it, if there are none.
    pub subcomponents: Vec<Named>,
}

/// What something is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its id, whatever that is: a URI, a reference within a document.
    pub id: Option<String>,
    /// Its package URL. One without a version is about every version.
    pub purl: Option<String>,
    /// The digests of its bytes: `sha256:` and hexadecimal digits.
    pub digests: Vec<String>,
}

/// What is said of a vulnerability in a product. Ordered by how much it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The product is not affected.
    NotAffected,
    /// It was, and this version is not any more.
    Fixed,
    /// It is not known yet.
    UnderInvestigation,
    /// It is affected.
    Affected,
}

impl Status {
    /// As OpenVEX writes it: `not_affected`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
            Self::Affected => "affected",
        }
    }

    /// Whether nothing is left to do.
    pub fn excuses(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

impl Vex {
    /// Reads a document. `enclosing` is what it is about where it does not say so itself: the subjects of the in-toto statement that it is the
    /// predicate of, or nothing if it stands alone.
    ///
    /// # Errors
    /// When it is in no form that is read here, a statement is not whole, or it is beyond a limit.
    pub fn parse(bytes: &[u8], enclosing: &[Named]) -> Result<Self, Unreadable> {
        at_most("bytes", bytes.len(), BYTES_MAX)?;
        let form: Form = read(bytes)?;
        let vex = match (form.open_vex.is_some(), form.cyclonedx.is_some()) {
            (true, false) => openvex::read(bytes, enclosing)?,
            (false, true) => cyclonedx::read(bytes, enclosing)?,
            _ => return Err(malformed("it is neither OpenVEX nor CycloneDX")),
        };
        match vex.statements.iter().find(|statement| statement.products.is_empty()) {
            Some(statement) => Err(malformed(format!(
                "it does not say what is {} by `{}`",
                statement.status.as_str(),
                statement.vulnerability
            ))),
            None => Ok(vex),
        }
    }
}

impl Named {
    /// Whether anything can be known by it.
    fn is_empty(&self) -> bool {
        self.id.is_none() && self.purl.is_none() && self.digests.is_empty()
    }

    /// The same, if it is not too long.
    fn within_limits(self) -> Result<Self, Unreadable> {
        let texts = self.id.iter().chain(&self.purl).chain(&self.digests);
        at_most("bytes of names of a product", texts.map(String::len).sum(), NAMED_BYTES_MAX)?;
        Ok(self)
    }
}

/// What tells the forms apart.
#[derive(Deserialize)]
struct Form {
    #[serde(rename = "@context")]
    open_vex: Option<IgnoredAny>,
    #[serde(rename = "bomFormat")]
    cyclonedx: Option<IgnoredAny>,
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(malformed)
}

fn malformed(problem: impl ToString) -> Unreadable {
    Unreadable::Malformed { kind: "VEX document", problem: problem.to_string() }
}

/// What is said, as long as it does not become too much.
#[derive(Default)]
struct Statements {
    said: Vec<Statement>,
    named: usize,
}

impl Statements {
    fn add(&mut self, statement: Statement) -> Result<(), Unreadable> {
        at_most("statements", self.said.len() + 1, STATEMENTS_MAX)?;
        self.named += statement.products.iter().map(|product| 1 + product.subcomponents.len()).sum::<usize>();
        at_most("products", self.named, NAMED_MAX)?;
        self.said.push(statement);
        Ok(())
    }
}

/// Adds a product, if there may be one more.
fn add(products: &mut Vec<Product>, product: Product) -> Result<(), Unreadable> {
    at_most("products", products.len() + 1, NAMED_MAX)?;
    products.push(product);
    Ok(())
}

/// A time that is told must be one.
fn time(text: Option<&str>) -> Result<Option<Time>, Unreadable> {
    text.map(|text| text.parse().map_err(malformed)).transpose()
}

#[cfg(test)]
mod tests;
