//! Where models are never looked for: the metadata services of clouds, which hand out the
//! machine's own credentials to whoever can make it ask.
//!
//! Other private addresses are no matter: models run there.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Metadata services outside the link-local network: Alibaba Cloud, Azure's WireServer, Oracle
/// Cloud Classic.
const V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// The same for IPv6: AWS, Google Cloud.
const V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];
/// What their names end in.
const NAMES: [&str; 3] = ["metadata.google.internal", "metadata.goog", "instance-data"];

/// Whether `address` is, or stands for, that of a metadata service. All of 169.254.0.0/16 counts
/// (RFC 3927): every cloud has something there, and a model has no reason to be.
#[must_use]
pub fn is_metadata_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || V4.contains(&address),
        IpAddr::V6(address) => {
            V6.contains(&address)
                || embedded(address).is_some_and(|v4| is_metadata_address(v4.into()))
        }
    }
}

/// The IPv4 address inside an IPv6 one: mapped or compatible (RFC 4291, 2.5.5), or behind NAT64
/// (RFC 6052).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    }
}

/// Whether `url` names a metadata service, as far as that is seen before a name is looked up. Odd
/// spellings of an address (`0xa9fea9fe`) were made plain when the URL was parsed.
#[must_use]
pub fn is_metadata_url(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_metadata_address(address.into()),
        Some(Host::Ipv6(address)) => is_metadata_address(address.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            NAMES.iter().any(|known| {
                name.strip_suffix(known)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        }
        None => false,
    }
}

/// The system's resolver, without such addresses: whatever a name says by the time a connection
/// is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            allowed(found).map_err(Into::into)
        })
    }
}

fn allowed(found: Vec<SocketAddr>) -> io::Result<Addrs> {
    // One such address among others is enough to distrust the name.
    if found.iter().any(|it| is_metadata_address(it.ip())) {
        return Err(io::Error::other("the name stands for a metadata service"));
    }
    Ok(Box::new(found.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelRouter, ModelSpec, RouterConfig, RouterError};

    #[test]
    fn metadata_services_are_known_however_they_are_written() {
        for url in [
            "http://169.254.169.254/latest",
            "http://169.254.170.2/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://169.254.43518/",
            "http://0251.0376.0251.0376/",
            "http://１６９.254.169.254/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[::169.254.169.254]/",
            "http://[64:ff9b::169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://[fd20:ce::254]/",
            "http://100.100.100.200/",
            "http://user@168.63.129.16/",
            "http://metadata.google.internal/",
            "http://METADATA.google.internal./",
            "http://x.metadata.google.internal/",
        ] {
            assert!(is_metadata_url(&url.parse().unwrap()), "{url}");
        }
    }

    #[test]
    fn private_addresses_are_an_operators_own() {
        for url in [
            "http://127.0.0.1:11434/",
            "http://10.1.2.3/",
            "http://192.168.0.4/",
            "http://[::1]/",
            "http://[fd00::254]/",
            "http://gpu.internal/",
            "http://notmetadata.goog.example/",
            "https://api.example.com/v1",
        ] {
            assert!(!is_metadata_url(&url.parse().unwrap()), "{url}");
        }
    }

    #[test]
    fn no_model_is_looked_for_there() {
        let router = |url: &str| {
            ModelRouter::new(RouterConfig {
                models: vec![ModelSpec::ollama("m", "m:1b", vec![url.parse().unwrap()])],
                ..RouterConfig::default()
            })
        };
        let refused = router("http://[::ffff:169.254.169.254]/v1").unwrap_err();
        assert!(matches!(refused, RouterError::InvalidInstance { .. }));
        assert!(router("http://127.0.0.1:1/").is_ok());
    }

    #[tokio::test]
    async fn other_names_are_looked_up_as_ever() {
        let name = "localhost".parse().unwrap();
        let found: Vec<_> = Resolver.resolve(name).await.unwrap().collect();
        assert!(!found.is_empty() && found.iter().all(|it| it.ip().is_loopback()));
    }

    #[test]
    fn a_name_that_stands_for_one_is_not_followed() {
        let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 0);
        assert!(allowed(vec![at("10.0.0.1"), at("169.254.169.254")]).is_err());
        assert_eq!(allowed(vec![at("10.0.0.1")]).unwrap().count(), 1);
    }
}
