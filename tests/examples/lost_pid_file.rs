//! A daemon whose PID file is lost, stale, or names somebody else.

use crate::{
    SetUp,
    support::{free_ports, unshare},
};

fn set_up(first: u16) -> Option<SetUp> {
    Some(SetUp::copy("lost-pid-file", &["python3"])?.with("PORT", &first).with("GRPC_PORT", &(first + 1)))
}

#[test]
fn a_daemon_is_known_without_any_file_and_a_look_alike_is_refused() {
    let first = free_ports(2);
    let Some(set_up) = set_up(first) else { return };
    set_up.plays_its_readme(&[("8000", first), ("9000", first + 1)]);
}

#[test]
fn what_answers_with_another_name_is_refused_whichever_way_it_is_asked() {
    let Some(set_up) = set_up(free_ports(2)) else { return };
    for look_alike in ["HTTP_NAME=other", "GRPC_NAME=other"] {
        set_up.stdout(&format!("mkdir -p it; cp daemon.py it; cd it; {look_alike} python3 daemon.py $PORT $GRPC_PORT"));
        assert!(
            set_up.stderr("./ctl start", 4).contains("is held by a program that runs the same command"),
            "{look_alike}"
        );
        set_up.stdout("port-kill --quiet $PORT $GRPC_PORT");
    }
    // by its answers it is known, whatever its folder
    set_up.stdout("cd it; python3 daemon.py $PORT $GRPC_PORT");
    assert!(set_up.stderr("./ctl start", 0).contains("adopted shopd"));
    set_up.stdout("./ctl stop");
}

#[test]
fn a_restart_stops_first_also_with_a_record_that_is_lost_or_stale() {
    let Some(set_up) = set_up(free_ports(2)) else { return };
    set_up.stdout("rm -f daemon.lives; ./ctl start; ./ctl restart; rm -rf \"$ENSURE_UP_DIR\"; ./ctl restart");
    set_up.stdout("kill -KILL $(port-who $PORT); health-wait --quiet port-free:$PORT");
    set_up.stderr("./ctl status", 1);
    assert!(set_up.stderr("./ctl start; ./ctl start; ./ctl stop", 0).contains("started shopd"));
    let lives = set_up.read("daemon.lives");
    let events: Vec<&str> = lives.split_whitespace().filter(|word| word.parse::<u32>().is_err()).collect();
    // the third was killed, and could not say that it ended
    assert_eq!(events, ["begin", "end", "begin", "end", "begin", "begin", "end"], "one at a time: {lives}");
}

/// Another process gets the PID that is on record.
const RECYCLED: &str = r#"
./ctl start
recorded=$(port-who "$PORT")
kill -KILL "$recorded"
while [ -d "/proc/$recorded" ]; do sleep 0.01; done
echo $((recorded - 1)) >/proc/sys/kernel/ns_last_pid
sleep 60 &
innocent=$!
echo "$recorded $innocent"
./ctl status && exit 1
./ctl stop
./ctl start
./ctl restart
./ctl stop
kill -0 "$innocent"
"#;

#[test]
fn a_recorded_pid_that_another_process_has_by_now_is_left_alone() {
    let isolated = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let (Some(set_up), Some(_)) = (set_up(free_ports(2)), unshare(&isolated)) else { return };
    let script = set_up.path("recycled");
    std::fs::write(&script, RECYCLED).expect("the folder is ours");
    let said = set_up.stdout(&format!("unshare {} sh -eu ./recycled", isolated.join(" ")));
    let pids: Vec<&str> = said
        .lines()
        .find(|line| line.starts_with(|first: char| first.is_ascii_digit()))
        .map(|line| line.split(' ').collect())
        .unwrap_or_default();
    assert!(pids.len() == 2 && pids[0] == pids[1], "the PID was not used again: {said}");
}
