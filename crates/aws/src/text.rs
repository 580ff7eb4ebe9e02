//! Members that arrive as text: labels, query parameters, headers, the parameters of forms.

use crate::path::RequestLine;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;
use std::marker::PhantomData;

/// The text of a member.
#[derive(Debug, Clone)]
pub(crate) enum Text<'a> {
    /// A label or a header.
    One(Cow<'a, str>),
    /// A query parameter, which may stand there several times: the first is taken where one is wanted.
    Query(RequestLine<'a>, &'static str),
    /// A parameter of a form, of which an empty one is none.
    Parameter(&'a str),
}

impl<'a> Text<'a> {
    pub(crate) fn into_value<E>(self) -> TextValue<'a, E> {
        TextValue(self, PhantomData)
    }

    fn first(self) -> Cow<'a, str> {
        match self {
            Self::One(text) => text,
            Self::Query(line, name) => line.query_values(name).next().unwrap_or_default(),
            Self::Parameter(text) => Cow::Borrowed(text),
        }
    }
}

/// The same, to be read as whatever a field wants.
pub(crate) struct TextValue<'a, E>(Text<'a>, PhantomData<E>);

impl<'de, 'a, E: Error> IntoDeserializer<'de, E> for TextValue<'a, E> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! number {
    ($($method:ident, $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            let text = self.0.first();
            match text.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(E::invalid_type(Unexpected::Other("text"), &visitor)),
            }
        })*
    };
}

impl<'de, E: Error> Deserializer<'de> for TextValue<'_, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0.first() {
            Cow::Borrowed(text) => visitor.visit_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0 {
            Text::Parameter("") => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0 {
            Text::Query(line, name) => visitor.visit_seq(Values(line.query_values(name), PhantomData)),
            one => visitor.visit_seq(Values(std::iter::once(one.first()), PhantomData)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_enum(self.0.first().into_deserializer())
    }

    number! {
        deserialize_bool, visit_bool;
        deserialize_i8, visit_i8; deserialize_i16, visit_i16; deserialize_i32, visit_i32; deserialize_i64, visit_i64;
        deserialize_u8, visit_u8; deserialize_u16, visit_u16; deserialize_u32, visit_u32; deserialize_u64, visit_u64;
        deserialize_f32, visit_f32; deserialize_f64, visit_f64;
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

struct Values<I, E>(I, PhantomData<E>);

impl<'de, 'a, I: Iterator<Item = Cow<'a, str>>, E: Error> SeqAccess<'de> for Values<I, E> {
    type Error = E;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, E> {
        self.0.next().map(|text| seed.deserialize(Text::One(text).into_value())).transpose()
    }
}
