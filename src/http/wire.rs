//! Values as they come in: parsed and bounded while the body is read, so that what is wrong has its path.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use actors::domain::money::{Currency, Money};
use actors::domain::order::MalformedQuantity;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use utoipa::ToSchema;

use super::problem::Refusal;

/// A string that is an id or another value of the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parsed<T>(pub(super) T);

/// A string of so many characters, at least and at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text<const MIN: usize, const MAX: usize>(pub(super) String);

impl<'de, T> Deserialize<'de> for Parsed<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(StringVisitor(PhantomData))
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Text<MIN, MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.chars().count() {
            length if length > MAX => Err(format!("must have at most {MAX} characters")),
            length if length < MIN => Err(format!("must have at least {MIN} characters")),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Parsed::deserialize(deserializer).map(|Parsed(text)| text)
    }
}

struct StringVisitor<T>(PhantomData<T>);

impl<T> Visitor<'_> for StringVisitor<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = Parsed<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Parsed<T>, E> {
        text.parse().map(Parsed).map_err(E::custom)
    }
}

/// An object, written as one: by itself serde takes a list of the values, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
    }
}

/// Reads units of a line. Whatever is no quantity is refused in the same words, here and by the core.
pub(super) fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = match Value::deserialize(deserializer) {
        Err(error) if !is_out_of_range(&error) => return Err(error),
        read => read.ok().and_then(|value| value.as_u64()),
    };
    value.and_then(|units| u32::try_from(units).ok()).ok_or_else(|| D::Error::custom(MalformedQuantity))
}

/// Whether serde met a number too large to be read at all, which it tells only in words.
pub(super) fn is_out_of_range(error: &impl fmt::Display) -> bool {
    error.to_string().starts_with("number out of range")
}

/// A field of a change: left out, it keeps what is there; null, it clears it. Use it with `#[serde(default)]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change<T>(pub(super) Option<Option<T>>);

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|sent| Self(Some(sent)))
    }
}

/// An object without fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Reads a sum of money in the shop's currency.
pub(super) fn money(currency: &Currency, field: impl Into<String>, text: &str) -> Result<Money, Refusal> {
    currency.parse(text).map_err(|problem| Refusal::invalid(field, problem))
}
