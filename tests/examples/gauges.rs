//! Gauges for a server whose work is in child processes.

use std::fs;

use serde_json::Value;

use crate::{SetUp, support::free_port};

fn set_up(port: u16) -> Option<SetUp> {
    Some(SetUp::copy("gauges", &["python3"])?.with("PORT", &port))
}

#[test]
fn a_gauge_of_a_server_and_its_children_is_a_limit_for_ci_too() {
    let port = free_port();
    let Some(set_up) = set_up(port) else { return };
    set_up.plays_its_readme(&[("8000", port)]);
    for artefact in ["step.svg", "step.json"] {
        assert!(set_up.path(artefact).metadata().is_ok_and(|file| file.len() > 0), "{artefact}");
    }
}

#[test]
fn the_first_sample_is_true_and_the_peak_is_kept() {
    let Some(set_up) = set_up(free_port()) else { return };
    set_up.stdout("./gauges start 32");
    let first = &set_up.records("port-who --json $PORT | proc-tree --json --members --interval 500ms")[0];
    let number = |record: &Value, key: &str| record[key].as_f64().expect("a number");
    let members = first["members"].as_array().expect("its processes");
    let server = members.iter().find(|member| member["pid"] == first["pid"]).expect("the server is one");
    let (all, own) = (number(first, "cpu_percent"), number(server, "cpu_percent"));
    assert!(members.len() == 3 && all > 1.0 && own < all / 5.0, "the work is the children's: {first}");
    assert!(number(first, "memory_bytes") > f64::from(64 << 20), "{first}");
    assert!(first["state"].is_string() && first["started_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{first}");

    let rounds = set_up.records("port-who --json $PORT | proc-tree --json --watch=200ms --count 3 --plot use.svg");
    let peaks: Vec<f64> = rounds.iter().map(|round| number(round, "peak_memory_bytes")).collect();
    assert!(peaks.len() == 3 && peaks.is_sorted() && peaks[0] > f64::from(64 << 20), "{peaks:?}");
    assert!(set_up.read("use.svg").starts_with("<svg"));
    set_up.stdout("./gauges stop");
}

#[test]
fn logs_do_not_pile_up() {
    let Some(set_up) = set_up(free_port()) else { return };
    for _ in 0..6 {
        set_up.stdout("./gauges start 1; ./gauges stop");
    }
    let files = fs::read_dir(set_up.path("state")).expect("the state folder is there");
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let logs: Vec<String> = names.filter(|name| name.contains(".log")).collect();
    assert_eq!(logs.len(), 4, "{logs:?}");
}
