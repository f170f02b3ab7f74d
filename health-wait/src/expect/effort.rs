//! How much there is to look at when a JSONPath is asked of a document.
//!
//! A query cannot be interrupted, and the document is a stranger's: `$..*..*` finds each value of it as often as there are
//! ways down to it. So what it may take is reckoned before it begins.

use serde_json::Value;

/// The most steps that are taken for one query: some tens of milliseconds, and as many MiB.
pub(super) const MOST_STEPS: u64 = 4_000_000;

/// What compiling a pattern takes, in such steps.
const PATTERN: u64 = 2_000;

/// What makes a path more than one walk through the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Effort {
    /// `..`: each goes from every value to all below it.
    descents: u32,
    /// `[*,*]`: each may find everything once more.
    unions: u32,
    /// The queries of filters, which are made for each value.
    filters: u32,
    /// Those among them that walk through the whole document again.
    walks: u32,
    /// `match()` and `search()`, whose pattern is compiled anew for each value.
    patterns: u32,
}

impl Effort {
    /// Reads a path that is one.
    pub(super) fn of(path: &str) -> Self {
        let path = without_names(path);
        let count = |what: &str| u32::try_from(path.matches(what).count()).unwrap_or(u32::MAX);
        let walks = path.match_indices('$').skip(1).filter(|&(at, _)| is_walk(&path[..at], &path[at..])).count();
        Self {
            descents: count(".."),
            unions: count(","),
            filters: count("?"),
            walks: u32::try_from(walks).unwrap_or(u32::MAX),
            patterns: count("match(").saturating_add(count("search(")),
        }
    }

    /// Returns how many steps it may take at most to ask it of a document.
    pub(super) fn steps(self, document: &Value) -> u64 {
        if self == Self::default() {
            return 0;
        }
        let Extent { values, depth } = Extent::of(document);
        let ways = depth.saturating_pow(self.descents).saturating_mul(2_u64.saturating_pow(self.unions));
        let walks = values.saturating_pow(self.walks);
        let patterns = u64::from(self.patterns).saturating_mul(PATTERN).max(1);
        let looks = values.saturating_mul(ways).saturating_mul(walks).saturating_mul(u64::from(self.filters.max(1)));
        looks.saturating_mul(patterns)
    }
}

/// Takes the quoted names and texts out, which may hold what looks like a path.
fn without_names(path: &str) -> String {
    let (mut quote, mut escaped) = (None, false);
    let outside = |character: &char| {
        let Some(mark) = quote else {
            quote = Some(*character).filter(|one| matches!(one, '\'' | '"'));
            return true;
        };
        let ends = !escaped && *character == mark;
        escaped = !escaped && *character == '\\';
        quote = quote.filter(|_| !ends);
        ends
    };
    path.chars().filter(outside).collect()
}

/// Tells whether a query within a filter, which begins with its `$`, may lead to more than one value, or to one that is
/// looked at whole.
fn is_walk(before: &str, from: &str) -> bool {
    let mut open = 0;
    let end = from.find(|character| match character {
        '[' => {
            open += 1;
            false
        }
        ']' if open > 0 => {
            open -= 1;
            false
        }
        ']' | ')' | '=' | '<' | '>' | '!' | '&' | '|' => true,
        _ => false,
    });
    let query = &from[..end.unwrap_or(from.len())];
    let is_argument = before.trim_end().ends_with('(');
    is_argument || query.contains("..") || query.contains(['*', '?', ':', ','])
}

/// How large a document is.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// Its values, a long text counted as several.
    values: u64,
    depth: u64,
}

impl Extent {
    fn of(document: &Value) -> Self {
        let mut extent = Self { values: 1, depth: 0 };
        extent.add(document, 1);
        extent
    }

    fn add(&mut self, value: &Value, depth: u64) {
        self.depth = self.depth.max(depth);
        match value {
            Value::Array(list) => self.add_all(list.iter(), depth + 1),
            Value::Object(map) => self.add_all(map.values(), depth + 1),
            // length() counts its characters
            Value::String(text) => self.values += text.len() as u64 / 16,
            _ => {}
        }
    }

    fn add_all<'a>(&mut self, below: impl ExactSizeIterator<Item = &'a Value>, depth: u64) {
        self.values += below.len() as u64;
        for value in below {
            self.add(value, depth);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::{btree_map, vec},
        prelude::{Just, ProptestConfig, Strategy, any, prop_oneof},
        proptest, sample,
    };
    use serde_json_path::JsonPath;

    use super::*;

    fn documents() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<u8>().prop_map(Value::from), "[a-c]{0,2}".prop_map(Value::from), Just(Value::Null)];
        leaf.prop_recursive(5, 48, 4, |below| {
            prop_oneof![
                vec(below.clone(), 0..4).prop_map(Value::from),
                btree_map("[a-c]", below, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn paths() -> impl Strategy<Value = String> {
        const PARTS: [&str; 14] = [
            ".a",
            ".*",
            "..*",
            "..b",
            "[*]",
            "[0]",
            "[*,*]",
            "..['a','b','..c']",
            "[1:]",
            "[?@.a]",
            "[?@..*]",
            "..[?$..b]",
            "[?count($..*)>2]",
            "[?@.b==$.a]",
        ];
        vec(sample::select(&PARTS[..]), 0..4).prop_map(|parts| format!("${}", parts.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn a_query_finds_no_more_than_was_reckoned(document in documents(), path in paths()) {
            let query = JsonPath::parse(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            let effort = Effort::of(&path);
            let steps = effort.steps(&document);
            if steps < 100_000 {
                let most = if effort == Effort::default() { Extent::of(&document).values } else { steps };
                assert!(query.query(&document).len() as u64 <= most, "{path} in {document}: {most}");
            }
        }

        #[test]
        fn a_text_is_no_expectation_or_the_same_when_it_is_read_again(text in "[$.@\\[\\]*?='\"a1, -]{0,14}") {
            use crate::expect::json::JsonExpectation;
            let Ok(expectation) = text.parse::<JsonExpectation>() else { return Ok(()) };
            assert_eq!(expectation.to_string().parse(), Ok(expectation));
        }
    }

    #[test]
    fn what_is_walked_through_again_is_counted() {
        let effort = |descents, unions, filters, walks| Effort { descents, unions, filters, walks, patterns: 0 };
        for (path, expected) in [
            ("$", effort(0, 0, 0, 0)),
            ("$.a.b[0][*].c", effort(0, 0, 0, 0)),
            ("$..a", effort(1, 0, 0, 0)),
            ("$..*..*..*", effort(3, 0, 0, 0)),
            ("$[*,*][1,2,3]", effort(0, 3, 0, 0)),
            ("$['a..b,$?']..c", effort(1, 0, 0, 0)),
            (r#"$["\"..,"].c"#, effort(0, 0, 0, 0)),
            ("$[?@.name=='a,..$']", effort(0, 0, 1, 0)),
            ("$[?match(@.a,'search(')||search(@.b,'x')]", Effort { patterns: 2, ..effort(0, 2, 1, 0) }),
            ("$.c[?@.name==$.main].ok", effort(0, 0, 1, 0)),
            ("$.c[?@.name==$['main'][0]].ok", effort(0, 0, 1, 0)),
            ("$[?$..x]", effort(1, 0, 1, 1)),
            ("$[?$.x[*]]", effort(0, 0, 1, 1)),
            ("$[?$[?@.a]]", effort(0, 0, 2, 1)),
            ("$[?length( $.x) == 3]", effort(0, 0, 1, 1)),
            ("$..[?count($..*)>1 && $..[?$..*]]", effort(4, 0, 2, 3)),
        ] {
            assert!(JsonPath::parse(path).is_ok(), "{path}");
            assert_eq!(Effort::of(path), expected, "{path}");
        }
    }

    #[test]
    fn quoted_text_is_taken_out_as_far_as_its_own_quote_that_is_not_escaped() {
        for (path, expected) in [
            ("$.a[0]", "$.a[0]"),
            ("$['a,b'].c", "$[''].c"),
            (r#"$["it's",'"',1]"#, r#"$["",'',1]"#),
            (r"$['a\',b'],c", "$[''],c"),
            (r"$['a\\'],c", "$[''],c"),
            (r"$['a\\\',b'],c", "$[''],c"),
        ] {
            assert_eq!(without_names(path), expected, "{path}");
        }
    }

    #[test]
    fn a_query_within_a_filter_ends_where_its_brackets_are_closed_and_something_else_follows() {
        for (before, from, expected) in [
            ("$[?", "$.x]", false),
            ("$[?", "$.x]..y", false),
            ("$[?", "$[0].x]..y", false),
            ("$[?", "$[0]==@..x]", false),
            ("$[?", "$.x && @.*]", false),
            ("$[?", "$.x || @.*]", false),
            ("$[?", "$.x < @.*]", false),
            ("$[?", "$.x > @.*]", false),
            ("$[?", "$.x!=@.*]", false),
            ("$[?(@.a)&&(@.b==", "$.x)&&@.*]", false),
            ("$[?", "$..x]", true),
            ("$[?", "$[0]..x]", true),
            ("$[?", "$.*]", true),
            ("$[?", "$[1:]]", true),
            ("$[?", "$[0,1]]", true),
            ("$[?", "$[?@.a==1]]", true),
            ("$[?count(", "$.x)>1]", true),
            ("$[?count( ", "$.x)>1]", true),
        ] {
            assert_eq!(is_walk(before, from), expected, "{before}{from}");
        }
    }

    #[test]
    fn the_steps_grow_with_the_document_and_with_each_thing_that_walks_through_it() {
        let text = |length| Value::from("x".repeat(length));
        for (document, values, depth) in [
            (Value::Null, 1, 1),
            (text(15), 1, 1),
            (text(40), 3, 1),
            (serde_json::json!([]), 1, 1),
            (serde_json::json!([1, 2, 3]), 4, 2),
            (serde_json::json!({"a": [1, {"b": text(16)}], "c": 1}), 7, 4),
        ] {
            let extent = Extent::of(&document);
            assert_eq!((extent.values, extent.depth), (values, depth), "{document}");
        }
        // six values, three deep
        let document = serde_json::json!([[1], [2, 3]]);
        for (path, steps) in [
            ("$[*].a", 0),
            ("$..a", 18),
            ("$..*..*", 54),
            ("$[0,1]", 12),
            ("$[0,1][0,1]", 24),
            ("$[?@.a]", 6),
            ("$[?@.a][?@.b]", 12),
            ("$[?$.*]", 36),
            ("$[?$.* && $.*]", 216),
            ("$[?$..x]", 108),
            ("$[?match(@.a,'x')]", 24_000),
            ("$[?match(@.a,'x')||search(@.b,'x')]", 96_000),
        ] {
            assert_eq!(Effort::of(path).steps(&document), steps, "{path}");
        }
    }

    #[test]
    fn what_people_ask_is_done_in_a_large_document_and_what_explodes_is_not() {
        let wide: Value = (0..100_000).map(|n| serde_json::json!({"name": n, "ok": true})).collect();
        let few: Value = (0..200).map(|n| serde_json::json!({"name": n, "ok": true})).collect();
        let deep = (0..100).fold(serde_json::json!(vec![0; 10_000]), |below, _| serde_json::json!([below]));
        for (path, document, is_done) in [
            ("$[*].ok", &wide, true),
            ("$..ok", &wide, true),
            ("$[?@.name==$[0].name].ok", &wide, true),
            ("$..*..*", &wide, true),
            ("$..[?$..ok]", &wide, false),
            ("$[*,*,*,*,*,*,*]", &wide, false),
            ("$[?match(@.name,'api.*')].ok", &few, true),
            ("$[?match(@.name,'api.*')].ok", &wide, false),
            ("$..*", &deep, true),
            ("$..*..*..*", &deep, false),
            ("$..*..*..*..*..*..*..*..*..*..*..*..*..*..*..*..*..*..*..*..*", &deep, false),
        ] {
            assert_eq!(Effort::of(path).steps(document) <= MOST_STEPS, is_done, "{path}");
        }
    }
}
