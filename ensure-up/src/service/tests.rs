//! One service in its three forms: a table of the services file, a command line, and JSON for a process of ours.

use std::{ffi::OsString, fs, os::unix::ffi::OsStringExt};

use clap::{Args, Command, FromArgMatches};
use serde_json::Value;

use super::{
    file::{Config, ConfigError, FILE},
    handover,
    resolved::Service,
    spec::ServiceSpec,
};

fn read(text: &str) -> Result<ServiceSpec, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE);
    fs::write(&path, text).expect("the folder is ours");
    Ok(Config::read(&path, None)?.services.remove(0))
}

/// Every key, with a value that is not the one by default, in each form that it may have; but for that of a job, which goes
/// with few of the others.
const WHOLE: &str = r#"
[api]
command = ["serve", "{port}"]
port = "3001-3099"
health = ["/health", "tcp:{port}"]
timeout = 90
adopt = "never"
restart = true
restart_if_changed = true
replace = true
new = true
match = "serve .*"
env = { A = "1=2", TOKEN = "s3cret" }
env_file = ".env"
cwd = "api"
log = "api-{port}.log"
log-keep = 5
log_max_size = "20M"
ready_log = "up"
fail_log = "panic"
ready_notify = true
expect_status = "200-299,401"
expect_body = "ok"
expect_json = "$.a=1"
fail_status = 500
fail_body = "no"
consecutive = 2
header = ["Authorization: x"]
method = "HEAD"
follow = true
insecure = true
cacert = "ca.pem"
cert = "cert.pem"
key = "key.pem"
data = "x"
stable = "1s"
attempt_timeout = 1.5
interval = "1m30s"
initial_delay = "5ms"
stop_signal = "SIGINT"
grace = "2s"
keep_up = true
backoff = "1s..3s"
max_restarts = "3/1m"
restart_on = "always"
reload_on = ["*.py", "!x/"]
liveness = 3
hold_socket = true
max_memory = "80%"
idle_stop = "10m"
owner = "1:1"
depends_on = "db"
[db]
command = "x"
port = 1
"#;

#[test]
fn file_command_line_and_handover_say_the_same_by_every_key() {
    let from_file = read(WHOLE).expect("a service");
    // what is known of others, and of the call, is no key
    let no_keys = ["other_ports", "profile", "given"];
    let keys = from_file.to_keys();
    let same = ServiceSpec::default().to_keys().into_iter();
    let same = same.filter(|(key, value)| keys[key] == *value && !no_keys.contains(&key.as_str()));
    assert_eq!(same.map(|(key, _)| key).collect::<Vec<_>>(), ["once"], "are as by default");
    same_everywhere(&from_file);
    let job =
        read("[job]\ncommand = [\"serve\", \"{}\"]\nonce = true\ndepends_on = \"db\"\n[db]\ncommand = \"x\"\nport = 1");
    let job = job.expect("a job");
    assert!(job.once);
    same_everywhere(&job);
}

/// Expects that a service of a file is the same from the command line, and when it is handed over.
fn same_everywhere(from_file: &ServiceSpec) {
    let keys = from_file.to_keys();
    let command = ServiceSpec::augment_args(Command::new("ensure-up").no_binary_name(true));
    let longs = command.get_arguments().filter_map(|argument| argument.get_long());
    let unknown: Vec<&str> = longs.filter(|long| !keys.contains_key(&long.replace('-', "_"))).collect();
    assert!(unknown.is_empty(), "options that are no keys: {unknown:?}");
    let matches = command.try_get_matches_from(as_arguments(from_file)).expect("every key is an option");
    let from_line = ServiceSpec::from_arg_matches(&matches).expect("a service");
    let folder = from_file.folder.clone();
    assert_eq!(ServiceSpec { depends_on: vec!["db".into()], folder, ..from_line }.to_keys(), keys);
    let handed = handover::written(from_file).expect("a service can be written down");
    assert_eq!(handover::receive(&mut &*handed).expect("the same").expect("one").to_keys(), keys);
    assert!(handover::receive(&mut &b""[..]).expect("nothing").is_none());
}

fn as_arguments(spec: &ServiceSpec) -> Vec<String> {
    let mut words = Vec::new();
    for (key, value) in spec.to_keys() {
        let option = format!("--{}", key.replace('_', "-"));
        let all = match value {
            _ if ["command", "depends_on", "folder", "other_ports", "profile", "given"].contains(&key.as_str()) => {
                continue;
            }
            Value::Bool(false) | Value::Null => continue,
            Value::Bool(true) => {
                words.push(option);
                continue;
            }
            Value::Array(all) => all,
            one => vec![one],
        };
        let text = |one: &Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned);
        words.extend(all.iter().map(|one| format!("{option}={}", text(one))));
    }
    words.push("--".into());
    words.extend(spec.command.iter().map(|word| word.to_string_lossy().into_owned()));
    words
}

#[test]
fn words_that_are_no_text_are_handed_over_as_they_are() {
    let odd = OsString::from_vec(b"caf\xe9".to_vec());
    let spec = ServiceSpec {
        command: vec!["x".into(), odd.clone()],
        cwd: Some(odd.clone().into()),
        env: vec![odd.clone()],
        ..ServiceSpec::default()
    };
    let handed = handover::written(&spec).expect("a service can be written down");
    let received = handover::receive(&mut &*handed).expect("the same").expect("one");
    assert_eq!((received.command, received.cwd, received.env), (spec.command, spec.cwd, spec.env));
}

#[test]
fn what_is_unknown_or_of_a_wrong_type_is_told_with_its_place() {
    for (key, told) in [
        ("prot = 80", ":2:1: unknown key \"prot\""),
        ("name = \"x\"", ":2:1: unknown key \"name\""),
        ("probe = {}", ":2:1: unknown key \"probe\""),
        ("timeout = true", ":2:11: timeout has to be a string or a number, not boolean"),
        ("timeout = \"5q\"", ":2:11: invalid duration \"5q\""),
        ("timeout = \"9999999999999999999\"", ":2:11: invalid duration \"9999999999999999999\""),
        ("initial_delay = \"9999999999999999999\"", ":2:17: invalid duration \"9999999999999999999\""),
        ("keep_up = \"yes\"", ":2:11: keep_up has to be true or false, not string"),
        ("insecure = 1", ":2:12: insecure has to be true or false, not integer"),
        ("log_keep = \"many\"", ":2:12: invalid log_keep \"many\": invalid digit"),
        ("log_max_size = \"1X\"", ":2:16: invalid size \"1X\""),
        ("liveness = 0", ":2:12: invalid liveness \"0\""),
        ("consecutive = 0", ":2:15: invalid value \"0\""),
        ("match = \"(\"", ":2:9: invalid match \"(\": unclosed group"),
        ("ready_log = [\"x\"]", ":2:13: ready_log has to be a string or a number, not array"),
        ("stop_signal = \"NOPE\"", ":2:15: "),
        ("adopt = \"maybe\"", ":2:9: unknown variant `maybe`"),
        ("backoff = \"2s..1s\"", ":2:11: invalid backoff \"2s..1s\""),
        ("max_restarts = \"5/0\"", ":2:16: invalid limit \"5/0\""),
        ("reload_on = \"a[\"", ":2:13: invalid glob \"a[\""),
        ("header = [\"a\", true]", ":2:16: header has to be a string or an array of strings, not boolean"),
        ("expect_status = \"2xx\"", ":2:17: invalid status \"2xx\""),
        ("env = [\"A=1\"]", ":2:7: env has to be a table"),
        ("env = { A = true }", ":2:9: the variable A has to be a string"),
        ("command = [\"x\", 1]", ":2:11: command has to be"),
        ("depends_on = [1979-05-27]", ":2:15: depends_on has to be"),
    ] {
        let error = read(&format!("[a]\n{key}\n")).expect_err(key).to_string();
        assert!(error.contains(told), "{key}: {error}");
    }
}

#[test]
fn two_services_have_two_ports_or_the_choice() {
    let read = |one: &str, other: &str, profile: Option<&str>| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let service = |name: &str, port: &str| format!("[{name}]\ncommand = \"x\"\nport = {port}\n");
        let text = service("a", one) + &service("b", other) + "[profile.dev.b]\nport = 80\n";
        fs::write(&path, text).expect("the folder is ours");
        Config::read(&path, profile).map(drop).map_err(|error| error.to_string())
    };
    for (one, other) in
        [("80", "81"), ("80", "\"80/udp\""), ("\"80-89\"", "\"80-89\""), ("85", "\"80-89\""), ("\"80-89\"", "85")]
    {
        assert_eq!(read(one, other, None), Ok(()), "{one} {other}");
    }
    for (one, other, profile, place) in [("80", "80", None, ":6:8: "), ("80", "81", Some("dev"), ":8:8: ")] {
        let said = read(one, other, profile).expect_err("one port");
        assert!(
            said.contains(place) && said.ends_with("port 80 is that of the service a: each needs its own"),
            "{said}"
        );
    }
}

#[test]
fn who_holds_the_port_is_told_by_an_answer_on_it_that_one_server_alone_gives() {
    for (keys, is_told) in [
        ("", false),
        ("health = \"/\"", false),
        ("health = \"/\"\nexpect_body = \"x\"", true),
        ("health = [\"tcp:81\", \"http://localhost:{port}/x\"]\nexpect_json = \"$.a=1\"", true),
        ("health = \"http://localhost:81/\"\nexpect_body = \"x\"", false),
        ("health = \"http+unix:/x:/\"\nexpect_body = \"x\"", false),
        ("health = \"grpc://localhost:{port}\"", false),
        ("health = [\"/\", \"grpc://localhost:{port}/shop.Cart\"]", true),
        ("health = \"grpc://localhost:81/shop.Cart\"", false),
    ] {
        let spec = read(&format!("[a]\ncommand = \"x\"\nport = 80\ncwd = \"/\"\n{keys}")).expect("a service");
        let service = Service::try_from(ServiceSpec { folder: None, ..spec }).expect("a service");
        assert_eq!(service.is_known_by_answer(service.port()), is_told, "{keys}");
    }
}

#[test]
fn what_is_laid_over_adds_to_lists_and_replaces_the_rest() {
    let spec = |text: &str| read(&format!("[a]\ncommand = \"x\"\nport = 80\n{text}")).expect("a service");
    let keys = ["restart", "timeout", "env", "match", "health"].map(str::to_owned);
    let over = spec("restart = true\ntimeout = 5\nenv = { B = \"2\" }\ngrace = 9\nhealth = \"/b\"\n");
    let laid = spec("env = { A = \"1\" }\ngrace = 3\nmatch = \"x\"\nhealth = \"/a\"\n").overlaid(&over, &keys);
    assert_eq!(laid.env, ["A=1", "B=2"]);
    // what health is, whoever names a target says
    assert_eq!(laid.health, ["/b"]);
    assert_eq!((laid.timeout.as_secs(), laid.grace.as_secs()), (5, 3));
    assert!(laid.existing.restart && laid.matching.is_none());
    assert_eq!(
        (laid.name.as_deref(), laid.port.map(super::ports::Ports::first)),
        (Some("a"), Some(crate::Port::tcp(80)))
    );
}
