//! Where nobody is led: a registry that names another address must not make us speak to what only we can reach.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Finds addresses, and leaves out those that a stranger must not lead us to.
pub(crate) struct Outside;

impl Outside {
    /// As what the HTTP client takes.
    pub fn resolver() -> Arc<dyn Resolve> {
        Arc::new(Self)
    }
}

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let outside: Vec<_> = found.into_iter().filter(|address| is_outside(address.ip())).collect();
            if outside.is_empty() {
                let problem = format!("`{host}` has no public address, and a public registry does not lead there");
                return Err(io::Error::other(problem).into());
            }
            Ok(Box::new(outside.into_iter()) as Addrs)
        })
    }
}

/// Whether anybody could reach the address: not this machine, not its network, not what clouds put beside it.
pub(crate) fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let reserved = a == 0 || a >= 240 || (a == 192 && b == 0) || (a == 198 && matches!(b, 18 | 19));
            !(v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_multicast() || shared || reserved)
        }
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => is_outside(v4),
            None => {
                let first = v6.segments()[0];
                let local = (first & 0xfe00) == 0xfc00 || (first & 0xffc0) == 0xfe80 || (first & 0xffc0) == 0xfec0;
                !(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || local)
            }
        },
    }
}

/// The IPv4 address that an IPv6 address stands for.
fn embedded(v6: Ipv6Addr) -> Option<IpAddr> {
    let [a, b, .., y, z] = v6.segments();
    let translated = a == 0x64 && b == 0xff9b;
    let tunnelled = a == 0x2002;
    let of = |high: u16, low: u16| {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::from([w, x, y, z])
    };
    match v6.to_ipv4_mapped() {
        Some(v4) => Some(v4.into()),
        None if translated => Some(of(y, z)),
        None if tunnelled => Some(of(b, v6.segments()[2])),
        None => None,
    }
}

/// Whether the address is written as a number that nobody is led to.
pub(crate) fn is_inside_literal(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| !is_outside(address))
}

#[cfg(test)]
mod tests {
    use super::is_outside;

    #[test]
    fn nobody_is_led_inside() {
        for (address, expected) in [
            ("93.184.216.34", true),
            ("2606:2800:220:1::1", true),
            ("127.0.0.1", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:93.184.216.34", true),
            ("64:ff9b::a9fe:a9fe", false),
            ("2002:7f00:1::", false),
        ] {
            assert_eq!(is_outside(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
