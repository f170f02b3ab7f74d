//! Wherever a user calls from, the same records, locks and logs are found: one server, one answer.

use std::fs;

use crate::{
    folders::Fallback,
    home::Home,
    site::{Line, line},
    support::{Output, is_root_or_skipped},
};

/// The surroundings of a call, each with its name.
fn surroundings(home: &Home) -> Vec<(&'static str, Vec<String>)> {
    let at = |variable: &str, folder: &str| format!("{variable}={}", home.site.word(folder));
    vec![
        ("login", vec![at("HOME", "home"), at("XDG_RUNTIME_DIR", "run"), "USER=dev".into(), "TERM=xterm".into()]),
        ("cron", vec![at("HOME", "home"), "LOGNAME=dev".into(), "SHELL=/bin/sh".into()]),
        ("no HOME", vec![]),
        ("an empty HOME", vec!["HOME=".into()]),
        ("another HOME", vec![at("HOME", "tmp")]),
        ("root's HOME", vec!["HOME=/root".into(), "SUDO_USER=root".into(), "SUDO_UID=0".into()]),
        ("another TMPDIR", vec![at("HOME", "home"), at("TMPDIR", "tmp")]),
        ("another state folder", vec![at("HOME", "home"), at("XDG_STATE_HOME", "tmp"), at("XDG_CACHE_HOME", "tmp")]),
    ]
}

impl Home {
    fn ask(&self, variables: &[String], arguments: &[&str]) -> Output {
        self.run(variables, arguments).run()
    }

    fn start(&self, variables: &[String]) -> Line {
        let words = self.serve(&["--json"]);
        line(&self.ask(variables, &words.iter().map(String::as_str).collect::<Vec<_>>()))
    }
}

fn running(output: &Output) -> (Option<u64>, Option<bool>) {
    let records = output.records();
    let [record] = records.as_slice() else { panic!("not one server: {records:?}") };
    (record["pid"].as_u64(), record["healthy"].as_bool())
}

#[test]
fn every_environment_finds_the_server_that_another_one_started() {
    let Some(home) = Home::with("true") else { return };
    let all = surroundings(&home);
    let port = home.site.port.to_string();
    for (number, (starter, variables)) in all.iter().enumerate() {
        let first = home.start(variables);
        assert_eq!((first.action.as_str(), home.site.alive().len()), ("started", 1), "{starter}");
        assert_eq!(first.log.as_deref().and_then(std::path::Path::parent), Some(&*home.state()), "{starter}");
        let others = [1, 2, 3].map(|ahead| &all[(number + ahead) % all.len()]);
        for (other, variables) in others {
            let again = home.start(variables);
            assert_eq!((again.action.as_str(), again.pid), ("reused", first.pid), "{starter}, then {other}");
        }
        let (last, variables) = others[number % 3];
        let status = running(&home.ask(variables, &["--status", "--json", &port]));
        assert_eq!(status, (first.pid.map(u64::from), Some(true)), "{starter}, then {last}");
        home.ask(variables, &["--stop", &port]);
        assert!(home.site.alive().is_empty(), "{starter}, then {last}");
    }
    assert_eq!(home.site.started().len(), all.len());
    for folder in ["run", "tmp", "other"] {
        assert_eq!(fs::read_dir(home.site.path(folder)).unwrap().count(), 0, "{folder}");
    }
}

#[test]
fn sudo_with_roots_home_meets_the_users_own_calls() {
    let Some(home) = Home::with("true") else { return };
    let words = home.serve(&["--json"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(tool) = home.sudo(&words) else { return };
    let first = line(&tool.run());
    assert_eq!(first.action, "started");
    let second = home.start(&surroundings(&home)[0].1);
    assert_eq!((second.action.as_str(), second.pid), ("reused", first.pid));
    let port = home.site.port.to_string();
    home.sudo(&["--stop", &port]).expect("it was there").run();
    assert!(home.site.alive().is_empty());
}

#[test]
fn callers_in_different_environments_at_once_start_one() {
    let Some(home) = Home::with("true") else { return };
    let all = surroundings(&home);
    let lines: Vec<Line> = std::thread::scope(|scope| {
        let calls: Vec<_> = all.iter().map(|(_, variables)| scope.spawn(|| home.start(variables))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(home.site.started().len(), 1, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.action == "started").count(), 1, "{lines:?}");
}

#[test]
fn only_its_own_variable_moves_the_place() {
    let Some(home) = Home::with("true") else { return };
    let moved = [format!("ENSURE_UP_DIR={}", home.site.word("tmp/moved"))];
    assert_eq!(home.start(&moved).action, "started");
    assert!(crate::site::has_file(&home.site.path("tmp/moved"), home.site.port, ".json"));
    assert!(!home.site.path("home/.local").exists());
}

#[test]
fn on_a_disk_that_is_full_it_is_an_error_and_no_other_place() {
    // one inode: the folder itself
    let Some(home) = Home::with("mount -t tmpfs -o nr_inodes=1,mode=0777 none home && chown --reference=. home") else {
        return;
    };
    let words = home.serve(&[]);
    let output = home.run(&[], &words.iter().map(String::as_str).collect::<Vec<_>>()).status(125).run();
    let said = "ensure-up: cannot make the folder ~/.local/state/ensure-up: no space left on device\n";
    assert_eq!(output.stderr, said);
    assert!(home.site.started().is_empty());
}

#[test]
fn a_place_at_home_that_is_not_the_users_alone_is_refused() {
    let Some(home) = Home::with("mkdir -p home/.local/state/ensure-up && chmod 777 home/.local/state/ensure-up") else {
        return;
    };
    let output = home.run(&[], &["--status"]).status(125).run();
    let said = "ensure-up: refusing the folder ~/.local/state/ensure-up: ";
    assert!(output.stderr.starts_with(said), "{}", output.stderr);
}

#[test]
fn with_a_home_on_a_disk_that_is_read_only_it_is_the_fallback() {
    if !is_root_or_skipped() {
        return;
    }
    let empty = "mount -t tmpfs -o mode=0755 none home && chown --reference=. home";
    for mounts in
        [empty, &format!("{empty} && mkdir -p home/.local/state/ensure-up && chown -R --reference=. home/.local")]
    {
        let Some(home) = Home::with(&format!("{mounts} && mount -o remount,ro home")) else { return };
        let fallback = Fallback::of(home.uid);
        let words = home.serve(&["--json"]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let first = home.ask(&[], &words);
        assert_eq!(line(&first).action, "started");
        let note = format!(
            "note: ~/.local/state/ensure-up cannot be written to: records and logs are in {}\n",
            fallback.0.display()
        );
        assert!(first.stderr.ends_with(&note), "{}", first.stderr);
        assert!(crate::site::has_file(&fallback.0, home.site.port, ".json"));
        let again = home.ask(&surroundings(&home)[0].1, &words);
        assert_eq!((line(&again).action.as_str(), again.stderr.contains("note: ")), ("reused", false));
    }
}

#[test]
fn for_an_account_without_a_home_of_its_own_it_is_the_fallback_and_that_is_told() {
    if !is_root_or_skipped() {
        return;
    }
    for (mounts, why) in [("chown 0 home", "is not this account's own folder"), ("rmdir home", "has no home folder")] {
        let Some(home) = Home::with(mounts) else { return };
        let fallback = Fallback::of(home.uid);
        let words = home.serve(&["--json"]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let first = home.ask(&[], &words);
        assert_eq!(line(&first).action, "started");
        let note = format!("{why}: records and logs are in {}\n", fallback.0.display());
        assert!(first.stderr.ends_with(&note), "{}", first.stderr);
    }
}
