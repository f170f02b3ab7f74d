//! Lists of what has an order.

use std::collections::BTreeSet;

/// Lists the items in ascending order, each once.
pub fn ascending<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    items.into_iter().collect::<BTreeSet<T>>().into_iter().collect()
}
