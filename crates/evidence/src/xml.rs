//! [`Xml`]: XML element by element, for the documents that come as XML.
//!
//! Only what cannot surprise is read: UTF-8, no document type and with that no entities but the five of XML itself, and bounded depth. An external
//! entity would read a file, and nested ones would fill the memory.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use crate::{Unreadable, at_most};

/// How deep elements may lie in each other.
const DEPTH_MAX: usize = 100;

/// How many attributes an element may have.
const ATTRIBUTES_MAX: usize = 64;

/// A document that is being read.
pub struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    kind: &'static str,
    depth: usize,
    has_root: bool,
}

/// What comes next in a document.
pub enum Node {
    /// An element begins.
    Start(Element),
    /// Text in the element that began last. One text may come in several parts.
    Text(String),
    /// The element that began last, and has not ended, ends.
    End,
}

/// The begin of an element.
pub struct Element {
    /// Its name as it is written, with the prefix of its name space if it has one.
    pub name: String,
    /// Its attributes.
    attributes: Vec<(String, String)>,
}

impl Element {
    /// An attribute, by its name as it is written.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl<'a> Xml<'a> {
    /// Begins to read `bytes`, which are said to be a `kind`.
    pub fn new(kind: &'static str, bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Unreadable::Malformed { kind, problem: format!("it is not UTF-8: {error}") })?;
        let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        reader.config_mut().expand_empty_elements = true;
        Ok(Self { reader, kind, depth: 0, has_root: false })
    }

    /// What comes next; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Node>, Unreadable> {
        loop {
            let event = self.reader.read_event().map_err(|error| self.malformed(error))?;
            return Ok(Some(match event {
                Event::Start(start) => Node::Start(self.start(&start)?),
                Event::End(_) => {
                    self.depth -= 1;
                    Node::End
                }
                Event::Text(text) if self.depth > 0 => Node::Text(text.xml10_content().into_owned()),
                Event::CData(text) if self.depth > 0 => Node::Text(text.xml10_content().into_owned()),
                Event::Text(text) if text.trim().is_empty() => continue,
                Event::GeneralRef(reference) if self.depth > 0 => {
                    let name = reference.xml10_content();
                    let character = reference.resolve_char_ref().map_err(|error| self.malformed(error))?;
                    match (character, quick_xml::escape::resolve_predefined_entity(&name)) {
                        (Some(character), _) => Node::Text(character.to_string()),
                        (None, Some(text)) => Node::Text(text.to_owned()),
                        (None, None) => return Err(self.malformed(format!("entities are not read: `{name}`"))),
                    }
                }
                Event::Decl(declared) => {
                    let encoding = declared.encoding().transpose().map_err(|error| self.malformed(error))?;
                    let encoding = encoding.map(|encoding| encoding.to_ascii_lowercase());
                    match encoding.as_deref() {
                        None | Some("utf-8" | "utf8" | "us-ascii") => continue,
                        Some(other) => return Err(self.malformed(format!("only UTF-8 is read, and it is `{other}`"))),
                    }
                }
                Event::Comment(_) | Event::PI(_) => continue,
                Event::DocType(_) => return Err(self.malformed("document types are not read")),
                Event::Eof if self.depth == 0 && self.has_root => return Ok(None),
                Event::Eof => return Err(self.malformed("it ends before its elements do")),
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) | Event::Empty(_) => {
                    return Err(self.malformed("there is text around its elements"));
                }
            }));
        }
    }

    /// That it is not what it was said to be.
    pub fn malformed(&self, problem: impl ToString) -> Unreadable {
        Unreadable::Malformed { kind: self.kind, problem: problem.to_string() }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Element, Unreadable> {
        if self.depth == 0 && self.has_root {
            return Err(self.malformed("it has more than one root"));
        }
        self.has_root = true;
        self.depth += 1;
        at_most("elements in each other", self.depth, DEPTH_MAX)?;
        let mut attributes: Vec<(String, String)> = Vec::new();
        // The library's own check compares each with all before; here there are few enough to do it after counting.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(error))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.malformed(error))?
                .into_owned();
            let name = attribute.key.0.to_owned();
            if attributes.iter().any(|(known, _)| *known == name) {
                return Err(self.malformed(format!("the attribute `{name}` is there twice")));
            }
            attributes.push((name, value));
            at_most("attributes of an element", attributes.len(), ATTRIBUTES_MAX)?;
        }
        Ok(Element { name: start.name().0.to_owned(), attributes })
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Xml};

    fn flat(text: &[u8]) -> Result<String, String> {
        let mut read = String::new();
        let mut xml = Xml::new("test", text).map_err(|error| error.to_string())?;
        while let Some(node) = xml.next().map_err(|error| error.to_string())? {
            match node {
                Node::Start(element) => {
                    read.push('<');
                    read.push_str(&element.name);
                    for (name, value) in element.attributes {
                        read.push_str(&format!(" {name}={value}"));
                    }
                    read.push('>');
                }
                Node::Text(text) => read.push_str(&text),
                Node::End => read.push_str("</>"),
            }
        }
        Ok(read)
    }

    #[test]
    fn what_cannot_surprise_is_read() {
        let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        let many = |count: usize| format!("<a{}/>", (0..count).map(|n| format!(" n{n}=''")).collect::<String>());
        for (text, expected) in [
            ("<a/>", Ok("<a></>")),
            (
                "\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- x --><a b='1 &lt; 2'> <c/>\n</a>\n",
                Ok("<a b=1 < 2> <c></>\n</>"),
            ),
            ("<a>&lt;&#x41;&amp;<![CDATA[<b>&c;]]></a>", Ok("<a><A&<b>&c;</>")),
            ("<x:a xmlns:x='u'/>", Ok("<x:a xmlns:x=u></>")),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", Err("document types are not read")),
            ("<a>&b;</a>", Err("entities are not read: `b`")),
            ("<a b='&c;'/>", Err("")),
            ("<a b='1' b='2'/>", Err("the attribute `b` is there twice")),
            ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", Err("only UTF-8 is read, and it is `iso-8859-1`")),
            ("<a>", Err("it ends before its elements do")),
            ("", Err("it ends before its elements do")),
            ("<a></b>", Err("")),
            ("</a>", Err("")),
            ("<a/><b/>", Err("it has more than one root")),
            ("x<a/>", Err("there is text around its elements")),
            ("<a/>&#65;", Err("there is text around its elements")),
        ] {
            match (flat(text.as_bytes()), expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{text}"),
                (Err(error), Err(problem)) => {
                    assert!(error.starts_with("it is no test: ") && error.ends_with(problem), "{text}: {error}")
                }
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
        assert!(flat(b"<a>\xff</a>").expect_err("no text").starts_with("it is no test: it is not UTF-8"));
        assert!(flat(deep(100).as_bytes()).is_ok());
        assert_eq!(
            flat(deep(101).as_bytes()).expect_err("deep"),
            "it has 101 elements in each other, and 100 is the limit"
        );
        assert!(flat(many(64).as_bytes()).is_ok());
        assert_eq!(
            flat(many(65).as_bytes()).expect_err("many"),
            "it has 65 attributes of an element, and 64 is the limit"
        );
    }
}
