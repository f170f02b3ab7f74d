//! The name of the container behind a port, asked of its runtime's own command.

use std::{
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use proc_tree::{Handle, Identity, handle};

/// How long the runtime may take: a hint is not worth more.
const PATIENCE: Duration = Duration::from_secs(1);

/// Finds the container that publishes a port; `None` where the command is not installed, does not answer, or knows none.
pub(super) fn publishing(port: u16, runtime: &str) -> Option<String> {
    let mut command = Command::new(runtime);
    command.args(["ps", "--format", "{{.Names}}\t{{.Ports}}"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let deadline = Instant::now() + PATIENCE;
    let identity = Identity::of(child.id()).ok().flatten();
    let ended = identity
        .and_then(|identity| Handle::open(identity).ok().flatten())
        .is_none_or(|process| handle::ended(&[&process], Some(deadline)).is_ok_and(|ended| !ended.is_empty()));
    if !ended {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    let mut listed = Vec::new();
    // a descendant of the command that lives on would keep the pipe open: what is there is enough
    if ended {
        child.stdout.take()?.take(1 << 20).read_to_end(&mut listed).ok()?;
    }
    if status.success() { published(&String::from_utf8_lossy(&listed), port) } else { None }
}

/// Finds the container that publishes a port in lines of a name and `0.0.0.0:8000-8001->80-81/tcp, [::]:8000->80/tcp`.
fn published(listed: &str, port: u16) -> Option<String> {
    let publishes = |ports: &str| {
        ports.split(',').filter_map(|one| one.split_once("->")).any(|(here, _)| {
            let range = here.rsplit(':').next().unwrap_or(here).trim();
            let (low, high) = range.split_once('-').unwrap_or((range, range));
            let (low, high) = (low.parse::<u16>(), high.parse::<u16>());
            low.is_ok_and(|low| low <= port) && high.is_ok_and(|high| port <= high)
        })
    };
    let mut rows = listed.lines().filter_map(|line| line.split_once('\t'));
    rows.find(|(_, ports)| publishes(ports)).map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_is_the_one_whose_published_ports_have_this_one_among_them() {
        let listed = "db\t5432/tcp\n\
                      web\t0.0.0.0:8080->80/tcp, [::]:8080->80/tcp\n\
                      many\t0.0.0.0:9000-9003->9000-9003/tcp\n";
        for (port, name) in
            [(8080, Some("web")), (80, None), (5432, None), (9000, Some("many")), (9003, Some("many")), (9004, None)]
        {
            assert_eq!(published(listed, port).as_deref(), name, "{port}");
        }
        assert_eq!(published("Cannot connect to the Docker daemon\n", 80), None);
    }
}
