//! What the tools spend their time on, each alone: `cargo bench --package ensure-up`. `tests/bench/compare` times the tools themselves.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};

use divan::{Bencher, black_box};
use ensure_up::{Service, service::file::Config};
use health_wait::Target;
use port_who::{PortSpec, Query};
use proc_tree::{Identity, Sampler, process, roots::Root, sample::sampler::Options, selection, usage::memory};

fn main() {
    divan::main();
}

fn own() -> Identity {
    Identity::of(std::process::id()).expect("/proc can be read").expect("we run")
}

#[divan::bench]
fn identity() -> Option<Identity> {
    Identity::of(black_box(std::process::id())).expect("/proc can be read")
}

#[divan::bench]
fn is_running(bencher: Bencher<'_, '_>) {
    let own = own();
    bencher.bench(|| own.is_running());
}

#[divan::bench]
fn every_process() -> usize {
    process::visible().expect("/proc can be read").count()
}

#[divan::bench]
fn memory_of_one() -> Option<u64> {
    memory::of_these(&[std::process::id()]).0.pss
}

#[divan::bench]
fn sample_of_one(bencher: Bencher<'_, '_>) {
    let stat = process::stat(std::process::id()).expect("/proc can be read").expect("we run");
    let mut sampler = Sampler::new(vec![Root::new(&stat)], Options::default()).expect("/proc can be read");
    bencher.bench_local(|| sampler.sample());
}

#[divan::bench(args = [1, 100])]
fn holders(bencher: Bencher<'_, '_>, ports: usize) {
    let held: Vec<TcpListener> =
        (0..ports).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port is free")).collect();
    let port = |socket: &TcpListener| PortSpec::port(socket.local_addr().expect("it is bound").port());
    let query = Query::holders_of(held.iter().map(port).collect());
    bencher.bench(|| port_who::look(&query));
}

#[divan::bench]
fn a_free_port() -> port_who::Free {
    let query = Query::holders_of(vec![black_box("10000-19999").parse().expect("a range")]);
    port_who::free(&query, 1).expect("the tables can be read")
}

#[divan::bench]
fn port_spec() -> PortSpec {
    black_box("127.0.0.1:8000-8099,3000/tcp").parse().expect("ports")
}

#[divan::bench]
fn target() -> Target {
    black_box("http://localhost:8000/health").parse().expect("a target")
}

#[divan::bench(args = [1, 1_000])]
fn standard_input(bencher: Bencher<'_, '_>, lines: usize) {
    let text = "{\"pid\":4711,\"start_id\":123456,\"port\":8000,\"protocol\":\"tcp\"}\n".repeat(lines);
    bencher.bench(|| selection::read(text.as_bytes()));
}

#[divan::bench(args = [1, 10, 100])]
fn services_file(bencher: Bencher<'_, '_>, services: usize) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = file_of(services, folder.path());
    bencher.bench(|| {
        let config = Config::read(&path, None).expect("it is one");
        config.services.into_iter().flat_map(Service::try_from).count()
    });
}

/// Writes a services file of so many, each with what is common in one.
fn file_of(services: usize, folder: &Path) -> PathBuf {
    let service = |number: usize| {
        format!(
            "[s{number}]\ncommand = [\"serve\", \"--port\", \"{{port}}\"]\nport = {}\nhealth = \"/health\"\nkeep_up = true\n\
             env = {{ NAME = \"${{HOME:-none}}\" }}\n",
            10_000 + number
        )
    };
    let path = folder.join("ensure-up.toml");
    fs::write(&path, (0..services).map(service).collect::<String>()).expect("the folder is ours");
    path
}
