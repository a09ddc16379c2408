//! CycloneDX, as XML: <https://cyclonedx.org/docs/1.7/xml/>.

use super::{COMPONENTS_MAX, Component, Sbom, cyclonedx};
use crate::{
    Unreadable, at_most,
    xml::{Element, Node, Xml},
};

/// What the names of all versions begin with, before the version.
const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/";

/// Where in the document an element is, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Bom,
    /// The components of the document, or of one of them.
    Components,
    /// A component, by its place among all of them.
    Component(usize),
    Licenses(usize),
    License(usize),
    /// What is told of a component, as text.
    Told(usize, Member),
    /// Whatever else: what a component came from is not in it.
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Group,
    Name,
    Version,
    Purl,
    License,
}

/// A component that is being read.
#[derive(Default)]
struct Listed {
    group: String,
    name: String,
    version: String,
    purl: Option<String>,
    licenses: Vec<String>,
}

pub fn read(bytes: &[u8]) -> Result<Sbom, Unreadable> {
    let mut xml = Xml::new("bill of materials", bytes)?;
    let Some(Node::Start(root)) = xml.next()? else {
        return Err(xml.malformed("it has no root"));
    };
    let (prefix, version) = form(&root).ok_or_else(|| xml.malformed("it is XML, and not CycloneDX"))?;
    let format = cyclonedx::format(&version)?;
    let mut places = vec![Place::Bom];
    let mut listed: Vec<Listed> = Vec::new();
    let mut text = String::new();
    while let Some(node) = xml.next()? {
        match node {
            Node::Start(element) => {
                let name = element.name.strip_prefix(prefix.as_str()).filter(|name| !name.contains(':'));
                let place = inside(places.last().copied().unwrap_or(Place::Other), name, listed.len());
                if matches!(place, Place::Component(_)) {
                    at_most("components", listed.len() + 1, COMPONENTS_MAX)?;
                    listed.push(Listed::default());
                }
                text.clear();
                places.push(place);
            }
            Node::Text(more) => {
                if matches!(places.last(), Some(Place::Told(..))) {
                    text.push_str(&more);
                }
            }
            Node::End => {
                if let Some(Place::Told(place, member)) = places.pop() {
                    listed[place].take(member, text.trim());
                }
            }
        }
    }
    let components =
        listed.into_iter().map(|listed| listed.component().ok_or_else(|| xml.malformed("a component has no name")));
    Ok(Sbom { format, components: components.collect::<Result<_, _>>()? })
}

/// The prefix of CycloneDX's names in the document, and the version of it.
fn form(root: &Element) -> Option<(String, String)> {
    let (prefix, declared) = match root.name.split_once(':') {
        Some((prefix, "bom")) => (format!("{prefix}:"), root.attribute(&format!("xmlns:{prefix}"))?),
        None if root.name == "bom" => (String::new(), root.attribute("xmlns")?),
        _ => return None,
    };
    Some((prefix, declared.strip_prefix(NAMESPACE)?.to_owned()))
}

/// Where an element in `outer` is; a component that begins is the one after the `known`.
fn inside(outer: Place, name: Option<&str>, known: usize) -> Place {
    match (outer, name) {
        (Place::Bom | Place::Component(_), Some("components")) => Place::Components,
        (Place::Components, Some("component")) => Place::Component(known),
        (Place::Component(place), Some("group")) => Place::Told(place, Member::Group),
        (Place::Component(place), Some("name")) => Place::Told(place, Member::Name),
        (Place::Component(place), Some("version")) => Place::Told(place, Member::Version),
        (Place::Component(place), Some("purl")) => Place::Told(place, Member::Purl),
        (Place::Component(place), Some("licenses")) => Place::Licenses(place),
        (Place::Licenses(place), Some("expression")) => Place::Told(place, Member::License),
        (Place::Licenses(place), Some("license")) => Place::License(place),
        (Place::License(place), Some("id" | "name")) => Place::Told(place, Member::License),
        _ => Place::Other,
    }
}

impl Listed {
    fn take(&mut self, member: Member, text: &str) {
        let text = text.to_owned();
        match member {
            Member::Group => self.group = text,
            Member::Name => self.name = text,
            Member::Version => self.version = text,
            Member::Purl => self.purl = Some(text),
            Member::License => self.licenses.push(text),
        }
    }

    fn component(self) -> Option<Component> {
        if self.name.is_empty() {
            return None;
        }
        let name = if self.group.is_empty() { self.name } else { format!("{}/{}", self.group, self.name) };
        Some(Component { name, version: self.version, purl: self.purl, licenses: self.licenses })
    }
}
