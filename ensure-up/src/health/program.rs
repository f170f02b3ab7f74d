//! Programs that listen before they serve: each is asked, beyond a connection, whether it does by now. One is added by a
//! line here, once it was seen to need it: mariadbd, for one, listens last of all.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use proc_tree::{Facts, cli::text, users};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A program that is asked in its own protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// Refuses clients while it recovers, and while it ends. The user who runs it is the role that surely is there: each attempt as
    /// another one is a line in its log.
    Postgres(Option<u32>),
    /// Refuses most commands while it reads its data.
    Redis,
}

/// The programs by name, as their processes are named however they title themselves.
const PROGRAMS: [(&str, Program); 3] =
    [("postgres", Program::Postgres(None)), ("redis-server", Program::Redis), ("valkey-server", Program::Redis)];

/// How long an answer may take; on this machine it takes a millisecond.
const PATIENCE: Duration = Duration::from_secs(1);

/// No answer that matters is longer.
const LONGEST: usize = 4096;

impl Program {
    /// Knows the program that holds a port; where nobody may see that, by what was started.
    pub(crate) fn of<'f>(holders: impl Iterator<Item = &'f Facts>, started: Option<&Path>) -> Option<Self> {
        let mut holders = holders.peekable();
        if holders.peek().is_none() {
            return started.and_then(Self::run_by);
        }
        holders.find_map(|process| {
            let named = Self::named(&process.name).or_else(|| process.executable.as_deref().and_then(Self::run_by))?;
            Some(named.run_as(process.uid))
        })
    }

    fn run_as(self, user: Option<u32>) -> Self {
        match self {
            Self::Postgres(_) => Self::Postgres(user),
            Self::Redis => Self::Redis,
        }
    }

    fn run_by(path: &Path) -> Option<Self> {
        path.file_name()?.to_str().and_then(Self::named)
    }

    fn named(name: &str) -> Option<Self> {
        PROGRAMS.iter().find(|(known, _)| *known == name).map(|(_, program)| *program)
    }

    /// Asks whether it serves; else says why not.
    pub(crate) async fn serves(self, address: SocketAddr) -> Result<(), String> {
        match timeout(PATIENCE, self.exchange(address)).await {
            Ok(Ok(answer)) => self.judge(&answer),
            Ok(Err(error)) => Err(text::os_error(&error)),
            Err(_) => Err("it accepts connections and does not answer".into()),
        }
    }

    async fn exchange(self, address: SocketAddr) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&self.question()).await?;
        let mut answer = Vec::new();
        while !self.is_whole(&answer) && answer.len() < LONGEST && stream.read_buf(&mut answer).await? > 0 {}
        if matches!(self, Self::Postgres(_)) {
            // a client that goes without a word is a line in its log
            let _ = stream.write_all(&postgres::END).await;
            while stream.read_buf(&mut Vec::with_capacity(LONGEST)).await.is_ok_and(|read| read > 0) {}
        }
        Ok(answer)
    }

    fn question(self) -> Vec<u8> {
        match self {
            Self::Postgres(user) => postgres::start(user.and_then(users::name).as_deref().unwrap_or("postgres")),
            Self::Redis => b"PING\r\n".to_vec(),
        }
    }

    fn is_whole(self, answer: &[u8]) -> bool {
        match self {
            Self::Postgres(_) => postgres::message(answer).is_some(),
            Self::Redis => answer.ends_with(b"\n"),
        }
    }

    /// Tells from an answer whether it serves. Whatever it says beside that it does not is for those who may come in.
    fn judge(self, answer: &[u8]) -> Result<(), String> {
        let refusal = match self {
            _ if answer.is_empty() => Some("it closed the connection".into()),
            Self::Postgres(_) => postgres::refusal(answer),
            Self::Redis => answer.strip_prefix(b"-").filter(|error| error.starts_with(b"LOADING")).map(line),
        };
        refusal.map_or(Ok(()), Err)
    }
}

fn line(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).trim_end().to_owned()
}

/// The beginning of a session with postgres:
/// [message formats](https://www.postgresql.org/docs/current/protocol-message-formats.html).
mod postgres {
    use super::line;

    /// Asks to begin a session as this role, in version 3.0 of the protocol.
    pub(super) fn start(role: &str) -> Vec<u8> {
        let words = format!("\0\x03\0\0user\0{role}\0database\0postgres\0\0");
        let length = u32::try_from(words.len() + 4).unwrap_or(u32::MAX).to_be_bytes();
        [&length[..], words.as_bytes()].concat()
    }

    /// Ends it, or the attempt.
    pub(super) const END: [u8; 5] = *b"X\0\0\0\x04";

    /// The error of a server that starts, recovers or ends.
    const CANNOT_CONNECT_NOW: &[u8] = b"57P03";

    /// Returns the kind of the first message, and what is in it, once that is all there.
    pub(super) fn message(answer: &[u8]) -> Option<(u8, &[u8])> {
        let (kind, rest) = answer.split_first()?;
        let length = u32::from_be_bytes(*rest.first_chunk()?);
        Some((*kind, rest.get(4..usize::try_from(length).ok()?)?))
    }

    /// Says why it takes nobody now, if it does not. An error about user, database or encryption is that of one that does.
    pub(super) fn refusal(answer: &[u8]) -> Option<String> {
        let (_, fields) = message(answer).filter(|(kind, _)| *kind == b'E')?;
        let field = |kind| fields.split(|&byte| byte == 0).find_map(|field| field.strip_prefix(&[kind]));
        (field(b'C')? == CANNOT_CONNECT_NOW).then(|| line(field(b'M').unwrap_or(b"it cannot be connected to now")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str) -> Vec<u8> {
        let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
        let length = u32::try_from(fields.len() + 4).expect("a short message").to_be_bytes();
        [b"E", &length[..], fields.as_bytes()].concat()
    }

    #[test]
    fn postgres_is_asked_as_the_user_who_runs_it() {
        let expected = b"\0\0\0\x25\0\x03\0\0user\0root\0database\0postgres\0\0";
        assert_eq!(Program::Postgres(Some(0)).question(), expected);
        assert_eq!(expected.len(), 0x25);
    }

    #[test]
    fn only_that_it_does_not_serve_yet_is_a_refusal() {
        let starting = "the database system is starting up";
        for (program, answer, expected) in [
            (Program::Postgres(None), error("57P03", starting), Err(starting)),
            (Program::Postgres(None), error("28P01", "password authentication failed"), Ok(())),
            (Program::Postgres(None), error("3D000", "database \"postgres\" does not exist"), Ok(())),
            (Program::Postgres(None), error("53300", "sorry, too many clients already"), Ok(())),
            (Program::Postgres(None), b"R\0\0\0\x08\0\0\0\0".to_vec(), Ok(())),
            (Program::Postgres(None), b"HTTP/1.1 400 Bad Request\r\n".to_vec(), Ok(())),
            (Program::Postgres(None), Vec::new(), Err("it closed the connection")),
            (Program::Redis, b"+PONG\r\n".to_vec(), Ok(())),
            (Program::Redis, b"-NOAUTH Authentication required.\r\n".to_vec(), Ok(())),
            (Program::Redis, b"-LOADING Redis is loading\r\n".to_vec(), Err("LOADING Redis is loading")),
        ] {
            assert_eq!(program.judge(&answer), expected.map_err(str::to_owned), "{}", line(&answer));
        }
    }

    #[test]
    fn a_message_is_read_to_its_end() {
        let whole = error("57P03", "starting");
        assert!((0..whole.len()).all(|end| !Program::Postgres(None).is_whole(&whole[..end])));
        assert!(Program::Postgres(None).is_whole(&whole));
    }

    #[test]
    fn a_program_is_known_by_its_name_and_by_nothing_like_it() {
        for (path, known) in [
            ("/usr/lib/postgresql/15/bin/postgres", Some(Program::Postgres(None))),
            ("redis-server", Some(Program::Redis)),
            ("postgres-exporter", None),
            ("/srv/postgres/run", None),
        ] {
            assert_eq!(Program::of([].iter(), Some(Path::new(path))), known, "{path}");
        }
    }
}
