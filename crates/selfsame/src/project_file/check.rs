//! Compares a tree with a [`Shape`], and makes of it the JSON that the domain's types read.

use serde_json::{Map, Value as Json};

use super::{
    Fault,
    shape::{Field, FieldsShape, Shape, TextShape},
    tree::{Key, Node, Place, Value},
};

/// The JSON of `node`, if it is what `shape` says. `what` names the value in messages.
pub fn check(node: &Node, shape: &Shape, what: &str) -> Result<Json, Fault> {
    match (shape, &node.value) {
        (Shape::Text(shape), Value::Text(text)) => {
            text_is(text, *shape, node.place)?;
            Ok(Json::String(text.clone()))
        }
        (Shape::Word(words), Value::Text(text)) => {
            if words.contains(&text.as_str()) {
                return Ok(Json::String(text.clone()));
            }
            Err(wide(node.place, text, format!("{what} cannot be `{text}`{}", suggestion(text, words))))
        }
        (Shape::Number(low, high), Value::Text(text)) => match text.parse::<u64>() {
            Ok(number) if (*low..=*high).contains(&number) => Ok(number.into()),
            _ => Err(wide(node.place, text, format!("{what} is a whole number from {low} to {high}, not `{text}`"))),
        },
        (Shape::List(item, max), Value::List(items)) => {
            if max.is_some_and(|max| items.len() > max) {
                return Err(Fault::at(node.place, format!("{what} has at most {} items", max.unwrap_or_default())));
            }
            let position = |number: usize| format!("item {} of {what}", number + 1);
            let checked = items.iter().enumerate().map(|(number, one)| check(one, item, &position(number)));
            checked.collect::<Result<_, _>>().map(Json::Array)
        }
        (Shape::Names { key, value, max }, Value::Map(members)) => {
            names(members, (*key, value, *max), node.place, what)
        }
        (Shape::Fields(shape), Value::Map(members)) => fields(members, shape, node.place),
        (Shape::Fields(shape), Value::Nothing) if shape.fields.iter().all(|field| !field.required) => {
            fields(&[], shape, node.place)
        }
        (Shape::One { what, of }, Value::Map(members)) => one(members, what, of, node.place),
        (Shape::Forms { text, .. }, Value::Text(_)) => check(node, text, what),
        (Shape::Forms { list, .. }, Value::List(_)) => check(node, list, what),
        (Shape::Forms { map, .. }, Value::Map(_)) => check(node, map, what),
        (shape, value) => Err(Fault::at(node.place, format!("{what} is {}, not {}", expected(shape), value.kind()))),
    }
}

fn text_is(text: &str, shape: TextShape, place: Place) -> Result<(), Fault> {
    (shape.check)(text).map_err(|problem| wide(place, text, problem))
}

fn wide(place: Place, text: &str, problem: String) -> Fault {
    Fault::wide(place, text.chars().count(), problem)
}

fn names(
    members: &[(Key, Node)],
    (key_shape, value_shape, max): (TextShape, &Shape, Option<usize>),
    place: Place,
    what: &str,
) -> Result<Json, Fault> {
    if max.is_some_and(|max| members.len() > max) {
        return Err(Fault::at(place, format!("{what} has at most {} members", max.unwrap_or_default())));
    }
    let mut checked = Map::new();
    for (key, node) in members {
        text_is(&key.text, key_shape, key.place)?;
        checked.insert(key.text.clone(), check(node, value_shape, &format!("`{}`", key.text))?);
    }
    Ok(Json::Object(checked))
}

fn fields(members: &[(Key, Node)], shape: &FieldsShape, place: Place) -> Result<Json, Fault> {
    let mut checked = Map::new();
    for (key, node) in members {
        let field = known(key, shape.what, shape.fields)?;
        // A key without a value says no more than no key.
        if matches!(node.value, Value::Nothing) && !field.required {
            continue;
        }
        checked.insert(key.text.clone(), check(node, field.shape, &format!("`{}`", key.text))?);
    }
    match shape.fields.iter().find(|field| field.required && !checked.contains_key(field.name)) {
        Some(missing) => Err(Fault::at(place, format!("{} needs `{}`. {}", shape.what, missing.name, missing.about))),
        None => Ok(Json::Object(checked)),
    }
}

fn one(members: &[(Key, Node)], what: &str, of: &[Field], place: Place) -> Result<Json, Fault> {
    let names: Vec<&str> = of.iter().map(|field| field.name).collect();
    for (key, _) in members {
        known(key, what, of)?;
    }
    let [(key, node)] = members else {
        return Err(Fault::at(place, format!("{what} is a map with exactly one of: {}", names.join(", "))));
    };
    let field = known(key, what, of)?;
    let checked = check(node, field.shape, &format!("`{}`", key.text))?;
    Ok(Json::Object([(key.text.clone(), checked)].into_iter().collect()))
}

fn known<'a>(key: &Key, what: &str, fields: &'a [Field]) -> Result<&'a Field, Fault> {
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    fields.iter().find(|field| field.name == key.text).ok_or_else(|| {
        wide(key.place, &key.text, format!("{what} has no `{}`{}", key.text, suggestion(&key.text, &names)))
    })
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text(_) | Shape::Word(_) => "a text",
        Shape::Number(..) => "a whole number",
        Shape::List(..) => "a list",
        Shape::Names { .. } | Shape::Fields(_) | Shape::One { .. } => "a map",
        Shape::Forms { .. } => "a text, a list or a map",
    }
}

/// What is allowed instead of `text`, the nearest first if one is near.
fn suggestion(text: &str, allowed: &[&str]) -> String {
    let nearest = allowed.iter().map(|word| (distance(text, word), *word)).min();
    let guess = match nearest {
        Some((far, word)) if far <= 2 || far * 3 <= word.len() => format!(": did you mean `{word}`? "),
        _ => "; ".to_owned(),
    };
    format!("{guess}allowed: {}", allowed.join(", "))
}

/// How many letters must be changed, put in or left out to make one word of the other (Levenshtein). Long texts are far from everything.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().take(64).collect(), to.chars().collect());
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let changed = before + usize::from(letter != other);
            before = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(before + 1);
        }
    }
    row[to.len()]
}
