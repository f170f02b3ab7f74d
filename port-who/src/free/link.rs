//! The links on which this machine has an address that is unique on its link only (`fe80::/10`, RFC 4291): a socket is bound to
//! such an address together with its link.

use std::net::Ipv6Addr;

/// Returns the links that have this address, by their index; none where the system does not tell.
#[cfg(target_os = "linux")]
pub(super) fn of(address: Ipv6Addr) -> Vec<u32> {
    // a machine without IPv6 has no such table, and no such address
    listed(&std::fs::read_to_string("/proc/thread-self/net/if_inet6").unwrap_or_default(), address)
}

/// Type-checked from Linux, never run.
#[cfg(target_os = "macos")]
pub(super) fn of(_address: Ipv6Addr) -> Vec<u32> {
    Vec::new()
}

/// Reads lines of an address, the index of its link and more, in hexadecimal digits: `/proc/net/if_inet6` in proc_pid_net(5).
#[cfg(target_os = "linux")]
fn listed(text: &str, address: Ipv6Addr) -> Vec<u32> {
    let link = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let here = u128::from_str_radix(words.next()?, 16).ok()?;
        let index = u32::from_str_radix(words.next()?, 16).ok()?;
        (here == u128::from(address)).then_some(index)
    };
    text.lines().filter_map(link).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_on_each_link_that_has_it() {
        let text = "00000000000000000000000000000001 01 80 10 80       lo\n\
                    fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n\
                    fe8000000000000000fc00fffe000001 1f 40 20 80 docker0\n\
                    nonsense\n";
        for (address, links) in [("fe80::fc:ff:fe00:1", &[4, 31][..]), ("::1", &[1]), ("fe80::1", &[])] {
            assert_eq!(listed(text, address.parse().expect("an address")), links, "{address}");
        }
    }
}
