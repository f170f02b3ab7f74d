//! What must hold of any input, whoever wrote it: a property each, for the tests here and for the fuzz targets.
//!
//! No panic goes without saying, and no hang: each is done in milliseconds. The rest is told at each.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use ensure_up::{ServerRecord, Service, service::file::Config};
use health_wait::{ProbeOptions, Target, Verdict, Wait, block_on};
use port_who::PortSpec;
use proc_tree::{
    Signal, Stat,
    cli::{duration, size, text},
    process, selection,
};
use regex::bytes::RegexBuilder;
use serde_json::json;
use serde_json_path::JsonPath;

/// Ports: what is taken names at least one, none of them 0, no range is reversed; and it is the same when it is read again.
pub(crate) fn ports(text: &str) {
    let Ok(spec) = text.parse::<PortSpec>() else { return };
    assert!(text.is_ascii(), "{text:?}");
    assert!(!spec.ranges().is_empty() && spec.ranges().iter().all(|&(low, high)| 0 < low && low <= high), "{text:?}");
    assert_eq!(spec.to_string().parse(), Ok(spec), "{text:?}");
}

/// Lines on standard input: no PID is 0, or one that could mean a group of processes; one bad line and none counts.
pub(crate) fn standard_input(text: &[u8]) {
    let read = selection::read(text).expect("memory can be read");
    let lines = String::from_utf8_lossy(text).lines().filter(|line| !line.trim().is_empty()).count();
    let Ok(selected) = read else { return };
    assert_eq!(selected.len(), lines);
    let is_one = |pid: u32| pid > 0 && i32::try_from(pid).is_ok();
    assert!(selected.iter().all(|one| one.pid.is_none_or(is_one)), "{selected:?}");
}

/// Durations: a few of them can be added to the clock.
pub(crate) fn duration(text: &str) {
    let Ok(parsed) = duration::parse(text) else { return };
    let now = Instant::now();
    assert!((0..8).try_fold(now, |clock, _| clock.checked_add(parsed)).is_some(), "{text:?}");
    assert_eq!(duration::parse_interval(text).is_ok(), parsed > Duration::ZERO, "{text:?}");
    let again = humantime::format_duration(parsed).to_string();
    assert_eq!(duration::parse(&again), Ok(parsed), "{text:?} is {again}");
}

/// Sizes: what is shown of one reads as it, but for the decimals that are not shown.
pub(crate) fn size(text: &str) {
    let Ok(bytes) = size::parse(text) else { return };
    // what has a decimal is read up to an exabyte
    let Some(bytes) = Some(bytes).filter(|&bytes| bytes < 10_u64.pow(18)) else { return };
    let again = size::parse(&size::display(bytes)).expect("what is shown can be read");
    assert!(again.abs_diff(bytes) <= bytes / 18 + 1, "{text:?} is {bytes}, shown as {again}");
}

/// Signals: what is shown of one reads as it.
pub(crate) fn signal(text: &str) {
    let Ok(signal) = text.parse::<Signal>() else { return };
    assert_eq!(signal.to_string().parse(), Ok(signal), "{text:?}");
}

/// Targets: what is shown reads as one again, and shows no password.
pub(crate) fn target(text: &str) {
    let Ok(target) = text.parse::<Target>() else { return };
    let shown = target.to_string();
    assert!(shown.parse::<Target>().is_ok(), "{text:?} is shown as {shown:?}");
    // tabs and line breaks are nothing within a URL
    let stands_once = text.replace(['\t', '\n', '\r'], "").matches("hunter2").count() == 1;
    let is_secret = target.is_http() && has_password(text, "hunter2") && stands_once;
    assert!(!is_secret || !shown.contains("hunter2"), "{shown:?}");
}

/// Tells whether a text stands where the password of a URL does, by the library that reads it when it is asked.
fn has_password(text: &str, password: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| url.password() == Some(password))
}

/// Answers of a server: only what begins as HTTP does, and tells a status from 200 to 399, is healthy.
pub(crate) fn answer(bytes: &[u8]) {
    let verdict = asked("http", "/", &ProbeOptions::default(), bytes);
    let text = String::from_utf8_lossy(bytes);
    let is_healthy = |code: &str| code.parse::<u16>().is_ok_and(|code| (200..400).contains(&code));
    let says_so = text.split("HTTP/1.").skip(1).any(|head| head.get(2..5).is_some_and(is_healthy));
    assert!(verdict != Verdict::Reached || text.trim_start().starts_with("HTTP/1.") && says_so, "{text:?}");
}

/// Answers of a server that speaks gRPC: only a message that says SERVING is healthy, in however many frames it comes.
pub(crate) fn grpc_answer(bytes: &[u8]) {
    const SERVING: [u8; 7] = [0, 0, 0, 0, 2, 8, 1];
    let mut rest = bytes.iter();
    let says_so = SERVING.iter().all(|wanted| rest.any(|byte| byte == wanted));
    assert!(asked("grpc", "", &ProbeOptions::default(), bytes) != Verdict::Reached || says_so, "{bytes:?}");
}

/// Expectations: healthy is an answer that has what is expected, as the libraries themselves have it.
pub(crate) fn expectation(expected: &str, body: &[u8]) {
    let verdict = |key: &str, value: serde_json::Value, status: &str| {
        let options = serde_json::from_value(json!({ key: value })).ok()?;
        let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n", body.len());
        Some(asked("http", "/", &options, &[head.as_bytes(), body].concat()) == Verdict::Reached)
    };
    if let Some(is_healthy) = verdict("expect_status", expected.into(), "404") {
        let has = |(first, last): (&str, &str)| (first..=last).contains(&"404");
        let has = expected.split(',').any(|part| has(part.split_once('-').unwrap_or((part, part))));
        assert_eq!(is_healthy, has, "{expected:?}");
    }
    if let Some(is_healthy) = verdict("expect_body", expected.into(), "200") {
        let pattern = RegexBuilder::new(expected).multi_line(true).crlf(true).build().expect("it was taken");
        assert_eq!(is_healthy, pattern.is_match(body), "{expected:?} of {body:?}");
    }
    if verdict("expect_json", json!([expected]), "200") == Some(true) {
        let document = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{body:?}: {error}"));
        let mut ways = expected.match_indices('=').map(|(at, _)| (&expected[..at], &expected[at + 1..]));
        let has = ways.any(|(path, value)| {
            let found = JsonPath::parse(path).map(|path| path.query(&document).all()).unwrap_or_default();
            !found.is_empty() && found.into_iter().all(|found| is_written_so(found, value))
        });
        assert!(has, "{expected:?} of {document}");
    }
}

/// Tells whether a text stands for a value: it is that string, or reads as it.
fn is_written_so(found: &serde_json::Value, text: &str) -> bool {
    let read = serde_json::from_str::<serde_json::Value>(text).ok();
    let same =
        |read: &serde_json::Value| read == found || read.is_f64() | found.is_f64() && read.as_f64() == found.as_f64();
    found == text || read.as_ref().is_some_and(same)
}

/// Asks a server once that answers so.
fn asked(scheme: &str, path: &str, options: &ProbeOptions, bytes: &[u8]) -> Verdict {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let targets = [format!("{scheme}://{address}{path}").parse().expect("a target")];
    let wait = Wait { once: true, ..Wait::new(&targets, options) };
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            // all of the request, so that its connection is not reset
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).and_then(|_| stream.write_all(bytes));
        });
        block_on(wait.run(&mut |_, _| {})).expect("there are descriptors").expect("it can be asked").verdict
    })
}

/// The name of a process, which it chooses: it is read as it was given, and shifts nothing that stands behind it.
#[cfg(target_os = "linux")]
pub(crate) fn process_name(name: &[u8]) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let own = std::process::id();
    let before = process::stat(own).expect("it can be read").expect("it runs");
    // with its NUL, as to write nothing is no write
    fs::write("/proc/self/comm", [name, b"\0"].concat()).expect("a process may call itself what it likes");
    let after = process::stat(own).expect("it can be read").expect("it runs");
    // the kernel keeps 15 bytes, up to a NUL
    let kept = name.split(|&byte| byte == 0).next().unwrap_or_default();
    let name = String::from_utf8_lossy(&kept[..kept.len().min(15)]).into_owned();
    let (state, threads, reaped_cpu) = (after.state, after.threads, after.reaped_cpu);
    assert_eq!(after, Stat { name, state, threads, reaped_cpu, ..before });
    assert!((1..1000).contains(&threads), "{after:?}");
}

/// Text that is shown: nothing in it moves the cursor or turns the line around, it is as short as it was to be, and its words
/// stay whole where it is broken into lines.
pub(crate) fn shown(foreign: &str) {
    let safe = text::escape(foreign);
    assert!(!safe.chars().any(|one| one.is_control() || ('\u{202a}'..='\u{202e}').contains(&one)), "{safe:?}");
    for columns in [0, 1, 7, 80] {
        assert!(text::width(&text::cut(&safe, columns)) <= columns, "{safe:?}");
        let lines = text::wrap(&safe, columns);
        let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&lines.join(" ")), words(&safe));
        let fits = |line: &String| text::width(line) <= columns || !line.contains(' ');
        assert!(lines.iter().all(fits), "{lines:?}");
    }
}

/// The options of health, as a record of the state folder has them: they are the same when they are written and read again.
pub(crate) fn probe_options(json: &str) {
    let Ok(options) = serde_json::from_str::<ProbeOptions>(json) else { return };
    let written = serde_json::to_string(&options).expect("options can be written");
    let again = serde_json::from_str(&written).map_err(|error| format!("{written}: {error}"));
    assert_eq!(again, Ok(options), "{json}");
}

/// Records: what is taken is the same when it is written and read again.
pub(crate) fn record(json: &[u8]) {
    let Ok(record) = serde_json::from_slice::<ServerRecord>(json) else { return };
    let written = serde_json::to_vec(&record).expect("a record can be written");
    let again: ServerRecord = serde_json::from_slice(&written).expect("what was written can be read");
    // a number that is none (of liveness, say) is not equal to itself
    assert_eq!(serde_json::to_vec(&again).expect("as before"), written);
}

/// Services files: each service that is taken has a name, each once, and what it depends on is in the file.
pub(crate) fn services_file(folder: &Path, text: &[u8]) {
    let path = folder.join("ensure-up.toml");
    fs::write(&path, text).expect("the folder is ours");
    for profile in [None, Some("dev")] {
        let Ok(config) = Config::read(&path, profile) else { continue };
        let names: Vec<_> = config.services.iter().map(|service| service.name.as_deref()).collect();
        let chosen = config.select(&[]).expect("all are in the file");
        assert_eq!(chosen.len(), names.len());
        assert!(names.iter().enumerate().all(|(at, name)| name.is_some() && !names[..at].contains(name)), "{names:?}");
        let needed = config.services.iter().flat_map(|service| &service.depends_on);
        assert!(needed.into_iter().all(|one| names.contains(&Some(one.as_str()))), "{names:?}");
    }
}

/// Files of variables: what is taken of one can stand in an environment.
pub(crate) fn env_file(folder: &Path, text: &[u8]) {
    fs::write(folder.join("variables"), text).expect("the folder is ours");
    let line = "[one]\ncommand = [\"true\"]\nenv_file = \"variables\"\n";
    services_file(folder, line.as_bytes());
    let config = Config::read(&folder.join("ensure-up.toml"), None).expect("it is one");
    let Ok(service) = Service::try_from(config.services[0].clone()) else { return };
    for (name, value) in &service.environment {
        let (name, value) = (name.as_encoded_bytes(), value.as_encoded_bytes());
        assert!(!name.is_empty() && !name.contains(&b'=') && !name.contains(&0) && !value.contains(&0), "{service:?}");
    }
}
