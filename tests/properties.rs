//! What must hold of any input: generated ones, close to those that mean something and far from them.

#[path = "properties/inputs.rs"]
mod inputs;
#[path = "properties/targets.rs"]
mod targets;

use std::{fs, path::Path};

use ensure_up::{ServerRecord, service::file::Config};
use proptest::{
    collection::vec,
    prelude::{Just, ProptestConfig, Strategy, any, prop_oneof},
    proptest, sample,
};

/// So many inputs each, so that a test takes less than a second; a failure is printed and not kept in a file.
fn tried(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// Texts that are put together from these pieces, from digits, and now and then from anything.
fn of(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => sample::select(pieces).prop_map(str::to_owned),
        3 => "[0-9]{1,6}",
        1 => "\\PC{0,3}",
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

const PORTS: &[&str] = &["-", ",", ":", "/", "/tcp", "/udp", "[", "]", "[::1]:", "127.0.0.1:", "0", "65535", " ", "+"];
const LINES: &[&str] =
    &["\n", "{\"pid\":", "}", "{\"pid\":1}", ",\"start_id\":", ",\"port\":", "null", "-", " ", "\r", "\0"];
const TIMES: &[&str] = &["ms", "s", "m", "h", "days", "ns", ".", "1", "30", " ", "-", "e", "18446744073709551615"];
const SIZES: &[&str] = &["K", "MiB", "gb", "T", "P", "b", ".", "5", "0.5", " ", "-", "e", "%", "18446744073709551615"];
const SIGNALS: &[&str] = &["SIG", "TERM", "sig", "hup", "9", "RTMIN", "+", "-", "KILL", "0"];
const TARGETS: &[&str] = &[
    "http://",
    "https://",
    "HTTP://",
    "http+unix:",
    "tcp://",
    "tcp:",
    "grpc://",
    "unix:",
    "file:",
    "exec:",
    "pid:",
    "port-free:",
    "u",
    ":",
    "hunter2",
    "@",
    "h",
    "/",
    "\\",
    "?",
    "#",
    "[::1]",
    "80",
    "localhost",
    "%",
    ".",
    " ",
    "\t",
];
const OPTIONS: &[&str] = &[
    "{",
    "}",
    "\"expect_json\":",
    "\"$.a=1\"",
    "[\"$..a[?@.b=='c']=x\"]",
    "\"expect_status\":",
    "\"200-299,401\"",
    "\"header\":",
    "[\"X: y\"]",
    "\"expect_body\":",
    "\"a|b\"",
    "\"interval\":",
    "\"500ms\"",
    "\"data\":",
    "\"x\"",
    ",",
];
const FILES: &[&str] = &[
    "[one]\n",
    "[two]\n",
    "[profile.dev.one]\n",
    "[profile.dev]\n",
    "command = [\"true\"]\n",
    "command = \"true\"\n",
    "port = 8000\n",
    "port = \"8001-8009\"\n",
    "depends_on = [\"one\"]\n",
    "depends_on = [\"two\"]\n",
    "env = { A = \"${A:-b}\" }\n",
    "env = { A = \"${HOME}{one.port}\" }\n",
    "env = { A = \"$${\" }\n",
    "health = \"/x\"\n",
    "once = true\n",
    "env = { B = \"${\" }\n",
    "=",
    "\n",
    "[",
];
const ANSWERS: &[&str] = &[
    "HTTP/1.1 ",
    "HTTP/1.0 ",
    "HTTP/2 ",
    "200 OK",
    "302",
    "503 Busy",
    "100 Continue",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\0",
    "X: y\r\n",
    "Content-Length: ",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "ok",
    " ",
    "\u{1b}[2J",
];
const EXPECTATIONS: &[&str] = &[
    "200",
    "404",
    "-",
    ",",
    "ok",
    "^",
    "$",
    "|",
    ".*",
    "$.a",
    "..b",
    "[*]",
    "[?@.a==1]",
    "=",
    "1",
    "1.0",
    "\"x\"",
    "\\b",
];
const BODIES: &[&str] = &["{", "}", "\"a\":", "\"b\":", "[", "]", ",", "1", "1.0", "\"x\"", "null", "ok", "\n", "\r\n"];
const FRAMES: &[&[u8]] = &[
    &[0, 0, 0, 4, 0, 0, 0, 0, 0],
    &[0, 0, 0, 4, 1, 0, 0, 0, 0],
    &[0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88],
    b"\0\0\x20\x01\x04\0\0\0\x01\x88\0\x0ccontent-type\x10application/grpc",
    b"\0\0\x0f\x01\x05\0\0\0\x01\0\x0bgrpc-status\x010",
    &[0, 0, 7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 8, 1],
    &[0, 0, 7, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 2, 8, 2],
    &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8],
];
const VARIABLES: &[&str] =
    &["A", "=", "b", "\n", "'", "\"", "$A", "${A}", "\\", "#", "export ", " ", "\0", "=x\n", "B=y\n", "é"];

proptest! {
    #![proptest_config(tried(512))]

    #[test]
    fn ports(text in of(PORTS)) {
        inputs::ports(&text);
    }

    #[test]
    fn lines_of_standard_input(text in of(LINES)) {
        inputs::standard_input(text.as_bytes());
    }

    #[test]
    fn standard_input_that_is_no_text(bytes in vec(any::<u8>(), 0..64)) {
        inputs::standard_input(&bytes);
    }

    #[test]
    fn durations(text in of(TIMES)) {
        inputs::duration(&text);
    }

    #[test]
    fn sizes(text in of(SIZES)) {
        inputs::size(&text);
    }

    #[test]
    fn signals(text in of(SIGNALS)) {
        inputs::signal(&text);
    }

    #[test]
    fn targets(text in of(TARGETS)) {
        inputs::target(&text);
    }

    #[test]
    fn passwords_of_urls(text in ("https?://[/\\\\]{0,2}", "[u@:]{0,2}", ":hunter2@[@/]?h", of(TARGETS)).prop_map(|(a, b, c, d)| a + &b + &c + &d)) {
        inputs::target(&text);
    }

    #[test]
    fn texts_that_are_shown(text in "[ a\\u{1b}\\u{202e}\\u{200b}\\n\\u{301}界]{0,30}|\\PC{0,20}") {
        inputs::shown(&text);
    }

    #[test]
    fn probe_options(text in of(OPTIONS)) {
        inputs::probe_options(&text);
        inputs::probe_options(&format!("{{{text}}}"));
    }
}

proptest! {
    #![proptest_config(tried(128))]

    #[test]
    fn answers(text in of(ANSWERS), is_whole in any::<bool>()) {
        inputs::answer(text.as_bytes());
        inputs::answer(format!("HTTP/1.1 {text}{}", if is_whole { "\r\n\r\n" } else { "" }).as_bytes());
    }

    #[test]
    fn answers_of_grpc(frames in vec(prop_oneof![8 => sample::select(FRAMES).prop_map(<[u8]>::to_vec), 1 => vec(any::<u8>(), 0..12)], 0..8)) {
        inputs::grpc_answer(&frames.concat());
    }

    #[test]
    fn expectations(expected in of(EXPECTATIONS), body in of(BODIES)) {
        inputs::expectation(&expected, body.as_bytes());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn names_of_processes(name in vec(prop_oneof![Just(b')'), Just(b'\n'), Just(b' '), any::<u8>()], 0..20)) {
        inputs::process_name(&name);
    }

    #[test]
    fn services_files(lines in vec(of(FILES), 0..4)) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        inputs::services_file(folder.path(), lines.concat().as_bytes());
        inputs::services_file(folder.path(), format!("[one]\ncommand = [\"x\"]\n{}", lines.concat()).as_bytes());
    }

    #[test]
    fn files_of_variables(text in of(VARIABLES)) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        inputs::env_file(folder.path(), text.as_bytes());
    }

    #[test]
    fn a_record_with_any_byte_changed(at in any::<sample::Index>(), byte in any::<u8>(), cut in prop_oneof![Just(false), any::<bool>()]) {
        let mut text = RECORD.as_bytes().to_vec();
        let at = at.index(text.len());
        text[at] = byte;
        text.truncate(if cut { at } else { text.len() });
        inputs::record(&text);
    }
}

type Property = fn(&[u8]);

/// The targets of the fuzzer and what they do; what `netlink` has is private, and tried beside it.
const FUZZED: &[(&str, Property)] = &[
    ("answer", inputs::answer),
    ("env_file", targets::env_file),
    ("expectation", targets::expectation),
    ("grpc_answer", inputs::grpc_answer),
    ("probe_options", targets::probe_options),
    #[cfg(target_os = "linux")]
    ("process_name", inputs::process_name),
    ("record", inputs::record),
    ("services_file", targets::services_file),
    ("standard_input", inputs::standard_input),
    ("words", targets::words),
];

#[test]
fn what_the_fuzzer_kept() {
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus"));
    for &(target, property) in FUZZED {
        let files = fs::read_dir(corpus.join(target)).unwrap_or_else(|error| panic!("the corpus of {target}: {error}"));
        for file in files {
            let path = file.expect("a folder can be read").path();
            property(&fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }
}

/// The record of a server, as it stands in the state folder.
const RECORD: &str = include_str!("properties/record.json");

#[test]
fn the_record_that_is_changed_is_one() {
    serde_json::from_str::<ServerRecord>(RECORD).expect("it was written by ensure-up");
}

#[test]
fn the_pieces_make_services_files_that_are_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("ensure-up.toml");
    fs::write(&path, "[one]\ncommand = [\"true\"]\nport = 8000\nenv = { A = \"${A:-b}\" }\n")
        .expect("the folder is ours");
    let config = Config::read(&path, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.services.len(), 1);
}
