//! [`Node`]: YAML as a tree in which everything knows its place in the text.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::granit_parser::{Event, Marker, Parser, ScanError};

use super::Fault;

/// How deep lists and maps may be nested.
const DEPTH_MAX: usize = 32;
/// How many nodes a file may have, each alias counted with all that it stands for.
const NODES_MAX: usize = 20_000;

/// A place in the text: line and column, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
    /// How many nodes it is made of, itself included.
    size: usize,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing: `~`, `null`, or nothing at all.
    Nothing,
    /// One word, as it is written, without quotation marks.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    /// Where it begins.
    pub place: Place,
    /// What it says.
    pub text: String,
}

impl From<Marker> for Place {
    fn from(marker: Marker) -> Self {
        Self { line: marker.line(), column: marker.col() + 1 }
    }
}

impl Value {
    /// What it is called in a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    /// Reads the one document of `text`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut reader = Reader { events: Parser::new_from_str(text), anchors: BTreeMap::new(), nodes: 0 };
        loop {
            match reader.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, place) => return Err(Fault::at(place, "the file is empty")),
                (event, place) => {
                    let root = reader.node(event, place, 0)?;
                    reader.expect_end()?;
                    return Ok(root);
                }
            }
        }
    }

    /// The node that `path` leads to, or the last one on the way to it that there is.
    pub fn find(&self, path: &[String]) -> &Self {
        let Some((first, rest)) = path.split_first() else { return self };
        let next = match &self.value {
            Value::Map(members) => members.iter().find(|(key, _)| key.text == *first).map(|(_, node)| node),
            Value::List(items) => first.parse().ok().and_then(|position: usize| items.get(position)),
            Value::Nothing | Value::Text(_) => None,
        };
        next.map_or(self, |next| next.find(rest))
    }

    /// The first word below this node that says `text`, be it a key or a value.
    pub fn find_text(&self, text: &str) -> Option<Place> {
        match &self.value {
            Value::Nothing => None,
            Value::Text(own) => (own == text).then_some(self.place),
            Value::List(items) => items.iter().find_map(|item| item.find_text(text)),
            Value::Map(members) => members
                .iter()
                .find_map(|(key, node)| if key.text == text { Some(key.place) } else { node.find_text(text) }),
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Place), Fault> {
        loop {
            let (event, span) = match self.events.next_event() {
                Some(Ok(found)) => found,
                Some(Err(error)) => return Err(broken_yaml(&error)),
                None => return Ok((Event::StreamEnd, Place::default())),
            };
            let place = Place::from(span.start);
            match event {
                Event::Comment(..) => {}
                event => return Ok((event, place)),
            }
        }
    }

    fn expect_end(&mut self) -> Result<(), Fault> {
        loop {
            match self.next()? {
                (Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Ok(()),
                (_, place) => {
                    return Err(Fault::at(place, "a second document: a project has one, in a file of its own"));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node, Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::at(place, format!("lists and maps are nested at most {DEPTH_MAX} deep")));
        }
        if event.tag().is_some() {
            return Err(Fault::at(place, "no tags (`!...`) here: write the value itself"));
        }
        let anchor = event.anchor_id();
        let (value, size) = match event {
            Event::Alias(id) => return self.alias(id, place),
            Event::Scalar(text, style, ..) => (scalar(&text, style), 1),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(Fault::at(place, "a value is missing here")),
        };
        self.count(1, place)?;
        let node = Node { place, value, size };
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, place: Place) -> Result<Node, Fault> {
        let Some(node) = self.anchors.get(&id) else {
            return Err(Fault::at(place, "this alias stands for something that it is part of: write it out"));
        };
        let node = Node { place, ..node.clone() };
        self.count(node.size, place)?;
        Ok(node)
    }

    fn count(&mut self, nodes: usize, place: Place) -> Result<(), Fault> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return Err(Fault::at(
                place,
                format!("the file has more than {NODES_MAX} values, aliases counted with what they stand for"),
            ));
        }
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<(Value, usize), Fault> {
        let (mut items, mut size) = (Vec::new(), 1);
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok((Value::List(items), size)),
                (event, place) => {
                    let item = self.node(event, place, depth + 1)?;
                    size += item.size;
                    items.push(item);
                }
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<(Value, usize), Fault> {
        let (mut members, mut size) = (Vec::new(), 1);
        let mut seen = BTreeSet::new();
        loop {
            let (event, place) = self.next()?;
            let text = match event {
                Event::MappingEnd => return Ok((Value::Map(members), size)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Fault::at(place, "a key is a single word")),
            };
            if !seen.insert(text.clone()) {
                return Err(Fault::wide(place, text.chars().count(), format!("`{text}` is here twice")));
            }
            let (event, at) = self.next()?;
            let node = self.node(event, at, depth + 1)?;
            size += node.size + 1;
            members.push((Key { place, text }, node));
        }
    }
}

fn scalar(text: &str, style: serde_saphyr::granit_parser::ScalarStyle) -> Value {
    let plain = style == serde_saphyr::granit_parser::ScalarStyle::Plain;
    if plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        Value::Nothing
    } else {
        Value::Text(text.to_owned())
    }
}

fn broken_yaml(error: &ScanError) -> Fault {
    Fault::at(Place::from(*error.marker()), format!("this is no YAML: {}", error.info()))
}
