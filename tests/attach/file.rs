//! A site with a services file.

use std::{fmt::Write, fs};

use crate::{
    site::{Site, fixture},
    support::Tool,
};

/// A service: its name, the fixture's options, its other keys. Its port is the site's and its place in the file.
pub(crate) type Service<'s> = (&'s str, &'s str, &'s str);

/// A site whose folder has a services file.
pub(crate) fn site(services: &[Service<'_>]) -> Site {
    let site = Site::with_ports(8);
    write(&site, services);
    site
}

/// Writes the services file anew.
pub(crate) fn write(site: &Site, services: &[Service<'_>]) {
    let (program, count) = (fixture(), site.word("count"));
    let mut file = String::new();
    for (place, (name, options, keys)) in services.iter().enumerate() {
        let options = options
            .split(' ')
            .filter(|word| !word.is_empty())
            .fold(String::new(), |all, word| all + &format!("{word:?}, "));
        let port = site.port + u16::try_from(place).unwrap();
        writeln!(
            file,
            "[{name}]\ncommand = [{program:?}, \"serve\", \"--count\", {count:?}, {options}\"127.0.0.1:{{port}}\"]\nport = {port}\n{keys}"
        )
        .unwrap();
    }
    fs::write(site.path("ensure-up.toml"), file).unwrap();
}

/// Prepares a run in the site that may say what it likes.
pub(crate) fn run(site: &Site, arguments: &[&str]) -> Tool {
    site.bare().args(arguments).any_stdout().any_stderr()
}
