//! The service's OpenAPI document, as far as requests are made and answers judged by it.

use std::collections::{BTreeMap, BTreeSet};

use actors::domain::money::Currency;
use serde_json::Value;

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) is_required: bool,
    pub(crate) schema: Value,
}

pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter>,
    /// The schema of the body, and whether it may be left out.
    pub(crate) body: Option<(Value, bool)>,
    /// The statuses it may have, each with the codes of its problem document; none for a status that is no problem.
    pub(crate) answers: BTreeMap<u16, BTreeSet<String>>,
}

pub(crate) struct Document {
    pub(crate) operations: Vec<Operation>,
    schemas: Value,
}

impl Document {
    /// Reads the document that the code gives.
    pub(crate) fn read() -> Self {
        let document: Value = serde_json::from_str(&floodgate::http::document(&Currency::default())).expect("json");
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                operations.push(read_operation(method, path, operation));
            }
        }
        Self { operations, schemas: document["components"]["schemas"].clone() }
    }

    /// The schema itself, where it is a reference.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            Some(name) => self.resolve(&self.schemas[name]),
            None => schema,
        }
    }

    pub(crate) fn find(&self, method: &str, path: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.method == method && operation.path == path)
    }
}

fn read_operation(method: &str, path: &str, operation: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(read_parameter).collect();
    let body = &operation["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    let answers = operation["responses"].as_object().expect("answers").iter();
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        parameters,
        body: schema.is_object().then(|| (schema.clone(), body["required"] != true)),
        answers: answers.map(|(status, answer)| (status.parse().expect("a status"), codes_of(answer))).collect(),
    }
}

fn read_parameter(parameter: &Value) -> Parameter {
    let place = match parameter["in"].as_str() {
        Some("path") => Place::Path,
        Some("query") => Place::Query,
        Some("header") => Place::Header,
        _ => panic!("no place is known for {parameter}"),
    };
    Parameter {
        name: parameter["name"].as_str().expect("a name").to_owned(),
        place,
        is_required: parameter["required"] == true,
        schema: parameter["schema"].clone(),
    }
}

fn codes_of(answer: &Value) -> BTreeSet<String> {
    let narrowed = answer["content"]["application/problem+json"]["schema"]["allOf"].as_array();
    let codes = narrowed.into_iter().flatten().filter_map(|part| part["properties"]["code"]["enum"].as_array());
    codes.flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
