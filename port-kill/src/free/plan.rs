//! What is to be done about a holder: what is known of it goes in, the verdict comes out.

/// What is known of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Evidence {
    /// Whether it is one of those that were asked for.
    pub(super) selected: bool,
    /// Whether it has ended since it was seen.
    pub(super) ended: bool,
    /// Whether it listens on behalf of a container.
    pub(super) forwarder: bool,
    /// Why it must not be signalled, whoever asks for it.
    pub(super) untouchable: Option<&'static str>,
    /// Whether it listens on behalf of units.
    pub(super) service_manager: bool,
    /// Who would start it again.
    pub(super) kept: Kept,
}

/// Who would start a holder again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nobody that is known, or somebody that only the user can ask.
    No,
    /// A supervisor that stops it when it is stopped itself.
    BySupervisor,
    /// Such a one, which must not be signalled.
    ByAncestor,
}

/// What is to be done about a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HolderVerdict {
    /// Stop it.
    Stop,
    /// Stop its supervisor, which stops it.
    StopSupervisor,
    /// Leave it alone: it was not asked for.
    Spare,
    /// There is nothing to stop.
    Gone,
    /// It must not be stopped.
    Refuse(&'static str),
}

/// Judges a holder.
pub(super) fn judge(evidence: Evidence) -> HolderVerdict {
    use HolderVerdict::{Gone, Refuse, Spare, Stop, StopSupervisor};
    let Evidence { selected, ended, forwarder, untouchable, service_manager, kept } = evidence;
    match (untouchable, kept) {
        _ if ended => Gone,
        _ if !selected => Spare,
        _ if forwarder => Refuse("it forwards to a container"),
        (Some(reason), _) => Refuse(reason),
        _ if service_manager => Refuse("it is a service manager"),
        (None, Kept::ByAncestor) => Refuse("its supervisor is an ancestor of this process"),
        (None, Kept::BySupervisor) => StopSupervisor,
        (None, Kept::No) => Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Evidence = Evidence {
        selected: true,
        ended: false,
        forwarder: false,
        untouchable: None,
        service_manager: false,
        kept: Kept::No,
    };

    #[test]
    fn each_kind_of_holder_has_its_verdict() {
        use HolderVerdict::{Gone, Refuse, Spare, Stop, StopSupervisor};
        let ancestor = Some("it is an ancestor of this process");
        for (evidence, verdict) in [
            (PLAIN, Stop),
            (Evidence { selected: false, ..PLAIN }, Spare),
            (Evidence { ended: true, ..PLAIN }, Gone),
            (Evidence { forwarder: true, ..PLAIN }, Refuse("it forwards to a container")),
            (Evidence { untouchable: ancestor, ..PLAIN }, Refuse("it is an ancestor of this process")),
            (Evidence { service_manager: true, ..PLAIN }, Refuse("it is a service manager")),
            (Evidence { kept: Kept::BySupervisor, ..PLAIN }, StopSupervisor),
            (Evidence { kept: Kept::ByAncestor, ..PLAIN }, Refuse("its supervisor is an ancestor of this process")),
        ] {
            assert_eq!(judge(evidence), verdict, "{evidence:?}");
        }
    }

    #[test]
    fn only_a_living_selected_touchable_holder_is_ever_stopped() {
        let both = [false, true];
        let mut combinations = 0;
        for (selected, ended) in both.iter().flat_map(|&one| both.map(|other| (one, other))) {
            for (forwarder, service_manager) in both.iter().flat_map(|&one| both.map(|other| (one, other))) {
                for untouchable in [None, Some("it is this very process")] {
                    for kept in [Kept::No, Kept::BySupervisor, Kept::ByAncestor] {
                        let evidence = Evidence { selected, ended, forwarder, untouchable, service_manager, kept };
                        let may_be = selected && !ended && !forwarder && !service_manager && untouchable.is_none();
                        let verdict = judge(evidence);
                        let stops = matches!(verdict, HolderVerdict::Stop | HolderVerdict::StopSupervisor);
                        assert_eq!(stops, may_be && kept != Kept::ByAncestor, "{evidence:?}: {verdict:?}");
                        assert_eq!(verdict == HolderVerdict::Gone, ended, "{evidence:?}");
                        assert_eq!(verdict == HolderVerdict::Spare, !ended && !selected, "{evidence:?}");
                        combinations += 1;
                    }
                }
            }
        }
        assert_eq!(combinations, 96);
    }
}
