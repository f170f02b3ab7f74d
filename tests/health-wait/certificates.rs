//! TLS: which certificates are trusted, and what is wrong with the others.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::rustls::{
    ALL_VERSIONS, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::TLS12,
};

use super::{
    health_wait,
    server::{Server, answer, read_head},
};
use crate::support::{free_port, installed, skipped};

/// An authority, in a folder of its own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
    folder: tempfile::TempDir,
}

/// A certificate and its key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    pem: String,
}

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "test authority");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    fs::write(&file, certificate.pem()).expect("a file");
    Authority { issuer: Issuer::new(params, key), file, folder }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, "test server");
    params
}

fn issued(authority: &Authority, params: &CertificateParams) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &authority.issuer).expect("a certificate");
    Identity { chain: vec![certificate.der().clone()], key: key.serialize_der(), pem: certificate.pem() }
}

pub(crate) fn self_signed(params: &CertificateParams) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    Identity { chain: vec![certificate.der().clone()], key: key.serialize_der(), pem: certificate.pem() }
}

pub(crate) fn config(identity: Identity, protocol: &[u8]) -> Arc<ServerConfig> {
    config_of(identity, protocol, ALL_VERSIONS)
}

fn config_of(identity: Identity, protocol: &[u8], versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::try_from(identity.key).expect("a key");
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
    let mut config = builder.with_no_client_auth().with_single_cert(identity.chain, key).expect("a certificate");
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

/// Serves HTTPS.
fn serve(identity: Identity) -> Server {
    serve_with(config(identity, b"http/1.1"))
}

fn serve_with(config: Arc<ServerConfig>) -> Server {
    Server::start("127.0.0.1:0", move |stream| {
        let session = ServerConnection::new(Arc::clone(&config)).expect("a session");
        let mut stream = StreamOwned::new(session, stream);
        if !read_head(&mut stream).is_empty() {
            let _ = stream.write_all(&answer("200 OK", "secure"));
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    })
}

fn url(server: &Server) -> String {
    format!("https://localhost:{}/", server.port())
}

/// Expects that a server is not trusted, for this reason.
fn refused(server: &Server, arguments: &[&str], reason: &str) {
    let said = format!("health-wait: {} is not healthy: {reason}\n", url(server));
    health_wait().args(["--once", &url(server)]).args(arguments).status(1).stderr(said).run();
}

#[test]
fn a_certificate_is_trusted_through_its_authority_or_not_at_all() {
    let authority = authority();
    let server = serve(issued(&authority, &params(&["localhost", "127.0.0.1"])));
    let trusted = format!("--cacert={}", authority.file.display());
    health_wait().args([&trusted, "--expect-body=secure", &url(&server)]).run();
    health_wait().args([&trusted, &format!("https://127.0.0.1:{}/", server.port())]).run();
    health_wait().args(["--insecure", &url(&server)]).run();
    // the system's authorities, which an environment variable can replace as for every other client
    health_wait().env("SSL_CERT_FILE", &authority.file).arg(url(&server)).run();
    refused(&server, &[], "certificate signed by an unknown authority");
}

#[test]
fn a_server_that_speaks_tls_1_2_alone_is_checked_as_well() {
    let authority = authority();
    let identity = issued(&authority, &params(&["localhost"]));
    let server = serve_with(config_of(identity, b"http/1.1", &[&TLS12]));
    health_wait()
        .args([&format!("--cacert={}", authority.file.display()), "--expect-body=secure", &url(&server)])
        .run();
    health_wait().args(["--insecure", "--expect-body=secure", &url(&server)]).run();
    refused(&server, &[], "certificate signed by an unknown authority");
}

#[test]
fn every_fault_of_a_certificate_has_its_own_reason() {
    let authority = authority();
    let trusted = format!("--cacert={}", authority.file.display());
    let mut expired = params(&["localhost"]);
    (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 2, 1));
    let mut early = params(&["localhost"]);
    (early.not_before, early.not_after) = (date_time_ymd(3000, 1, 1), date_time_ymd(3001, 1, 1));
    for (params, reason) in [
        (expired, "certificate expired"),
        (early, "certificate not valid yet"),
        (params(&["example.com", "b.test"]), "certificate is for another host: example.com, b.test, not localhost"),
    ] {
        let server = serve(issued(&authority, &params));
        refused(&server, &[&trusted], reason);
        health_wait().args(["--once", "--insecure", &url(&server)]).run();
    }
    refused(&serve(self_signed(&params(&["localhost"]))), &[&trusted], "certificate is self-signed");
}

#[test]
fn a_self_signed_certificate_can_be_trusted_by_itself_for_its_own_name() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        for (name, reason) in
            [("localhost", None), ("other.test", Some("certificate is for another host: other.test, not localhost"))]
        {
            let mut params = params(&[name]);
            params.is_ca = is_ca;
            let identity = self_signed(&params);
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("own.pem");
            fs::write(&file, &identity.pem).expect("a file");
            let trusted = format!("--cacert={}", file.display());
            let server = serve(identity);
            match reason {
                None => drop(health_wait().args([&trusted, &url(&server)]).run()),
                Some(reason) => refused(&server, &[&trusted], reason),
            }
            refused(&server, &[], "certificate is self-signed");
        }
    }
}

#[test]
fn a_server_without_tls_is_called_so() {
    let server = Server::answering("400 Bad Request", "");
    refused(&server, &["--attempt-timeout=500ms"], "no TLS handshake within 500 ms");
    let server = Server::start("127.0.0.1:0", |mut stream| {
        let _ = std::io::Read::read(&mut stream, &mut [0; 64]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        super::server::until_closed(&mut stream);
    });
    refused(&server, &[], "the server does not speak TLS");
}

#[test]
fn a_redirect_from_http_to_https_is_checked_as_well() {
    let authority = authority();
    let secure = serve(issued(&authority, &params(&["localhost"])));
    let location = url(&secure);
    let server = Server::replying("127.0.0.1:0", move |_| {
        format!("HTTP/1.1 301 Moved Permanently\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    });
    let trusted = format!("--cacert={}", authority.file.display());
    health_wait().args(["--follow", "--expect-body=secure", &trusted, &server.url("/")]).run();
    let said = format!("health-wait: {} is not healthy: certificate signed by an unknown authority\n", server.url("/"));
    health_wait().args(["--once", "--follow", &server.url("/")]).status(1).stderr(said).run();
    drop(authority.folder);
}

#[test]
fn https_goes_through_a_proxy_in_a_tunnel() {
    let authority = authority();
    let secure = serve(issued(&authority, &params(&["far.invalid"])));
    let behind = secure.address;
    let proxy = Server::start("127.0.0.1:0", move |mut stream| {
        let head = read_head(&mut stream);
        if !head.starts_with("CONNECT far.invalid:8443 HTTP/1.1\r\n") || !head.contains("Basic dTpw\r\n") {
            let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
        let mut server = std::net::TcpStream::connect(behind).expect("the server listens");
        let (mut back, mut forth) = (server.try_clone().expect("a copy"), stream.try_clone().expect("a copy"));
        let answers = std::thread::spawn(move || std::io::copy(&mut back, &mut forth));
        let _ = std::io::copy(&mut stream, &mut server);
        let _ = server.shutdown(std::net::Shutdown::Write);
        let _ = answers.join();
    });
    let trusted = format!("--cacert={}", authority.file.display());
    let url = "https://far.invalid:8443/";
    let through = |user: &str| {
        let run = health_wait().env("https_proxy", format!("http://{user}127.0.0.1:{}", proxy.port()));
        run.args(["--once", "--expect-body=secure", &trusted, url])
    };
    through("u:p@").run();
    let said = format!(
        "health-wait: {url} is not healthy: the proxy 127.0.0.1:{}: 407 Proxy Authentication Required\n",
        proxy.port()
    );
    through("").status(1).stderr(said).run();
}

/// Serves what openssl makes: kinds of keys and certificates that the tests' own library knows not.
struct OpenSsl {
    server: std::process::Child,
    url: String,
}

impl OpenSsl {
    /// Starts a server with a certificate and key made by these words; `None` where openssl cannot.
    fn serve(folder: &std::path::Path, request: &[&str], server: &[&str]) -> Option<Self> {
        let (key, certificate) = (folder.join("key.pem"), folder.join("cert.pem"));
        let mut made = openssl(&["req", "-x509", "-nodes", "-subj", "/CN=localhost", "-days", "2"]);
        fs::write(folder.join("plain.cnf"), "[req]\ndistinguished_name=name\n[name]\n").expect("a file");
        made.current_dir(folder).args(request).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
        if !made.status().expect("openssl runs").success() {
            skipped(&format!("openssl cannot make {request:?}"));
            return None;
        }
        let port = free_port();
        let accept = format!("127.0.0.1:{port}");
        let mut command = openssl(&["s_server", "-quiet", "-www", "-accept", &accept]);
        command.arg("-key").arg(key).arg("-cert").arg(certificate).args(server);
        let server = command.spawn().expect("openssl runs");
        let started = Self { server, url: format!("https://127.0.0.1:{port}/") };
        health_wait().args(["-q", "--timeout=10s", &format!(":{port}")]).run();
        Some(started)
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn openssl(words: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn insecure_takes_every_certificate_that_can_be_spoken_to() {
    if installed("openssl").is_none() {
        return;
    }
    for (request, reason) in [
        (&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"][..], "no version, cipher or signature in common"),
        (&["-newkey", "ed448"], "no version, cipher or signature in common"),
        (&["-newkey", "ed25519"], "certificate is self-signed"),
        // without extensions: version 1
        (&["-newkey", "rsa:2048", "-config", "plain.cnf"], "is of a version of X.509 before 3"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(server) = OpenSsl::serve(folder.path(), request, &[]) else { continue };
        health_wait().args(["--once", "--insecure", &server.url]).run();
        let output = health_wait().args(["--once", &server.url]).status(1).any_stderr().run();
        assert!(output.stderr.contains(reason), "{request:?}: {}", output.stderr);
        let is_debug =
            |word: &str| word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase);
        assert!(!output.stderr.split_whitespace().any(is_debug), "{}", output.stderr);
    }
}

#[test]
fn a_server_that_asks_for_a_certificate_is_shown_one() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let Some(server) = OpenSsl::serve(folder.path(), &["-newkey", "rsa:2048"], &["-Verify", "1"]) else { return };
    let own = self_signed(&params(&["client"]));
    let pem = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let key = PrivateKeyDer::try_from(own.key).expect("a key");
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, key.secret_der())
    );
    let (cert, both) = (pem("own.pem", own.pem.clone()), pem("both.pem", format!("{}{key}", own.pem)));
    let key = pem("own.key", key);
    let ask = |given: &[&str]| health_wait().args(["--once", "--insecure", &server.url]).args(given);
    ask(&["--cert", &cert, "--key", &key]).run();
    ask(&["--cert", &both]).run();
    let output = ask(&[]).status(1).any_stderr().run();
    assert!(output.stderr.contains("it asks for a client certificate"), "{}", output.stderr);
    let said = format!("health-wait: cannot use the key in {cert:?}: there is none\n");
    ask(&["--cert", &cert]).status(2).stderr(said).run();
    let another = folder.path().join("key.pem").display().to_string();
    let output = ask(&["--cert", &cert, "--key", &another]).status(2).any_stderr().run();
    assert!(output.stderr.contains("it is not the certificate's"), "{}", output.stderr);
}
