//! Whose address a request has that came through proxies.
//!
//! Every proxy adds the address that it was asked from at the end of `X-Forwarded-For`; what
//! stands before that may be anybody's invention. So the client is the rightmost address there
//! that is no proxy of ours, and where the peer itself is none, the peer.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue},
    middleware::{self, Next},
    response::Response,
};
use onelastai_access::IpNetwork;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Lets everything after this see the address of the client in place of that of the proxy
/// (as [`ConnectInfo`]), where the peer is one of `proxies`.
pub fn behind(app: Router, proxies: &[IpNetwork]) -> Router {
    if proxies.is_empty() {
        return app;
    }
    let proxies: Arc<[IpNetwork]> = Arc::from(proxies);
    app.layer(middleware::from_fn_with_state(proxies, note))
}

async fn note(
    State(proxies): State<Arc<[IpNetwork]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if let Some(ConnectInfo(peer)) = peer.copied() {
        let client = client(peer.ip(), request.headers(), &proxies);
        if client != peer.ip() {
            // Nobody knows the client's port, and nobody asks for it.
            let client = SocketAddr::new(client, 0);
            request.extensions_mut().insert(ConnectInfo(client));
        }
    }
    next.run(request).await
}

/// The rightmost address that is no proxy of ours; the last proxy where the header has no more,
/// or nothing that is an address.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNetwork]) -> IpAddr {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut hops = lines
        .map(|line| HeaderValue::to_str(line).unwrap_or_default())
        .flat_map(|line| line.rsplit(','));
    // An IPv4 client of a socket for both looks like ::ffff:192.0.2.1.
    let mut address = peer.to_canonical();
    while proxies.iter().any(|network| network.contains(address)) {
        match hops.next().and_then(address_of) {
            Some(hop) => address = hop,
            None => break,
        }
    }
    address
}

/// `192.0.2.1`, `2001:db8::1`, or with a port as some proxies write it.
fn address_of(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = bare.parse::<IpAddr>().ok().or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client of a request from `peer` with these lines, where 10.0.0.0/8 and ::1 are ours.
    fn found(peer: &str, lines: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        let proxies = ["10.0.0.0/8", "::1"].map(|network| network.parse::<IpNetwork>().unwrap());
        client(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(found("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(found("192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
        assert_eq!(found("192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn what_our_own_proxies_wrote_counts_from_the_right() {
        assert_eq!(found("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(found("10.0.0.1", &["1.1.1.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            found("::1", &["1.1.1.1, 203.0.113.9 ,10.0.0.2,10.0.0.3"]),
            "203.0.113.9"
        );
        assert_eq!(
            found("10.0.0.1", &["1.1.1.1", "203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(found("10.0.0.1", &["2001:db8::7"]), "2001:db8::7");
    }

    #[test]
    fn ports_and_mapped_addresses_are_understood() {
        assert_eq!(found("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(found("10.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(found("10.0.0.1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(found("10.0.0.1", &["[2001:db8::7]"]), "2001:db8::7");
        assert_eq!(found("10.0.0.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn what_is_no_address_ends_at_the_last_that_is_known() {
        assert_eq!(found("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &[""]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &["unknown"]), "10.0.0.1");
        assert_eq!(
            found("10.0.0.1", &["1.1.1.1, unknown, 10.0.0.2"]),
            "10.0.0.2"
        );
        assert_eq!(found("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }
}
