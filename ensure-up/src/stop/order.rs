//! In which order servers are stopped: what depends on another one first.

use crate::ServerRecord;

/// How far the stop of one of several servers has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It was not begun.
    Due,
    /// It is under way.
    Begun,
    /// It has ended, well or not.
    Ended,
}

/// Tells whether one server needs another one.
pub fn needs(one: &ServerRecord, other: &ServerRecord) -> bool {
    one.service.folder == other.service.folder && one.depends_on.contains(&other.name)
}

/// Returns those that can be stopped now: nothing that is not gone needs them.
pub(super) fn next(records: &[&ServerRecord], progress: &[Progress]) -> Vec<usize> {
    let at = |wanted: Progress| (0..records.len()).filter(move |&index| progress[index] == wanted);
    let is_needed = |index: usize| {
        let mut left = (0..records.len()).filter(|&other| other != index && progress[other] != Progress::Ended);
        left.any(|other| needs(records[other], records[index]))
    };
    let free: Vec<usize> = at(Progress::Due).filter(|&index| !is_needed(index)).collect();
    if free.is_empty() && at(Progress::Begun).next().is_none() {
        // in a circle, which the services file refuses, any is as good
        return at(Progress::Due).take(1).collect();
    }
    free
}

#[cfg(test)]
mod tests {
    use super::{Progress::*, *};
    use crate::{Service, ServiceSpec};

    fn record(name: &str, needed: &[&str]) -> ServerRecord {
        let spec = ServiceSpec {
            port: "80".parse().ok(),
            command: vec!["serve".into()],
            name: Some(name.into()),
            depends_on: needed.iter().map(|&name| name.to_owned()).collect(),
            ..ServiceSpec::default()
        };
        ServerRecord::expected(&Service::try_from(spec).expect("it can be started"))
    }

    #[test]
    fn what_depends_on_another_one_goes_first_and_all_else_at_once() {
        let (web, api, db) = (record("web", &["api"]), record("api", &["db"]), record("db", &[]));
        let (mail, one, other) = (record("mail", &[]), record("one", &["other"]), record("other", &["one"]));
        for (records, progress, expected) in [
            (vec![], vec![], vec![]),
            (vec![&db, &mail], vec![Due, Due], vec![0, 1]),
            (vec![&db, &api, &web, &mail], vec![Due, Due, Due, Due], vec![2, 3]),
            (vec![&db, &api, &web, &mail], vec![Due, Due, Begun, Ended], vec![]),
            (vec![&db, &api, &web, &mail], vec![Due, Due, Ended, Begun], vec![1]),
            (vec![&db, &api, &web, &mail], vec![Due, Ended, Ended, Ended], vec![0]),
            (vec![&db, &web], vec![Due, Due], vec![0, 1]),
            (vec![&one, &other], vec![Due, Due], vec![0]),
            (vec![&one, &other], vec![Begun, Due], vec![]),
            (vec![&one, &other], vec![Ended, Due], vec![1]),
        ] {
            assert_eq!(next(&records, &progress), expected, "{progress:?}");
        }
    }
}
