//! What is asked for as keys and their values: as the services file has it, and to be laid over one another.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{existing::Existing, spec::ServiceSpec, word};

static DEFAULT: LazyLock<ServiceSpec> = LazyLock::new(word::defaults);

impl Default for ServiceSpec {
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl ServiceSpec {
    /// Lays the named keys of another one over this one: lists are added to, everything else is replaced, and so is health:
    /// whoever names a target says what it means for this server to be healthy.
    #[must_use]
    pub fn overlaid(&self, over: &Self, keys: &[String]) -> Self {
        let over = over.to_keys();
        self.with(keys.iter().filter_map(|key| Some((key.clone(), over.get(key)?.clone()))).collect())
    }

    /// Does the same with keys and their values, and remembers them. What is to be done about a server that is there goes
    /// for one call.
    #[must_use]
    pub fn with(&self, given: Map<String, Value>) -> Self {
        let mut keys = self.to_keys();
        given.iter().for_each(|(key, value)| lay_over(&mut keys, key, value.clone()));
        let spec = match Self::from_keys(keys) {
            Ok(spec) => spec,
            Err(error) => unreachable!("what was written reads the same again: {error}"),
        };
        let of_one_call = serde_json::to_value(Existing::default()).unwrap_or_default();
        let mut remembered = self.given.clone();
        for (key, value) in given.into_iter().filter(|(key, _)| of_one_call.get(key).is_none()) {
            lay_over(&mut remembered, &key, value);
        }
        Self { given: remembered, ..spec }
    }

    /// Returns each key with its value, those that are as by default among them.
    pub(crate) fn to_keys(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(keys)) => keys,
            other => unreachable!("a structure is an object: {other:?}"),
        }
    }

    /// Reads the keys that are there; a key that it does not know is left to the caller.
    pub(super) fn from_keys(keys: Map<String, Value>) -> serde_json::Result<Self> {
        serde_json::from_value(keys.into())
    }
}

fn lay_over(keys: &mut Map<String, Value>, key: &str, value: Value) {
    match (keys.get_mut(key), value) {
        (Some(Value::Array(all)), Value::Array(more)) if key != "health" => all.extend(more),
        (_, value) => drop(keys.insert(key.to_owned(), value)),
    }
}
