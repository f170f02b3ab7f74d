//! Liveness: a server that was ready and does not answer any more hangs, and that counts as a crash.

use std::{cell::Cell, rc::Rc, time::Duration};

use tokio::time::sleep;

use super::memory;
use crate::{
    Failure, Port, ReadyError, Service,
    health::{Asked, Prober},
    server::port as listening,
    service::target::Site,
};

/// How often a server is probed, unless an interval was asked for.
const PROBE: Duration = Duration::from_secs(1);

/// Returns once so many probes in a row have failed; says how the last one did. The connections
/// that they make are counted.
pub(super) async fn unhealthy(service: &Service, port: Option<Port>, most: u32, asked: Rc<Cell<u64>>) -> String {
    let interval = service.spec.probe.interval.unwrap_or(PROBE);
    let mut prober = Prober::new(&service.spec.probe);
    let mut failed = 0;
    loop {
        sleep(interval).await;
        failed = match probe(service, port, &mut prober, &asked).await {
            Ok(None) => 0,
            Ok(Some(why)) if failed + 1 >= most => return format!("was unhealthy {most} times in a row: {why}"),
            Ok(Some(_)) => failed + 1,
            // that it cannot be asked tells nothing about it
            Err(_) => failed,
        };
        // what a probe needs is more than half of what is resident then; read again too often, it would cost more
        if interval >= PROBE {
            memory::give_back();
        }
    }
}

/// Tells why it is not healthy. Whose the port is was told when the server became ready: to ask that again each time would
/// mean to look at all processes.
async fn probe(
    service: &Service,
    port: Option<Port>,
    prober: &mut Prober,
    asked: &Cell<u64>,
) -> Result<Option<String>, Failure> {
    let sockets = port.map_or(Ok(Vec::new()), listening::sockets).map_err(ReadyError::from)?;
    let listener = listening::usual(sockets.iter().map(|socket| socket.local));
    if port.is_some() && listener.is_none() {
        return Ok(Some("nothing listens on the port".into()));
    }
    let health = service.health(port);
    // that it accepts will do: a database that recovers does not hang
    let folder = service.id.folder.as_path();
    let site = Site { health: &health, folder, port, listener, program: None, deserted: None, has_stranger: false };
    let question = site.question().map_err(ReadyError::from)?;
    asked.set(asked.get() + question.connections(port) as u64);
    Ok(match prober.ask(&question).await.map_err(ReadyError::from)? {
        Asked::Healthy => None,
        Asked::Not(why) | Asked::Failed(why) => Some(why),
    })
}
