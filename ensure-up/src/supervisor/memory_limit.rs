//! Whether a server uses more memory than it may. The resident set is read, which costs microseconds; what processes share
//! is parted between them, as proc-tree does, only when that is too much.

use std::time::Duration;

use proc_tree::{Identity, Stat, cli::size, tree, usage::memory};
use tokio::time::sleep;

/// How often it is looked at.
const PAUSE: Duration = Duration::from_secs(5);

/// The same near the limit.
const NEAR: Duration = Duration::from_secs(1);

/// Returns once the server of these processes uses more than this; says how much.
pub(super) async fn exceeded(limit: u64, roots: Vec<Identity>) -> String {
    let mut pause = NEAR;
    loop {
        sleep(pause).await;
        let pids = pids(&roots);
        let Some(resident) = memory::resident_of_these(&pids) else { continue };
        pause = if resident >= limit / 5 * 4 { NEAR } else { PAUSE };
        if resident <= limit {
            continue;
        }
        let (used, measure) = memory::of_these(&pids);
        if let Some(used) = used.by(measure).filter(|&used| used > limit) {
            return format!("used {} ({}), more than {}", size::display(used), measure.name(), size::display(limit));
        }
    }
}

/// Lists the processes of the server: what descends from these, and from this process, which its orphans come to.
fn pids(roots: &[Identity]) -> Vec<u32> {
    let own = std::process::id();
    let mut all: Vec<Stat> = tree::members(own).unwrap_or_default();
    all.retain(|member| member.pid != own);
    for root in roots {
        let members = tree::members(root.pid).unwrap_or_default();
        if members.first().is_some_and(|first| first.identity() == *root) {
            all.extend(members);
        }
    }
    proc_tree::ascending(all.into_iter().map(|member| member.pid))
}
