//! What servers use: measured, for all of them at once.

use std::{thread, time::Duration};

use proc_tree::{Facts, Sampler, process, roots::Root, sample::sampler::Options, usage::memory::Choice};

use super::server_status::ServerStatus;
use crate::Failure;

/// How long CPU is measured.
const INTERVAL: Duration = Duration::from_millis(100);

/// Fills in what the servers that run use, and for how long they have run.
pub(super) fn measure(servers: &mut [ServerStatus]) -> Result<(), Failure> {
    let failed = || Failure::system("measure what the servers use");
    let mut roots = Vec::new();
    for server in servers.iter_mut() {
        let Some(identity) = server.identity else { continue };
        server.uptime = Facts::of(identity.pid).ok().flatten().map(|facts| facts.uptime());
        roots.extend(process::stat(identity.pid).map_err(failed())?.map(|stat| Root::new(&stat)));
    }
    roots.sort_unstable_by_key(|root: &Root| root.identity);
    roots.dedup_by_key(|root| root.identity);
    if roots.is_empty() {
        return Ok(());
    }
    let options = Options { memory: Choice::Auto, session: true, ..Options::default() };
    let mut sampler = Sampler::new(roots, options).map_err(failed())?;
    thread::sleep(INTERVAL);
    for record in sampler.sample().map_err(failed())? {
        // what was adopted in one folder may have been started in another
        for server in servers.iter_mut().filter(|server| server.identity == record.identity()) {
            server.cpu_percent = record.figures.cpu_percent;
            server.memory = record.figures.memory_bytes.map(|bytes| (bytes, record.figures.memory_measure));
        }
    }
    Ok(())
}
